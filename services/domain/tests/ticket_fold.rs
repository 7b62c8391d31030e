//! From facts to the ticket, and to what clocks see.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ticket_support;

use std::collections::BTreeMap;

use domain::approval::Policy;
use domain::clock::SignalKind;
use domain::process::{Category, PendingReason, Practice};
use domain::ticket::{
    Asked, Assigned, Audience, Changes, Decided, Decision, Delegated, Fact, Lapsed, MajorDeclared, MajorUpdated, Noted,
    Opened, Patch, Recorded, Resolution, Side, Ticket, Transitioned, fold, signals,
};
use proptest::prelude::*;
use ticket_support::{at, live};

fn opened(category: Category, by: Side) -> Fact {
    Fact::Opened(Box::new(Opened {
        name: "tickets/INC-000001".into(),
        practice: Practice::parse("incident").unwrap(),
        process: "processes/incident".into(),
        process_revision: 1,
        state: "new".into(),
        category,
        by,
        fields: Changes { title: Patch::Set("no mail".into()), ..Changes::default() },
        matrix_priority: None,
    }))
}

fn moved(state: &str, category: Category, by: Side) -> Fact {
    Fact::Transitioned(Box::new(Transitioned {
        transition: None,
        from_state: String::new(),
        state: state.into(),
        category,
        by,
        fields: Changes::default(),
    }))
}

fn assigned(group: &str, reassignment_count: u32) -> Fact {
    Fact::Assigned(Box::new(Assigned {
        group: Patch::Set(group.into()),
        person: Patch::Keep,
        contract: Patch::Keep,
        reassignment_count,
    }))
}

fn noted(by: Side) -> Fact {
    Fact::Noted(Noted { by, text: "hello".into() })
}

fn titled(title: &str) -> Fact {
    Fact::Updated(Box::new(Changes { title: Patch::Set(title.into()), ..Changes::default() }))
}

/// The facts, one a minute, in the journal as they happened.
fn journal(facts: Vec<Fact>) -> Vec<Recorded> {
    facts.into_iter().zip(0..).map(|(fact, minute)| live(fact, at(minute), minute + 1)).collect()
}

/// What clocks see, without states and assignments: each with its minute.
fn heard(facts: &[Recorded]) -> Vec<(i64, SignalKind)> {
    let minute = |time: jiff::Timestamp| (time.as_second() - at(0).as_second()) / 60;
    signals(facts)
        .into_iter()
        .filter(|signal| !matches!(signal.kind, SignalKind::State { .. } | SignalKind::Opened))
        .map(|signal| (minute(signal.at), signal.kind))
        .collect()
}

#[test]
fn nothing_is_folded_from_facts_that_open_nothing() {
    assert_eq!(fold(&journal(vec![noted(Side::Provider)])), None);
    assert_eq!(signals(&journal(vec![noted(Side::Provider)])), []);
}

#[test]
fn the_earliest_opening_counts_and_of_two_at_once_the_one_recorded_last() {
    let mut facts = journal(vec![opened(Category::New, Side::Customer), titled("later")]);
    let Fact::Opened(mut earlier) = opened(Category::New, Side::Customer) else { unreachable!() };
    earlier.fields.title = Patch::Set("first".into());
    facts.push(live(Fact::Opened(earlier.clone()), at(-5), 10));
    assert_eq!(fold(&facts).unwrap().opened_at, at(-5));
    assert_eq!(fold(&facts[..1]).unwrap().opened_at, at(0));
    earlier.fields.title = Patch::Set("corrected".into());
    facts.push(live(Fact::Opened(earlier), at(-5), 11));
    facts.remove(1);
    assert_eq!(fold(&facts).unwrap().title, "corrected");
}

#[test]
fn a_reopened_ticket_is_neither_resolved_nor_closed() {
    let facts = journal(vec![
        opened(Category::New, Side::Customer),
        moved("resolved", Category::Resolved, Side::Provider),
        Fact::Resolved(Resolution { code: Some("fixed".into()), ..Resolution::default() }),
        moved("closed", Category::Closed, Side::Provider),
        moved("in_progress", Category::Active, Side::Provider),
        Fact::Reopened { reopen_count: 1 },
    ]);
    let closed = fold(&facts[..4]).unwrap();
    assert_eq!((closed.resolved_at, closed.closed_at), (Some(at(2)), Some(at(3))));
    let ticket = fold(&facts).unwrap();
    assert_eq!((ticket.resolved_at, ticket.closed_at), (None, None));
    assert_eq!(ticket.resolution, Resolution::default());
    assert_eq!(ticket.reopen_count, 1);
}

