//! When a service was down, and what that makes of its availability.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::amount::Decimal;
use crate::calendar::{SpanKind, Timeline};
use crate::violation::{self, Violation};

/// How much of a service was gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Impact {
    /// All of it.
    Down,
    /// A part, as the weight says.
    Degraded,
}

impl Impact {
    /// Every impact, the worst first.
    pub const ALL: [Self; 2] = [Self::Down, Self::Degraded];

    /// The name used in the contract and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Down => "DOWN",
            Self::Degraded => "DEGRADED",
        }
    }
}

/// A time in which a service was not, or not wholly, what was agreed. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// Name for people.
    pub display_name: String,
    /// Service concerned: `services/email`.
    pub service: String,
    /// When it began.
    pub start_at: Timestamp,
    /// When it ended, exclusive. `None`: it goes on.
    #[serde(default)]
    pub end_at: Option<Timestamp>,
    /// How much was gone.
    pub impact: Impact,
    /// How much a degraded service counts as down, above 0 and below 1. `None`: it was down.
    #[serde(default)]
    pub weight: Option<Decimal>,
    /// Share of the users concerned, above 0 and at most 1. `None`: all of them.
    #[serde(default)]
    pub user_share: Option<Decimal>,
    /// Whether it was maintenance that was agreed beforehand: then it does not count.
    #[serde(default)]
    pub planned: bool,
    /// Why it does not count, as agreed. Empty: it does.
    #[serde(default)]
    pub exclusion_reason: String,
    /// Ticket that tells of it: `tickets/INC-000042`. Empty: none.
    #[serde(default)]
    pub ticket: String,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

impl Outage {
    /// What is wrong with the outage on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::lines(&mut found, &[("exclusion_reason", &self.exclusion_reason)]);
        violation::required(&mut found, "service", &self.service);
        violation::reference(&mut found, "service", "services", &self.service);
        violation::reference(&mut found, "ticket", "tickets", &self.ticket);
        if self.end_at.is_some_and(|end_at| end_at <= self.start_at) {
            found.push(Violation::new(
                "end_time",
                "is not after the start: give the end, exclusive, or none while it goes on",
            ));
        }
        let (none, all) = (Decimal::zero(), Decimal::from(1));
        match (self.impact, &self.weight) {
            (Impact::Down, Some(_)) => {
                found.push(Violation::new("weight", "is for a degraded service: leave it out for one that is down"));
            }
            (Impact::Degraded, None) => {
                found.push(Violation::new("weight", "is missing: say how much it counts as down, as 0.5"));
            }
            (Impact::Degraded, Some(weight)) if *weight <= none || *weight >= all => {
                found.push(Violation::new("weight", "is not between 0 and 1: say how much it counts as down, as 0.5"));
            }
            _ => {}
        }
        if self.user_share.as_ref().is_some_and(|share| *share <= none || *share > all) {
            found.push(Violation::new("user_share", "is not above 0 and at most 1: give the share of users concerned"));
        }
        found
    }

    /// Whether it counts against availability.
    pub fn counts(&self) -> bool {
        !self.planned && self.exclusion_reason.is_empty()
    }

    /// How much it counts as down: the weight by the share of users.
    fn down(&self) -> Decimal {
        let one = || Decimal::from(1);
        let weight = self.weight.clone().unwrap_or_else(one);
        let share = self.user_share.clone().unwrap_or_else(one);
        // Neither exceeds 1, so that their product, to the digits that are kept, is within range.
        weight.times(&share)
    }
}

/// The agreed service time of a period and how much of it a service was down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Availability {
    /// Agreed service time (AST), in microseconds.
    pub agreed_us: i64,
    /// Time within it in which an outage counts, by how much it counts as down, in microseconds.
    pub down_us: BTreeMap<Decimal, i64>,
}

impl Availability {
    /// Downtime (DT): what was lost of the agreed service time, by how much it counts as down, in whole microseconds.
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation)]
    pub fn downtime_us(&self) -> i64 {
        // A weight is at most 1, so that one that could not be read would count in full.
        let weighted =
            |(weight, micros): (&Decimal, &i64)| weight.to_string().parse::<f64>().unwrap_or(1.0) * *micros as f64;
        self.down_us.iter().map(weighted).sum::<f64>().round() as i64
    }

    /// The share of the agreed service time in which the service was there: (AST - DT) / AST. Empty: no time was agreed.
    #[allow(clippy::cast_precision_loss)]
    pub fn ratio(&self) -> Option<f64> {
        (self.agreed_us > 0).then(|| 1.0 - self.downtime_us() as f64 / self.agreed_us as f64)
    }
}

/// What was agreed and what was lost of it from `start` to `end`.
///
/// Outages count that are neither planned nor excluded, inside the open time of the calendar only. Where several are at
/// once the time counts once, by the one that counts most; one without an end goes on.
pub fn availability<'a>(
    outages: impl IntoIterator<Item = &'a Outage>,
    calendar: &Timeline,
    start: Timestamp,
    end: Timestamp,
) -> Availability {
    let within =
        |outage: &&Outage| outage.counts() && outage.start_at < end && outage.end_at.is_none_or(|until| until > start);
    let counted: Vec<(Timestamp, Timestamp, Decimal)> = outages
        .into_iter()
        .filter(within)
        .map(|outage| (outage.start_at.max(start), outage.end_at.map_or(end, |until| until.min(end)), outage.down()))
        .collect();
    let mut found = Availability { agreed_us: 0, down_us: BTreeMap::new() };
    for span in calendar.spans(start, end).into_iter().filter(|span| span.kind == SpanKind::Open) {
        found.agreed_us += micros(span.start, span.end);
        let inside: Vec<&(Timestamp, Timestamp, Decimal)> =
            counted.iter().filter(|(from, until, _)| *from < span.end && *until > span.start).collect();
        let mut cuts: Vec<Timestamp> = vec![span.start, span.end];
        cuts.extend(inside.iter().flat_map(|(from, until, _)| [*from, *until]));
        cuts.retain(|at| span.start <= *at && *at <= span.end);
        cuts.sort_unstable();
        cuts.dedup();
        for piece in cuts.windows(2) {
            let covers = inside.iter().filter(|(from, until, _)| *from <= piece[0] && *until >= piece[1]);
            if let Some(worst) = covers.map(|(_, _, down)| down).max() {
                *found.down_us.entry(worst.clone()).or_default() += micros(piece[0], piece[1]);
            }
        }
    }
    found
}

