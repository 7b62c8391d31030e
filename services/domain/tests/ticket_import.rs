//! Rows of a source, in any order and any groups, give one history.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ticket_support;

use std::collections::{BTreeMap, BTreeSet};

use domain::clock::SignalKind;
use domain::process::{Category, PendingReason};
use domain::ticket::command::{Opening, open};
use domain::ticket::import::{Absorbed, Event, Row, RowKind, Snapshot, absorb};
use domain::ticket::{
    Assignment, Audience, Changes, Digest, Fact, LinkType, Patch, Recorded, Resolution, Rule, Side, Ticket, fold,
    nonconformities, signals,
};
use jiff::Timestamp;
use proptest::prelude::*;
use ticket_support::{at, import, record};

/// A row that shows this at that minute.
fn row(minute: i64, sequence: i64, snapshot: Snapshot) -> Row {
    Row {
        digest: Digest(sequence.unsigned_abs()),
        occurred_at: at(minute),
        source_sequence: sequence,
        source_recorded_at: None,
        actor: None,
        kind: RowKind::Snapshot(Box::new(snapshot)),
    }
}

fn state(state: &str) -> Snapshot {
    Snapshot { state: Some(state.into()), ..Snapshot::default() }
}

fn showing(fields: Changes) -> Snapshot {
    Snapshot { fields, ..Snapshot::default() }
}

/// Absorbs the groups one after the other.
fn absorb_groups(groups: &[Vec<Row>]) -> (Ticket, Vec<Recorded>) {
    let mut facts = Vec::new();
    let mut ticket = None;
    for group in groups {
        let absorbed = absorb(Some(&facts), group, &import());
        assert_eq!(absorbed.failures, []);
        record(&mut facts, absorbed.new_facts);
        assert_eq!(fold(&facts), absorbed.ticket, "the fold is the ticket handed out");
        ticket = absorbed.ticket;
    }
    (ticket.unwrap(), facts)
}

fn absorb_one(rows: &[Row]) -> (Absorbed, Vec<Recorded>) {
    let absorbed = absorb(None, rows, &import());
    let mut facts = Vec::new();
    record(&mut facts, absorbed.new_facts.clone());
    (absorbed, facts)
}

fn kinds(facts: &[Recorded]) -> Vec<&str> {
    facts.iter().map(|recorded| &recorded.fact.kind()["ticket.".len()..]).collect()
}

/// Rules broken and when, in minutes.
fn rules(facts: &[Recorded]) -> Vec<(Rule, i64)> {
    let minute = |time: Timestamp| (time.as_second() - at(0).as_second()) / 60;
    nonconformities(facts).into_iter().map(|(recorded, found)| (found.rule, minute(recorded.occurred_at))).collect()
}

#[test]
fn a_row_becomes_the_facts_that_lead_from_what_was_shown_before_to_what_it_shows() {
    let first = Snapshot {
        state: Some("new".into()),
        priority: Some(3),
        fields: Changes {
            title: Patch::Set("no mail".into()),
            impact: Patch::Set(2),
            urgency: Patch::Set(2),
            group: Patch::Set("groups/desk".into()),
            reassignment_count: Patch::Set(0),
            ..Changes::default()
        },
        ..Snapshot::default()
    };
    let mut second = first.clone();
    second.state = Some("pending".into());
    second.fields.pending_reason = Patch::Set(PendingReason::Customer);
    second.fields.group = Patch::Set("groups/mail".into());
    second.fields.reassignment_count = Patch::Set(1);
    let (absorbed, facts) = absorb_one(&[row(0, 1, first), row(5, 2, second)]);
    assert_eq!(kinds(&facts), ["opened.v1", "assigned.v1", "transitioned.v1", "assigned.v1", "imported.v1"]);
    let ticket = absorbed.ticket.unwrap();
    assert_eq!((ticket.state.as_str(), ticket.category), ("pending", Category::Pending));
    assert_eq!(ticket.pending.reason, Some(PendingReason::Customer));
    assert_eq!(ticket.reassignment_count, 1);
    assert_eq!(ticket.priority, Some(3));
    assert_eq!(ticket.priority_override, None);
    assert_eq!((absorbed.created, absorbed.unchanged), (2, 0));
}

