//! Services: message <-> domain.

use domain::portfolio::{Criticality, Service};
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::Reader;
use servicekit::standard::Declared;

use super::enums::{criticality, service_state};

use crate::store;

/// The service that a message describes, in the state it has; new ones begin in the pipeline.
fn read(reader: &mut Reader, message: &pb::Service) -> Service {
    let state = reader.optional_choice("state", message.state, service_state::read);
    Service {
        display_name: message.display_name.clone(),
        description: message.description.clone(),
        line: message.line.clone(),
        owner: message.owner.clone(),
        criticality: reader.choice("criticality", message.criticality, criticality::read).unwrap_or(Criticality::Low),
        utility: message.utility.clone(),
        warranty: message.warranty.clone(),
        depends_on: message.depends_on.clone(),
        objectives: message.objectives.clone(),
        state: state.unwrap_or_default(),
        illustrative: message.illustrative,
    }
}

/// The message of a service, without what every resource has.
fn show(service: &Service) -> pb::Service {
    pb::Service {
        display_name: service.display_name.clone(),
        description: service.description.clone(),
        line: service.line.clone(),
        owner: service.owner.clone(),
        criticality: criticality::show(service.criticality),
        utility: service.utility.clone(),
        warranty: service.warranty.clone(),
        depends_on: service.depends_on.clone(),
        objectives: service.objectives.clone(),
        state: service_state::show(service.state),
        illustrative: service.illustrative,
        ..pb::Service::default()
    }
}

impl Declared for store::Service {
    type Message = pb::Service;
    const MESSAGE: &'static str = "itsm.catalog.v1.Service";
    const WORDS: &'static [&'static str] = &["services"];
    const OUTPUT_ONLY: &'static [&'static str] = &["state"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Service) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, name: &str) -> Vec<Violation> {
        self.0.check(name)
    }

    fn show(&self) -> pb::Service {
        show(&self.0)
    }

    servicekit::head!();
}
