//! What changed between two revisions of an agreement.

use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Agreement, CreditBand, Objective, Pause, Target};
use crate::amount::Money;
use crate::difference::{self, Difference, Vocabulary, written};

impl Agreement {
    /// What `after` says otherwise, in words. Empty exactly if it is the same.
    pub fn difference(&self, after: &Self) -> Vec<Difference> {
        difference::between(self, after, &Vocabulary { label, value, member })
    }
}

fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "on_upgrade" => "on a change to a shorter target",
        "on_downgrade" => "on a change to a longer target",
        "on_reopen" => "on a reopening",
        "on_return" => "on a later visit",
        "pause" => "pauses",
        "attainment_goal_percent" => "attainment goal",
        _ => return None,
    })
}

fn value(field: &str, value: &Value) -> Option<String> {
    match field {
        "customers" | "practices" | "priorities" | "offerings" if is_nothing(value) => Some("any".to_owned()),
        "services" | "lines" if is_nothing(value) => Some("none named".to_owned()),
        "calendar" if value.is_null() => Some("around the clock".to_owned()),
        "service_hours" if value.is_null() => Some("as its objectives count".to_owned()),
        "thresholds" => Some(read::<Vec<u32>>(value).map_or_else(|| written(value), |list| percents(&list))),
        "target" => read::<Target>(value).map(Target::words),
        "attainment_goal_percent" => Some(if value.is_null() { "none".to_owned() } else { percent(value) }),
        "monthly_charge" => {
            Some(read::<Money>(value).map_or_else(|| "not recorded".to_owned(), |charge| charge.to_string()))
        }
        "pause" => Some(read::<Pause>(value).map_or_else(|| "as its kind does".to_owned(), |pause| pause.words())),
        "credit_bands" => {
            let bands = read::<Vec<CreditBand>>(value).unwrap_or_default();
            let bands: Vec<String> = bands.iter().map(CreditBand::words).collect();
            Some(if bands.is_empty() { "none".to_owned() } else { bands.join("; ") })
        }
        _ => None,
    }
}

fn member(_: &str, value: &Value) -> String {
    read::<Objective>(value).map_or_else(|| written(value), |objective| objective.words())
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_array().is_some_and(Vec::is_empty)
}

fn read<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

fn percent(value: &Value) -> String {
    format!("{} %", written(value))
}

fn percents(list: &[u32]) -> String {
    let list: Vec<String> = list.iter().map(|percent| format!("{percent} %")).collect();
    if list.is_empty() { "none".to_owned() } else { list.join(", ") }
}

impl Objective {
    /// The promise in words: `RESOLUTION within 4 h on calendars/office for priority 1`.
    pub fn words(&self) -> String {
        let target = self.target.map(|target| format!("within {}", target.words()));
        let calendar = self.calendar.as_ref().map(|calendar| format!("on {calendar}"));
        let priorities: Vec<String> = self.priorities.iter().map(u8::to_string).collect();
        let lists =
            [("for priority", &priorities), ("for practice", &self.practices), ("for", &self.offerings)].into_iter();
        let lists =
            lists.filter(|(_, list)| !list.is_empty()).map(|(label, list)| format!("{label} {}", list.join(", ")));
        let metric = self.metric.as_str().to_owned();
        [metric].into_iter().chain(target).chain(calendar).chain(lists).collect::<Vec<_>>().join(" ")
    }
}

impl Target {
    /// The target in words: `4 h`, `1 h 30 min`, `1 month`.
    pub fn words(self) -> String {
        match self {
            Self::Open(duration) => duration_words(duration),
            Self::Months(1) => "1 month".to_owned(),
            Self::Months(months) => format!("{months} months"),
        }
    }
}

/// A length of time in hours, minutes and seconds: `100 h`, `1 h 30 min`.
fn duration_words(duration: SignedDuration) -> String {
    let seconds = duration.as_secs();
    let parts = [(seconds / 3_600, "h"), (seconds / 60 % 60, "min"), (seconds % 60, "s")];
    let parts = parts.iter().filter(|(count, _)| *count != 0).map(|(count, unit)| format!("{count} {unit}"));
    let words = parts.collect::<Vec<_>>().join(" ");
    if words.is_empty() { "0 s".to_owned() } else { words }
}