#[test]
fn rows_that_were_absorbed_before_change_nothing() {
    let rows = [row(0, 1, state("new")), row(5, 2, state("in_progress"))];
    let (_, facts) = absorb_one(&rows);
    let again = absorb(Some(&facts), &rows, &import());
    assert_eq!(again.new_facts, []);
    assert_eq!((again.created, again.unchanged), (0, 2));
    assert_eq!(again.ticket, fold(&facts));
}

#[test]
fn a_row_that_comes_twice_at_once_counts_once() {
    let rows = [row(0, 1, state("new")), row(0, 1, state("new"))];
    let (absorbed, _) = absorb_one(&rows);
    assert_eq!((absorbed.created, absorbed.unchanged), (1, 1));
}

#[test]
fn a_row_that_shows_nothing_new_is_unchanged_and_remembered() {
    let (_, mut facts) = absorb_one(&[row(0, 1, state("new"))]);
    let same = absorb(Some(&facts), &[row(5, 2, state("new"))], &import());
    assert_eq!((same.created, same.unchanged), (0, 1));
    record(&mut facts, same.new_facts);
    assert_eq!(kinds(&facts[facts.len() - 1..]), ["imported.v1"]);
    let again = absorb(Some(&facts), &[row(5, 2, state("new"))], &import());
    assert_eq!(again.new_facts, []);
}

#[test]
fn final_values_are_not_believed_before_their_time() {
    let ended = |snapshot: Snapshot| {
        let fields = Changes {
            resolved_at: Patch::Set(at(20)),
            closed_at: Patch::Set(at(30)),
            resolution_code: Patch::Set("fixed".into()),
            ..Changes::default()
        };
        Snapshot { fields, ..snapshot }
    };
    let rows = [
        row(0, 1, ended(state("new"))),
        row(10, 2, ended(state("resolved"))),
        row(15, 3, ended(state("in_progress"))),
        row(20, 4, ended(state("resolved"))),
        row(30, 5, ended(state("closed"))),
    ];
    let seen = |count: usize| absorb_one(&rows[..count]).0.ticket.unwrap();
    for early in [1, 2, 3] {
        let ticket = seen(early);
        assert_eq!(ticket.resolved_at, None, "after {early} rows");
        assert_eq!(ticket.resolution, Resolution::default(), "after {early} rows");
    }
    assert_eq!(seen(4).resolved_at, Some(at(20)));
    assert_eq!(seen(4).resolution.code.as_deref(), Some("fixed"));
    assert_eq!(seen(4).closed_at, None);
    assert_eq!(seen(5).closed_at, Some(at(30)));
    let (_, facts) = absorb_one(&rows);
    let resolved: Vec<_> = facts
        .iter()
        .filter(|recorded| matches!(recorded.fact, Fact::Resolved(_)))
        .map(|recorded| recorded.occurred_at)
        .collect();
    assert_eq!(resolved, [at(20)]);
}

#[test]
fn nothing_imported_is_known_before_it_is_true() {
    let fields = Changes { resolved_at: Patch::Set(at(20)), ..Changes::default() };
    let early = Snapshot { fields, ..state("new") };
    let (_, facts) = absorb_one(&[row(0, 1, early), row(30, 2, state("resolved"))]);
    for recorded in facts {
        assert!(recorded.source_recorded_at.unwrap() >= recorded.occurred_at);
    }
}

#[test]
fn a_ticket_that_only_has_a_state_row_has_no_resolution_time() {
    let (absorbed, _) = absorb_one(&[row(0, 1, state("new")), row(9, 2, state("resolved"))]);
    let ticket = absorbed.ticket.unwrap();
    assert_eq!(ticket.category, Category::Resolved);
    assert_eq!(ticket.resolved_at, None);
}

#[test]
fn a_rise_of_a_count_is_a_fact_with_the_new_count() {
    let counts = |reassigned, reopened| {
        showing(Changes {
            reassignment_count: Patch::Set(reassigned),
            reopen_count: Patch::Set(reopened),
            ..Changes::default()
        })
    };
    let (absorbed, facts) = absorb_one(&[row(0, 1, counts(2, 0)), row(5, 2, counts(2, 1)), row(6, 3, counts(3, 1))]);
    assert_eq!(kinds(&facts), ["opened.v1", "assigned.v1", "reopened.v1", "assigned.v1", "imported.v1"]);
    let ticket = absorbed.ticket.unwrap();
    assert_eq!((ticket.reassignment_count, ticket.reopen_count), (3, 1));
}

