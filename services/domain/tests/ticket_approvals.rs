//! Approvals: who is asked, who may decide, what lapses, what follows; and what a change and a reply have to do with it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ticket_support;

use std::sync::LazyLock;

use domain::approval::{Delegation, Policies, Policy};
use domain::process::{Process, shipped};
use domain::ticket::command::{
    Act, Caller, Change, Deciding, Delegating, Note, Opening, Reason, Rejection, add_note, assign, decide_approval,
    delegate_approval, open, transition, update,
};
use domain::ticket::{
    ApprovalState, Assignment, Audience, ChangeDetails, Changes, Decision, Details, Patch, Recorded,
    ServiceRequestDetails, Side, Ticket, fold,
};
use proptest::prelude::*;
use serde_json::json;
use ticket_support::{agent, at, kinds, now, record};

static CHANGE: LazyLock<Process> = LazyLock::new(|| shipped().remove(3));
static REQUEST: LazyLock<Process> = LazyLock::new(|| shipped().remove(1));

fn who(name: &str, roles: &[&str]) -> Caller {
    let roles = roles.iter().map(|&role| role.to_owned()).collect();
    Caller { actor: format!("people/{name}"), roles, ..agent() }
}

fn approver(name: &str) -> Caller {
    who(name, &["change-approver"])
}

/// A ticket with its facts.
struct Case {
    process: Process,
    ticket: Ticket,
    journal: Vec<Recorded>,
    minute: i64,
    policies: Policies,
}

impl Case {
    fn open(process: &Process, by: &Caller, fields: Changes, policies: Policies) -> Self {
        let title = Patch::Set("patch the mail servers".to_owned());
        let opening =
            Opening { name: "tickets/CHG-000042".into(), process_revision: 1, fields: Changes { title, ..fields } };
        let change = open(process, opening, &Act { policies: &policies, ..now(by, 0) }).unwrap();
        let mut journal = Vec::new();
        record(&mut journal, change.facts);
        Self { process: process.clone(), ticket: change.next, journal, minute: 1, policies }
    }

    /// A normal change that waits for its approval, opened by opal, assigned to ian, submitted by mia.
    fn submitted(process: &Process) -> Self {
        let fields = Changes { details: details(json!({})), requester: text("people/rita"), ..Changes::default() };
        let mut case = Self::open(process, &who("opal", &[]), fields, Policies::default());
        case.taken(|case, act| assign(&case.process, &case.ticket, &given_to("ian"), act), &who("mia", &[]));
        case.moved("assess", &who("mia", &[]));
        case.moved("submit", &who("mia", &[]));
        case
    }

    fn act<T>(&mut self, by: &Caller, command: impl FnOnce(&Self, &Act<'_>) -> T) -> T {
        self.minute += 1;
        let act = Act { policies: &self.policies, ..now(by, self.minute) };
        command(self, &act)
    }

    /// Tries a command; what it leads to becomes of the ticket.
    fn tried(
        &mut self,
        command: impl FnOnce(&Self, &Act<'_>) -> Result<Change, Rejection>,
        by: &Caller,
    ) -> Result<Vec<&'static str>, Rejection> {
        let change = self.act(by, command)?;
        let kinds = kinds(&change);
        record(&mut self.journal, change.facts);
        self.ticket = change.next;
        assert_eq!(fold(&self.journal).as_ref(), Some(&self.ticket), "the facts give the ticket");
        Ok(kinds)
    }

    fn taken(
        &mut self,
        command: impl FnOnce(&Self, &Act<'_>) -> Result<Change, Rejection>,
        by: &Caller,
    ) -> Vec<&'static str> {
        self.tried(command, by).unwrap()
    }

    fn try_to_move(&mut self, id: &str, by: &Caller) -> Result<Vec<&'static str>, Rejection> {
        let guard = self.process.transition(id).unwrap().guard.clone();
        let needs = |path: &str| guard.fields.iter().any(|field| field == path);
        let fields = Changes {
            pending_reason: if needs("pending_reason") {
                Patch::Set(domain::process::PendingReason::Scheduled)
            } else {
                Patch::Keep
            },
            resolution_code: if needs("resolution.code") { text("done") } else { Patch::Keep },
            ..Changes::default()
        };
        self.tried(|case, act| transition(&case.process, &case.ticket, id, &fields, act), by)
    }

