//! Whom the services depend on, for how much and until when: suppliers, contracts, notice deadlines.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::violation::{self, Violation};

/// Longest notice period that is believed, in days.
const MAX_NOTICE_DAYS: u32 = 3650;

/// How much attention the relation with a supplier needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SupplierCategory {
    /// Shared direction; senior management is involved.
    Strategic,
    /// Significant commercial activity.
    Tactical,
    /// Products or services of operation.
    Operational,
    /// Readily available elsewhere.
    Commodity,
}

impl SupplierCategory {
    /// Every category, the one that needs most attention first.
    pub const ALL: [Self; 4] = [Self::Strategic, Self::Tactical, Self::Operational, Self::Commodity];

    /// The name used in the contract and in the database: `STRATEGIC`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Strategic => "STRATEGIC",
            Self::Tactical => "TACTICAL",
            Self::Operational => "OPERATIONAL",
            Self::Commodity => "COMMODITY",
        }
    }
}

/// An identifier of a supplier in a register outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identifier {
    /// Kind: `LEI`, `EUID`, `ABN`, `VAT`.
    pub scheme: String,
    /// The identifier.
    pub value: String,
}

/// An organisation outside that services depend on. Its name stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supplier {
    /// Name for people.
    pub display_name: String,
    /// Identifiers outside.
    #[serde(default)]
    pub identifiers: Vec<Identifier>,
    /// The supplier this one belongs to: `suppliers/acme-group`. Empty: none.
    #[serde(default)]
    pub parent: String,
    /// How much attention the relation needs. `None`: not decided.
    #[serde(default)]
    pub category: Option<SupplierCategory>,
    /// Person who manages the relation: `people/ann`. Empty: nobody named.
    #[serde(default)]
    pub manager: String,
    /// Country, ISO 3166-1 alpha-2. Empty: not known.
    #[serde(default)]
    pub country_code: String,
    /// Whether the supplier is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl Supplier {
    /// What is wrong with the supplier on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::reference(&mut found, "parent", "suppliers", &self.parent);
        violation::reference(&mut found, "manager", "people", &self.manager);
        for (index, identifier) in self.identifiers.iter().enumerate() {
            let scheme = format!("identifiers[{index}].scheme");
            let value = format!("identifiers[{index}].value");
            violation::required(&mut found, &scheme, &identifier.scheme);
            violation::required(&mut found, &value, &identifier.value);
            violation::lines(&mut found, &[(&scheme, &identifier.scheme), (&value, &identifier.value)]);
            if identifier.scheme == "LEI" && !crate::portfolio::is_lei(&identifier.value) {
                found.push(Violation::new(
                    value,
                    format!("'{}' is no Legal Entity Identifier: check its digits", identifier.value),
                ));
            }
        }
        let country = self.country_code.as_bytes();
        let is_code = country.len() == 2 && country.iter().all(u8::is_ascii_uppercase);
        if !(country.is_empty() || is_code) {
            found.push(Violation::new(
                "country_code",
                format!(
                    "'{}' is no country: write two upper-case letters of ISO 3166-1, such as FR",
                    self.country_code
                ),
            ));
        }
        found
    }
}

/// What happens when a contract ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RenewalPolicy {
    /// It ends.
    Expires,
    /// It goes on unless notice is given.
    Renews,
    /// It can be extended by decision.
    Option,
}

impl RenewalPolicy {
    /// Every policy, in the order of the contract.
    pub const ALL: [Self; 3] = [Self::Expires, Self::Renews, Self::Option];

    /// The name used in the contract and in the database: `EXPIRES`, ….
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expires => "EXPIRES",
            Self::Renews => "RENEWS",
            Self::Option => "OPTION",
        }
    }
}

