//! What revisions say otherwise, in the words of the contract.

use domain::difference::Difference;

use crate::findings::{AGREEMENT, CALENDAR, PROCESS, Words, path};
use crate::store::{Agreement, Calendar, Process};

/// What another revision of a calendar says otherwise.
pub fn of_calendar(before: &Calendar, after: &Calendar) -> Vec<Difference> {
    let mut found = named(&before.display_name, &after.display_name);
    found.extend(worded(before.definition.difference(&after.definition), CALENDAR));
    found
}

/// What another revision of an agreement says otherwise.
pub fn of_agreement(before: &Agreement, after: &Agreement) -> Vec<Difference> {
    let mut found = named(&before.display_name, &after.display_name);
    if before.illustrative != after.illustrative {
        let (before, after) = (before.illustrative.to_string(), after.illustrative.to_string());
        found.push(Difference::of_field("illustrative", "", "illustrative", before, after));
    }
    found.extend(worded(before.definition.difference(&after.definition), AGREEMENT));
    found
}

/// What another revision of a process says otherwise.
pub fn of_process(before: &Process, after: &Process) -> Vec<Difference> {
    worded(before.0.difference(&after.0), PROCESS)
}

fn named(before: &str, after: &str) -> Vec<Difference> {
    if before == after {
        return Vec::new();
    }
    vec![Difference::of_field("display_name", "", "name", before.to_owned(), after.to_owned())]
}

fn worded(differences: Vec<Difference>, words: Words) -> Vec<Difference> {
    let worded = |difference: Difference| Difference { path: path(&difference.path, words), ..difference };
    differences.into_iter().map(worded).collect()
}