#[test]
fn a_resolution_of_the_minute_of_a_reopening_stands() {
    let mut facts = journal(vec![
        opened(Category::New, Side::Customer),
        moved("resolved", Category::Resolved, Side::Provider),
        moved("in_progress", Category::Active, Side::Provider),
        moved("resolved", Category::Resolved, Side::Provider),
        Fact::Resolved(Resolution::default()),
    ]);
    for recorded in &mut facts[1..] {
        recorded.source_sequence = recorded.position;
        recorded.occurred_at = at(1);
    }
    facts[4].source_sequence = 0;
    assert_eq!(fold(&facts).unwrap().resolved_at, Some(at(1)));
}

#[test]
fn closing_what_is_closed_does_not_move_the_time() {
    let facts = journal(vec![
        opened(Category::New, Side::Customer),
        moved("closed", Category::Closed, Side::Provider),
        moved("closed", Category::Closed, Side::Provider),
    ]);
    let ticket = fold(&facts).unwrap();
    assert_eq!((ticket.closed_at, ticket.since.state), (Some(at(1)), at(1)));
}

#[test]
fn the_first_action_of_the_provider_answers_and_later_ones_are_news() {
    let mut facts = journal(vec![
        opened(Category::New, Side::Customer),
        noted(Side::Customer),
        moved("in_progress", Category::Active, Side::Provider),
        noted(Side::Provider),
        moved("resolved", Category::Resolved, Side::Provider),
    ]);
    assert_eq!(
        heard(&facts),
        [
            (1, SignalKind::CustomerWrote),
            (2, SignalKind::Answered),
            (3, SignalKind::Informed),
            (4, SignalKind::Informed),
        ]
    );
    facts[1].audience = Audience::Internal;
    facts[3].audience = Audience::Internal;
    assert_eq!(heard(&facts), [(2, SignalKind::Answered), (4, SignalKind::Informed)]);
}

#[test]
fn a_public_note_answers_an_untouched_ticket() {
    let facts = journal(vec![opened(Category::New, Side::Customer), noted(Side::Provider)]);
    assert_eq!(heard(&facts), [(1, SignalKind::Answered)]);
}

#[test]
fn a_ticket_that_the_provider_opens_at_work_is_answered_at_its_opening() {
    let by = |side| heard(&journal(vec![opened(Category::Active, side)]));
    assert_eq!(by(Side::Provider), [(0, SignalKind::Answered)]);
    assert_eq!(by(Side::Customer), []);
}

#[test]
fn cancelling_is_no_answer_and_ends_the_clocks() {
    let facts =
        journal(vec![opened(Category::New, Side::Customer), moved("cancelled", Category::Cancelled, Side::Customer)]);
    assert_eq!(heard(&facts), [(1, SignalKind::Ended { reason: "cancelled".into() })]);
}

#[test]
fn a_customer_who_moves_a_ticket_does_not_answer_it() {
    let facts =
        journal(vec![opened(Category::New, Side::Customer), moved("in_progress", Category::Active, Side::Customer)]);
    assert_eq!(heard(&facts), []);
}

#[test]
fn clocks_hear_each_state_with_what_it_waits_for_and_where_it_came_from() {
    let reason = Changes { pending_reason: Patch::Set(PendingReason::Supplier), ..Changes::default() };
    let facts = journal(vec![
        opened(Category::New, Side::Customer),
        moved("pending", Category::Pending, Side::Provider),
        Fact::Updated(Box::new(reason)),
        moved("pending", Category::Pending, Side::Provider),
    ]);
    let states: Vec<_> = signals(&facts)
        .into_iter()
        .filter_map(|signal| match signal.kind {
            SignalKind::State { state, pending, .. } => Some((signal.position, state, pending)),
            _ => None,
        })
        .collect();
    assert_eq!(
        states,
        [
            (Some(1), "new".to_owned(), None),
            (Some(2), "pending".to_owned(), None),
            (Some(3), "pending".to_owned(), Some(PendingReason::Supplier)),
        ]
    );
}

#[test]
fn clocks_hear_of_groups_only_when_they_change() {
    let facts = journal(vec![
        opened(Category::New, Side::Customer),
        assigned("groups/a", 0),
        assigned("groups/a", 0),
        assigned("groups/b", 1),
    ]);
    let group = |group: &str| SignalKind::Assigned { group: Some(group.into()), contract: None };
    assert_eq!(heard(&facts), [(1, group("groups/a")), (3, group("groups/b"))]);
}