    fn moved(&mut self, id: &str, by: &Caller) -> Vec<&'static str> {
        self.try_to_move(id, by).unwrap()
    }

    fn edited(&mut self, fields: Changes, by: &Caller) -> Vec<&'static str> {
        self.taken(|case, act| update(&case.process, &case.ticket, &fields, act), by)
    }

    fn decides_by(
        &mut self,
        by: &Caller,
        approval: &str,
        decision: Decision,
        delegations: &[Delegation],
    ) -> Result<Vec<&'static str>, Rejection> {
        let deciding = Deciding { approval, decision, comment: "as discussed", delegations };
        self.tried(|case, act| decide_approval(&case.process, &case.ticket, &case.journal, deciding, act), by)
    }

    fn approves(&mut self, by: &Caller, approval: &str) -> Result<Vec<&'static str>, Rejection> {
        self.decides_by(by, approval, Decision::Approve, &[])
    }

    fn delegates(&mut self, by: &Caller, approval: &str, to: &str) -> Result<Vec<&'static str>, Rejection> {
        let delegate = format!("people/{to}");
        let delegating = Delegating { approval, delegate: &delegate, comment: "on leave", delegations: &[] };
        self.tried(|case, act| delegate_approval(&case.process, &case.ticket, &case.journal, delegating, act), by)
    }

    fn states(&self) -> Vec<(&str, ApprovalState)> {
        self.ticket.approvals.iter().map(|found| (found.asked.approval.as_str(), found.state)).collect()
    }
}

fn text(text: &str) -> Patch<String> {
    Patch::Set(text.to_owned())
}

fn given_to(person: &str) -> Assignment {
    Assignment { group: Some("groups/mail".into()), person: Some(format!("people/{person}")), contract: None }
}

/// Details of a normal change that is planned, with these besides.
fn details(besides: serde_json::Value) -> Patch<Details> {
    let mut details = json!({"practice": "change", "type": "NORMAL", "risk": "high", "implementation_plan": "do it",
        "test_plan": "look", "back_out_plan": "undo it", "planned_start_at": at(100), "planned_end_at": at(200)});
    let besides = besides.as_object().unwrap().clone();
    details.as_object_mut().unwrap().extend(besides);
    Patch::Set(serde_json::from_value(details).unwrap())
}

fn with(details: Patch<Details>) -> Changes {
    Changes { details, ..Changes::default() }
}

fn asking(policy: Policy) -> Process {
    let mut process = CHANGE.clone();
    process.approvals[0].policy = Some(policy);
    process
}

fn people(names: &[&str], quorum: u32) -> Policy {
    let people = names.iter().map(|name| format!("people/{name}")).collect();
    Policy { people, quorum, ..Policy::default() }
}

fn reason<T: std::fmt::Debug>(result: Result<T, Rejection>) -> Reason {
    result.expect_err("it is refused").reason
}

#[test]
fn a_normal_change_goes_no_further_than_its_approval() {
    let mut case = Case::submitted(&CHANGE);
    let manager = who("mia", &["change-manager", "change-approver"]);
    assert_eq!(case.states(), [("change-1", ApprovalState::Pending)]);
    let refusal = case.try_to_move("approve", &manager).unwrap_err();
    assert_eq!(refusal.reason, Reason::ApprovalRequired);
    assert_eq!(
        refusal.message,
        "ticket CHG-000042 cannot approve yet: Change approval (change-1) waits for 1 more of change-approver"
    );
    assert_eq!(refusal.metadata["approvals"], "change");
    assert_eq!(case.approves(&approver("ann"), "change-1").unwrap(), ["approval_decided.v1"]);
    assert_eq!(case.states(), [("change-1", ApprovalState::Approved)]);
    case.moved("approve", &manager);
    case.moved("implement", &who("ian", &[]));
    assert_eq!(case.ticket.state, "implementing");
}

