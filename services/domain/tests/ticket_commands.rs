//! What people may do with a ticket, and how they are refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ticket_support;

use std::collections::BTreeMap;

use domain::priority::Override;
use domain::process::{Category, PendingReason, Process, shipped};
use domain::ticket::command::{
    Act, Caller, Change, Class, Note, Opening, Reason, Rejection, add_note, allowed_transitions, assign, declare_major,
    link, open, stand_down_major, take, transition, unlink, update, update_major,
};
use domain::ticket::{
    Assignment, Audience, Changes, Details, Fact, Link, LinkType, MajorDeclared, MajorUpdated, Patch, ProblemDetails,
    Resolution, Ticket, Timer, fold,
};
use proptest::prelude::*;
use ticket_support::{agent, at, customer, incident, kinds, now, record};

fn text(text: &str) -> Patch<String> {
    Patch::Set(text.to_owned())
}

fn titled() -> Changes {
    Changes { title: text("no mail"), ..Changes::default() }
}

fn opening(fields: Changes) -> Opening {
    Opening { name: "tickets/INC-000042".into(), process_revision: 1, fields }
}

fn opened() -> Ticket {
    open(incident(), opening(titled()), &now(&agent(), 0)).unwrap().next
}

fn moved(ticket: &Ticket, id: &str, fields: &Changes, minute: i64) -> Ticket {
    transition(incident(), ticket, id, fields, &now(&agent(), minute)).unwrap().next
}

fn fixed() -> Changes {
    Changes { resolution_code: text("fixed"), ..Changes::default() }
}

fn waiting_for(reason: PendingReason) -> Changes {
    Changes { pending_reason: Patch::Set(reason), ..Changes::default() }
}

fn cancelled() -> Ticket {
    let why = Changes { cancel_reason: text("raised twice"), ..Changes::default() };
    moved(&opened(), "cancel", &why, 1)
}

fn closed() -> Ticket {
    moved(&moved(&opened(), "resolve", &fixed(), 1), "close", &Changes::default(), 2)
}

fn refused(result: Result<Change, Rejection>) -> Rejection {
    result.expect_err("it is refused")
}

/// What a change says of itself: its facts give its ticket.
fn assert_coherent(before: &Ticket, change: &Change) {
    let mut ticket = before.clone();
    for fact in &change.facts {
        ticket.apply(&fact.fact, fact.occurred_at);
    }
    assert_eq!(ticket, change.next);
}

#[test]
fn a_ticket_opens_in_the_initial_state_with_the_priority_of_the_matrix() {
    let fields = Changes { impact: Patch::Set(1), urgency: Patch::Set(2), group: text("groups/desk"), ..titled() };
    let change = open(incident(), opening(fields), &now(&customer(), 0)).unwrap();
    assert_eq!(kinds(&change), ["opened.v1", "assigned.v1"]);
    let ticket = &change.next;
    assert_eq!((ticket.state.as_str(), ticket.category), ("new", Category::New));
    assert_eq!((ticket.matrix_priority, ticket.priority), (Some(2), Some(2)));
    assert_eq!(ticket.assignment.group.as_deref(), Some("groups/desk"));
    assert_eq!(ticket.reassignment_count, 0);
    assert_eq!(ticket.number(), "INC-000042");
    let mut journal = Vec::new();
    record(&mut journal, change.facts.clone());
    assert_eq!(fold(&journal).as_ref(), Some(ticket));
}

#[test]
fn the_customer_does_not_see_who_has_the_ticket() {
    let fields = Changes { group: text("groups/desk"), ..titled() };
    let change = open(incident(), opening(fields), &now(&agent(), 0)).unwrap();
    let audiences: Vec<_> = change.facts.iter().map(|fact| fact.audience).collect();
    assert_eq!(audiences, [Audience::Public, Audience::Internal]);
}

#[test]
fn a_ticket_without_a_title_is_refused() {
    let rejection = refused(open(incident(), opening(Changes::default()), &now(&agent(), 0)));
    assert_eq!(rejection.reason, Reason::FieldRequired);
    assert_eq!(rejection.violations[0].field, "title");
}