impl Pause {
    /// When the clock stands still, in words.
    fn words(&self) -> String {
        let categories: Vec<&str> = self.categories.iter().map(|category| category.as_str()).collect();
        let pending: Vec<&str> = self.pending.iter().map(|reason| reason.as_str()).collect();
        let states: Vec<&str> = self.states.iter().map(String::as_str).collect();
        let lists = [("pending on", pending), ("in category", categories), ("in state", states)];
        let words = lists.iter().filter(|(_, list)| !list.is_empty());
        let words = words.map(|(label, list)| format!("{label} {}", list.join(", "))).collect::<Vec<_>>().join(" or ");
        if words.is_empty() { "never".to_owned() } else { words }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn agreement(json: Value) -> Agreement {
        serde_json::from_value(json).unwrap()
    }

    fn sentences(before: Value, after: Value) -> Vec<String> {
        let found = agreement(before).difference(&agreement(after));
        found.into_iter().map(|difference| difference.sentence).collect()
    }

    fn gold(objectives: Value) -> Value {
        json!({"kind": "SLA", "objectives": objectives})
    }

    #[test]
    fn a_change_is_said_as_a_service_manager_would() {
        let before = json!([
            {"id": "p1-resolution", "metric": "RESOLUTION", "target": "PT4H", "priorities": [1]},
            {"id": "p1-response", "metric": "RESPONSE", "target": "PT15M", "priorities": [1]},
        ]);
        let after = json!([
            {"id": "p1-resolution", "metric": "RESOLUTION", "target": "PT2H", "priorities": [1, 2],
             "calendar": "calendars/office", "pause": {"pending": ["CUSTOMER", "SUPPLIER"]}},
            {"id": "p3-resolution", "metric": "RESOLUTION", "target": "P1M", "priorities": [3], "calendar": "calendars/office"},
        ]);
        assert_eq!(
            sentences(gold(before), gold(after)),
            [
                "p1-resolution: calendar around the clock becomes calendars/office",
                "p1-resolution: pauses as its kind does becomes pending on CUSTOMER, SUPPLIER",
                "p1-resolution: priorities 1 becomes 1, 2",
                "p1-resolution: target 4 h becomes 2 h",
                "p1-response is taken away: RESPONSE within 15 min for priority 1",
                "p3-resolution is new: RESOLUTION within 1 month on calendars/office for priority 3",
            ]
        );
    }

    #[test]
    fn leaving_something_out_is_said_with_what_it_means() {
        let named = json!({"kind": "SLA", "customers": ["customers/a"], "attainment_goal_percent": "95",
            "credit_bands": [{"below_percent": "95", "charge_percent": "5"}]});
        assert_eq!(
            sentences(named, json!({"kind": "SLA", "order": 2})),
            [
                "attainment goal 95 % becomes none",
                "credit bands below 95 %: 5 % of the charge becomes none",
                "customers customers/a becomes any",
                "order 0 becomes 2",
            ]
        );
    }

    #[test]
    fn the_path_names_an_objective_by_its_id() {
        let one = |target: &str| gold(json!([{"id": "a", "metric": "RESPONSE", "target": target}]));
        let found = agreement(one("PT1H30M")).difference(&agreement(one("PT90S")));
        let expected = Difference {
            path: "objectives[a].target".to_owned(),
            before: "1 h 30 min".to_owned(),
            after: "1 min 30 s".to_owned(),
            sentence: "a: target 1 h 30 min becomes 1 min 30 s".to_owned(),
        };
        assert_eq!(found, [expected]);
    }

    fn any_agreement() -> impl Strategy<Value = Agreement> {
        let some = |names: &'static [&'static str]| prop::sample::subsequence(names.to_vec(), 0..=names.len());
        let objective = (some(&["incident", "change"]), prop::sample::subsequence(vec![1, 2], 0..=2), 1_u32..3);
        let objectives = prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), objective), 0..4);
        (some(&["customers/a", "customers/b"]), some(&["x", "y"]), 0_i32..2, objectives).prop_map(
            |(customers, lines, order, objectives)| {
                let objectives: Vec<_> = objectives
                    .into_iter()
                    .map(|(id, (practices, priorities, hours))| {
                        json!({"id": id, "metric": "RESPONSE", "target": format!("PT{hours}H"),
                            "practices": practices, "priorities": priorities})
                    })
                    .collect();
                agreement(json!({"kind": "SLA", "customers": customers, "lines": lines, "order": order,
                    "objectives": objectives}))
            },
        )
    }

    proptest! {
        #[test]
        fn nothing_differs_exactly_between_equals_and_the_way_back_is_the_same_way(
            a in any_agreement(),
            b in any_agreement(),
        ) {
            prop_assert_eq!(a.difference(&a), vec![]);
            let there = a.difference(&b);
            prop_assert_eq!(there.is_empty(), a == b);
            let turned = |found: Vec<Difference>| {
                let mut turned: Vec<_> = found.into_iter().map(|d| (d.path, d.after, d.before)).collect();
                turned.sort();
                turned
            };
            let mut plain: Vec<_> = there.into_iter().map(|d| (d.path, d.before, d.after)).collect();
            plain.sort();
            prop_assert_eq!(turned(b.difference(&a)), plain);
        }
    }
}
