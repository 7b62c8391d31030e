//! Customers: message <-> domain.

use domain::portfolio::Customer;
use domain::violation::Violation;
use proto::catalog::v1 as pb;
use servicekit::convert::Reader;
use servicekit::standard::Declared;

use crate::store;

/// The customer that a message describes.
fn read(_: &mut Reader, message: &pb::Customer) -> Customer {
    Customer {
        display_name: message.display_name.clone(),
        parent: message.parent.clone(),
        business_unit: message.business_unit.clone(),
        lei: message.lei.clone(),
        illustrative: message.illustrative,
    }
}

/// The message of a customer, without what every resource has.
fn show(customer: &Customer) -> pb::Customer {
    pb::Customer {
        display_name: customer.display_name.clone(),
        parent: customer.parent.clone(),
        business_unit: customer.business_unit.clone(),
        lei: customer.lei.clone(),
        illustrative: customer.illustrative,
        ..pb::Customer::default()
    }
}

impl Declared for store::Customer {
    type Message = pb::Customer;
    const MESSAGE: &'static str = "itsm.catalog.v1.Customer";
    const WORDS: &'static [&'static str] = &["customers"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Customer) -> Option<Self> {
        Some(Self(read(reader, message)))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Customer {
        show(&self.0)
    }

    servicekit::head!();
}
