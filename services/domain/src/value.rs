//! What is planned to be spent and to be gained: budgets and benefits.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::amount::Money;
use crate::violation::{self, Violation};

/// Money set aside for a pool or a service over a period. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Name for people.
    pub display_name: String,
    /// Cost pool it is for. Empty: it is for a service.
    #[serde(default)]
    pub pool: String,
    /// Service it is for: `services/email`. Empty: it is for a pool.
    #[serde(default)]
    pub service: String,
    /// First day, in UTC.
    pub start_on: Date,
    /// Last day, in UTC.
    pub end_on: Date,
    /// What may be spent in the whole period.
    pub amount: Money,
    /// Person who answers for it: `people/ann`. Empty: nobody named.
    #[serde(default)]
    pub owner: String,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

/// What a service or a business goal gains from it over a period. Its name stands beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Benefit {
    /// Name for people.
    pub display_name: String,
    /// What it consists of. May be empty.
    #[serde(default)]
    pub description: String,
    /// Business goal it serves: `objectives/faster-onboarding`. Empty: none is named.
    #[serde(default)]
    pub objective: String,
    /// Service that brings it about: `services/email`. Empty: none is named.
    #[serde(default)]
    pub service: String,
    /// First day, in UTC.
    pub start_on: Date,
    /// Last day, in UTC.
    pub end_on: Date,
    /// What is expected of the whole period.
    pub planned: Estimate,
    /// What was gained. `None`: not recorded, which is not the same as nothing.
    #[serde(default)]
    pub realised: Option<Money>,
    /// What shows it, in words. May be empty.
    #[serde(default)]
    pub evidence: String,
    /// Where that is found: a link. May be empty.
    #[serde(default)]
    pub evidence_link: String,
    /// Person who answers for it: `people/ann`. Empty: nobody named.
    #[serde(default)]
    pub owner: String,
    /// Whether it is invented for demonstration.
    #[serde(default)]
    pub illustrative: bool,
}

/// What is expected, from cautious to hopeful, in one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// Hardly less.
    pub low: Money,
    /// The best guess.
    pub likely: Money,
    /// Hardly more.
    pub high: Money,
}

impl Budget {
    /// What is wrong with the budget on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::lines(&mut found, &[("pool", &self.pool)]);
        violation::reference(&mut found, "service", "services", &self.service);
        violation::reference(&mut found, "owner", "people", &self.owner);
        one_of(&mut found, ("pool", &self.pool), ("service", &self.service));
        days(&mut found, self.start_on, Some(self.end_on));
        if self.amount.minor_units < 0 {
            found.push(Violation::new("amount.minor_units", "is negative: a budget is zero or more"));
        }
        found
    }
}

impl Benefit {
    /// What is wrong with the benefit on its own.
    pub fn check(&self) -> Vec<Violation> {
        let mut found = Vec::new();
        violation::display_name(&mut found, &self.display_name);
        violation::lines(&mut found, &[("evidence_link", &self.evidence_link)]);
        violation::texts(&mut found, &[("description", &self.description), ("evidence", &self.evidence)]);
        violation::reference(&mut found, "objective", "objectives", &self.objective);
        violation::reference(&mut found, "service", "services", &self.service);
        violation::reference(&mut found, "owner", "people", &self.owner);
        if self.objective.is_empty() && self.service.is_empty() {
            found.push(Violation::new("objective", "is missing: name the objective or the service that gains"));
        }
        days(&mut found, self.start_on, Some(self.end_on));
        let Estimate { low, likely, high } = self.planned;
        let amounts = [("planned.low", Some(low)), ("planned.high", Some(high)), ("realised", self.realised)];
        for (field, amount) in amounts.into_iter().filter_map(|(field, amount)| Some((field, amount?))) {
            if amount.currency != likely.currency {
                found.push(Violation::new(
                    format!("{field}.currency_code"),
                    format!(
                        "is {} while the likely benefit is in {}: give all amounts in one currency",
                        amount.currency, likely.currency
                    ),
                ));
            }
        }
        if low.currency == likely.currency && low.minor_units > likely.minor_units {
            found
                .push(Violation::new("planned.low", "is above the likely benefit: give low, likely and high in order"));
        }
        if high.currency == likely.currency && high.minor_units < likely.minor_units {
            found.push(Violation::new(
                "planned.high",
                "is below the likely benefit: give low, likely and high in order",
            ));
        }
        found
    }
}