#[test]
fn a_change_manager_cannot_pass_a_normal_change_off_as_authorised() {
    let fields = with(details(json!({})));
    let mut case = Case::open(&CHANGE, &who("opal", &[]), fields, Policies::default());
    let refusal =
        case.try_to_move("implement_authorised", &who("mia", &["change-manager", "change-approver"])).unwrap_err();
    assert_eq!(refusal.reason, Reason::ApprovalRequired);
    assert_eq!(
        refusal.message,
        "ticket CHG-000042 cannot implement_authorised yet: Change approval was never asked for, ask for it by submit"
    );
}

#[test]
fn nobody_decides_on_what_is_their_own() {
    let mut case = Case::submitted(&CHANGE);
    case.taken(|case, act| assign(&case.process, &case.ticket, &given_to("ivy"), act), &who("mia", &[]));
    // Asked for it, opened, requested, was assigned, is assigned.
    for own in ["mia", "opal", "rita", "ian", "ivy"] {
        assert_eq!(reason(case.approves(&approver(own), "change-1")), Reason::FourEyesRequired, "{own}");
    }
    assert_eq!(reason(case.approves(&who("bob", &[]), "change-1")), Reason::NotAnApprover);
    assert_eq!(reason(case.approves(&approver("ann"), "change-2")), Reason::ApprovalUnknown);
    case.approves(&approver("ann"), "change-1").unwrap();
    assert_eq!(reason(case.approves(&approver("ben"), "change-1")), Reason::ApprovalNotPending);
}

#[test]
fn a_quorum_is_of_different_people_and_one_rejection_rejects() {
    let mut case =
        Case::submitted(&asking(Policy { roles: vec!["change-approver".into()], quorum: 2, ..Policy::default() }));
    case.approves(&approver("ann"), "change-1").unwrap();
    assert_eq!(case.approves(&approver("ann"), "change-1").unwrap(), [""; 0], "once");
    assert_eq!(case.states(), [("change-1", ApprovalState::Pending)]);
    assert_eq!(case.ticket.approvals[0].missing(), 1);
    case.approves(&approver("ben"), "change-1").unwrap();
    assert_eq!(case.states(), [("change-1", ApprovalState::Approved)]);

    let mut case = Case::submitted(&asking(people(&["ann", "ben"], 2)));
    case.approves(&who("ann", &[]), "change-1").unwrap();
    let kinds = case.decides_by(&who("ben", &[]), "change-1", Decision::Reject, &[]).unwrap();
    assert_eq!(kinds, ["approval_decided.v1", "transitioned.v1"]);
    assert_eq!((case.ticket.state.as_str(), case.ticket.cancel_reason.as_deref()), ("rejected", Some("as discussed")));
    assert_eq!(case.states(), [("change-1", ApprovalState::Rejected)]);
}

#[test]
fn everybody_who_is_named_has_to_agree_where_no_number_is_given() {
    let policy = Policy {
        roles: vec!["change-approver".into()],
        groups: vec!["groups/cab".into()],
        people: vec!["people/zoe".into()],
        quorum: 0,
    };
    let mut case = Case::submitted(&asking(policy));
    case.approves(&who("ann", &["change-approver", "groups/cab"]), "change-1").unwrap();
    assert_eq!(case.ticket.approvals[0].missing(), 1, "ann is both");
    case.approves(&who("zoe", &[]), "change-1").unwrap();
    assert_eq!(case.states(), [("change-1", ApprovalState::Approved)]);
}

#[test]
fn a_rejection_says_why_and_a_decision_may_change_while_it_is_pending() {
    let mut process = asking(people(&["ann", "ben", "cid"], 2));
    process.approvals[0].on_rejection = None;
    let mut case = Case::submitted(&process);
    let silent = Deciding { approval: "change-1", decision: Decision::Reject, comment: " ", delegations: &[] };
    let ann = who("ann", &[]);
    let refusal = case.act(&ann, |case, act| decide_approval(&process, &case.ticket, &case.journal, silent, act));
    assert_eq!(refusal.unwrap_err().violations[0].field, "comment");
    case.approves(&ann, "change-1").unwrap();
    case.decides_by(&ann, "change-1", Decision::Reject, &[]).unwrap();
    assert_eq!(case.states(), [("change-1", ApprovalState::Rejected)]);
    let refusal = case.try_to_move("approve", &who("mia", &["change-manager", "change-approver"])).unwrap_err();
    assert!(refusal.message.contains("(change-1) was rejected, ask for it by submit"), "{}", refusal.message);
    // Sent back and submitted again it is asked anew.
    case.moved("rework", &who("mia", &["change-manager", "change-approver"]));
    case.moved("submit", &who("mia", &[]));
    assert_eq!(case.states(), [("change-1", ApprovalState::Rejected), ("change-2", ApprovalState::Pending)]);
}

