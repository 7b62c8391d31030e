//! What changed between two revisions of a calendar.

use jiff::civil::Date;

use super::definition::{Definition, Exception, Hours, Weekday};
use crate::difference::Difference;

impl Definition {
    /// What `after` says otherwise, in words. Empty: it means the same.
    pub fn difference(&self, after: &Self) -> Vec<Difference> {
        let mut found = Vec::new();
        if self.time_zone != after.time_zone {
            let (before, after) = (self.time_zone.clone(), after.time_zone.clone());
            found.push(Difference::of_field("time_zone", "", "time zone", before, after));
        }
        for day in Weekday::ALL {
            let hours = |definition: &Self| definition.weekly.get(&day).cloned().unwrap_or_default();
            let (was, is) = (hours(self), hours(after));
            if was != is {
                found.push(difference(format!("weekly.{}", day.as_str()), day.name(), &opening(&was), &opening(&is)));
            }
        }
        self.exceptions_to(after, &mut found);
        found
    }

    fn exceptions_to(&self, after: &Self, found: &mut Vec<Difference>) {
        let (old, new) = (keyed(&self.exceptions), keyed(&after.exceptions));
        for (key, exception) in &old {
            let now = new.iter().find(|(other, _)| other == key).map(|(_, exception)| exception);
            if now.is_none_or(|now| now != exception) {
                let is = now.map_or_else(|| after.without(exception), |exception| named(exception));
                found.push(difference(path(exception), &exception.dates(), &named(exception), &is));
            }
        }
        for (_, exception) in new.iter().filter(|(key, _)| !old.iter().any(|(other, _)| other == key)) {
            found.push(difference(path(exception), &exception.dates(), &self.without(exception), &named(exception)));
        }
        let stayed = |list: &[(Key, &Exception)], other: &[(Key, &Exception)]| -> Vec<Key> {
            list.iter().map(|(key, _)| *key).filter(|key| other.iter().any(|(known, _)| known == key)).collect()
        };
        if stayed(&old, &new) != stayed(&new, &old) {
            let names = |list: &[Exception]| list.iter().map(|e| e.name.as_str()).collect::<Vec<_>>().join(", ");
            let (before, after) = (names(&self.exceptions), names(&after.exceptions));
            let label = "the order of the exceptions, of which the first decides,";
            found.push(Difference::of_field("exceptions", "", label, before, after));
        }
    }

    /// What holds on the dates of an exception of another revision.
    fn without(&self, exception: &Exception) -> String {
        if exception.yearly || exception.last() != exception.first_on {
            return "as on other days".to_owned();
        }
        match self.on(exception.first_on) {
            (_, Some(other)) => named(other),
            (hours, None) => opening(hours),
        }
    }
}

/// What tells exceptions apart: their dates, and which of those dates they are.
type Key = (Date, Date, bool, usize);

fn keyed(exceptions: &[Exception]) -> Vec<(Key, &Exception)> {
    let dates = |exception: &Exception| (exception.first_on, exception.last(), exception.yearly);
    let keyed = exceptions.iter().enumerate().map(|(index, exception)| {
        let (first, last, yearly) = dates(exception);
        let earlier = exceptions[..index].iter().filter(|other| dates(other) == (first, last, yearly)).count();
        ((first, last, yearly, earlier), exception)
    });
    keyed.collect()
}

fn path(exception: &Exception) -> String {
    format!("exceptions[{}]", exception.first_on)
}

fn difference(path: String, subject: &str, before: &str, after: &str) -> Difference {
    let sentence = format!("{subject} is {after}, was {before}");
    Difference { path, before: before.to_owned(), after: after.to_owned(), sentence }
}

/// Hours in words: `closed`, `09:00 to 12:00 and 13:00 to 17:00`.
fn opening(hours: &[Hours]) -> String {
    let hours: Vec<String> = hours.iter().map(|hours| format!("{} to {}", hours.opens, hours.closes)).collect();
    if hours.is_empty() { "closed".to_owned() } else { hours.join(" and ") }
}

/// What an exception does, with its name: `closed (Christmas Eve)`.
fn named(exception: &Exception) -> String {
    format!("{} ({})", opening(&exception.hours), exception.name)
}