/// Objects unless exactly one of two fields is set.
pub(crate) fn one_of(found: &mut Vec<Violation>, one: (&str, &str), other: (&str, &str)) {
    match (one.1.is_empty(), other.1.is_empty()) {
        (true, true) => found.push(Violation::new(one.0, format!("is missing: name a {} or a {}", one.0, other.0))),
        (false, false) => {
            found.push(Violation::new(other.0, format!("stands beside a {}: name one of the two", one.0)));
        }
        _ => {}
    }
}

/// Objects to a last day that is before the first, or beyond what has an end.
pub(crate) fn days(found: &mut Vec<Violation>, start_on: Date, end_on: Option<Date>) {
    if end_on.is_some_and(|end_on| end_on < start_on) {
        found.push(Violation::new("end_date", "is before the start: give the last day"));
    }
    for (field, on) in [("start_date", Some(start_on)), ("end_date", end_on)] {
        if on.is_some_and(|on| instant(on).is_none() || after(on).is_none()) {
            found.push(Violation::new(field, "is out of range: give a date that has an end"));
        }
    }
}

/// The first instant of a day in UTC. Empty: beyond what is counted.
pub fn instant(on: Date) -> Option<Timestamp> {
    Some(on.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// The first instant after a day in UTC. Empty: beyond what is counted.
pub fn after(on: Date) -> Option<Timestamp> {
    instant(on.checked_add(1.day()).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields(found: &[Violation]) -> Vec<&str> {
        found.iter().map(|violation| violation.field.as_str()).collect()
    }

    fn euro(minor_units: i64) -> Money {
        Money::new(minor_units, "EUR".parse().unwrap())
    }

    fn budget() -> Budget {
        serde_json::from_value(json!({
            "display_name": "Cloud 2026", "pool": "cloud", "start_on": "2026-01-01", "end_on": "2026-12-31",
            "amount": {"currency": "EUR", "minor_units": 1_200_000},
        }))
        .unwrap()
    }

    fn benefit() -> Benefit {
        let money = |minor_units| json!({"currency": "EUR", "minor_units": minor_units});
        serde_json::from_value(json!({
            "display_name": "Fewer calls", "objective": "objectives/fewer-calls",
            "start_on": "2026-01-01", "end_on": "2026-12-31",
            "planned": {"low": money(-100), "likely": money(500), "high": money(900)},
        }))
        .unwrap()
    }

    #[test]
    fn a_budget_is_for_a_pool_or_for_a_service() {
        assert_eq!(budget().check(), []);
        let neither = Budget { pool: String::new(), ..budget() };
        assert_eq!(neither.check()[0].to_string(), "pool: is missing: name a pool or a service");
        let both = Budget { service: "services/email".to_owned(), ..budget() };
        assert_eq!(fields(&both.check()), ["service"]);
        let wrong = Budget { end_on: "2025-12-31".parse().unwrap(), amount: euro(-1), ..budget() };
        assert_eq!(fields(&wrong.check()), ["end_date", "amount.minor_units"]);
    }

    #[test]
    fn a_benefit_is_estimated_in_order_and_in_one_currency() {
        assert_eq!(benefit().check(), []);
        let planned = Estimate { low: euro(3), likely: euro(2), high: euro(1) };
        let wrong = Benefit { planned, ..benefit() };
        assert_eq!(fields(&wrong.check()), ["planned.low", "planned.high"]);
        let yen = Money::new(1, "JPY".parse().unwrap());
        let planned = Estimate { low: yen, ..benefit().planned };
        let mixed = Benefit { planned, realised: Some(yen), objective: String::new(), ..benefit() };
        assert_eq!(fields(&mixed.check()), ["objective", "planned.low.currency_code", "realised.currency_code"]);
    }

    #[test]
    fn nothing_gained_is_not_the_same_as_nothing_recorded() {
        let nothing = Benefit { realised: Some(euro(0)), ..benefit() };
        let read =
            |benefit: &Benefit| -> Benefit { serde_json::from_str(&serde_json::to_string(benefit).unwrap()).unwrap() };
        assert_eq!((read(&nothing).realised, read(&benefit()).realised), (Some(euro(0)), None));
    }

    #[test]
    fn the_last_day_has_an_end() {
        let endless = Budget { end_on: Date::MAX, ..budget() };
        assert_eq!(fields(&endless.check()), ["end_date"]);
    }
}
