//! Messages of the contract read field by field into domain types, keeping everything that is wrong with them.
//! Amounts and enums both ways; instants, dates and JSON go out through [`crate::wire`].

use domain::amount::{Amount, Currency, Decimal, Money};
use domain::approval::Policy;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use proto::common::v1 as pb;

use crate::error::{Error, Violation};
use crate::wire;

/// Reads the fields of one message and collects what is wrong with them, each under its path in the request.
///
/// A field that cannot be read comes back empty, and [`Reader::finish`] then fails.
#[derive(Debug, Default)]
pub struct Reader {
    prefix: String,
    found: Vec<Violation>,
}

impl Reader {
    /// Reads fields whose paths begin with `prefix`: `service.`, or empty.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into(), found: Vec::new() }
    }

    /// Objects to a field.
    pub fn object(&mut self, field: &str, description: impl Into<String>) {
        self.found.push(Violation::new(format!("{}{field}", self.prefix), description));
    }

    /// Takes over what the domain found. A field that could not even be read is not judged twice.
    pub fn judge(&mut self, found: Vec<domain::violation::Violation>) {
        let unread: Vec<String> = self.found.iter().map(|violation| violation.field.clone()).collect();
        for violation in found {
            if !unread.contains(&format!("{}{}", self.prefix, violation.field)) {
                self.object(&violation.field, violation.message);
            }
        }
    }

    /// The value, or an objection to the field under the prefix.
    fn taken<T>(&mut self, field: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|fault| self.object(field, fault)).ok()
    }

    /// Objects to a field that has to be there and is not.
    pub fn required<T>(&mut self, field: &str, value: Option<T>) -> Option<T> {
        let path = format!("{}{field}", self.prefix);
        if value.is_none() && self.found.iter().all(|violation| !violation.field.starts_with(&path)) {
            self.object(field, "is required: give a value");
        }
        value
    }

    /// An instant.
    pub fn timestamp(&mut self, field: &str, value: Option<&prost_types::Timestamp>) -> Option<Timestamp> {
        self.taken(field, wire::parse_timestamp(value?))
    }

    /// A calendar date.
    pub fn date(&mut self, field: &str, value: Option<&pb::Date>) -> Option<Date> {
        self.taken(field, wire::parse_date(value?))
    }

    /// A length of time.
    pub fn duration(&mut self, field: &str, value: Option<&prost_types::Duration>) -> Option<SignedDuration> {
        self.taken(field, wire::parse_duration(value?))
    }

    /// An exact decimal number, written without an exponent.
    pub fn decimal(&mut self, field: &str, value: Option<&pb::Decimal>) -> Option<Decimal> {
        let text = value?.value.as_str();
        let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-' || byte == b'.');
        let read = Decimal::parse(text).map_err(|fault| fault.to_string()).and_then(|number| {
            if plain { Ok(number) } else { Err(format!("'{text}' has an exponent or a plus: write 1234.50")) }
        });
        self.taken(field, read)
    }

    /// An exact amount in a currency.
    pub fn amount(&mut self, field: &str, value: Option<&pb::Amount>) -> Option<Amount> {
        let value = value?;
        let currency = self.currency(field, &value.currency_code);
        let path = format!("{field}.value");
        let number = self.decimal(&path, value.value.as_ref());
        let number = self.required(&path, number);
        Some(Amount::new(number?, currency?))
    }

    /// An amount in whole minor units.
    pub fn money(&mut self, field: &str, value: Option<&pb::Money>) -> Option<Money> {
        let value = value?;
        let currency = self.currency(field, &value.currency_code)?;
        Some(Money::new(value.minor_units, currency))
    }

    /// Who may decide on an approval.
    pub fn approval_policy(&mut self, field: &str, value: Option<&pb::ApprovalPolicy>) -> Option<Policy> {
        let value = value?;
        Some(Policy {
            roles: value.roles.clone(),
            groups: value.groups.clone(),
            people: value.people.clone(),
            quorum: self.number(&format!("{field}.quorum"), value.quorum),
        })
    }

    fn currency(&mut self, field: &str, code: &str) -> Option<Currency> {
        let read = Currency::parse(code).map_err(|fault| fault.to_string());
        self.taken(&format!("{field}.currency_code"), read)
    }

    /// A value of an enum that has to be stated; `read` is made by [`crate::mirror!`].
    pub fn choice<T>(&mut self, field: &str, number: i32, read: fn(i32) -> Option<T>) -> Option<T> {
        if number == 0 {
            self.object(field, "is not stated: choose a value");
            return None;
        }
        self.optional_choice(field, number, read)
    }

    /// A value of an enum that may be left out.
    pub fn optional_choice<T>(&mut self, field: &str, number: i32, read: fn(i32) -> Option<T>) -> Option<T> {
        if number == 0 {
            return None;
        }
        let value = read(number).ok_or_else(|| format!("{number} is no value of this enum: choose one it lists"));
        self.taken(field, value)
    }

    /// A whole number of a narrower type than the message has: counts, percentages.
    pub fn number<T: TryFrom<i32> + Default>(&mut self, field: &str, number: i32) -> T {
        let read = T::try_from(number).map_err(|_| format!("{number} is out of range: give zero or a little more"));
        self.taken(field, read).unwrap_or_default()
    }

    /// What was found so far.
    pub fn found(&self) -> &[Violation] {
        &self.found
    }

    /// Fails with everything that was found, if anything was.
    pub fn finish(self) -> Result<(), Error> {
        Error::check(self.found)
    }
}

