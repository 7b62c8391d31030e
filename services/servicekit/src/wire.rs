//! Conversions between plain values and the well-known messages: instants, dates, lengths of time, JSON.
//! What comes in is checked as CONTRACT says: nothing finer than microseconds, nothing out of range.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use prost_types::value::Kind;
use proto::common::v1 as common;
use serde_json::{Number, Value};

/// An instant as a message.
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    // Timestamps before 1970 have negative seconds and, unlike jiff's, never negative nanoseconds.
    let nanoseconds = at.as_nanosecond();
    prost_types::Timestamp {
        seconds: i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or_default(),
        nanos: i32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or_default(),
    }
}

/// An instant from a message; the fault says what is wrong with it.
pub fn parse_timestamp(at: &prost_types::Timestamp) -> Result<Timestamp, String> {
    if !(0..1_000_000_000).contains(&at.nanos) {
        return Err("has nanos outside 0 to 999999999".to_owned());
    }
    if at.nanos % 1_000 != 0 {
        return Err("is finer than a microsecond: round it".to_owned());
    }
    Timestamp::new(at.seconds, at.nanos).map_err(|_| "is outside the years -9999 to 9999".to_owned())
}

/// A calendar date as a message.
pub fn date(on: Date) -> common::Date {
    common::Date { year: on.year().into(), month: on.month().into(), day: on.day().into() }
}

/// A calendar date from a message; the fault says what is wrong with it.
pub fn parse_date(on: &common::Date) -> Result<Date, String> {
    let wrong = || format!("{}-{}-{} is not a date", on.year, on.month, on.day);
    let year = i16::try_from(on.year).ok().filter(|year| *year > 0).ok_or_else(wrong)?;
    let month = i8::try_from(on.month).map_err(|_| wrong())?;
    let day = i8::try_from(on.day).map_err(|_| wrong())?;
    Date::new(year, month, day).map_err(|_| wrong())
}

/// A length of time as a message.
pub fn duration(length: SignedDuration) -> prost_types::Duration {
    prost_types::Duration { seconds: length.as_secs(), nanos: length.subsec_nanos() }
}

/// A length of time from a message; the fault says what is wrong with it.
pub fn parse_duration(length: &prost_types::Duration) -> Result<SignedDuration, String> {
    let mixed = (length.seconds > 0 && length.nanos < 0) || (length.seconds < 0 && length.nanos > 0);
    if mixed || length.nanos.abs() >= 1_000_000_000 {
        return Err("has seconds and nanos that do not belong together".to_owned());
    }
    if length.nanos % 1_000 != 0 {
        return Err("is finer than a microsecond: round it".to_owned());
    }
    Ok(SignedDuration::new(length.seconds, length.nanos))
}

/// A JSON object as a message; anything but an object is an empty one.
pub fn json_struct(value: Value) -> prost_types::Struct {
    let fields = match value {
        Value::Object(members) => members.into_iter().map(|(key, value)| (key, json_value(value))).collect(),
        _ => std::collections::BTreeMap::new(),
    };
    prost_types::Struct { fields }
}

fn json_value(value: Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => {
            Kind::ListValue(prost_types::ListValue { values: items.into_iter().map(json_value).collect() })
        }
        object @ Value::Object(_) => Kind::StructValue(json_struct(object)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// A JSON object from a message. Whole numbers come back as integers.
pub fn parse_struct(message: &prost_types::Struct) -> Value {
    Value::Object(message.fields.iter().map(|(key, value)| (key.clone(), parse_value(value))).collect())
}

fn parse_value(message: &prost_types::Value) -> Value {
    match &message.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(*flag),
        Some(Kind::NumberValue(number)) => number_value(*number),
        Some(Kind::StringValue(text)) => Value::String(text.clone()),
        Some(Kind::ListValue(list)) => Value::Array(list.values.iter().map(parse_value).collect()),
        Some(Kind::StructValue(object)) => parse_struct(object),
    }
}

/// Largest whole number up to which a double holds every one.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn number_value(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[allow(clippy::cast_possible_truncation)] // whole, and within 2^53
        return Value::Number((number as i64).into());
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn instants_keep_their_microseconds_before_and_after_1970() {
        for text in ["2016-03-01T08:00:00.000001Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"] {
            let at: Timestamp = text.parse().unwrap();
            let message = timestamp(at);
            assert!(message.nanos >= 0, "{text}");
            assert_eq!(parse_timestamp(&message).unwrap(), at, "{text}");
        }
    }

    #[test]
    fn what_is_finer_than_a_microsecond_is_refused() {
        assert!(parse_timestamp(&prost_types::Timestamp { seconds: 1, nanos: 1 }).is_err());
        assert!(parse_timestamp(&prost_types::Timestamp { seconds: 1, nanos: -1_000 }).is_err());
        assert!(parse_timestamp(&prost_types::Timestamp { seconds: i64::MAX, nanos: 0 }).is_err());
        assert!(parse_duration(&prost_types::Duration { seconds: 1, nanos: 1 }).is_err());
        assert!(parse_duration(&prost_types::Duration { seconds: 1, nanos: -1_000 }).is_err());
    }

    #[test]
    fn only_dates_that_exist_are_dates() {
        let message = |year, month, day| common::Date { year, month, day };
        assert_eq!(parse_date(&message(2024, 2, 29)).unwrap(), Date::constant(2024, 2, 29));
        for wrong in [message(2023, 2, 29), message(0, 1, 1), message(2024, 13, 1), message(2024, 1, 400)] {
            assert!(parse_date(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn json_objects_survive_the_round_trip() {
        let object = json!({ "text": "a", "number": 7, "half": 0.5, "none": null, "list": [true, { "deep": "b" }] });
        assert_eq!(parse_struct(&json_struct(object.clone())), object);
    }
}