#[test]
fn where_a_source_shows_no_counts_moves_between_groups_and_back_to_work_count() {
    let shown = |state: &str, group: Option<&str>| {
        let group = Patch::exactly(group.map(str::to_owned));
        let fields = Changes { group, ..Changes::default() };
        Snapshot { state: Some(state.into()), fields, ..Snapshot::default() }
    };
    let (absorbed, _) = absorb_one(&[
        row(0, 1, shown("new", None)),
        row(1, 2, shown("in_progress", Some("groups/a"))),
        row(2, 3, shown("in_progress", Some("groups/b"))),
        row(3, 4, shown("resolved", Some("groups/b"))),
        row(4, 5, shown("in_progress", Some("groups/b"))),
    ]);
    let ticket = absorbed.ticket.unwrap();
    assert_eq!((ticket.reassignment_count, ticket.reopen_count), (1, 1));
}

#[test]
fn a_ticket_that_does_not_begin_at_the_beginning_is_kept_and_noted() {
    let (absorbed, facts) = absorb_one(&[row(3, 1, state("resolved"))]);
    assert_eq!(absorbed.ticket.unwrap().category, Category::Resolved);
    assert_eq!(rules(&facts), [(Rule::StartsAtState, 3)]);
}

#[test]
fn a_move_that_the_process_does_not_have_is_made_and_noted() {
    let (absorbed, facts) =
        absorb_one(&[row(0, 1, state("new")), row(1, 2, state("closed")), row(2, 3, state("in_progress"))]);
    let ticket = absorbed.ticket.unwrap();
    assert_eq!((ticket.state.as_str(), ticket.reopen_count), ("in_progress", 1));
    assert_eq!(ticket.closed_at, None);
    assert_eq!(rules(&facts), [(Rule::NoTransition, 1), (Rule::NoTransition, 2)]);
}

#[test]
fn a_late_row_that_explains_a_deviation_withdraws_it() {
    let late = vec![row(0, 1, state("new"))];
    let (_, facts) = absorb_groups(&[vec![row(5, 2, state("in_progress"))], late]);
    assert_eq!(rules(&facts), []);
    assert!(kinds(&facts).contains(&"conforming.v1"));
}

#[test]
fn a_ticket_opens_at_the_earliest_instant_that_is_mentioned() {
    let opened_at = |minute| showing(Changes { opened_at: Patch::Set(at(minute)), ..Changes::default() });
    let (absorbed, facts) = absorb_one(&[row(10, 1, opened_at(4))]);
    assert_eq!(facts[0].occurred_at, at(4));
    assert_eq!(absorbed.ticket.unwrap().opened_at, at(4));
    assert_eq!(rules(&facts), []);

    let (absorbed, facts) = absorb_one(&[row(10, 1, opened_at(40))]);
    assert_eq!(facts[0].occurred_at, at(10), "the row happened, whatever the source says");
    assert_eq!(absorbed.ticket.unwrap().opened_at, at(40), "and the source says this");
    assert_eq!(rules(&facts), [(Rule::ActivityBeforeOpening, 10)]);
}

#[test]
fn what_the_first_row_shows_of_the_ticket_holds_from_the_opening_and_its_state_from_the_row() {
    let fields = Changes {
        opened_at: Patch::Set(at(0)),
        customer: Patch::Set("customers/acme".into()),
        group: Patch::Set("groups/desk".into()),
        ..Changes::default()
    };
    let (_, facts) = absorb_one(&[row(10, 1, Snapshot { fields, ..state("in_progress") })]);
    let then = fold(facts.iter().filter(|recorded| recorded.occurred_at == at(0))).unwrap();
    assert_eq!(then.customer.as_deref(), Some("customers/acme"));
    assert_eq!((then.state.as_str(), then.assignment.group), ("new", None));
}