#[test]
fn an_approval_lapses_when_what_was_approved_changes_and_is_asked_anew() {
    let mut case = Case::submitted(&CHANGE);
    case.approves(&approver("ann"), "change-1").unwrap();
    let manager = who("mia", &["change-manager", "change-approver"]);
    case.moved("approve", &manager);
    assert_eq!(
        case.edited(Changes { description: text("more words"), ..Changes::default() }, &manager),
        ["updated.v1"]
    );
    let kinds = case.edited(with(details(json!({"risk": "low", "back_out_plan": "none"}))), &who("ed", &[]));
    assert_eq!(kinds, ["updated.v1", "approval_lapsed.v1", "approval_requested.v1"]);
    assert_eq!(case.states(), [("change-1", ApprovalState::Lapsed), ("change-2", ApprovalState::Pending)]);
    assert_eq!(case.ticket.approvals[0].changed_fields, ["change.back_out_plan", "change.risk"]);
    assert_eq!(reason(case.try_to_move("implement", &who("ian", &[]))), Reason::ApprovalRequired);
    assert_eq!(reason(case.approves(&approver("ed"), "change-2")), Reason::FourEyesRequired, "who changed it asks");
    case.approves(&approver("ann"), "change-2").unwrap();
    case.moved("implement", &who("ian", &[]));
}

#[test]
fn changes_that_come_with_the_move_count_as_well() {
    let mut case = Case::submitted(&CHANGE);
    case.approves(&approver("ann"), "change-1").unwrap();
    let fields = Changes {
        pending_reason: Patch::Set(domain::process::PendingReason::Scheduled),
        service: text("services/email"),
        ..Changes::default()
    };
    let manager = who("mia", &["change-manager", "change-approver"]);
    let refusal = case.tried(|case, act| transition(&case.process, &case.ticket, "approve", &fields, act), &manager);
    assert_eq!(reason(refusal), Reason::ApprovalRequired);
}

#[test]
fn an_emergency_is_implemented_at_once_and_closed_only_when_it_was_approved() {
    let fields = with(details(json!({"type": "EMERGENCY"})));
    let mut case = Case::open(&CHANGE, &who("opal", &[]), fields, Policies::default());
    case.moved("implement_authorised", &who("mia", &["change-manager", "change-approver"]));
    assert_eq!(case.states(), [("retrospective-1", ApprovalState::Pending)]);
    let done = json!({"type": "EMERGENCY", "actual_start_at": at(1), "actual_end_at": at(2), "outcome": "WITH_ISSUES"});
    assert_eq!(case.edited(with(details(done)), &who("ian", &[])), ["updated.v1"], "what came of it lapses nothing");
    case.moved("review", &who("ian", &[]));
    assert_eq!(reason(case.try_to_move("close", &who("ian", &[]))), Reason::ApprovalRequired);
    case.approves(&approver("ann"), "retrospective-1").unwrap();
    case.moved("close", &who("ian", &[]));
}

