//! What changed between two revisions of a process.

use serde::Deserialize;
use serde_json::Value;

use super::{Activity, Direction, Measure, Process, State, Transition};
use crate::difference::{self, Difference, Vocabulary, written};

impl Process {
    /// What `after` says otherwise, in words. Empty exactly if it is the same.
    pub fn difference(&self, after: &Self) -> Vec<Difference> {
        difference::between(self, after, &Vocabulary { label, value, member })
    }
}

fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "initial" => "first state",
        "from" => "leaves",
        "to" => "enters",
        "role" => "required role",
        "fields" => "required fields",
        "approvals" => "required approvals",
        "quorum" => "number of approvals",
        "states" => "asked for in",
        "on_approval" => "when approved",
        "on_rejection" => "when rejected",
        "reply_when_resolved" => "a reply to a resolved ticket",
        "auto_close_days" => "days until a resolved ticket closes",
        "owner_role" => "role that answers for the process",
        "approves" => "work approved in it",
        "direction" => "good is",
        _ => return None,
    })
}

fn value(field: &str, value: &Value) -> Option<String> {
    (field == "direction").then(|| Direction::deserialize(value).map_or_else(|_| written(value), in_words))
}

fn in_words(direction: Direction) -> String {
    match direction {
        Direction::AtLeast => "the target or more".to_owned(),
        Direction::AtMost => "the target or less".to_owned(),
    }
}

fn member(_: &str, member: &Value) -> String {
    if let Ok(state) = State::deserialize(member) {
        return format!("a state called {}, {}", state.display_name, state.category.as_str());
    }
    if let Ok(measure) = Measure::deserialize(member) {
        let Measure { target, unit, direction, .. } = measure;
        return format!("a measure with the target {target} {unit}, good is {}", in_words(direction));
    }
    if let Ok(activity) = Activity::deserialize(member) {
        let made = activity.transitions.join(", ");
        return format!(
            "an activity called {}, with {}",
            activity.display_name,
            if made.is_empty() { "no transitions" } else { &made }
        );
    }
    match Transition::deserialize(member) {
        Ok(moved) => format!("{} leads from {} to {}", moved.display_name, moved.from.join(", "), moved.to),
        Err(_) => written(member),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::shipped;

    #[test]
    fn a_process_is_compared_by_the_ids_of_its_states_and_transitions() {
        for process in shipped() {
            assert_eq!(process.difference(&process), []);
        }
        let before = shipped().into_iter().find(|process| process.id == "incident").unwrap();
        let mut after = before.clone();
        after.auto_close_days = 30;
        after.states[0].display_name = "Fresh".to_owned();
        let gone = after.transitions.remove(0);
        after.activities.clear();
        let before = Process { activities: Vec::new(), ..before };
        let sentences: Vec<_> = before.difference(&after).into_iter().map(|found| found.sentence).collect();
        assert_eq!(
            sentences,
            [
                format!("days until a resolved ticket closes {} becomes 30", before.auto_close_days),
                format!("{}: display name {} becomes Fresh", before.states[0].id, before.states[0].display_name),
                format!(
                    "{} is taken away: {} leads from {} to {}",
                    gone.id,
                    gone.display_name,
                    gone.from.join(", "),
                    gone.to
                ),
            ]
        );
    }

    #[test]
    fn activities_and_measures_are_compared_by_their_ids() {
        let mut before = shipped().remove(0);
        let activity = |id: &str| Activity {
            id: id.to_owned(),
            display_name: "Log".to_owned(),
            description: String::new(),
            transitions: vec!["start".to_owned()],
            approves: Vec::new(),
        };
        let measure = Measure {
            id: "sla.attainment".to_owned(),
            description: String::new(),
            target: "0.9".parse().unwrap(),
            unit: "ratio".to_owned(),
            direction: Direction::AtLeast,
        };
        before.owner_role = String::new();
        before.activities = vec![activity("log")];
        before.measures = vec![measure.clone()];
        let mut after = before.clone();
        after.owner_role = "roles/owner".to_owned();
        after.activities = vec![Activity { approves: vec!["close".to_owned()], ..activity("log") }, activity("new")];
        after.measures[0].direction = Direction::AtMost;
        after.measures.push(Measure { id: "flow.reopen_rate".to_owned(), ..measure });
        let sentences: Vec<_> = before.difference(&after).into_iter().map(|found| found.sentence).collect();
        assert_eq!(
            sentences,
            [
                "log: work approved in it nothing becomes close",
                "new is new: an activity called Log, with start",
                "sla.attainment: good is the target or more becomes the target or less",
                "flow.reopen_rate is new: a measure with the target 0.9 ratio, good is the target or more",
                "role that answers for the process nothing becomes roles/owner",
            ]
        );
    }
}