#[test]
fn a_priority_that_the_matrix_does_not_give_is_kept_as_an_override() {
    let shown = |priority| {
        let fields = Changes { impact: Patch::Set(2), urgency: Patch::Set(2), ..Changes::default() };
        Snapshot { priority: Some(priority), fields, ..Snapshot::default() }
    };
    let (absorbed, _) = absorb_one(&[row(0, 1, shown(1))]);
    let ticket = absorbed.ticket.unwrap();
    assert_eq!((ticket.matrix_priority, ticket.priority), (Some(3), Some(1)));
    assert_eq!(ticket.priority_override.unwrap().value, 1);

    let (absorbed, _) = absorb_one(&[row(0, 1, shown(1)), row(1, 2, shown(3))]);
    let ticket = absorbed.ticket.unwrap();
    assert_eq!((ticket.priority, ticket.priority_override), (Some(3), None));
}

#[test]
fn rows_that_cannot_be_taken_are_named_and_stop_nothing() {
    let wrong_impact = showing(Changes { impact: Patch::Set(7), ..Changes::default() });
    let rows = [
        row(0, 1, state("limbo")),
        row(1, 2, wrong_impact),
        row(2, 3, state("new")),
        row(3, 4, Snapshot { priority: Some(0), ..Snapshot::default() }),
    ];
    let (absorbed, _) = absorb_one(&rows);
    let failures: Vec<_> =
        absorbed.failures.iter().map(|failure| (failure.index, failure.reason, failure.field)).collect();
    assert_eq!(
        failures,
        [(0, "STATE_UNKNOWN", "state"), (1, "FIELD_INVALID", "impact"), (3, "FIELD_INVALID", "priority")]
    );
    assert_eq!(
        absorbed.failures[0].message,
        "state limbo is not defined in process incident: map it to one of new, in_progress, pending, resolved, closed, cancelled"
    );
    assert_eq!(absorbed.ticket.unwrap().state, "new");
    let again = absorb(None, &rows[..1], &import());
    assert_eq!(again.ticket, None);
    assert_eq!(again.new_facts, []);
}

fn event(minute: i64, sequence: i64, event: Event) -> Row {
    Row { kind: RowKind::Fact(Box::new(event)), ..row(minute, sequence, Snapshot::default()) }
}

#[test]
fn precise_facts_say_the_same_as_snapshots_and_notes_are_kept() {
    let note = |text: &str, audience, by| Event::Noted { audience, by, text: text.into() };
    let group = |group: &str| Assignment { group: Some(group.into()), ..Assignment::default() };
    let title = showing(Changes { title: Patch::Set("no mail".into()), ..Changes::default() });
    let (absorbed, facts) = absorb_one(&[
        event(0, 1, Event::Opened(title)),
        event(1, 2, Event::Assigned(group("groups/a"))),
        event(2, 3, note("we look", Audience::Public, Side::Provider)),
        event(3, 4, Event::Entered { state: "in_progress".into(), pending_reason: None }),
        event(4, 5, Event::Assigned(group("groups/b"))),
        event(5, 6, note("hurry", Audience::Public, Side::Customer)),
        event(6, 7, Event::Entered { state: "resolved".into(), pending_reason: None }),
        event(6, 8, Event::Resolved(Resolution { code: Some("fixed".into()), ..Resolution::default() })),
    ]);
    assert_eq!((absorbed.created, absorbed.failures.len()), (8, 0));
    let ticket = absorbed.ticket.unwrap();
    assert_eq!((ticket.title.as_str(), ticket.opened_at), ("no mail", at(0)));
    assert_eq!(ticket.reassignment_count, 1);
    assert_eq!((ticket.resolved_at, ticket.resolution.code.as_deref()), (Some(at(6)), Some("fixed")));
    assert_eq!(facts.iter().filter(|recorded| matches!(recorded.fact, Fact::Noted(_))).count(), 2);
    assert_eq!(rules(&facts), []);
}

#[test]
fn a_note_on_a_ticket_nobody_has_shown_is_refused() {
    let note = Event::Noted { audience: Audience::Public, by: Side::Customer, text: "hello".into() };
    let absorbed = absorb(None, &[event(0, 1, note)], &import());
    assert_eq!(absorbed.failures[0].reason, "TICKET_UNKNOWN");
    assert_eq!(absorbed.ticket, None);
}

#[test]
fn what_a_late_row_shows_ends_where_a_later_row_shows_otherwise() {
    let title = |title: &str| showing(Changes { title: Patch::Set(title.into()), ..Changes::default() });
    let first = row(0, 1, title("a"));
    // Shows the same as the first, so nothing was recorded for it.
    let last = row(10, 2, title("a"));
    let late = row(5, 3, title("b"));
    let (ticket, facts) = absorb_groups(&[vec![first, last], vec![late]]);
    assert_eq!(ticket.title, "a");
    let at_seven = fold(facts.iter().filter(|recorded| recorded.occurred_at < at(7))).unwrap();
    assert_eq!(at_seven.title, "b");
}

