//! What changed between two revisions of a process.

use serde::Deserialize;
use serde_json::Value;

use super::{Process, State, Transition};
use crate::difference::{self, Difference, Vocabulary, written};

impl Process {
    /// What `after` says otherwise, in words. Empty exactly if it is the same.
    pub fn difference(&self, after: &Self) -> Vec<Difference> {
        difference::between(self, after, &Vocabulary { label, value: |_, _| None, member })
    }
}

fn label(field: &str) -> Option<&'static str> {
    Some(match field {
        "initial" => "first state",
        "from" => "leaves",
        "to" => "enters",
        "role" => "required role",
        "fields" => "required fields",
        "auto_close_days" => "days until a resolved ticket closes",
        _ => return None,
    })
}

fn member(_: &str, member: &Value) -> String {
    if let Ok(state) = State::deserialize(member) {
        return format!("a state called {}, {}", state.display_name, state.category.as_str());
    }
    match Transition::deserialize(member) {
        Ok(moved) => format!("{} leads from {} to {}", moved.display_name, moved.from.join(", "), moved.to),
        Err(_) => written(member),
    }
}

#[cfg(test)]
mod tests {
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
}