#[test]
fn all_wrong_values_are_named_at_once() {
    let fields = Changes {
        impact: Patch::Set(9),
        urgency: Patch::Set(0),
        priority_override: Patch::Set(Override { value: 7, reason: " ".into(), actor: String::new() }),
        details: Patch::Set(Details::Problem(ProblemDetails::default())),
        ..titled()
    };
    let rejection = refused(open(incident(), opening(fields), &now(&agent(), 0)));
    assert_eq!(rejection.reason, Reason::FieldInvalid);
    let fields: Vec<&str> = rejection.violations.iter().map(|violation| violation.field.as_str()).collect();
    assert_eq!(fields, ["impact", "urgency", "priority_override.value", "priority_override.reason", "details"]);
    assert_eq!(rejection.violations[0].message, "is 9: give one of 1, 2, 3");
}

#[test]
fn what_only_the_server_writes_cannot_be_given() {
    let fields = Changes { reopen_count: Patch::Set(3), closed_at: Patch::Set(at(0)), ..titled() };
    let rejection = refused(open(incident(), opening(fields), &now(&agent(), 0)));
    assert_eq!(rejection.reason, Reason::FieldNotWritable);
    assert_eq!(rejection.metadata["fields"], "closed_at,reopen_count");
}

#[test]
fn a_wrong_transition_names_the_allowed_ones() {
    let rejection = refused(transition(incident(), &opened(), "close", &Changes::default(), &now(&agent(), 1)));
    assert_eq!(rejection.reason.as_str(), "TRANSITION_NOT_ALLOWED");
    assert_eq!(rejection.reason.class(), Class::Precondition);
    assert_eq!(rejection.message, "ticket INC-000042 is new and cannot close: use one of start, hold, resolve, cancel");
    assert_eq!(rejection.metadata["allowed"], "start,hold,resolve,cancel");
    assert_eq!(rejection.metadata["ticket"], "tickets/INC-000042");
}

#[test]
fn every_missing_field_of_a_transition_is_named() {
    let mut process = incident().clone();
    process.transitions[3].guard.fields.push("assignment.group".into());
    process.transitions[3].guard.fields.push("custom_fields.cause".into());
    let act = agent();
    let rejection = refused(transition(&process, &opened(), "resolve", &Changes::default(), &now(&act, 1)));
    assert_eq!(rejection.reason, Reason::FieldRequired);
    assert_eq!(rejection.metadata["fields"], "resolution.code,assignment.group,custom_fields.cause");
    let given = Changes {
        group: text("groups/mail"),
        custom_fields: Patch::Set(BTreeMap::from([("cause".to_owned(), "disk".into())])),
        ..fixed()
    };
    let change = transition(&process, &opened(), "resolve", &given, &now(&act, 1)).unwrap();
    assert_eq!(kinds(&change), ["transitioned.v1", "resolved.v1", "assigned.v1", "updated.v1"]);
}

#[test]
fn a_transition_that_asks_for_a_role_is_refused_without_it() {
    let mut process = incident().clone();
    process.transitions[0].guard.role = Some("resolver".into());
    let mut caller = agent();
    let start = |caller: &Caller| transition(&process, &opened(), "start", &Changes::default(), &now(caller, 1));
    let rejection = refused(start(&caller));
    assert_eq!(rejection.reason, Reason::RoleRequired);
    assert_eq!(rejection.reason.class(), Class::Permission);
    assert_eq!(rejection.metadata["role"], "resolver");
    caller.roles.insert("resolver".into());
    assert_eq!(start(&caller).unwrap().next.state, "in_progress");
}

#[test]
fn allowed_transitions_tell_what_is_missing() {
    let mut process = incident().clone();
    process.transitions[0].guard.role = Some("resolver".into());
    let (ticket, caller) = (opened(), agent());
    let allowed = allowed_transitions(&process, &ticket, &caller);
    let told: Vec<_> = allowed
        .iter()
        .map(|allowed| {
            (allowed.transition.id.as_str(), allowed.missing_roles.is_empty(), allowed.missing_fields.clone())
        })
        .collect();
    assert_eq!(
        told,
        [
            ("start", false, vec![]),
            ("hold", true, vec!["pending_reason"]),
            ("resolve", true, vec!["resolution.code"]),
            ("cancel", true, vec!["cancel_reason"]),
        ]
    );
}