/// Any fact that enters a fold.
fn any_fact() -> impl Strategy<Value = Fact> {
    let states = [
        ("new", Category::New),
        ("in_progress", Category::Active),
        ("pending", Category::Pending),
        ("resolved", Category::Resolved),
        ("closed", Category::Closed),
        ("cancelled", Category::Cancelled),
    ];
    prop_oneof![
        3 => prop::sample::select(states.to_vec()).prop_map(|(state, category)| moved(state, category, Side::Provider)),
        1 => ("groups/[ab]", 0u32..3).prop_map(|(group, count)| assigned(&group, count)),
        1 => "[ab]".prop_map(|title| titled(&title)),
        1 => Just(Fact::Resolved(Resolution::default())),
        1 => (0u32..3).prop_map(|reopen_count| Fact::Reopened { reopen_count }),
        1 => Just(noted(Side::Provider)),
        2 => prop::sample::select(vec!["a-1", "a-2", "b-1"]).prop_map(asked),
        2 => (prop::sample::select(vec!["a-1", "a-2"]), "people/[abc]", any::<bool>())
            .prop_map(|(approval, who, approves)| decided(approval, &who, approves)),
        1 => "people/[abc]".prop_map(|delegate| Fact::ApprovalDelegated(Box::new(Delegated {
            approval: "a-1".into(),
            delegator: "people/z".into(),
            capacities: vec!["groups/cab".into()],
            delegate,
            comment: String::new(),
        }))),
        1 => Just(Fact::ApprovalLapsed(Lapsed { approval: "a-1".into(), fields: vec!["title".into()] })),
        1 => (0u64..3).prop_map(|users| Fact::MajorDeclared(MajorDeclared {
            users_affected: Some(users),
            ..MajorDeclared::default()
        })),
        1 => "people/[ab]".prop_map(|commander| Fact::MajorUpdated(MajorUpdated {
            commander: Patch::Set(commander),
            ..MajorUpdated::default()
        })),
        1 => Just(Fact::MajorStoodDown { review_due_at: Some(at(9)) }),
    ]
}

fn asked(approval: &str) -> Fact {
    Fact::ApprovalRequested(Box::new(Asked {
        approval: approval.into(),
        rule: approval[..1].into(),
        policy: Policy { groups: vec!["groups/cab".into()], quorum: 2, ..Policy::default() },
        fields: BTreeMap::new(),
        asked_by: "people/z".into(),
    }))
}

fn decided(approval: &str, approver: &str, approves: bool) -> Fact {
    Fact::ApprovalDecided(Box::new(Decided {
        approval: approval.into(),
        approver: approver.into(),
        delegate: None,
        capacities: vec!["groups/cab".into()],
        decision: if approves { Decision::Approve } else { Decision::Reject },
        comment: String::new(),
    }))
}

/// A history whose facts have distinct times and sequences, and the order in which they were recorded.
fn histories() -> impl Strategy<Value = (Vec<Recorded>, Vec<usize>)> {
    prop::collection::vec((0i64..6, any_fact()), 0..12).prop_flat_map(|facts| {
        let count = facts.len() + 1;
        let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        let mut history = vec![live(opened(Category::New, Side::Customer), at(0), 0)];
        history.extend(
            facts
                .into_iter()
                .zip(1..)
                .map(|((minute, fact), sequence)| Recorded { source_sequence: sequence, ..live(fact, at(minute), 0) }),
        );
        (Just(history), order)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_order_of_recording_does_not_matter((history, order) in histories()) {
        let recorded_in = |order: &[usize]| {
            let recorded = order.iter().zip(1..);
            let recorded = recorded.map(|(&index, position)| Recorded { position, ..history[index].clone() });
            recorded.collect::<Vec<_>>()
        };
        let straight: Vec<usize> = (0..history.len()).collect();
        let (one, other) = (recorded_in(&straight), recorded_in(&order));
        prop_assert_eq!(fold(&one), fold(&other));
        let heard = |facts: &[Recorded]| {
            signals(facts).into_iter().map(|signal| (signal.at, signal.kind)).collect::<Vec<_>>()
        };
        prop_assert_eq!(heard(&one), heard(&other));
    }

    #[test]
    fn taking_facts_one_by_one_gives_what_taking_all_at_once_gives((history, _) in histories()) {
        let mut facts: Vec<Recorded> = history
            .into_iter()
            .zip(1..)
            .map(|(recorded, position)| Recorded { position, ..recorded })
            .collect();
        facts.sort_by_key(Recorded::key);
        let mut step_by_step: Ticket = fold(&facts[..1]).unwrap();
        for (index, recorded) in facts.iter().enumerate().skip(1) {
            step_by_step.apply(&recorded.fact, recorded.occurred_at);
            prop_assert_eq!(Some(step_by_step.clone()), fold(&facts[..=index]));
        }
    }

    #[test]
    fn a_fact_survives_being_stored((history, _) in histories()) {
        for recorded in history {
            let stored = Fact::decode(recorded.fact.kind(), recorded.fact.payload());
            prop_assert_eq!(stored, Ok(recorded.fact));
        }
    }

    #[test]
    fn a_ticket_survives_being_stored((history, _) in histories()) {
        let ticket = fold(&history).unwrap();
        let stored = serde_json::to_string(&ticket).unwrap();
        prop_assert_eq!(serde_json::from_str::<Ticket>(&stored).unwrap(), ticket);
    }
}
