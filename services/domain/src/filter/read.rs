//! Times and lengths of time as they are written in filters.

use jiff::{SignedDuration, Timestamp};
use winnow::ascii::digit1;
use winnow::combinator::{alt, eof, opt, preceded};
use winnow::error::EmptyError;
use winnow::prelude::*;
use winnow::stream::Range;
use winnow::token::{one_of, take_while};

use crate::excerpt::excerpt;

/// 0000-01-01T00:00:00Z, the first instant that RFC 3339 can write, in seconds of the Unix epoch.
const FIRST_SECOND: i64 = -62_167_219_200;

/// A piece of text that is only recognised, not read.
type Shape<'a> = Result<&'a str, EmptyError>;

/// Reads an instant of RFC 3339: date, time and offset, at most to the microsecond.
pub(super) fn timestamp(text: &str) -> Result<Timestamp, String> {
    let shown = excerpt(text);
    if (date, eof).parse(text).is_ok() {
        return Err(format!("'{shown}' has no time of day: write {text}T00:00:00Z"));
    }
    let time = (instant, eof).parse(text).ok().and_then(|_| text.parse().ok());
    let time: Timestamp = time
        .ok_or_else(|| format!("'{shown}' is not a time: write date, time and offset, such as 2026-03-01T08:30:00Z"))?;
    if time.subsec_nanosecond() % 1000 != 0 {
        return Err(format!("'{shown}' is finer than a microsecond: leave out the digits beyond six"));
    }
    within_rfc_3339(time).ok_or_else(|| format!("'{shown}' lies before the year 0000: write a later time"))
}

/// Moves an instant; nothing when that leaves the years RFC 3339 can write.
pub(super) fn moved(time: Timestamp, by: SignedDuration) -> Option<Timestamp> {
    time.checked_add(by).ok().and_then(within_rfc_3339)
}

fn within_rfc_3339(time: Timestamp) -> Option<Timestamp> {
    (time.as_second() >= FIRST_SECOND).then_some(time)
}

/// The shape of an instant in RFC 3339, section 5.6.
pub(super) fn instant<'a>(input: &mut &'a str) -> Shape<'a> {
    let time = (digits(2), ':', digits(2), ':', digits(2), opt(('.', digit1)));
    let offset = alt((one_of(['Z', 'z']).void(), (one_of(['+', '-']), digits(2), ':', digits(2)).void()));
    (date, one_of(['T', 't']), time, offset).take().parse_next(input)
}

fn date<'a>(input: &mut &'a str) -> Shape<'a> {
    (digits(4), '-', digits(2), '-', digits(2)).take().parse_next(input)
}

fn digits<'a>(count: impl Into<Range>) -> impl Parser<&'a str, &'a str, EmptyError> {
    take_while(count, |character: char| character.is_ascii_digit())
}

/// Reads `[+|-]number` with `s`, `m`, `h` or `d` behind it; exact, at most to the microsecond.
pub(super) fn duration(text: &str) -> Result<SignedDuration, String> {
    let shown = excerpt(text);
    let not_a_length =
        || format!("'{shown}' is not a length of time: write a number with s, m, h or d, such as 90s or 1.5h");
    let (sign, whole, fraction, unit) = shape(text).ok_or_else(not_a_length)?;
    let second = 1_000_000i128;
    let unit = match unit {
        'd' => 86_400 * second,
        'h' => 3_600 * second,
        'm' => 60 * second,
        _ => second,
    };
    // At most 24 digits and a unit below 2^37, so 128 bits hold the product.
    let scale = 10i128.pow(u32::try_from(fraction.len()).unwrap_or_default());
    let number: i128 = format!("{whole}{fraction}").parse().map_err(|_| not_a_length())?;
    if number * unit % scale != 0 {
        return Err(format!("'{shown}' is finer than a microsecond: leave out the digits beyond it"));
    }
    let micros = i64::try_from(number * unit / scale)
        .map_err(|_| format!("'{shown}' is longer than can be kept: write a shorter time"))?;
    Ok(SignedDuration::from_micros(if sign == Some('-') { -micros } else { micros }))
}

/// Takes a length of time apart: sign, whole part, fraction, unit.
fn shape(text: &str) -> Option<(Option<char>, &str, &str, char)> {
    let sign = opt(one_of(['+', '-']));
    let fraction = opt(preceded('.', digits(1..=9))).map(Option::unwrap_or_default);
    (sign, digits(1..=15), fraction, one_of(['s', 'm', 'h', 'd'])).parse(text).ok()
}

/// Writes a length of time as exact seconds: `604800s`, `-1.5s`.
pub(super) fn seconds(length: SignedDuration) -> String {
    let sign = if length.is_negative() { "-" } else { "" };
    let (whole, nanos) = (length.as_secs().unsigned_abs(), length.subsec_nanos().unsigned_abs());
    let text = format!("{sign}{whole}.{nanos:09}");
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_has_a_date_a_time_of_day_and_an_offset() {
        let time = |text| timestamp(text).unwrap().to_string();
        assert_eq!(time("2016-03-01T08:30:00Z"), "2016-03-01T08:30:00Z");
        assert_eq!(time("2016-03-01t08:30:00.123456+02:00"), "2016-03-01T06:30:00.123456Z");
        assert_eq!(time("2016-03-01T08:30:00.1230000z"), "2016-03-01T08:30:00.123Z");
        for (text, says) in [
            ("2016-03-01", "has no time of day: write 2016-03-01T00:00:00Z"),
            ("2016-03-01T08:30:00", "is not a time"),
            ("2016-03-01T08:30Z", "is not a time"),
            ("2016-03-01 08:30:00Z", "is not a time"),
            ("2016-02-30T08:30:00Z", "is not a time"),
            ("2016-03-01T08:30:00Z[UTC]", "is not a time"),
            ("2016-03-01T08:30:00.1234567Z", "finer than a microsecond"),
            ("0000-01-01T00:00:00+01:00", "before the year 0000"),
            ("yesterday", "is not a time"),
        ] {
            let error = timestamp(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    #[test]
    fn a_length_of_time_is_a_number_with_a_unit() {
        let micros = |text| duration(text).unwrap().as_micros();
        assert_eq!(micros("20s"), 20_000_000);
        assert_eq!(micros("-1.5h"), -5_400_000_000);
        assert_eq!(micros("+7d"), 604_800_000_000);
        assert_eq!(micros("0.000001s"), 1);
        assert_eq!(micros("30m"), 1_800_000_000);
        for (text, says) in [
            ("20", "is not a length of time"),
            ("s", "is not a length of time"),
            ("1h30m", "is not a length of time"),
            (".5h", "is not a length of time"),
            ("1.s", "is not a length of time"),
            ("5 s", "is not a length of time"),
            ("5w", "is not a length of time"),
            ("9999999999999999s", "is not a length of time"),
            ("0.0000001s", "finer than a microsecond"),
            ("106751992d", "longer than can be kept"),
        ] {
            let error = duration(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn seconds_read_back_as_the_same_length(micros in -i64::MAX..=i64::MAX) {
            let length = SignedDuration::from_micros(micros);
            prop_assert_eq!(duration(&seconds(length)), Ok(length));
        }
    }
}