#[test]
fn what_people_did_here_between_rows_stays_until_a_row_shows_otherwise() {
    let title = |title: &str| showing(Changes { title: Patch::Set(title.into()), ..Changes::default() });
    let (_, mut facts) = absorb_groups(&[vec![row(0, 1, title("theirs"))]]);
    let ours = Changes { title: Patch::Set("ours".into()), ..Changes::default() };
    facts.push(ticket_support::live(Fact::Updated(Box::new(ours)), at(5), 900));
    let silent = absorb(Some(&facts), &[row(6, 2, state("in_progress"))], &import());
    assert_eq!(silent.ticket.unwrap().title, "ours");
    let loud = absorb(Some(&facts), &[row(6, 2, title("theirs"))], &import());
    assert_eq!(loud.ticket.unwrap().title, "theirs");
}

#[test]
fn a_ticket_that_goes_on_is_not_opened_again() {
    let shown = |title: &str| Snapshot {
        priority: Some(1),
        fields: Changes {
            title: Patch::Set(title.into()),
            impact: Patch::Set(3),
            urgency: Patch::Set(3),
            opened_at: Patch::Set(at(-5)),
            ..Changes::default()
        },
        ..Snapshot::default()
    };
    let note = Event::Noted { audience: Audience::Public, by: Side::Customer, text: "hello".into() };
    let by = |actor: &str, row: Row| Row { actor: Some(actor.into()), ..row };
    let (_, facts) = absorb_groups(&[
        vec![event(0, 1, note.clone()), by("people/ann", row(0, 2, shown("a")))],
        vec![by("people/bob", row(1, 3, shown("b"))), event(2, 4, note)],
        vec![by("people/cid", row(3, 5, shown("c")))],
    ]);
    let count = |kind: &str| kinds(&facts).into_iter().filter(|known| *known == kind).count();
    assert_eq!((count("opened.v1"), count("updated.v1"), count("noted.v1")), (1, 2, 2));
    assert_eq!(count("prioritised.v1"), 0);
}

#[test]
fn what_somebody_here_said_at_the_opening_stays_where_an_earlier_row_is_silent() {
    let act = ticket_support::agent();
    let opening = Opening {
        name: "tickets/INC-000001".into(),
        process_revision: 1,
        fields: Changes { title: Patch::Set("ours".into()), ..Changes::default() },
    };
    let change = open(ticket_support::incident(), opening, &ticket_support::now(&act, 5)).unwrap();
    let mut facts = Vec::new();
    record(&mut facts, change.facts);
    let service = showing(Changes { service: Patch::Set("services/mail".into()), ..Changes::default() });
    for (minute, sequence) in [(0, 1), (8, 2)] {
        let absorbed = absorb(Some(&facts), &[row(minute, sequence, service.clone())], &import());
        record(&mut facts, absorbed.new_facts);
        let ticket = fold(&facts).unwrap();
        assert_eq!(Some(&ticket), absorbed.ticket.as_ref());
        assert_eq!((ticket.title.as_str(), ticket.opened_at), ("ours", at(0)));
        assert_eq!(ticket.service.as_deref(), Some("services/mail"));
    }
    assert_eq!(kinds(&facts).into_iter().filter(|kind| *kind == "opened.v1").count(), 2);
}

#[test]
fn a_resolution_that_was_made_here_too_is_stated_once_more_at_most() {
    let (_, mut facts) = absorb_groups(&[vec![row(0, 1, state("new"))]]);
    let ours = Resolution { code: Some("ours".into()), ..Resolution::default() };
    facts.push(ticket_support::live(Fact::Resolved(ours), at(5), 900));
    let theirs =
        Changes { resolved_at: Patch::Set(at(5)), resolution_code: Patch::Set("theirs".into()), ..Changes::default() };
    for (minute, sequence) in [(6, 2), (7, 3), (8, 4)] {
        let shown = Snapshot { fields: theirs.clone(), ..state("resolved") };
        let absorbed = absorb(Some(&facts), &[row(minute, sequence, shown)], &import());
        record(&mut facts, absorbed.new_facts);
    }
    assert_eq!(kinds(&facts).into_iter().filter(|kind| *kind == "resolved.v1").count(), 2);
    assert_eq!(fold(&facts).unwrap().resolution.code.as_deref(), Some("theirs"));
}

