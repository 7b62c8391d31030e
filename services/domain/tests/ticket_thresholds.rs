//! Thresholds as facts of a ticket: what is due, what is history, what a correction takes back, what follows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ticket_support;

use std::sync::Arc;

use domain::agreement::{Agreement, Escalation, Kind, Metric};
use domain::clock::{Book, Exclusion, ExclusionReason, Interval, Reading};
use domain::process::{Category, PendingReason};
use domain::selection::{Pinned, Selection};
use domain::ticket::command::{Reason, escalate, open};
use domain::ticket::{
    Assignment, Changes, Fact, Observations, Patch, Recorded, SCHEDULER, Side, Ticket, Transitioned, fold, signals,
};
use jiff::Timestamp;
use ticket_support::{agent, at, incident, kinds, live, now, record};

/// One hour to restore service, with news at 50, 75 and 100 percent.
fn book() -> Book {
    let agreement: Agreement = serde_json::from_value(serde_json::json!({"kind": "SLA", "objectives":
        [{"id": "fix", "metric": "RESOLUTION", "target": "PT1H", "thresholds": [75, 50]}]}))
    .unwrap();
    let mut book = Book::default();
    book.add_agreement("agreements/a", 1, Arc::new(agreement));
    book
}

/// A ticket opened at minute 0 and governed by the hour.
fn journal() -> Vec<Recorded> {
    let fields = Changes {
        title: Patch::Set("No mail".into()),
        impact: Patch::Set(3),
        urgency: Patch::Set(3),
        ..Changes::default()
    };
    let opening = domain::ticket::command::Opening { name: "tickets/INC-000001".into(), process_revision: 1, fields };
    let mut journal = Vec::new();
    record(&mut journal, open(incident(), opening, &now(&agent(), 0)).unwrap().facts);
    let winners = vec![Pinned {
        kind: Kind::Sla,
        metric: Metric::Resolution,
        agreement: "agreements/a".into(),
        revision: 1,
        objective: "fix".into(),
    }];
    journal.push(live(Fact::Governed(Box::new(Selection { winners, losers: Vec::new() })), at(0), 2));
    journal
}

fn moved(minute: i64, state: &str, category: Category, position: i64) -> Recorded {
    let fields = match category {
        Category::Pending => Changes { pending_reason: Patch::Set(PendingReason::Customer), ..Changes::default() },
        _ => Changes::default(),
    };
    let moved = Transitioned {
        transition: None,
        from_state: String::new(),
        state: state.into(),
        category,
        by: Side::Provider,
        fields,
    };
    live(Fact::Transitioned(Box::new(moved)), at(minute), position)
}

/// Reads at the instant or at the last fact, whichever is later.
fn read(journal: &[Recorded], now: Timestamp) -> Vec<Reading> {
    let last = journal.iter().map(|recorded| recorded.occurred_at).max().unwrap();
    book().read(&signals(journal), last.max(now))
}

/// What is due at that minute: minute and percent of each.
fn due(journal: &[Recorded], minute: i64, known_since: i64) -> Vec<(i64, u32, bool)> {
    let due = Observations::of(journal, at(known_since)).due(&read(journal, at(minute)), at(minute));
    due.iter().map(|due| ((due.at - at(0)).get_seconds() / 60, due.reached.percent, due.escalates)).collect()
}

/// Records what is due at that minute.
fn fire(journal: &mut Vec<Recorded>, minute: i64) {
    let due = Observations::of(&*journal, at(0)).due(&read(journal, at(minute)), at(minute));
    for due in due {
        let position = journal.len() as i64 + 1;
        journal.push(live(Fact::ThresholdReached(Box::new(due.reached)), due.at, position));
    }
}

fn refuted(journal: &[Recorded]) -> Vec<(Timestamp, u32)> {
    let refuted = Observations::of(journal, at(0)).refuted(&read(journal, at(0)));
    refuted.into_iter().map(|(at, withdrawn)| (at, withdrawn.percent)).collect()
}

#[test]
fn what_fell_due_while_nobody_looked_fires_late_at_its_own_instant() {
    let journal = journal();
    assert_eq!(due(&journal, 29, 0), []);
    assert_eq!(due(&journal, 30, 0), [(30, 50, true)]);
    assert_eq!(due(&journal, 600, 0), [(30, 50, true), (45, 75, true), (60, 100, true)]);
    let next = |journal: &[Recorded]| Observations::of(journal, at(0)).next_at(&read(journal, at(0)));
    assert_eq!(next(&journal), Some(at(30)));
}

#[test]
fn what_is_on_record_does_not_fire_again() {
    let mut journal = journal();
    fire(&mut journal, 50);
    assert_eq!(due(&journal, 50, 0), []);
    assert_eq!(due(&journal, 70, 0), [(60, 100, true)]);
    fire(&mut journal, 70);
    assert_eq!(Observations::of(&journal, at(0)).next_at(&read(&journal, at(0))), None);
}

#[test]
fn a_clock_that_is_set_back_neither_fires_twice_nor_takes_anything_back() {
    let mut journal = journal();
    fire(&mut journal, 50);
    for minute in [-600, 0, 31, 44] {
        assert_eq!(due(&journal, minute, 0), []);
    }
    assert_eq!(refuted(&journal), []);
    // A fact from a clock that was ahead does not make anything due before its time either.
    journal.push(moved(90, "in_progress", Category::Active, 9));
    assert_eq!(due(&journal, 55, 0), []);
    assert_eq!(due(&journal, 60, 0), [(60, 100, true)]);
}

