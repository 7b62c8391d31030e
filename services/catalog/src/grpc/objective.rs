//! Objectives of the business: message <-> domain.

use domain::portfolio::Objective;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::standard::Declared;
use servicekit::wire;

use crate::store;

/// The objective that a message describes.
fn read(reader: &mut Reader, message: &pb::BusinessObjective) -> Objective {
    Objective {
        display_name: message.display_name.clone(),
        description: message.description.clone(),
        measure: message.measure.clone(),
        unit: message.unit.clone(),
        target: reader.decimal("target", message.target.as_ref()),
        target_on: reader.date("target_date", message.target_date.as_ref()),
        owner: message.owner.clone(),
        parent: message.parent.clone(),
        illustrative: message.illustrative,
    }
}

/// The message of an objective, without what every resource has.
fn show(objective: &Objective) -> pb::BusinessObjective {
    pb::BusinessObjective {
        display_name: objective.display_name.clone(),
        description: objective.description.clone(),
        measure: objective.measure.clone(),
        unit: objective.unit.clone(),
        target: objective.target.as_ref().map(convert::decimal),
        target_date: objective.target_on.map(wire::date),
        owner: objective.owner.clone(),
        parent: objective.parent.clone(),
        illustrative: objective.illustrative,
        ..pb::BusinessObjective::default()
    }
}

impl Declared for store::Objective {
    type Message = pb::BusinessObjective;
    const MESSAGE: &'static str = "itsm.catalog.v1.BusinessObjective";
    const WORDS: &'static [&'static str] = &["objectives"];

    fn read(reader: &mut Reader, _: &str, message: &pb::BusinessObjective) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::BusinessObjective {
        show(&self.0)
    }

    servicekit::head!();
}