/// A field that is kept, cleared or given one of the values.
fn patch(values: &'static [&'static str]) -> impl Strategy<Value = Patch<String>> {
    prop_oneof![
        2 => Just(Patch::Keep),
        1 => Just(Patch::Clear),
        4 => prop::sample::select(values).prop_map(|value| Patch::Set(value.to_owned())),
    ]
}

fn number(most: u8) -> impl Strategy<Value = Patch<u8>> {
    prop_oneof![1 => Just(Patch::Keep), 3 => (1..=most).prop_map(Patch::Set)]
}

fn count() -> impl Strategy<Value = Patch<u32>> {
    prop_oneof![2 => Just(Patch::Keep), 3 => (0u32..4).prop_map(Patch::Set)]
}

fn time() -> impl Strategy<Value = Patch<Timestamp>> {
    prop_oneof![
        3 => Just(Patch::Keep),
        1 => Just(Patch::Clear),
        3 => (0i64..14).prop_map(|minute| Patch::Set(at(minute))),
    ]
}

fn pending() -> impl Strategy<Value = Patch<PendingReason>> {
    prop_oneof![
        Just(Patch::Keep),
        Just(Patch::Clear),
        Just(Patch::Set(PendingReason::Customer)),
        Just(Patch::Set(PendingReason::Supplier)),
    ]
}

/// What a source may show, sensible or not.
fn snapshot() -> impl Strategy<Value = Snapshot> {
    let states = ["new", "in_progress", "pending", "resolved", "closed", "cancelled"];
    let head = (
        prop::option::weighted(0.8, prop::sample::select(states.to_vec())),
        prop::option::of(1u8..=4),
        prop::option::of(prop::collection::btree_set("[ab]", 0..2)),
    );
    let texts = (patch(&["a", "b"]), patch(&["x", "y"]), patch(&["g", "h"]), patch(&["p", "q"]));
    let numbers = (number(3), number(3), count(), count());
    let ends = (time(), time(), time(), patch(&["fixed", "worked around"]));
    let verdict = prop_oneof![Just(Patch::Keep), any::<bool>().prop_map(Patch::Set)];
    (head, texts, numbers, ends, pending(), verdict).prop_map(
        |((state, priority, links), texts, numbers, ends, pending_reason, source_sla_met)| Snapshot {
            state: state.map(str::to_owned),
            priority,
            links: links.into_iter().map(|links| (LinkType::Problem, links)).collect(),
            fields: Changes {
                title: texts.0,
                service: texts.1,
                group: texts.2,
                person: texts.3,
                impact: numbers.0,
                urgency: numbers.1,
                reassignment_count: numbers.2,
                reopen_count: numbers.3,
                opened_at: ends.0,
                resolved_at: ends.1,
                closed_at: ends.2,
                resolution_code: ends.3,
                pending_reason,
                source_sla_met,
                ..Changes::default()
            },
        },
    )
}

/// Rows of one ticket, many of them in the same minute.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec((0i64..12, snapshot()), 1..9).prop_map(|rows| {
        let numbered = rows.into_iter().zip(1..);
        numbered.map(|((minute, snapshot), sequence)| row(minute, sequence, snapshot)).collect()
    })
}

/// Rows as they happened, and the same in another order, in groups, some of them twice.
struct Deal {
    rows: Vec<Row>,
    groups: Vec<Vec<Row>>,
}

impl std::fmt::Debug for Deal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, group) in self.groups.iter().enumerate() {
            for row in group {
                let RowKind::Snapshot(snapshot) = &row.kind else { continue };
                let Snapshot { state, priority, links, fields } = snapshot.as_ref();
                let fields = serde_json::to_string(fields).unwrap();
                let (at, sequence) = (row.occurred_at, row.source_sequence);
                writeln!(f, "group {index}: {at} #{sequence} {state:?} {priority:?} {links:?} {fields}")?;
            }
        }
        Ok(())
    }
}

