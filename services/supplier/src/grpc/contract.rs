//! Contracts: message <-> domain.

use domain::violation::Violation;
use proto::supplier::v1 as pb;
use servicekit::convert::{self, Reader};
use servicekit::resource::Revisioned;
use servicekit::standard::Declared;
use servicekit::wire;

use super::enums::renewal_policy;
use crate::store::Contract;

impl Declared for Contract {
    type Message = pb::Contract;
    const MESSAGE: &'static str = "itsm.supplier.v1.Contract";
    const WORDS: &'static [&'static str] = &["contracts"];
    const OUTPUT_ONLY: &'static [&'static str] = &["revision", "effective_time"];
    const REVISION_TABLE: Option<&'static str> = Some(Self::REVISIONS);

    fn read(reader: &mut Reader, _: &str, message: &pb::Contract) -> Option<Self> {
        Some(Self(domain::contract::Contract {
            display_name: message.display_name.clone(),
            supplier: message.supplier.clone(),
            additional_suppliers: message.additional_suppliers.clone(),
            reference: message.reference.clone(),
            contract_type: message.contract_type.clone(),
            owner_unit: message.owner_unit.clone(),
            owner: message.owner.clone(),
            register_status: message.register_status.clone(),
            start_on: reader.date("start_date", message.start_date.as_ref()),
            end_on: reader.date("end_date", message.end_date.as_ref()),
            notice_days: reader.number("notice_days", message.notice_days),
            renewal_policy: reader.optional_choice("renewal_policy", message.renewal_policy, renewal_policy::read),
            committed_amount: reader.money("committed_amount", message.committed_amount.as_ref()),
            services: message.services.clone(),
            source_uri: message.source_uri.clone(),
            source: message.source.clone(),
            source_id: message.source_id.clone(),
            illustrative: message.illustrative,
        }))
    }

    fn check(&self, _: &str) -> Vec<Violation> {
        self.0.check()
    }

    fn show(&self) -> pb::Contract {
        let contract = &self.0;
        pb::Contract {
            display_name: contract.display_name.clone(),
            supplier: contract.supplier.clone(),
            additional_suppliers: contract.additional_suppliers.clone(),
            reference: contract.reference.clone(),
            contract_type: contract.contract_type.clone(),
            owner_unit: contract.owner_unit.clone(),
            owner: contract.owner.clone(),
            register_status: contract.register_status.clone(),
            start_date: contract.start_on.map(wire::date),
            end_date: contract.end_on.map(wire::date),
            notice_days: i32::try_from(contract.notice_days).unwrap_or(i32::MAX),
            renewal_policy: contract.renewal_policy.map(renewal_policy::show).unwrap_or_default(),
            committed_amount: contract.committed_amount.map(convert::money),
            services: contract.services.clone(),
            source_uri: contract.source_uri.clone(),
            source: contract.source.clone(),
            source_id: contract.source_id.clone(),
            illustrative: contract.illustrative,
            ..pb::Contract::default()
        }
    }

    servicekit::head!();

    fn show_revision(message: &mut pb::Contract, revision: i32, effective_time: prost_types::Timestamp) {
        message.revision = revision;
        message.effective_time = Some(effective_time);
    }
}

#[cfg(test)]
mod tests {
    use proto::common::v1 as common;
    use servicekit::standard;

    use super::*;

    fn message() -> pb::Contract {
        pb::Contract {
            display_name: "Network".to_owned(),
            supplier: "suppliers/acme".to_owned(),
            additional_suppliers: vec!["suppliers/other".to_owned()],
            reference: "19009".to_owned(),
            contract_type: "Contract".to_owned(),
            owner_unit: "Education Directorate".to_owned(),
            owner: "people/ann".to_owned(),
            register_status: "Current".to_owned(),
            start_date: Some(common::Date { year: 2025, month: 9, day: 15 }),
            end_date: Some(common::Date { year: 2026, month: 10, day: 23 }),
            notice_days: 90,
            renewal_policy: pb::RenewalPolicy::Option.into(),
            committed_amount: Some(common::Money { currency_code: "AUD".to_owned(), minor_units: 5_866_500 }),
            services: vec!["services/network".to_owned()],
            source_uri: "https://example.org/view?id=1".to_owned(),
            source: "register.csv".to_owned(),
            source_id: "1".to_owned(),
            illustrative: true,
            ..pb::Contract::default()
        }
    }

    #[test]
    fn a_contract_is_the_same_after_a_round_trip() {
        assert_eq!(standard::read::<Contract>("", &message()).unwrap().show(), message());
    }

    #[test]
    fn what_cannot_be_read_and_what_is_wrong_are_named_together() {
        let wrong = pb::Contract {
            supplier: String::new(),
            start_date: Some(common::Date { year: 2025, month: 2, day: 29 }),
            notice_days: -1,
            renewal_policy: 9,
            committed_amount: Some(common::Money { currency_code: "dollar".to_owned(), minor_units: 1 }),
            ..message()
        };
        let found = standard::read::<Contract>("", &wrong).unwrap_err();
        let mut fields: Vec<_> = found.iter().map(|violation| violation.field.as_str()).collect();
        fields.sort_unstable();
        assert_eq!(
            fields,
            [
                "contract.committed_amount.currency_code",
                "contract.notice_days",
                "contract.renewal_policy",
                "contract.start_date",
                "contract.supplier"
            ]
        );
    }
}