#[test]
fn a_standard_change_is_what_its_template_says_and_asks_nobody() {
    let open_with = |given: serde_json::Value| {
        let given: ChangeDetails = serde_json::from_value(given).unwrap();
        let fields = Changes { title: text("patch"), ..with(Patch::Set(Details::Change(Box::new(given)))) };
        let opening = Opening { name: "tickets/CHG-000001".into(), process_revision: 1, fields };
        open(&CHANGE, opening, &now(&agent(), 0))
    };
    let ticket = open_with(json!({"type": "STANDARD", "template": "routine_patch"})).unwrap().next;
    assert_eq!(ticket.value("change.risk"), "low");
    let moved = transition(
        &CHANGE,
        &ticket,
        "implement_authorised",
        &Changes::default(),
        &now(&who("m", &["change-manager"]), 1),
    );
    assert_eq!(moved.unwrap().next.approvals, []);
    let fields = |result: Result<Change, Rejection>| {
        result.unwrap_err().violations.into_iter().map(|violation| violation.field).collect::<Vec<_>>()
    };
    assert_eq!(fields(open_with(json!({"type": "STANDARD"}))), ["change.template"]);
    let other = json!({"type": "STANDARD", "template": "routine_patch", "test_plan": "none"});
    assert_eq!(fields(open_with(other)), ["change.test_plan"]);
    assert_eq!(fields(open_with(json!({"type": "NORMAL", "template": "routine_patch"}))), ["change.template"]);
    let backwards =
        json!({"type": "NORMAL", "planned_start_at": at(9), "planned_end_at": at(9), "actual_end_at": at(1)});
    assert_eq!(fields(open_with(backwards)), ["change.planned_end_time", "change.actual_start_time"]);
}

#[test]
fn what_a_change_has_to_say_is_asked_for_where_the_process_says_so() {
    let mut case = Case::open(&CHANGE, &who("opal", &[]), Changes::default(), Policies::default());
    case.moved("assess", &who("mia", &[]));
    let refusal = case.try_to_move("submit", &who("mia", &[])).unwrap_err();
    assert_eq!(refusal.reason, Reason::FieldRequired);
    assert_eq!(
        refusal.metadata["fields"],
        "change.type,change.risk,change.implementation_plan,change.test_plan,change.back_out_plan,\
         change.planned_start_time,change.planned_end_time"
    );
    let standard =
        json!({"type": "STANDARD", "template": "routine_patch", "actual_start_at": at(1), "actual_end_at": at(2)});
    let standard: ChangeDetails = serde_json::from_value(standard).unwrap();
    case.edited(with(Patch::Set(Details::Change(Box::new(standard)))), &who("mia", &[]));
    case.moved("implement_authorised", &who("mia", &["change-manager", "change-approver"]));
    case.moved("review", &who("ian", &[]));
    assert_eq!(case.try_to_move("close", &who("ian", &[])).unwrap_err().metadata["fields"], "change.outcome");
}

fn ordered(offering: &str) -> (Changes, Policies) {
    let details = Details::ServiceRequest(ServiceRequestDetails::default());
    let fields = Changes { offering: text(offering), details: Patch::Set(details), ..Changes::default() };
    (fields, Policies([("services/a/offerings/laptop".to_owned(), people(&["boss"], 1))].into()))
}

#[test]
fn a_request_is_approved_by_the_policy_of_its_offering_and_goes_on_by_itself() {
    let (fields, policies) = ordered("services/a/offerings/laptop");
    let mut case = Case::open(&REQUEST, &who("eve", &[]), fields, policies);
    assert_eq!(case.states(), [("request-1", ApprovalState::Pending)]);
    assert_eq!(reason(case.try_to_move("start", &agent())), Reason::ApprovalRequired);
    case.moved("submit", &agent());
    assert_eq!(case.states().len(), 1, "it was asked for already");
    let kinds = case.approves(&who("boss", &[]), "request-1").unwrap();
    assert_eq!(kinds, ["approval_decided.v1", "transitioned.v1"]);
    assert_eq!(case.ticket.state, "in_progress");

    let (fields, policies) = ordered("services/a/offerings/mouse");
    let mut case = Case::open(&REQUEST, &who("eve", &[]), fields, policies);
    assert_eq!(case.states(), []);
    case.moved("start", &agent());
}

#[test]
fn another_offering_is_approved_anew_or_by_nobody() {
    let (fields, policies) = ordered("services/a/offerings/laptop");
    let mut case = Case::open(&REQUEST, &who("eve", &[]), fields, policies);
    let to = |offering: &str| Changes { offering: text(offering), ..Changes::default() };
    assert_eq!(case.edited(to("services/a/offerings/mouse"), &agent()), ["updated.v1", "approval_lapsed.v1"]);
    case.edited(to("services/a/offerings/laptop"), &agent());
    assert_eq!(case.states(), [("request-1", ApprovalState::Lapsed), ("request-2", ApprovalState::Pending)]);
}