/// Who may decide on an approval, as the contract writes it.
pub fn approval_policy(policy: &Policy) -> pb::ApprovalPolicy {
    pb::ApprovalPolicy {
        roles: policy.roles.clone(),
        groups: policy.groups.clone(),
        people: policy.people.clone(),
        quorum: i32::try_from(policy.quorum).unwrap_or(i32::MAX),
    }
}

/// An exact number as the contract writes it.
pub fn decimal(number: &Decimal) -> pb::Decimal {
    pb::Decimal { value: number.to_string() }
}

/// An exact amount as the contract writes it.
pub fn amount(amount: &Amount) -> pb::Amount {
    pb::Amount { currency_code: amount.currency.to_string(), value: Some(decimal(&amount.value)) }
}

/// An amount in minor units as the contract writes it.
pub fn money(money: Money) -> pb::Money {
    pb::Money { currency_code: money.currency.to_string(), minor_units: money.minor_units }
}

/// Makes a module with `read` (number of the contract to domain; nothing for others) and `show` (the other way) for an
/// enum whose values have the same names on both sides.
#[macro_export]
macro_rules! mirror {
    ($($(#[$doc:meta])* $module:ident: $message:path = $domain:path { $($variant:ident),+ $(,)? })+) => {$(
        $(#[$doc])*
        pub mod $module {
            use $domain as Domain;
            use $message as Message;

            /// The value of that number.
            pub fn read(number: i32) -> Option<Domain> {
                match Message::try_from(number).ok()? {
                    $(Message::$variant => Some(Domain::$variant),)+
                    Message::Unspecified => None,
                }
            }

            /// The number of that value.
            pub fn show(value: Domain) -> i32 {
                match value {
                    $(Domain::$variant => Message::$variant.into(),)+
                }
            }
        }
    )+};
}

#[cfg(test)]
mod tests {
    use super::*;

    fn objections(reader: &Reader) -> Vec<&str> {
        reader.found().iter().map(|violation| violation.field.as_str()).collect()
    }

    #[test]
    fn what_is_wrong_is_named_by_its_path_in_the_request() {
        let mut reader = Reader::new("entry.");
        reader.timestamp("start_time", Some(&prost_types::Timestamp { seconds: 1, nanos: 1 }));
        reader.date("end_date", Some(&pb::Date { year: 2023, month: 2, day: 29 }));
        reader.number::<u8>("count", -1);
        assert_eq!(objections(&reader), ["entry.start_time", "entry.end_date", "entry.count"]);
        assert!(reader.finish().is_err());
    }

    #[test]
    fn a_decimal_has_no_exponent() {
        let mut reader = Reader::default();
        let mut read = |text: &str| {
            reader.decimal("d", Some(&pb::Decimal { value: text.to_owned() })).map(|number| decimal(&number).value)
        };
        assert_eq!(read("-12.50").as_deref(), Some("-12.5"));
        for wrong in ["", "1e3", "+1", "1,5"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn both_halves_of_an_amount_are_judged_at_once() {
        let mut reader = Reader::new("x.");
        let amount = reader.amount("price", Some(&pb::Amount { currency_code: "euro".to_owned(), value: None }));
        assert_eq!(reader.required("price", amount), None);
        assert_eq!(objections(&reader), ["x.price.currency_code", "x.price.value"]);
    }

    #[test]
    fn what_could_not_be_read_is_not_judged_twice() {
        let mut reader = Reader::new("x.");
        let none: Option<Timestamp> = reader.required("end_time", None);
        assert_eq!(none, None);
        reader.judge(vec![
            domain::violation::Violation::new("end_time", "is before the start"),
            domain::violation::Violation::new("pool", "is too long"),
        ]);
        assert_eq!(objections(&reader), ["x.end_time", "x.pool"]);
    }
}