#[test]
fn resolving_is_a_fact_of_its_own_and_reopening_takes_it_back() {
    let change = transition(incident(), &opened(), "resolve", &fixed(), &now(&agent(), 5)).unwrap();
    assert_eq!(kinds(&change), ["transitioned.v1", "resolved.v1"]);
    assert_eq!(change.next.resolved_at, Some(at(5)));
    assert_eq!(change.next.resolution.code.as_deref(), Some("fixed"));
    let reopened = transition(incident(), &change.next, "reopen", &Changes::default(), &now(&agent(), 9)).unwrap();
    assert_eq!(kinds(&reopened), ["transitioned.v1", "reopened.v1"]);
    assert_eq!(reopened.next.reopen_count, 1);
    assert_eq!(reopened.next.resolved_at, None);
    assert_eq!(reopened.next.resolution, Resolution::default());
    assert_eq!(reopened.next.since.state, at(9));
}

#[test]
fn a_ticket_resolved_again_needs_a_new_resolution() {
    let reopened = moved(&moved(&opened(), "resolve", &fixed(), 1), "reopen", &Changes::default(), 2);
    let again = transition(incident(), &reopened, "resolve", &Changes::default(), &now(&agent(), 3));
    assert_eq!(refused(again).reason, Reason::FieldRequired);
}

#[test]
fn what_a_state_has_no_use_for_is_refused_rather_than_dropped() {
    let act = agent();
    let start = transition(incident(), &opened(), "start", &fixed(), &now(&act, 1));
    assert_eq!(refused(start).metadata["fields"], "resolution.code");
    let waiting = Changes { pending_reason: Patch::Set(PendingReason::Change), ..fixed() };
    let resolve = transition(incident(), &opened(), "resolve", &waiting, &now(&act, 1));
    assert_eq!(refused(resolve).metadata["fields"], "pending_reason");
}

#[test]
fn waiting_ends_with_the_state() {
    let waits = moved(&opened(), "hold", &waiting_for(PendingReason::Supplier), 1);
    assert_eq!(waits.pending.reason, Some(PendingReason::Supplier));
    let goes_on = moved(&waits, "resume", &Changes::default(), 2);
    assert_eq!(goes_on.pending.reason, None);
}

#[test]
fn what_a_ticket_waits_for_can_be_corrected_while_it_waits() {
    let waits = moved(&opened(), "hold", &waiting_for(PendingReason::Supplier), 1);
    let correction = waiting_for(PendingReason::Customer);
    let change = update(incident(), &waits, &correction, &now(&agent(), 2)).unwrap();
    assert_eq!(change.next.pending.reason, Some(PendingReason::Customer));
    let not_waiting = update(incident(), &opened(), &correction, &now(&agent(), 2));
    assert_eq!(refused(not_waiting).reason, Reason::FieldNotWritable);
}

#[test]
fn a_ticket_that_has_ended_takes_no_changes() {
    for ticket in [closed(), cancelled()] {
        let act = agent();
        let act = now(&act, 9);
        let assignment = Assignment { group: Some("groups/a".into()), ..Assignment::default() };
        let note = Note { audience: Audience::Public, text: "hello".into() };
        for result in [
            update(incident(), &ticket, &titled(), &act),
            assign(incident(), &ticket, &assignment, &act),
            add_note(incident(), &ticket, &note, &act),
        ] {
            let rejection = refused(result);
            assert_eq!(rejection.reason, Reason::TicketClosed);
            assert!(rejection.message.ends_with("reopen it first"), "{rejection}");
        }
        let internal = Note { audience: Audience::Internal, ..note };
        assert_eq!(kinds(&add_note(incident(), &ticket, &internal, &act).unwrap()), ["noted.v1"]);
    }
}