#[test]
fn nobody_approves_a_request_by_replying_to_it() {
    let (fields, policies) = ordered("services/a/offerings/laptop");
    let mut case = Case::open(&REQUEST, &who("eve", &[]), fields, policies);
    let waiting =
        Changes { pending_reason: Patch::Set(domain::process::PendingReason::Customer), ..Changes::default() };
    case.taken(|case, act| transition(&case.process, &case.ticket, "submit", &waiting, act), &agent());
    let note = Note { audience: Audience::Public, text: "any news?".into() };
    let customer = Caller { side: Side::Customer, ..who("eve", &[]) };
    let kinds = case.taken(|case, act| add_note(&case.process, &case.ticket, &note, act), &customer);
    assert_eq!((kinds, case.ticket.state.as_str()), (vec!["noted.v1"], "approval"));
}

#[test]
fn a_ticket_that_ends_asks_nobody_any_more() {
    let mut case = Case::submitted(&CHANGE);
    let why = Changes { cancel_reason: text("no longer needed"), ..Changes::default() };
    case.taken(|case, act| transition(&case.process, &case.ticket, "cancel", &why, act), &agent());
    assert_eq!(case.states(), [("change-1", ApprovalState::Withdrawn)]);
}

#[test]
fn a_decision_is_passed_on_and_counts_as_the_approvers() {
    let mut case = Case::submitted(&asking(people(&["ann", "ben"], 2)));
    assert_eq!(case.delegates(&who("ann", &[]), "change-1", "dan").unwrap(), ["approval_delegated.v1"]);
    case.approves(&who("dan", &[]), "change-1").unwrap();
    let decided = &case.ticket.approvals[0].decisions[0];
    assert_eq!((decided.approver.as_str(), decided.delegate.as_deref()), ("people/ann", Some("people/dan")));
    // The approver may decide again: it is one decision.
    case.approves(&who("ann", &[]), "change-1").unwrap();
    assert_eq!((case.ticket.approvals[0].decisions.len(), case.ticket.approvals[0].missing()), (1, 1));
}

#[test]
fn one_person_is_no_quorum_however_many_let_them_decide() {
    let mut case = Case::submitted(&asking(people(&["ann", "ben"], 2)));
    case.delegates(&who("ann", &[]), "change-1", "ben").unwrap();
    case.approves(&who("ben", &[]), "change-1").unwrap();
    case.approves(&who("ben", &[]), "change-1").unwrap();
    assert_eq!(case.states(), [("change-1", ApprovalState::Pending)]);
}

#[test]
fn a_decision_is_not_passed_to_those_whose_own_it_is_nor_in_a_circle_nor_too_far() {
    let mut case = Case::submitted(&asking(people(&["ann"], 1)));
    for own in ["mia", "opal", "rita", "ian", "ann"] {
        assert_eq!(reason(case.delegates(&who("ann", &[]), "change-1", own)), Reason::DelegationNotPermitted, "{own}");
    }
    assert_eq!(reason(case.delegates(&who("bob", &[]), "change-1", "cid")), Reason::NotAnApprover);
    for (from, to) in [("ann", "a"), ("a", "b"), ("b", "c")] {
        case.delegates(&who(from, &[]), "change-1", to).unwrap();
    }
    assert_eq!(reason(case.delegates(&who("b", &[]), "change-1", "ann")), Reason::DelegationNotPermitted, "a circle");
    assert_eq!(reason(case.delegates(&who("c", &[]), "change-1", "d")), Reason::DelegationNotPermitted, "too far");
    case.approves(&who("c", &[]), "change-1").unwrap();
    assert_eq!(case.states(), [("change-1", ApprovalState::Approved)]);
}

