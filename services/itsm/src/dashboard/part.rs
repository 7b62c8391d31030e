//! What pages are made of: sections, numbers that lead to what they count, facts in two columns, tags.

use domain::amount::Currency;
use maud::{Markup, html};
use proto::common::v1 as common;

use super::page::sentence_case;
use super::viewer::Lack;

/// A section with a heading that screen readers find; `id` is unique on the page.
pub(super) fn section(id: &str, heading: &str, content: &Markup) -> Markup {
    html! {
        section aria-labelledby=(id) { h2 id=(id) { (heading) } (content) }
    }
}

/// A section of what was asked for, or the sentence that says why it is not there.
pub(super) fn asked<T>(id: &str, heading: &str, asked: &Result<T, Lack>, show: impl FnOnce(&T) -> Markup) -> Markup {
    let content = match asked {
        Ok(answer) => show(answer),
        Err(lack) => not_shown(lack),
    };
    section(id, heading, &content)
}

/// Why something is not shown, in a sentence.
pub(super) fn not_shown(lack: &Lack) -> Markup {
    html! { p.lack { (sentence_case(&lack.sentence)) "." } }
}

/// Says which services do not answer, once on a page.
pub(super) fn outage(lacks: &[&Lack]) -> Markup {
    let mut down: Vec<&str> = lacks.iter().filter(|lack| lack.is_down()).map(|lack| lack.service.name()).collect();
    down.sort_unstable();
    down.dedup();
    html! {
        @if !down.is_empty() {
            p.outage role="status" {
                strong { "The " (down.join(" and ")) @if down.len() == 1 { " service does" } @else { " services do" } " not answer." }
                " What comes from there is missing below; the rest is shown."
            }
        }
    }
}

/// A number that leads to what it counts.
pub(super) fn number(count: i64, address: &str) -> Markup {
    html! {
        @if count == 0 { span.zero { "0" } } @else { a.count href=(address) { (grouped(count)) } }
    }
}

/// A count with its thousands apart.
pub(super) fn grouped(count: i64) -> String {
    let digits = count.unsigned_abs().to_string();
    let mut text = if count < 0 { "−".to_owned() } else { String::new() };
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A word for one, another one for several: `1 ticket`, `2 tickets`.
pub(super) fn several(count: i64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count), if count == 1 { one } else { many })
}

/// Names and values in two columns; those without a value are left out.
pub(super) fn facts(rows: impl IntoIterator<Item = (&'static str, Markup)>) -> Markup {
    html! {
        dl.facts {
            @for (label, value) in rows.into_iter().filter(|(_, value)| !value.0.is_empty()) {
                dt { (label) } dd { (value) }
            }
        }
    }
}

/// Many names and values, in two pairs of columns where there is room.
pub(super) fn many_facts(rows: impl IntoIterator<Item = (&'static str, Markup)>) -> Markup {
    html! {
        div.many { dl.facts {
            @for (label, value) in rows.into_iter().filter(|(_, value)| !value.0.is_empty()) {
                div { dt { (label) } dd { (value) } }
            }
        } }
    }
}

/// A text as markup, escaped.
pub(super) fn text(text: impl AsRef<str>) -> Markup {
    html! { (text.as_ref()) }
}

/// A word in a frame.
pub(super) fn tag(word: &str) -> Markup {
    html! { span.tag { (word) } }
}

/// The mark of what is invented for demonstration.
pub(super) fn illustrative(is: bool) -> Markup {
    html! { @if is { " " span.tag title="Invented for demonstration" { "ILLUSTRATIVE" } } }
}

/// A link to the page of a resource: `services/email` leads to `/services/email` and reads as its name, or its id.
pub(super) fn resource(name: &str, display_name: &str) -> Markup {
    let shown = if display_name.is_empty() { id(name) } else { display_name };
    html! { @if !name.is_empty() { a href={ "/" (name) } { (shown) } } }
}

/// Links to several resources, by their ids.
pub(super) fn resources(names: &[String]) -> Markup {
    html! {
        @for (at, name) in names.iter().enumerate() { @if at > 0 { ", " } (resource(name, "")) }
    }
}

/// The last part of a resource name.
pub(super) fn id(name: &str) -> &str {
    name.rsplit('/').next().unwrap_or(name)
}

/// An amount in minor units with its currency, as `AUD 1,234.50`.
pub(super) fn money(money: Option<&common::Money>) -> String {
    let Some(money) = money else { return String::new() };
    let digits = Currency::parse(&money.currency_code).map_or(2, |currency| currency.minor_digits());
    let unit = 10_u64.pow(digits);
    let (whole, rest) = (money.minor_units.unsigned_abs() / unit, money.minor_units.unsigned_abs() % unit);
    let sign = if money.minor_units < 0 { "−" } else { "" };
    let fraction = if digits == 0 { String::new() } else { format!(".{rest:0width$}", width = digits as usize) };
    format!("{} {sign}{}{fraction}", money.currency_code, grouped(i64::try_from(whole).unwrap_or(i64::MAX)))
}

/// A calendar date as `2026-06-30`; nothing for none.
pub(super) fn date(date: Option<&common::Date>) -> String {
    date.map_or_else(String::new, |date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day))
}

/// A share as a bar from the left, drawn without a style of its own so that the content security policy holds.
pub(super) fn bar(share: f64) -> Markup {
    let width = (share * 100.0).clamp(0.0, 100.0);
    html! {
        svg.share viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
            rect width="100" height="10" class="rail" {}
            rect width=(format!("{width:.2}")) height="10" {}
        }
    }
}

/// A paragraph for where there is nothing.
pub(super) fn nothing(sentence: &str) -> Markup {
    html! { p.soft { (sentence) } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        let money = |currency: &str, minor_units| {
            super::money(Some(&common::Money { currency_code: currency.to_owned(), minor_units }))
        };
        assert_eq!(money("AUD", 123_456_705), "AUD 1,234,567.05");
        assert_eq!(money("JPY", 1_200), "JPY 1,200");
        assert_eq!(money("EUR", -50), "EUR −0.50");
        assert_eq!(super::money(None), "");
    }

    #[test]
    fn names_of_resources_are_escaped() {
        assert!(!resource("services/x", "<script>").0.contains("<script>"));
    }
}