#[test]
fn only_going_from_one_group_to_another_is_a_reassignment() {
    let to = |ticket: &Ticket, group: Option<&str>, person: Option<&str>| {
        let assignment =
            Assignment { group: group.map(str::to_owned), person: person.map(str::to_owned), contract: None };
        let act = agent();
        assign(incident(), ticket, &assignment, &now(&act, 1)).unwrap().next
    };
    let ticket = to(&opened(), Some("groups/a"), None);
    assert_eq!(ticket.reassignment_count, 0);
    let ticket = to(&ticket, Some("groups/a"), Some("people/eve"));
    assert_eq!(ticket.reassignment_count, 0);
    let ticket = to(&ticket, Some("groups/b"), None);
    assert_eq!(ticket.reassignment_count, 1);
    assert_eq!(ticket.assignment.person, None);
    let ticket = to(&to(&ticket, None, None), Some("groups/a"), None);
    assert_eq!(ticket.reassignment_count, 1);
}

#[test]
fn what_changes_nothing_is_no_fact() {
    let ticket = opened();
    let act = agent();
    let act = now(&act, 1);
    let other = Link { kind: LinkType::RelatesTo, ticket: "tickets/INC-000043".into() };
    for result in [
        update(incident(), &ticket, &titled(), &act),
        assign(incident(), &ticket, &Assignment::default(), &act),
        unlink(&ticket, &other, &act),
    ] {
        let change = result.unwrap();
        assert_eq!(change.facts, []);
        assert_eq!(change.next, ticket);
    }
}

#[test]
fn an_override_counts_and_says_who_set_it() {
    let by_hand = Override { value: 1, reason: "board meeting".into(), actor: "people/mallory".into() };
    let fields = Changes {
        impact: Patch::Set(3),
        urgency: Patch::Set(3),
        priority_override: Patch::Set(by_hand),
        ..Changes::default()
    };
    let change = update(incident(), &opened(), &fields, &now(&agent(), 1)).unwrap();
    assert_eq!(kinds(&change), ["prioritised.v1"]);
    assert_eq!((change.next.matrix_priority, change.next.priority), (Some(4), Some(1)));
    assert_eq!(change.next.priority_override.as_ref().unwrap().actor, "people/bob");
    let back = Changes { priority_override: Patch::Clear, ..Changes::default() };
    let change = update(incident(), &change.next, &back, &now(&agent(), 2)).unwrap();
    assert_eq!(change.next.priority, Some(4));
}

#[test]
fn a_customers_public_reply_resumes_a_ticket_that_waits_for_the_customer() {
    let reply = Note { audience: Audience::Public, text: "here it is".into() };
    let waits = |reason| moved(&opened(), "hold", &waiting_for(reason), 1);
    let write = |ticket: &Ticket, caller: &Caller| add_note(incident(), ticket, &reply, &now(caller, 2)).unwrap();
    let resumed = write(&waits(PendingReason::Customer), &customer());
    assert_eq!(kinds(&resumed), ["noted.v1", "transitioned.v1"]);
    assert_eq!(resumed.next.state, "in_progress");
    assert_eq!(kinds(&write(&waits(PendingReason::Supplier), &customer())), ["noted.v1"]);
    assert_eq!(kinds(&write(&waits(PendingReason::Customer), &agent())), ["noted.v1"]);
}

#[test]
fn a_customer_cannot_write_what_the_customer_cannot_read() {
    let note = Note { audience: Audience::Internal, text: "psst".into() };
    let rejection = refused(add_note(incident(), &opened(), &note, &now(&customer(), 1)));
    assert_eq!(rejection.violations[0].field, "audience");
}

#[test]
fn a_ticket_is_not_related_to_itself() {
    let itself = Link { kind: LinkType::Duplicates, ticket: "tickets/INC-000042".into() };
    assert_eq!(refused(link(&opened(), &itself, &now(&agent(), 1))).reason, Reason::LinkToItself);
}

