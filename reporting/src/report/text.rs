//! Numbers as people read them: thousands apart, units beside, no more digits than the data carry.

use domain::amount::{Currency, Decimal};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// A blank that never breaks: between a number and its unit.
pub const NARROW: &str = "\u{202f}";

/// A count with its thousands apart: `24,918`.
pub fn count(value: u64) -> String {
    grouped(&value.to_string())
}

/// `1 incident`, `2 incidents`; the plural adds an s.
pub fn counted(value: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// A share in percent with one decimal. All and nothing are said only where they are meant.
pub fn percent(ratio: f64) -> String {
    let tenths = (ratio * 1000.0).round();
    if ratio < 1.0 && tenths >= 1000.0 {
        format!("> 99.9{NARROW}%")
    } else if ratio > 0.0 && tenths <= 0.0 {
        format!("< 0.1{NARROW}%")
    } else {
        format!("{:.1}{NARROW}%", tenths / 10.0)
    }
}

/// A share in percent, whole where it is: a goal of `95 %`.
pub fn goal(ratio: f64) -> String {
    let text = format!("{:.3}", ratio * 100.0);
    format!("{}{NARROW}%", text.trim_end_matches('0').trim_end_matches('.'))
}

/// An interval of a share: `91.5 to 99.0 %`; an end that is not known is `?`.
pub fn percent_interval(interval: Option<[Option<f64>; 2]>) -> String {
    let Some([low, high]) = interval else { return String::new() };
    let bare = |end: Option<f64>| end.map_or_else(|| "?".to_owned(), |end| format!("{:.1}", end * 100.0));
    format!("{} to {}{NARROW}%", bare(low), bare(high))
}

/// Hours as people say a duration: minutes below two hours, hours below three days, then days.
pub fn duration(hours: f64) -> String {
    if hours < 2.0 {
        format!("{:.0}{NARROW}min", hours * 60.0)
    } else if hours < 72.0 {
        format!("{hours:.1}{NARROW}h")
    } else {
        format!("{:.1}{NARROW}days", hours / 24.0)
    }
}

/// Hours with one decimal, thousands apart, without a unit.
pub fn hours(hours: f64) -> String {
    let text = format!("{hours:.1}");
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, "0"));
    format!("{}.{fraction}", grouped(whole))
}

/// A quantity to the nearest whole number, thousands apart; below zero it is zero.
pub fn rounded(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    count(value.max(0.0).round() as u64)
}

/// An exact amount with its currency before it and its thousands apart; rounded to `digits` after the point.
pub fn amount(value: &Decimal, digits: u32, currency: &str) -> String {
    format!("{currency}{NARROW}{}", plain_amount(value, digits))
}

/// An exact amount without its currency.
pub fn plain_amount(value: &Decimal, digits: u32) -> String {
    let text = value.fixed(digits);
    let (sign, text) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("−", rest));
    match text.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", grouped(whole)),
        None => format!("{sign}{}", grouped(text)),
    }
}

/// An amount to be spoken: in millions from ten million on, else with its minor units: `AUD 1,639.0 M`.
pub fn short_amount(value: &Decimal, currency: &str) -> String {
    let whole = value.fixed(0).trim_start_matches('-').len();
    if whole > 7 {
        let millions = millions(value);
        format!("{currency}{NARROW}{}{NARROW}M", hours(millions))
    } else {
        let digits = Currency::parse(currency).map_or(2, |currency| currency.minor_digits());
        amount(value, digits, currency)
    }
}

/// Millions of an amount, for drawing and speaking only.
pub fn millions(value: &Decimal) -> f64 {
    value.to_string().parse::<f64>().unwrap_or_default() / 1e6
}

/// A date: `1 June 2016`.
pub fn date(on: Date) -> String {
    on.strftime("%-d %B %Y").to_string()
}

/// The date of an instant in UTC: `1 June 2016`.
pub fn day(at: Timestamp) -> String {
    date(at.to_zoned(TimeZone::UTC).date())
}

/// An instant in UTC: `1 June 2016, 00:00 UTC`.
pub fn instant(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%-d %B %Y, %H:%M UTC").to_string()
}

/// A month as people say it: `2016-03` is `March 2016`.
pub fn month(month: &str) -> String {
    format!("{month}-01").parse::<Date>().map_or_else(|_| month.to_owned(), |on| on.strftime("%B %Y").to_string())
}

/// A name for people from the last part of a resource name: `groups/group-70` is `group-70`; none is `not known`.
pub fn short_name(name: &str) -> &str {
    if name.is_empty() { "not known" } else { name.rsplit('/').next().unwrap_or(name) }
}

/// Words joined as in a sentence: `a, b and c`.
pub fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// Small numbers as words at the start of a sentence.
pub fn number_word(value: usize) -> String {
    const WORDS: [&str; 11] = ["None", "One", "Two", "Three", "Four", "Five", "Six", "Seven", "Eight", "Nine", "Ten"];
    WORDS.get(value).map_or_else(|| value.to_string(), ToString::to_string)
}

fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |rest| ("−", rest));
    let mut text = String::from(sign);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1000, 24918, 1_639_045_606].map(count), ["0", "999", "1,000", "24,918", "1,639,045,606"]);
    }

    #[test]
    fn nearly_all_is_not_all_and_hardly_any_is_not_none() {
        let shown = [1.0, 0.99999, 0.634_2, 0.000_01, 0.0].map(|ratio| percent(ratio).replace(NARROW, " "));
        assert_eq!(shown, ["100.0 %", "> 99.9 %", "63.4 %", "< 0.1 %", "0.0 %"]);
    }

    #[test]
    fn goals_have_no_more_digits_than_they_need() {
        assert_eq!([0.95, 0.995, 1.0].map(|ratio| goal(ratio).replace(NARROW, " ")), ["95 %", "99.5 %", "100 %"]);
    }

    #[test]
    fn a_duration_is_said_in_the_unit_people_think_in() {
        let shown = [0.5, 22.1, 178.1716].map(|hours| duration(hours).replace(NARROW, " "));
        assert_eq!(shown, ["30 min", "22.1 h", "7.4 days"]);
    }

    #[test]
    fn amounts_keep_their_sign_and_digits() {
        let decimal = |text: &str| Decimal::parse(text).unwrap();
        assert_eq!(plain_amount(&decimal("-1234.5"), 2), "−1,234.50");
        assert_eq!(plain_amount(&decimal("20.52022672899"), 11), "20.52022672899");
        assert_eq!(short_amount(&decimal("1639045606.97"), "AUD").replace(NARROW, " "), "AUD 1,639.0 M");
        assert_eq!(short_amount(&decimal("20.52"), "USD").replace(NARROW, " "), "USD 20.52");
    }

    #[test]
    fn lists_read_like_sentences() {
        let items = |n: usize| -> Vec<String> { ["a", "b", "c"].iter().take(n).map(ToString::to_string).collect() };
        assert_eq!([0, 1, 2, 3].map(|n| list(&items(n))), ["", "a", "a and b", "a, b and c"]);
    }
}