impl Exception {
    /// Its dates in words: `24 Dec 2026`, `24 Dec to 2 Jan of every year`.
    fn dates(&self) -> String {
        let format = if self.yearly { "%-d %b" } else { "%-d %b %Y" };
        let first = self.first_on.strftime(format).to_string();
        let range =
            if self.last() == self.first_on { first } else { format!("{first} to {}", self.last().strftime(format)) };
        if self.yearly { format!("{range} of every year") } else { range }
    }
}

impl Weekday {
    fn name(self) -> &'static str {
        match self {
            Self::Monday => "Monday",
            Self::Tuesday => "Tuesday",
            Self::Wednesday => "Wednesday",
            Self::Thursday => "Thursday",
            Self::Friday => "Friday",
            Self::Saturday => "Saturday",
            Self::Sunday => "Sunday",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn calendar(json: Value) -> Definition {
        serde_json::from_value(json).unwrap()
    }

    fn sentences(before: Value, after: Value) -> Vec<String> {
        let found = calendar(before).difference(&calendar(after));
        found.into_iter().map(|difference| difference.sentence).collect()
    }

    #[test]
    fn a_new_holiday_is_said_with_what_it_takes_away() {
        let office = json!({"time_zone": "Europe/Paris", "weekly": {"THURSDAY": ["09:00-17:00"]}});
        let mut closed = office.clone();
        closed["exceptions"] = json!([{"name": "Christmas Eve", "first_on": "2026-12-24"}]);
        let closes = "24 Dec 2026 is closed (Christmas Eve), was 09:00 to 17:00";
        assert_eq!(sentences(office.clone(), closed.clone()), [closes]);
        assert_eq!(sentences(closed.clone(), office), ["24 Dec 2026 is 09:00 to 17:00, was closed (Christmas Eve)"]);
        let mut half = closed.clone();
        half["exceptions"][0]["hours"] = json!(["09:00-12:00"]);
        let opens = "24 Dec 2026 is 09:00 to 12:00 (Christmas Eve), was closed (Christmas Eve)";
        assert_eq!(sentences(closed, half), [opens]);
    }

    #[test]
    fn weekly_hours_zones_and_yearly_dates_are_said_too() {
        let before =
            json!({"time_zone": "Europe/Paris", "weekly": {"MONDAY": ["09:00-17:00"], "FRIDAY": ["09:00-17:00"]}});
        let after = json!({"time_zone": "Asia/Tokyo", "weekly": {"MONDAY": ["09:00-12:00", "13:00-17:00"]},
            "exceptions": [{"name": "Year's end", "first_on": "2026-12-24", "last_on": "2027-01-02", "yearly": true}]});
        assert_eq!(
            sentences(before, after),
            [
                "time zone Europe/Paris becomes Asia/Tokyo",
                "Monday is 09:00 to 12:00 and 13:00 to 17:00, was 09:00 to 17:00",
                "Friday is closed, was 09:00 to 17:00",
                "24 Dec to 2 Jan of every year is closed (Year's end), was as on other days",
            ]
        );
    }

    #[test]
    fn the_order_of_exceptions_is_a_difference_because_the_first_decides() {
        let with = |names: [&str; 2]| {
            let exceptions = names
                .map(|name| json!({"name": name, "first_on": if name == "a" { "2026-01-01" } else { "2026-01-02" }}));
            json!({"time_zone": "UTC", "exceptions": exceptions})
        };
        assert_eq!(sentences(with(["a", "b"]), with(["b", "a"])).len(), 1);
    }

    proptest! {
        #[test]
        fn nothing_differs_exactly_between_equals(
            a in prop::collection::vec((1_i8..4, any::<bool>(), any::<bool>()), 0..3),
            b in prop::collection::vec((1_i8..4, any::<bool>(), any::<bool>()), 0..3),
        ) {
            let build = |exceptions: &[(i8, bool, bool)]| {
                let exceptions: Vec<_> = exceptions.iter().map(|(day, yearly, open)| {
                    let hours: &[&str] = if *open { &["09:00-12:00"] } else { &[] };
                    json!({"name": "x", "first_on": format!("2026-01-0{day}"), "yearly": yearly, "hours": hours})
                }).collect();
                calendar(json!({"time_zone": "UTC", "exceptions": exceptions}))
            };
            let (a, b) = (build(&a), build(&b));
            prop_assert_eq!(a.difference(&a), vec![]);
            prop_assert_eq!(a.difference(&b).is_empty(), a == b);
        }
    }
}