#[test]
fn a_link_can_be_made_once_and_taken_away() {
    let other = Link { kind: LinkType::Problem, ticket: "tickets/PRB-000007".into() };
    let act = agent();
    let linked = link(&opened(), &other, &now(&act, 1)).unwrap();
    assert_eq!(kinds(&linked), ["linked.v1"]);
    assert_eq!(link(&linked.next, &other, &now(&act, 2)).unwrap().facts, []);
    let gone = unlink(&linked.next, &other, &now(&act, 3)).unwrap();
    assert!(gone.next.links.is_empty());
}

#[test]
fn a_comment_is_kept_as_an_internal_note() {
    let caller = agent();
    let act = Act { comment: "rebooted", ..now(&caller, 1) };
    let change = transition(incident(), &opened(), "start", &Changes::default(), &act).unwrap();
    assert_eq!(kinds(&change), ["transitioned.v1", "noted.v1"]);
    assert_eq!(change.facts[1].audience, Audience::Internal);
}

#[test]
fn saying_that_it_happened_earlier_needs_permission_a_reason_and_a_possible_time() {
    let ticket = moved(&opened(), "start", &Changes::default(), 10);
    let resolve = |caller: &Caller, minute: i64, comment: &str| {
        let act = Act { occurred_at: Some(at(minute)), comment, ..now(caller, 30) };
        transition(incident(), &ticket, "resolve", &fixed(), &act)
    };
    let trusted = Caller { may_backdate: true, ..agent() };
    assert_eq!(refused(resolve(&agent(), 20, "by phone")).reason, Reason::BackdateNotPermitted);
    assert_eq!(refused(resolve(&trusted, 20, " ")).reason, Reason::BackdateReasonRequired);
    assert_eq!(refused(resolve(&trusted, 40, "by phone")).reason, Reason::BackdateInFuture);
    assert_eq!(refused(resolve(&trusted, -1, "by phone")).reason, Reason::BackdateBeforeOpening);
    let too_early = refused(resolve(&trusted, 5, "by phone"));
    assert_eq!(too_early.reason, Reason::BackdateBeforeLaterChange);
    let change = resolve(&trusted, 20, "by phone").unwrap();
    assert_eq!(change.next.resolved_at, Some(at(20)));
    assert!(change.facts.iter().all(|fact| fact.occurred_at == at(20)));
    assert!(resolve(&agent(), 30, "").is_ok(), "now is not the past");
}

#[test]
fn a_note_may_have_been_written_before_the_last_change() {
    let ticket = moved(&opened(), "start", &Changes::default(), 10);
    let trusted = Caller { may_backdate: true, ..agent() };
    let act = Act { occurred_at: Some(at(5)), comment: "call logged late", ..now(&trusted, 30) };
    let note = Note { audience: Audience::Public, text: "we are on it".into() };
    assert_eq!(add_note(incident(), &ticket, &note, &act).unwrap().facts[0].occurred_at, at(5));
}

#[test]
fn a_clock_that_is_behind_does_not_put_a_change_before_the_one_it_builds_on() {
    let ticket = moved(&opened(), "start", &Changes::default(), 10);
    let change = transition(incident(), &ticket, "resolve", &fixed(), &now(&agent(), 9)).unwrap();
    assert!(change.facts[0].occurred_at > at(10));
}

/// Every required field, so that only the state decides.
fn everything_for(process: &Process, id: &str) -> Changes {
    let Some(transition) = process.transition(id) else { return Changes::default() };
    let requires = |path: &str| {
        transition.guard.fields.iter().any(|field| field == path || field.starts_with(&format!("{path}.")))
    };
    let of_change = requires("change") || requires("details");
    Changes {
        resume_at: if requires("pending_reason") { Patch::Set(at(7)) } else { Patch::Keep },
        pending_reason: if requires("pending_reason") { Patch::Set(PendingReason::Customer) } else { Patch::Keep },
        resolution_code: if requires("resolution.code") { text("fixed") } else { Patch::Keep },
        cancel_reason: if requires("cancel_reason") { text("why") } else { Patch::Keep },
        impact: if requires("impact") { Patch::Set(1) } else { Patch::Keep },
        urgency: if requires("urgency") { Patch::Set(1) } else { Patch::Keep },
        details: if of_change { Patch::Set(details(process)) } else { Patch::Keep },
        ..Changes::default()
    }
}

