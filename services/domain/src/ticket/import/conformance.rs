//! Deviations from the process: new ones are kept, explained ones withdrawn, none is deleted.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::fold::nonconformities;
use super::super::{Audience, Fact, NewFact, Nonconforming, Recorded, Rule};

/// Something that the process does not have, seen at one instant.
pub(super) struct Deviation {
    pub(super) key: (Timestamp, i64),
    pub(super) rule: Rule,
    pub(super) detail: String,
    pub(super) recorded_at: Timestamp,
    pub(super) actor: String,
}

/// Adds the observations by which the standing deviations become those found.
///
/// What was found before the first fresh row stands as it was, unless it is about how the ticket begins:
/// old moves are not judged again, by a process that may have been revised since.
pub(super) fn compare(
    existing: &[&Recorded],
    found: &[Deviation],
    first_fresh: (Timestamp, i64),
    import: &NewFact,
    new_facts: &mut Vec<NewFact>,
) {
    let open_to_judgement =
        |key: (Timestamp, i64), rule: Rule| key >= first_fresh || rule == Rule::ActivityBeforeOpening;
    let standing = nonconformities(existing.iter().copied());
    let key = |recorded: &Recorded| (recorded.occurred_at, recorded.source_sequence);
    let stands = |deviation: &Deviation| {
        standing.iter().any(|(recorded, known)| {
            key(recorded) == deviation.key && known.rule == deviation.rule && known.detail == deviation.detail
        })
    };
    for deviation in found {
        if open_to_judgement(deviation.key, deviation.rule) && !stands(deviation) {
            let rule = deviation.rule;
            let detail = deviation.detail.clone();
            new_facts.push(NewFact {
                fact: Fact::Nonconforming(Nonconforming { rule, detail }),
                occurred_at: deviation.key.0,
                source_recorded_at: Some(deviation.recorded_at),
                source_sequence: deviation.key.1,
                actor: deviation.actor.clone(),
                audience: Audience::Internal,
            });
        }
    }
    let found: BTreeSet<_> = found.iter().map(|deviation| (deviation.key, deviation.rule)).collect();
    for (recorded, known) in standing {
        let at = (key(recorded), known.rule);
        if open_to_judgement(at.0, at.1) && !found.contains(&at) {
            new_facts.push(NewFact {
                fact: Fact::Conforming { rule: known.rule },
                occurred_at: recorded.occurred_at,
                source_recorded_at: import.source_recorded_at,
                source_sequence: recorded.source_sequence,
                actor: import.actor.clone(),
                audience: Audience::Internal,
            });
        }
    }
}
