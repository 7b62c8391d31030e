//! Offerings: message <-> domain.

use domain::portfolio::Offering;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::standard::Declared;
use servicekit::wire;

use crate::store;

/// The offering that a message describes.
fn read(reader: &mut Reader, message: &pb::Offering) -> Offering {
    Offering {
        display_name: message.display_name.clone(),
        description: message.description.clone(),
        request_form: message.request_form.as_ref().map(wire::parse_struct),
        fulfilment_process: message.fulfilment_process.clone(),
        unit_price: reader.amount("unit_price", message.unit_price.as_ref()),
        approval_policy: reader.approval_policy("approval_policy", message.approval_policy.as_ref()),
    }
}

/// The message of an offering, without what every resource has.
fn show(offering: &Offering) -> pb::Offering {
    pb::Offering {
        display_name: offering.display_name.clone(),
        description: offering.description.clone(),
        request_form: offering.request_form.clone().map(wire::json_struct),
        fulfilment_process: offering.fulfilment_process.clone(),
        unit_price: offering.unit_price.as_ref().map(convert::amount),
        approval_policy: offering.approval_policy.as_ref().map(convert::approval_policy),
        ..pb::Offering::default()
    }
}

impl Declared for store::Offering {
    type Message = pb::Offering;
    const MESSAGE: &'static str = "itsm.catalog.v1.Offering";
    const WORDS: &'static [&'static str] = &["services", "offerings"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Offering) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Offering {
        show(&self.0)
    }

    servicekit::head!();
}
