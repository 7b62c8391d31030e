//! Who holds which role: message <-> domain.

use domain::governance::RoleAssignment;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::Reader;
use servicekit::standard::Declared;
use servicekit::wire;

use crate::store;

/// The assignment that a message describes.
fn read(reader: &mut Reader, message: &pb::RoleAssignment) -> RoleAssignment {
    RoleAssignment {
        display_name: message.display_name.clone(),
        role: message.role.clone(),
        member: message.member.clone(),
        service: message.service.clone(),
        customer: message.customer.clone(),
        start_on: reader.date("start_date", message.start_date.as_ref()),
        end_on: reader.date("end_date", message.end_date.as_ref()),
        illustrative: message.illustrative,
    }
}

/// The message of an assignment, without what every resource has.
fn show(assignment: &RoleAssignment) -> pb::RoleAssignment {
    pb::RoleAssignment {
        display_name: assignment.display_name.clone(),
        role: assignment.role.clone(),
        member: assignment.member.clone(),
        service: assignment.service.clone(),
        customer: assignment.customer.clone(),
        start_date: assignment.start_on.map(wire::date),
        end_date: assignment.end_on.map(wire::date),
        illustrative: assignment.illustrative,
        ..pb::RoleAssignment::default()
    }
}

impl Declared for store::RoleAssignment {
    type Message = pb::RoleAssignment;
    const MESSAGE: &'static str = "itsm.catalog.v1.RoleAssignment";
    const WORDS: &'static [&'static str] = &["roleAssignments"];

    fn read(reader: &mut Reader, _: &str, message: &pb::RoleAssignment) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::RoleAssignment {
        show(&self.0)
    }

    servicekit::head!();
}
