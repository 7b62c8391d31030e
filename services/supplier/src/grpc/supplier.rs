//! Suppliers: message <-> domain.

use domain::contract::Identifier;
use domain::violation::Violation;
use proto::supplier::v1 as pb;
use servicekit::convert::Reader;
use servicekit::standard::Declared;

use super::enums::category;
use crate::store::Supplier;

impl Declared for Supplier {
    type Message = pb::Supplier;
    const MESSAGE: &'static str = "itsm.supplier.v1.Supplier";
    const WORDS: &'static [&'static str] = &["suppliers"];

    fn read(reader: &mut Reader, _: &str, message: &pb::Supplier) -> Option<Self> {
        let identifiers = message.identifiers.iter();
        Some(Self(domain::contract::Supplier {
            display_name: message.display_name.clone(),
            identifiers: identifiers
                .map(|message| Identifier { scheme: message.scheme.clone(), value: message.value.clone() })
                .collect(),
            parent: message.parent.clone(),
            category: reader.optional_choice("category", message.category, category::read),
            manager: message.manager.clone(),
            country_code: message.country_code.clone(),
            illustrative: message.illustrative,
        }))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Supplier {
        let supplier = &self.0;
        let identifiers = supplier.identifiers.iter();
        pb::Supplier {
            display_name: supplier.display_name.clone(),
            identifiers: identifiers
                .map(|Identifier { scheme, value }| pb::SupplierIdentifier {
                    scheme: scheme.clone(),
                    value: value.clone(),
                })
                .collect(),
            parent: supplier.parent.clone(),
            category: supplier.category.map(category::show).unwrap_or_default(),
            manager: supplier.manager.clone(),
            country_code: supplier.country_code.clone(),
            illustrative: supplier.illustrative,
            ..pb::Supplier::default()
        }
    }

    servicekit::head!();
}

#[cfg(test)]
mod tests {
    use servicekit::standard;

    use super::*;

    #[test]
    fn a_supplier_is_the_same_after_a_round_trip() {
        let message = pb::Supplier {
            display_name: "Acme".to_owned(),
            identifiers: vec![pb::SupplierIdentifier { scheme: "ABN".to_owned(), value: "51824753556".to_owned() }],
            parent: "suppliers/acme-group".to_owned(),
            category: pb::SupplierCategory::Tactical.into(),
            manager: "people/ann".to_owned(),
            country_code: "AU".to_owned(),
            illustrative: true,
            ..pb::Supplier::default()
        };
        assert_eq!(standard::read::<Supplier>("", &message).unwrap().show(), message);
    }

    #[test]
    fn a_category_that_does_not_exist_is_refused() {
        let message = pb::Supplier { display_name: "Acme".to_owned(), category: 99, ..pb::Supplier::default() };
        let found = standard::read::<Supplier>("", &message).unwrap_err();
        assert_eq!(found[0].field, "supplier.category");
    }
}