/// A contract with a supplier. Its name stands beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Name for people.
    pub display_name: String,
    /// Name of the supplier.
    pub supplier: String,
    /// Names of further suppliers under the same contract.
    #[serde(default)]
    pub additional_suppliers: Vec<String>,
    /// Number that the parties use. May be empty.
    #[serde(default)]
    pub reference: String,
    /// Kind, as the register calls it: `Contract`, `Panel`. May be empty.
    #[serde(default)]
    pub contract_type: String,
    /// Part of the organisation that holds it. May be empty.
    #[serde(default)]
    pub owner_unit: String,
    /// Person who answers for it: `people/ann`. Empty: nobody named.
    #[serde(default)]
    pub owner: String,
    /// Life cycle as the register states it: `Current`. May be empty.
    #[serde(default)]
    pub register_status: String,
    /// First day. `None`: not known.
    #[serde(default)]
    pub start_on: Option<Date>,
    /// Last day. `None`: open-ended.
    #[serde(default)]
    pub end_on: Option<Date>,
    /// Days before the end by which notice has to be given. 0: not stated.
    #[serde(default)]
    pub notice_days: u32,
    /// What happens at the end. `None`: not stated.
    #[serde(default)]
    pub renewal_policy: Option<RenewalPolicy>,
    /// Committed amount over the whole term. `None`: not stated.
    #[serde(default)]
    pub committed_amount: Option<Money>,
    /// Names of the services that depend on it.
    #[serde(default)]
    pub services: Vec<String>,
    /// Where the contract is recorded: a link or a file. May be empty.
    #[serde(default)]
    pub source_uri: String,
    /// Where the entry comes from. Empty: entered by hand.
    #[serde(default)]
    pub source: String,
    /// Place in the source, unique with it. Set exactly when the source is.
    #[serde(default)]
    pub source_id: String,
    /// Whether the contract is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl Contract {
    /// What is wrong with the contract on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::required(&mut found, "display_name", &self.display_name);
        violation::required(&mut found, "supplier", &self.supplier);
        violation::texts(
            &mut found,
            &[
                ("display_name", &self.display_name),
                ("contract_type", &self.contract_type),
                ("source_uri", &self.source_uri),
            ],
        );
        violation::lines(
            &mut found,
            &[
                ("reference", &self.reference),
                ("owner_unit", &self.owner_unit),
                ("register_status", &self.register_status),
                ("source", &self.source),
                ("source_id", &self.source_id),
            ],
        );
        violation::reference(&mut found, "supplier", "suppliers", &self.supplier);
        violation::references(&mut found, "additional_suppliers", "suppliers", &self.additional_suppliers);
        violation::reference(&mut found, "owner", "people", &self.owner);
        violation::references(&mut found, "services", "services", &self.services);
        for (index, further) in self.additional_suppliers.iter().enumerate() {
            if *further == self.supplier || self.additional_suppliers[..index].contains(further) {
                found.push(Violation::new(
                    format!("additional_suppliers[{index}]"),
                    format!("{further} stands here twice: name each supplier once"),
                ));
            }
        }
        if let (Some(start), Some(end)) = (self.start_on, self.end_on)
            && end < start
        {
            found.push(Violation::new("end_date", format!("{end} is before the first day {start}: swap or mend them")));
        }
        if self.notice_days > MAX_NOTICE_DAYS {
            found.push(Violation::new("notice_days", format!("is more than {MAX_NOTICE_DAYS}: give days, not hours")));
        }
        violation::source(&mut found, &self.source, &self.source_id);
        found
    }

    /// Last day on which notice can be given: the end less the notice days, or the end itself where no notice is
    /// stated. `None` for an open-ended contract.
    pub fn notice_deadline(&self) -> Option<Date> {
        self.end_on.map(|end| end.saturating_sub(i64::from(self.notice_days).days()))
    }

    /// Whether the contract states a notice period; otherwise its deadline is its end.
    pub fn notice_stated(&self) -> bool {
        self.notice_days > 0
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn contract() -> Contract {
        Contract {
            display_name: "Network".to_owned(),
            supplier: "suppliers/acme".to_owned(),
            start_on: Some(date(2025, 1, 1)),
            end_on: Some(date(2026, 3, 31)),
            notice_days: 90,
            ..Contract::default()
        }
    }

    #[test]
    fn notice_is_due_its_days_before_the_end() {
        assert_eq!(contract().notice_deadline(), Some(date(2025, 12, 31)));
        assert!(contract().notice_stated());
    }

    #[test]
    fn without_a_notice_period_the_end_is_the_deadline() {
        let contract = Contract { notice_days: 0, ..contract() };
        assert_eq!(contract.notice_deadline(), contract.end_on);
        assert!(!contract.notice_stated());
    }

    #[test]
    fn an_open_ended_contract_has_no_deadline() {
        let contract = Contract { end_on: None, ..contract() };
        assert_eq!(contract.notice_deadline(), None);
    }

    #[test]
    fn a_title_may_hold_line_breaks_and_a_reference_not() {
        let mut contract = Contract { display_name: "Panel\n(ICT)".to_owned(), ..contract() };
        assert_eq!(contract.check(), []);
        contract.reference = "47\n11".to_owned();
        assert_eq!(contract.check()[0].field, "reference");
    }

    #[test]
    fn every_wrong_field_of_a_contract_is_named_at_once() {
        let wrong = Contract {
            display_name: String::new(),
            supplier: "acme".to_owned(),
            additional_suppliers: vec!["suppliers/b".to_owned(), "suppliers/b".to_owned()],
            end_on: Some(date(2024, 1, 1)),
            notice_days: 100_000,
            source: "register.csv".to_owned(),
            ..contract()
        };
        let fields: Vec<_> = wrong.check().into_iter().map(|found| found.field).collect();
        assert_eq!(
            fields,
            ["display_name", "supplier", "additional_suppliers[1]", "end_date", "notice_days", "source_id"]
        );
    }

    #[test]
    fn a_country_is_two_capital_letters() {
        let supplier = |country_code: &str| Supplier {
            display_name: "Acme".to_owned(),
            country_code: country_code.to_owned(),
            ..Supplier::default()
        };
        assert_eq!(supplier("AU").check(), []);
        assert_eq!(supplier("").check(), []);
        assert_eq!(supplier("Australia").check()[0].field, "country_code");
    }
}