fn dealt() -> impl Strategy<Value = Deal> {
    rows().prop_flat_map(|rows| {
        let again = prop::collection::vec(prop::sample::select(rows.clone()), 0..3);
        let all = again.prop_map({
            let rows = rows.clone();
            move |again| rows.iter().cloned().chain(again).collect::<Vec<_>>()
        });
        let shuffled = all.prop_shuffle();
        let cuts = prop::collection::vec(any::<bool>(), rows.len() + 3);
        (Just(rows), shuffled, cuts).prop_map(|(rows, shuffled, cuts)| {
            let mut groups = vec![Vec::new()];
            for (row, cut) in shuffled.into_iter().zip(cuts) {
                if cut {
                    groups.push(Vec::new());
                }
                groups.last_mut().unwrap().push(row);
            }
            Deal { rows, groups }
        })
    })
}

/// The same rows in the order in which they happened, in groups. None shows when the ticket was opened or resolved:
/// a time that comes up after it has passed makes needless what earlier rows had said.
fn dealt_in_order() -> impl Strategy<Value = Deal> {
    (rows(), prop::collection::vec(any::<bool>(), 9)).prop_map(|(mut rows, cuts)| {
        rows.sort_by_key(|row| (row.occurred_at, row.source_sequence));
        for row in &mut rows {
            if let RowKind::Snapshot(snapshot) = &mut row.kind {
                snapshot.fields.opened_at = Patch::Keep;
                snapshot.fields.resolved_at = Patch::Keep;
            }
        }
        let mut groups = vec![Vec::new()];
        for (row, cut) in rows.iter().zip(cuts) {
            if cut {
                groups.push(Vec::new());
            }
            groups.last_mut().unwrap().push(row.clone());
        }
        Deal { rows, groups }
    })
}

/// What clocks hear, without what means nothing to them: at one instant the order of signals, and all but the
/// last of what a ticket waited for.
fn heard(facts: &[Recorded]) -> BTreeSet<(Timestamp, String, Option<PendingReason>)> {
    let mut waits = BTreeMap::new();
    let mut heard = BTreeSet::new();
    for signal in signals(facts) {
        match signal.kind {
            SignalKind::State { state, category, pending } => {
                waits.insert((signal.at, format!("{state} {category:?}")), pending);
            }
            kind => {
                heard.insert((signal.at, format!("{kind:?}"), None));
            }
        }
    }
    heard.extend(waits.into_iter().map(|((at, state), pending)| (at, state, pending)));
    heard
}

/// The ticket without what tells a row that was right at once from one that had to be put right later: at the
/// instant of such a row, values may go there and back.
fn essence(mut ticket: Ticket) -> Ticket {
    ticket.since.priority = at(0);
    ticket.since.fields = at(0);
    ticket
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn rows_in_any_order_and_any_groups_give_the_same_ticket(Deal { rows, groups } in dealt()) {
        let (expected, _) = absorb_groups(&[rows]);
        let (ticket, _) = absorb_groups(&groups);
        prop_assert_eq!(essence(ticket), essence(expected));
    }

    #[test]
    fn rows_in_any_order_and_any_groups_give_the_same_history(Deal { rows, groups } in dealt()) {
        let (_, expected) = absorb_groups(&[rows]);
        let (_, facts) = absorb_groups(&groups);
        prop_assert_eq!(rules(&facts), rules(&expected));
        for minute in -1..15 {
            let then = |facts: &[Recorded]| {
                fold(facts.iter().filter(|recorded| recorded.occurred_at <= at(minute))).map(essence)
            };
            prop_assert_eq!(then(&facts), then(&expected), "minute {}", minute);
        }
        prop_assert_eq!(heard(&facts), heard(&expected));
    }

    #[test]
    fn rows_that_come_in_order_record_the_same_facts_in_any_groups(Deal { rows, groups } in dealt_in_order()) {
        let told = |facts: Vec<Recorded>| {
            let mut told: Vec<_> = facts
                .into_iter()
                .filter(|recorded| !recorded.fact.is_observation() && !matches!(recorded.fact, Fact::Opened(_)))
                .map(|recorded| (recorded.occurred_at, recorded.source_sequence, format!("{:?}", recorded.fact)))
                .collect();
            told.sort();
            told
        };
        prop_assert_eq!(told(absorb_groups(&groups).1), told(absorb_groups(&[rows]).1));
    }
}
