//! Filters as the services read them, and the addresses of the lists that they select. A number and the list behind it
//! are asked for with the same text.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan as _};

/// Tickets that somebody still has to act on.
pub(super) const OPEN: &str = "(state_category = NEW OR state_category = ACTIVE OR state_category = PENDING)";
/// Of those, the ones that no group and no person has.
pub(super) const UNASSIGNED: &str = "NOT assignment.group:* AND NOT assignment.person:*";
/// Tickets of which a running clock reaches its target within a day.
pub(super) const DUE_SOON: &str = "due_time > now() AND due_time <= now() + 24h";
/// Tickets of which a clock is beyond its target.
pub(super) const BREACHED: &str = "clock_state = BREACHED";

/// Major incidents that have not been stood down.
pub(super) const MAJOR: &str = "major = true AND NOT incident.major.stand_down_time:*";

/// Those declared first come first.
pub(super) const DECLARED: &str = "incident.major.declare_time";

/// The tickets of an order in which what is due first comes first.
pub(super) const NEXT_DUE: &str = "due_time";
/// The most urgent first, and of those the oldest.
pub(super) const URGENT: &str = "priority, open_time";

/// Both filters together.
pub(super) fn and(one: &str, other: &str) -> String {
    match (one.is_empty(), other.is_empty()) {
        (_, true) => one.to_owned(),
        (true, _) => other.to_owned(),
        _ => format!("{one} AND {other}"),
    }
}

/// That a field has this value, or none where it is empty.
pub(super) fn is(field: &str, value: &str) -> String {
    if value.is_empty() { format!("NOT {field}:*") } else { format!("{field} = {}", quoted(value)) }
}

/// That a list has this value among others.
pub(super) fn has(field: &str, value: &str) -> String {
    format!("{field}:{}", quoted(value))
}

/// A value as filters have it: numbers and names of enums bare, other texts in quotes, where a star stands for itself.
fn quoted(value: &str) -> String {
    let number = value.bytes().all(|byte| byte.is_ascii_digit());
    let name = value.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if (number || name) && !matches!(value, "" | "AND" | "OR" | "NOT") {
        return value.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in value.chars() {
        if matches!(character, '"' | '\\' | '*') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted.push('"');
    quoted
}

/// Contracts of which notice can still be given within so many days, or their end comes.
pub(super) fn notice_within(now: Timestamp, days: i32) -> String {
    let first = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let last = first.checked_add(days.days()).unwrap_or(Date::MAX);
    format!("notice_deadline_date >= \"{first}\" AND notice_deadline_date <= \"{last}\"")
}

/// The address of a page with these parameters; those that are empty are left out.
pub(super) fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The list of the tickets that a filter selects.
pub(super) fn tickets(filter: &str, order_by: &str) -> String {
    address("/tickets", &[("filter", filter), ("order_by", order_by)])
}

/// The list of the contracts that a filter selects.
pub(super) fn contracts(filter: &str) -> String {
    address("/contracts", &[("filter", filter), ("order_by", "notice_deadline_date")])
}

#[cfg(test)]
mod tests {
    use domain::filter::{Context, compile};

    use super::*;

    #[test]
    fn values_cannot_leave_their_quotes() {
        assert_eq!(is("customer", "customers/a\" OR \"*"), r#"customer = "customers/a\" OR \"\*""#);
        assert_eq!(is("priority", "1"), "priority = 1");
        assert_eq!(is("state_category", "NEW"), "state_category = NEW");
        assert_eq!(is("assignment.group", ""), "NOT assignment.group:*");
    }

    #[test]
    fn operations_reads_every_filter_of_a_number() {
        let of = |service: Vec<servicekit::filter::Filtered>, method: &str| {
            service.into_iter().find(|(name, _)| name.ends_with(method)).unwrap().1.schema()
        };
        let schema = of(operations::filters(), "/ListTickets");
        let context = Context { now: Timestamp::UNIX_EPOCH, me: None };
        for filter in [OPEN, UNASSIGNED, DUE_SOON, BREACHED, MAJOR, &is("customer", "a\"\\*b"), &is("priority", "")] {
            compile(&and(OPEN, filter), schema, &context).unwrap();
        }
        let schema = of(supplier::filters(), "/ListContracts");
        compile(&notice_within(Timestamp::UNIX_EPOCH, 90), schema, &context).unwrap();
    }
}