fn micros(from: Timestamp, until: Timestamp) -> i64 {
    until.as_microsecond() - from.as_microsecond()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::Calendar;
    use serde_json::json;

    fn outage(start: &str, end: Option<&str>, weight: Option<&str>) -> Outage {
        serde_json::from_value(json!({
            "display_name": "Outage", "service": "services/email", "start_at": start, "end_at": end,
            "impact": if weight.is_some() { "DEGRADED" } else { "DOWN" }, "weight": weight,
        }))
        .unwrap()
    }

    fn fields(outage: &Outage) -> Vec<String> {
        outage.check().into_iter().map(|violation| violation.field).collect()
    }

    /// Monday to Friday, 08:00 to 18:00: 50 hours in the week from 4 January 2026 (a Sunday).
    fn office() -> Timeline {
        let hours = json!(["08:00-18:00"]);
        let weekly: serde_json::Map<_, _> = ["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY"]
            .map(|day| (day.to_owned(), hours.clone()))
            .into_iter()
            .collect();
        let definition = serde_json::from_value(json!({"time_zone": "UTC", "weekly": weekly})).unwrap();
        Calendar::compile(&definition).unwrap().into()
    }

    /// Hours agreed, and hours down by weight, in that week.
    fn week(outages: &[Outage], calendar: &Timeline) -> (i64, Vec<(String, i64)>) {
        let (start, end) = ("2026-01-04T00:00:00Z".parse().unwrap(), "2026-01-11T00:00:00Z".parse().unwrap());
        let found = availability(outages, calendar, start, end);
        let hours = |micros: &i64| micros / 3_600_000_000;
        let down = found.down_us.iter().map(|(weight, micros)| (weight.to_string(), hours(micros)));
        (hours(&found.agreed_us), down.collect())
    }

    #[test]
    fn only_agreed_service_time_is_lost() {
        let night = outage("2026-01-05T16:00:00Z", Some("2026-01-06T09:00:00Z"), None);
        assert_eq!(week(std::slice::from_ref(&night), &office()), (50, vec![("1".to_owned(), 3)]));
        assert_eq!(week(&[night], Timeline::always()), (168, vec![("1".to_owned(), 17)]));
        let weekend = outage("2026-01-03T00:00:00Z", Some("2026-01-05T08:00:00Z"), None);
        assert_eq!(week(&[weekend], &office()), (50, vec![]));
    }

    #[test]
    fn time_counts_once_by_the_outage_that_counts_most() {
        let half = outage("2026-01-05T08:00:00Z", Some("2026-01-05T12:00:00Z"), Some("0.5"));
        let down = outage("2026-01-05T10:00:00Z", Some("2026-01-05T11:00:00Z"), None);
        let again = outage("2026-01-05T10:00:00Z", Some("2026-01-05T13:00:00Z"), Some("0.25"));
        let found = week(&[half, down, again], &office());
        assert_eq!(found.1, [("0.25".to_owned(), 1), ("0.5".to_owned(), 3), ("1".to_owned(), 1)]);
    }

    #[test]
    fn a_part_of_the_users_is_a_part_of_the_time() {
        let some = Outage {
            user_share: Some("0.2".parse().unwrap()),
            ..outage("2026-01-05T08:00:00Z", Some("2026-01-05T18:00:00Z"), Some("0.5"))
        };
        let start = "2026-01-05T00:00:00Z".parse().unwrap();
        let end = "2026-01-06T00:00:00Z".parse().unwrap();
        let ratio = availability([&some], &office(), start, end).ratio().unwrap();
        assert!((ratio - 0.9).abs() < 1e-12, "{ratio}");
        assert_eq!(availability([&some], Timeline::never(), start, end).ratio(), None, "no time was agreed");
    }

    #[test]
    fn maintenance_and_what_is_excluded_do_not_count() {
        let down = outage("2026-01-05T08:00:00Z", None, None);
        let planned = Outage { planned: true, ..down.clone() };
        let excluded = Outage { exclusion_reason: "the customer's own power".to_owned(), ..down.clone() };
        assert_eq!(week(&[planned, excluded], &office()).1, []);
        assert_eq!(week(&[down], &office()).1, [("1".to_owned(), 50)], "without an end it goes on");
    }

    #[test]
    fn a_weight_is_for_a_degraded_service() {
        let start = "2026-01-05T08:00:00Z";
        assert_eq!(fields(&outage(start, None, None)), [""; 0]);
        assert_eq!(fields(&outage(start, Some(start), Some("1"))), ["end_time", "weight"]);
        let wrong = Outage { impact: Impact::Degraded, service: String::new(), ..outage(start, None, None) };
        assert_eq!(fields(&wrong), ["service", "weight"]);
        let wrong = Outage {
            weight: Some("0.5".parse().unwrap()),
            user_share: Some("1.1".parse().unwrap()),
            ..outage(start, None, None)
        };
        assert_eq!(fields(&wrong), ["weight", "user_share"]);
    }
}
