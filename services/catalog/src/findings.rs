//! What the checks of definitions find, in the words of the contract, and the refusal to publish what has an error.

use std::collections::BTreeMap;

use domain::calendar::{Definition, Timeline};
use domain::finding::Finding;
use servicekit::{Error, Violation};

use crate::error::DEFINITION_INVALID;
use crate::store::{Calendar, Process};

/// Words in the paths of the domain, and those of the message in their place.
pub type Words = &'static [(&'static str, &'static str)];

/// Of calendars.
pub const CALENDAR: Words = &[
    ("weekly", "weekly_hours"),
    ("name", "display_name"),
    ("first_on", "start_date"),
    ("last_on", "end_date"),
    ("hours", "intervals"),
];
/// Of agreements.
pub const AGREEMENT: Words = &[
    ("thresholds", "threshold_percents"),
    ("on_upgrade", "rebase_on_upgrade"),
    ("on_downgrade", "rebase_on_downgrade"),
    ("on_reopen", "reopen"),
    ("on_return", "visit"),
    ("pending", "pending_reasons"),
];
/// Of processes.
pub const PROCESS: Words = &[
    ("from", "source_states"),
    ("to", "target_state"),
    ("guard.fields", "required_fields"),
    ("guard.role", "required_role"),
    ("initial", "initial_state"),
];

/// What is wrong or doubtful in a calendar, errors first.
pub fn of_calendar(calendar: &Calendar) -> Vec<Finding> {
    worded(calendar.definition.check(), CALENDAR)
}

/// What is wrong or doubtful in a process, errors first.
pub fn of_process(process: &Process) -> Vec<Finding> {
    worded(process.0.check(), PROCESS)
}

/// What is wrong or doubtful in an agreement, errors first: on the published calendars, or what is to become of those
/// that are not, for tickets that can have these priorities.
pub fn of_agreement(
    agreement: &domain::agreement::Agreement,
    calendars: &BTreeMap<String, Timeline>,
    drafts: &BTreeMap<String, Definition>,
    priorities: &[u8],
) -> Vec<Finding> {
    let mut found = agreement.check(|name| calendars.get(name), priorities);
    found.extend(agreement.check_drafts(|name| drafts.get(name)));
    found.sort_by_key(|finding| finding.severity);
    worded(found, AGREEMENT)
}

fn worded(findings: Vec<Finding>, words: Words) -> Vec<Finding> {
    findings.into_iter().map(|finding| Finding { field: path(&finding.field, words), ..finding }).collect()
}

/// A path of the domain as a path of the message.
pub fn path(field: &str, words: Words) -> String {
    let field = field.replace("guard.", "guard\u{0}");
    let parts = field.split('.').map(|part| {
        let (word, index) = part.split_once('[').map_or((part, ""), |(word, _)| (word, &part[word.len()..]));
        let word = word.replace('\u{0}', ".");
        let found = words.iter().find(|(domain, _)| *domain == word).map_or(word.as_str(), |(_, message)| *message);
        format!("{found}{index}")
    });
    parts.collect::<Vec<_>>().join(".")
}

/// Refuses to publish when there is an error among the findings, and names all of them.
pub fn refuse(name: &str, findings: &[Finding]) -> Result<(), Error> {
    if !findings.iter().any(Finding::is_error) {
        return Ok(());
    }
    let collection = name.split('/').next().unwrap_or_default();
    tracing::debug!(name, collection, findings = findings.len(), "not publishable");
    let violations = findings
        .iter()
        .map(|finding| Violation::new(&finding.field, format!("{}: {}", finding.reason, finding.message)));
    Err(Error::Invalid { reason: DEFINITION_INVALID, violations: violations.collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_speak_the_words_of_the_contract() {
        let found = |field: &str, words| worded(vec![Finding::error(field, "X", "x")], words)[0].field.clone();
        assert_eq!(found("objectives[2].thresholds[0]", AGREEMENT), "objectives[2].threshold_percents[0]");
        assert_eq!(found("transitions[1].guard.fields", PROCESS), "transitions[1].required_fields");
        assert_eq!(found("exceptions[0].hours[1]", CALENDAR), "exceptions[0].intervals[1]");
        assert_eq!(found("weekly.MONDAY[0]", CALENDAR), "weekly_hours.MONDAY[0]");
    }

    #[test]
    fn warnings_do_not_keep_a_definition_from_being_published() {
        assert!(refuse("calendars/a", &[Finding::warning("weekly", "CALENDAR_NEVER_OPEN", "never open")]).is_ok());
        let both = [Finding::error("a", "A", "a"), Finding::warning("b", "B", "b")];
        let Err(Error::Invalid { violations, .. }) = refuse("calendars/a", &both) else { panic!("not refused") };
        assert_eq!(violations.len(), 2, "an error brings everything that was found");
    }
}
