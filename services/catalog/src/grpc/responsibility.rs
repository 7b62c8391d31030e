//! Who answers for which activity: message <-> domain.

use domain::governance::Responsibility;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::Reader;
use servicekit::standard::Declared;

use crate::store;

/// The row that a message describes.
fn read(_: &mut Reader, message: &pb::Responsibility) -> Responsibility {
    Responsibility {
        display_name: message.display_name.clone(),
        process: message.process.clone(),
        activity: message.activity.clone(),
        service: message.service.clone(),
        responsible: message.responsible.clone(),
        accountable: message.accountable.clone(),
        consulted: message.consulted.clone(),
        informed: message.informed.clone(),
        proposed: message.proposed,
        illustrative: message.illustrative,
    }
}

/// The message of a row, without what every resource has.
fn show(row: &Responsibility) -> pb::Responsibility {
    pb::Responsibility {
        display_name: row.display_name.clone(),
        process: row.process.clone(),
        activity: row.activity.clone(),
        service: row.service.clone(),
        responsible: row.responsible.clone(),
        accountable: row.accountable.clone(),
        consulted: row.consulted.clone(),
        informed: row.informed.clone(),
        proposed: row.proposed,
        illustrative: row.illustrative,
        ..pb::Responsibility::default()
    }
}

impl Declared for store::Responsibility {
    type Message = pb::Responsibility;
    const MESSAGE: &'static str = "itsm.catalog.v1.Responsibility";
    const WORDS: &'static [&'static str] = &["responsibilities"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Responsibility) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Responsibility {
        show(&self.0)
    }

    servicekit::head!();
}