fn details(process: &Process) -> Details {
    let practice = process.practice.as_str();
    // A standard change asks nobody.
    let details = serde_json::json!({"practice": practice, "type": "STANDARD", "template": "routine_patch",
        "planned_start_at": at(0), "planned_end_at": at(1), "actual_start_at": at(0), "actual_end_at": at(1),
        "outcome": "SUCCESSFUL"});
    serde_json::from_value(details).unwrap()
}

fn manager(process: &Process) -> Caller {
    let roles = process.transitions.iter().filter_map(|transition| transition.guard.role.clone());
    Caller { roles: roles.collect(), ..agent() }
}

/// A ticket of the process in that state.
fn ticket_in(process: &Process, state: &str) -> Ticket {
    let caller = manager(process);
    let of_change = process.practice.as_str() == "change";
    let given = if of_change { Patch::Set(details(process)) } else { Patch::Keep };
    let mut ticket = open(process, opening(Changes { details: given, ..titled() }), &now(&caller, 0)).unwrap().next;
    let category = process.state(state).unwrap().category;
    let moved = domain::ticket::Transitioned {
        transition: None,
        from_state: ticket.state.clone(),
        state: state.into(),
        category,
        by: domain::ticket::Side::Provider,
        fields: Changes::default(),
    };
    ticket.apply(&Fact::Transitioned(Box::new(moved)), at(1));
    ticket
}

#[test]
fn every_state_and_transition_is_either_allowed_or_refused_by_name() {
    for process in shipped() {
        let caller = manager(&process);
        for state in &process.states {
            let ticket = ticket_in(&process, &state.id);
            for step in &process.transitions {
                let fields = everything_for(&process, &step.id);
                let result = transition(&process, &ticket, &step.id, &fields, &now(&caller, 2));
                let case = format!("{} {} {}", process.id, state.id, step.id);
                if step.from.contains(&state.id) {
                    let change = result.unwrap_or_else(|rejection| panic!("{case}: {rejection}"));
                    assert_eq!(change.next.state, step.to, "{case}");
                    assert_coherent(&ticket, &change);
                } else {
                    let rejection = refused(result);
                    assert_eq!(rejection.reason, Reason::TransitionNotAllowed, "{case}");
                    assert_eq!(rejection.metadata["transition"], step.id, "{case}");
                    assert!(rejection.message.contains(&step.id), "{case}");
                }
            }
        }
    }
}

#[test]
fn a_transition_takes_a_role_that_answers_for_its_activity() {
    let process = shipped().remove(0);
    let ticket = ticket_in(&process, "new");
    let holding = |roles: &[&str]| {
        let named = |roles: &[&str]| roles.iter().map(|&role| role.to_owned()).collect();
        Caller {
            roles: named(roles),
            answering: [("start".to_owned(), named(&["resolver", "service-desk"]))].into(),
            ..agent()
        }
    };
    let (stranger, resolver) = (holding(&["change-manager"]), holding(&["resolver"]));
    let start = |caller: &Caller| transition(&process, &ticket, "start", &Changes::default(), &now(caller, 2));
    let rejection = refused(start(&stranger));
    assert_eq!(
        (rejection.reason, rejection.metadata["role"].as_str()),
        (Reason::RoleRequired, "resolver,service-desk")
    );
    assert!(start(&resolver).is_ok());
    let ways = allowed_transitions(&process, &ticket, &stranger);
    let missing: Vec<_> = ways.iter().map(|way| (way.transition.id.as_str(), way.missing_roles.clone())).collect();
    assert_eq!(missing[0], ("start", vec!["resolver", "service-desk"]));
    assert!(missing[1..].iter().all(|(_, roles)| roles.is_empty()), "{missing:?}");
}

