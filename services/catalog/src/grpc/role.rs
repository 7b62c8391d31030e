//! Roles: message <-> domain.

use domain::governance::Role;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::Reader;
use servicekit::standard::Declared;

use crate::store;

/// The role that a message describes.
fn read(_: &mut Reader, message: &pb::Role) -> Role {
    Role {
        display_name: message.display_name.clone(),
        purpose: message.purpose.clone(),
        tasks: message.tasks.clone(),
        authorities: message.authorities.clone(),
        illustrative: message.illustrative,
    }
}

/// The message of a role, without what every resource has.
fn show(role: &Role) -> pb::Role {
    pb::Role {
        display_name: role.display_name.clone(),
        purpose: role.purpose.clone(),
        tasks: role.tasks.clone(),
        authorities: role.authorities.clone(),
        illustrative: role.illustrative,
        ..pb::Role::default()
    }
}

impl Declared for store::Role {
    type Message = pb::Role;
    const MESSAGE: &'static str = "itsm.catalog.v1.Role";
    const WORDS: &'static [&'static str] = &["roles"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Role) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Role {
        show(&self.0)
    }

    servicekit::head!();
}