#[test]
fn whoever_decides_for_somebody_for_a_while_does_so_in_the_roles_they_held() {
    let lets = |delegator: &str, roles: &[&str], delegate: &str| Delegation {
        delegator: format!("people/{delegator}"),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        delegate: format!("people/{delegate}"),
    };
    let mut case = Case::submitted(&CHANGE);
    let none = [lets("ann", &["reader"], "dan")];
    assert_eq!(reason(case.decides_by(&who("dan", &[]), "change-1", Decision::Approve, &none)), Reason::NotAnApprover);
    // What is rita's own is not hers to pass on.
    let own = [lets("rita", &["change-approver"], "dan")];
    assert_eq!(reason(case.decides_by(&who("dan", &[]), "change-1", Decision::Approve, &own)), Reason::NotAnApprover);
    let chain = [lets("ann", &["change-approver"], "bob"), lets("bob", &[], "dan")];
    case.decides_by(&who("dan", &[]), "change-1", Decision::Approve, &chain).unwrap();
    assert_eq!(case.ticket.approvals[0].decisions[0].approver, "people/ann");
}

/// Something somebody tries on a change.
#[derive(Debug, Clone)]
enum Attempt {
    Move(&'static str),
    Plan(&'static str, &'static str),
    Decide(&'static str, &'static str, bool),
    Delegate(&'static str, &'static str, &'static str),
    Assign(&'static str),
}

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    let ids = || prop::sample::select(vec!["change-1", "change-2", "retrospective-1"]);
    let names = || prop::sample::select(vec!["ann", "ben", "cid", "mia"]);
    let moves =
        vec!["assess", "submit", "approve", "rework", "implement", "implement_authorised", "review", "reopen", "close"];
    let attempt = prop_oneof![
        5 => prop::sample::select(moves).prop_map(Attempt::Move),
        2 => (prop::sample::select(vec!["NORMAL", "EMERGENCY"]), prop::sample::select(vec!["low", "high"]))
            .prop_map(|(kind, risk)| Attempt::Plan(kind, risk)),
        4 => (names(), ids(), prop::bool::weighted(0.8)).prop_map(|(who, id, yes)| Attempt::Decide(who, id, yes)),
        1 => (names(), ids(), names()).prop_map(|(who, id, to)| Attempt::Delegate(who, id, to)),
        1 => names().prop_map(Attempt::Assign),
    ];
    prop::collection::vec(attempt, 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_people_try_no_change_is_implemented_that_nobody_else_approved(attempts in attempts()) {
        let done = json!({"actual_start_at": at(1), "actual_end_at": at(2), "outcome": "SUCCESSFUL"});
        let mut case = Case::open(&CHANGE, &who("opal", &[]), with(details(done.clone())), Policies::default());
        let roles = ["change-manager", "change-approver"];
        for attempt in attempts {
            let before = case.ticket.clone();
            // Each is judged by `tried`: the facts give the ticket.
            let _ = match attempt {
                Attempt::Move(id) => case.try_to_move(id, &who("mia", &roles)),
                Attempt::Plan(kind, risk) => {
                    let mut planned = done.clone();
                    planned["type"] = kind.into();
                    planned["risk"] = risk.into();
                    let fields = with(details(planned));
                    case.tried(|case, act| update(&case.process, &case.ticket, &fields, act), &who("ed", &[]))
                }
                Attempt::Decide(name, id, yes) => {
                    let decision = if yes { Decision::Approve } else { Decision::Reject };
                    case.decides_by(&who(name, &roles), id, decision, &[])
                }
                Attempt::Delegate(name, id, to) => case.delegates(&who(name, &roles), id, to),
                Attempt::Assign(name) => {
                    case.tried(|case, act| assign(&case.process, &case.ticket, &given_to(name), act), &agent())
                }
            };
            if case.ticket.state == "implementing" && before.state != "implementing" && before.state != "review" {
                let given = case.ticket.approval_of("change").is_some_and(|it| it.state == ApprovalState::Approved);
                prop_assert!(given || case.ticket.value("change.type") == "EMERGENCY");
            }
            for approval in &case.ticket.approvals {
                for decided in &approval.decisions {
                    prop_assert!(decided.actor() != approval.asked.asked_by && decided.actor() != "people/opal");
                }
            }
        }
    }
}