#[test]
fn no_state_of_a_shipped_process_that_is_not_final_is_a_dead_end() {
    for process in shipped() {
        let caller = manager(&process);
        for state in process.states.iter().filter(|state| !state.category.is_final()) {
            let ticket = ticket_in(&process, &state.id);
            let ways = allowed_transitions(&process, &ticket, &caller);
            assert!(!ways.is_empty(), "{} {}", process.id, state.id);
        }
    }
}

#[test]
fn every_reason_has_a_name_of_its_own() {
    let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
}

/// Something somebody tries.
#[derive(Debug, Clone)]
enum Attempt {
    Move(&'static str),
    Assign(Option<&'static str>),
    Update(u8, &'static str),
    Write(bool),
    Declare(u64),
    Report(u64),
    StandDown,
    Pass,
}

fn attempts() -> impl Strategy<Value = Vec<(i64, Attempt)>> {
    let moves = ["start", "hold", "resume", "resolve", "reopen", "close", "cancel"];
    let attempt = prop_oneof![
        4 => prop::sample::select(moves.to_vec()).prop_map(Attempt::Move),
        1 => prop::option::of(prop::sample::select(vec!["groups/a", "groups/b"])).prop_map(Attempt::Assign),
        1 => (1u8..=3, prop::sample::select(vec!["a", "b"])).prop_map(|(impact, title)| Attempt::Update(impact, title)),
        1 => any::<bool>().prop_map(Attempt::Write),
        1 => (1u64..3).prop_map(Attempt::Declare),
        1 => (1u64..3).prop_map(Attempt::Report),
        1 => Just(Attempt::StandDown),
        1 => Just(Attempt::Pass),
    ];
    prop::collection::vec((0i64..3, attempt), 0..25)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_try_the_facts_give_the_ticket(attempts in attempts()) {
        let process = incident();
        let (agent, customer) = (agent(), customer());
        let change = open(process, opening(titled()), &now(&agent, 0)).unwrap();
        let mut ticket = change.next;
        let mut journal = Vec::new();
        record(&mut journal, change.facts);
        let mut minute = 0;
        for (later, attempt) in attempts {
            minute += later;
            let act = now(&agent, minute);
            let result = match attempt {
                Attempt::Move(id) => transition(process, &ticket, id, &everything_for(process, id), &act),
                Attempt::Assign(group) => {
                    let group = group.map(str::to_owned);
                    assign(process, &ticket, &Assignment { group, ..Assignment::default() }, &act)
                }
                Attempt::Update(impact, title) => {
                    let fields = Changes { impact: Patch::Set(impact), urgency: Patch::Set(2), title: text(title), ..Changes::default() };
                    update(process, &ticket, &fields, &act)
                }
                Attempt::Write(by_customer) => {
                    let note = Note { audience: Audience::Public, text: "hello".into() };
                    add_note(process, &ticket, &note, &now(if by_customer { &customer } else { &agent }, minute))
                }
                Attempt::Declare(users) => {
                    let declared = MajorDeclared { users_affected: Some(users), ..MajorDeclared::default() };
                    declare_major(&ticket, &declared, &act)
                }
                Attempt::Report(users) => {
                    let updated = MajorUpdated { users_affected: Patch::Set(users), ..MajorUpdated::default() };
                    update_major(&ticket, &updated, &act)
                }
                Attempt::StandDown => stand_down_major(&ticket, None, &act),
                // Days go by.
                Attempt::Pass => {
                    minute += 8 * 24 * 60;
                    let timer = Timer::of(process, &ticket, &journal, at(0)).filter(|timer| timer.at <= at(minute));
                    timer.and_then(|timer| take(process, &ticket, timer, &now(&agent, minute))).ok_or_else(|| {
                        refused(transition(process, &ticket, "no such", &Changes::default(), &act))
                    })
                }
            };
            if let Ok(change) = result {
                assert_coherent(&ticket, &change);
                record(&mut journal, change.facts);
                ticket = change.next;
                prop_assert_eq!(fold(&journal), Some(ticket.clone()));
            }
        }
    }
}