#[test]
fn history_that_came_with_an_import_never_fires_and_what_lies_ahead_does() {
    let mut journal = journal();
    assert_eq!(due(&journal, 50, 30), [(30, 50, true), (45, 75, true)], "recorded here: late");
    journal[0].source_recorded_at = Some(at(0));
    assert_eq!(due(&journal, 50, 30), [(45, 75, true)]);
    assert_eq!(due(&journal, 600, 600), []);
    let next = Observations::of(&journal, at(600)).next_at(&read(&journal, at(0)));
    assert_eq!(next, None, "nothing to wake up for");
}

#[test]
fn a_backdated_pause_takes_back_what_it_refutes_and_what_comes_later_fires_without_escalating_again() {
    let mut journal = journal();
    fire(&mut journal, 50);
    journal.push(moved(20, "pending", Category::Pending, 8));
    journal.push(moved(40, "in_progress", Category::Active, 9));
    assert_eq!(refuted(&journal), [(at(30), 50), (at(45), 75)]);
    for (at, withdrawn) in Observations::of(&journal, at(0)).refuted(&read(&journal, at(0))) {
        let position = journal.len() as i64 + 10;
        journal.push(live(Fact::ThresholdWithdrawn(withdrawn), at, position));
    }
    assert_eq!(refuted(&journal), []);
    assert_eq!(due(&journal, 51, 0), [(50, 50, false)]);
    assert_eq!(due(&journal, 90, 0), [(50, 50, false), (65, 75, false), (80, 100, true)]);
}

#[test]
fn a_clock_that_stopped_fires_late_and_escalates_nothing() {
    let mut journal = journal();
    journal.push(moved(47, "resolved", Category::Resolved, 9));
    assert_eq!(due(&journal, 600, 0), [(30, 50, false), (45, 75, false)]);
}

#[test]
fn a_clock_that_is_excused_as_a_whole_fires_and_escalates_nothing() {
    let excused = |interval| {
        let mut journal = journal();
        let clock = read(&journal, at(0)).remove(0).id;
        let evidence = "flood".to_owned();
        let exclusion = Exclusion { clock, reason: ExclusionReason::ForceMajeure, evidence, interval };
        journal.push(live(Fact::ClockExcluded(exclusion), at(10), 9));
        due(&journal, 50, 0)
    };
    assert_eq!(excused(None), [(30, 50, false), (45, 75, false)]);
    let some_time = Interval { start: at(1), end: at(2) };
    assert_eq!(excused(Some(some_time)), [(30, 50, true), (45, 75, true)]);
}

#[test]
fn a_clock_that_was_cancelled_keeps_what_is_on_record_and_fires_no_more() {
    let mut journal = journal();
    fire(&mut journal, 40);
    journal.push(moved(50, "cancelled", Category::Cancelled, 9));
    assert_eq!(due(&journal, 600, 0), []);
    assert_eq!(refuted(&journal), []);
}

#[test]
fn a_resolution_at_the_very_instant_is_in_time_and_takes_the_breach_back() {
    let mut journal = journal();
    fire(&mut journal, 60);
    journal.push(moved(60, "resolved", Category::Resolved, 9));
    assert_eq!(refuted(&journal), [(at(60), 100)]);
}

fn opened() -> Ticket {
    fold(&journal()).unwrap()
}

#[test]
fn an_escalation_gives_the_ticket_to_a_group_and_raises_its_priority_once() {
    let ticket = Ticket {
        assignment: Assignment {
            group: Some("groups/desk".into()),
            person: Some("people/bob".into()),
            contract: Some("contracts/1".into()),
        },
        ..opened()
    };
    let scheduler = domain::ticket::command::Caller { actor: SCHEDULER.into(), ..agent() };
    let escalation = Escalation { percent: 75, group: Some("groups/duty".into()), priority: Some(2) };
    let first = escalate(incident(), &ticket, &escalation, "75 percent", &now(&scheduler, 45)).unwrap();
    assert_eq!(kinds(&first), ["assigned.v1", "prioritised.v1"]);
    let after = &first.next;
    assert_eq!(after.priority, Some(2));
    assert_eq!(
        after.priority_override.as_ref().map(|by| (by.actor.as_str(), by.reason.as_str())),
        Some((SCHEDULER, "75 percent"))
    );
    let expected = Assignment { group: Some("groups/duty".into()), person: None, contract: Some("contracts/1".into()) };
    assert_eq!(after.assignment, expected);
    let again = escalate(incident(), after, &escalation, "75 percent", &now(&scheduler, 46)).unwrap();
    assert_eq!(kinds(&again), [] as [&str; 0]);
}

#[test]
fn an_escalation_never_lowers_a_priority_and_cannot_give_one_that_the_process_does_not_have() {
    let scheduler = agent();
    let ticket = Ticket { priority: Some(1), ..opened() };
    let to = |priority| Escalation { percent: 75, group: None, priority: Some(priority) };
    assert_eq!(escalate(incident(), &ticket, &to(2), "r", &now(&scheduler, 45)).unwrap().facts, []);
    let ticket = Ticket { priority: Some(200), ..opened() };
    let refusal = escalate(incident(), &ticket, &to(99), "r", &now(&scheduler, 45)).unwrap_err();
    assert_eq!(refusal.reason, Reason::FieldInvalid);
}
