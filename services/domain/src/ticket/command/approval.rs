//! Approvals: asked for where the process says so, decided by those it names, guarding transitions until they are given.
//! Nobody decides on what is their own.

use std::collections::BTreeSet;

use super::super::{Approval, ApprovalState, Asked, Changes, Decided, Decision, Delegated, Details, Fact, Lapsed};
use super::super::{ChangeType, Patch, Recorded, Ticket};
use super::transition::{self, missing_fields};
use super::{Act, Change, Reason, Rejection};
use crate::approval::{Delegation, MAX_CHAIN, digest};
use crate::process::{ApprovalRule, Category, Practice, Process, Transition};
use crate::violation::Violation;

/// What is decided on an approval.
#[derive(Debug, Clone, Copy)]
pub struct Deciding<'a> {
    /// Id of the approval.
    pub approval: &'a str,
    /// The decision.
    pub decision: Decision,
    /// Why, for people. Required to reject.
    pub comment: &'a str,
    /// Delegations that are in force now.
    pub delegations: &'a [Delegation],
}

/// Who is to decide on an approval in somebody's place.
#[derive(Debug, Clone, Copy)]
pub struct Delegating<'a> {
    /// Id of the approval.
    pub approval: &'a str,
    /// Who is to decide.
    pub delegate: &'a str,
    /// Why, for people.
    pub comment: &'a str,
    /// Delegations that are in force now.
    pub delegations: &'a [Delegation],
}

/// An approval that is needed and has not been given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Missing {
    /// Id of the approval in the process: `change`.
    pub rule: String,
    /// What is missing, for people.
    pub what: String,
}

/// Decides on an approval that is pending. One rejection rejects; the process may have a transition follow. Until then
/// an approver may decide again, and the last decision counts. `known` are the facts on record.
pub fn decide_approval(
    process: &Process,
    ticket: &Ticket,
    known: &[Recorded],
    deciding: Deciding<'_>,
    act: &Act<'_>,
) -> Result<Change, Rejection> {
    let approval = pending(ticket, deciding.approval)?;
    let Deciding { decision, comment, delegations, .. } = deciding;
    if decision == Decision::Reject && comment.trim().is_empty() {
        let violation = Violation::new("comment", "is required to reject: say why");
        Rejection::of_fields(Reason::FieldRequired, vec![violation])?;
    }
    let own = Own::of(ticket, known, approval);
    let Authority { approver, capacities, .. } = own.authority(ticket, approval, act, delegations)?;
    let delegate = (approver != act.caller.actor).then(|| act.caller.actor.clone());
    let decided = Decided {
        approval: approval.asked.approval.clone(),
        approver,
        delegate,
        capacities,
        decision,
        comment: comment.trim().to_owned(),
    };
    let at = act.time(ticket, ticket.since.state.max(ticket.since.approval()).max(ticket.since.fields))?;
    if approval.decisions.contains(&decided) {
        return Ok(act.change(ticket.clone(), Vec::new(), at));
    }
    let mut after = ticket.clone();
    let mut facts = vec![Fact::ApprovalDecided(Box::new(decided))];
    for fact in &facts {
        after.apply(fact, at);
    }
    if let Some((transition, fields)) = consequence(process, &after, &approval.asked.approval, comment)
        && let Some(target) = process.state(&transition.to)
    {
        facts.extend(transition::facts(process, &after, transition, target, &fields, act));
    }
    Ok(act.moved(process, ticket, facts, at))
}

/// Lets somebody decide on an approval in the place of the caller, who may still do so too.
pub fn delegate_approval(
    process: &Process,
    ticket: &Ticket,
    known: &[Recorded],
    delegating: Delegating<'_>,
    act: &Act<'_>,
) -> Result<Change, Rejection> {
    let approval = pending(ticket, delegating.approval)?;
    let own = Own::of(ticket, known, approval);
    let Authority { way, .. } = own.authority(ticket, approval, act, delegating.delegations)?;
    let delegate = delegating.delegate;
    let objection = if way.iter().any(|person| person == delegate) {
        Some(format!("the decision comes from {delegate}: name somebody else"))
    } else if own.0.contains(delegate) {
        Some(format!("{delegate} cannot decide on what is their own: name somebody else"))
    } else if way.len() > MAX_CHAIN {
        Some(format!("the decision was passed on {MAX_CHAIN} times already: decide, or leave it"))
    } else {
        None
    };
    if let Some(text) = objection {
        let rejection = Rejection::new(Reason::DelegationNotPermitted, text).about(ticket);
        return Err(rejection.with("approval", delegating.approval).with("delegate", delegate));
    }
    let caller = act.caller;
    let delegated = Delegated {
        approval: approval.asked.approval.clone(),
        delegator: caller.actor.clone(),
        capacities: approval.asked.policy.capacities(&caller.actor, |role| caller.roles.contains(role)),
        delegate: delegate.to_owned(),
        comment: delegating.comment.trim().to_owned(),
    };
    let at = act.time(ticket, ticket.since.state.max(ticket.since.approval()))?;
    let facts = if approval.delegations.contains(&delegated) {
        Vec::new()
    } else {
        vec![Fact::ApprovalDelegated(Box::new(delegated))]
    };
    Ok(act.moved(process, ticket, facts, at))
}

/// Approvals that the transition needs and that have not been given for the ticket as it is.
pub(super) fn missing(process: &Process, transition: &Transition, ticket: &Ticket) -> Vec<Missing> {
    let rules = transition.guard.approvals.iter().filter_map(|id| process.approval(id));
    rules.filter(|rule| needs(rule, ticket)).filter_map(|rule| lacking(process, rule, ticket)).collect()
}

/// Refuses a transition, made with these fields, whose approvals have not been given.
pub(super) fn required(
    process: &Process,
    transition: &Transition,
    ticket: &Ticket,
    fields: &Changes,
) -> Result<(), Rejection> {
    if transition.guard.approvals.is_empty() {
        return Ok(());
    }
    let mut after = ticket.clone();
    fields.apply(&mut after);
    let missing = missing(process, transition, &after);
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|missing| missing.rule.as_str()).collect();
    let what: Vec<&str> = missing.iter().map(|missing| missing.what.as_str()).collect();
    let text = format!("ticket {} cannot {} yet: {}", ticket.number(), transition.id, what.join("; "));
    let rejection = Rejection::new(Reason::ApprovalRequired, text).about(ticket);
    Err(rejection.with("transition", &*transition.id).with("approvals", names.join(",")))
}

/// What follows for approvals from a change: those lapse whose matter is no longer what they are about, and are asked
/// anew; and those are asked that the state entered, or another offering, calls for. `before` is empty at the opening.
pub(super) fn follow(process: &Process, before: Option<&Ticket>, after: &Ticket, act: &Act<'_>) -> Vec<Fact> {
    if after.category.is_final() {
        return Vec::new();
    }
    let mut facts = Vec::new();
    let mut lapsed_rules = BTreeSet::new();
    for approval in after.approvals.iter().filter(|approval| approval.state.stands()) {
        let fields = changed(approval, after);
        if !fields.is_empty() {
            lapsed_rules.insert(approval.asked.rule.as_str());
            facts.push(Fact::ApprovalLapsed(Lapsed { approval: approval.asked.approval.clone(), fields }));
        }
    }
    let entered = before.is_none_or(|before| before.state != after.state || before.offering != after.offering);
    for rule in &process.approvals {
        let lapsed = lapsed_rules.contains(rule.id.as_str());
        let called_for = entered && rule.states.contains(&after.state);
        let stands = after.approval_of(&rule.id).is_some_and(|approval| approval.state.stands());
        if !lapsed && (!called_for || stands) || !concerns(rule, after) {
            continue;
        }
        let Some(policy) = rule.policy.as_ref().or_else(|| act.policies.of(after.offering.as_ref())) else { continue };
        let earlier = after.approvals.iter().filter(|approval| approval.asked.rule == rule.id).count();
        facts.push(Fact::ApprovalRequested(Box::new(Asked {
            approval: format!("{}-{}", rule.id, earlier + 1),
            rule: rule.id.clone(),
            policy: policy.clone(),
            fields: rule.fields.iter().map(|path| (path.clone(), digest(&after.value(path)))).collect(),
            asked_by: act.caller.actor.clone(),
        })));
    }
    facts
}

/// The transition that follows from what the approval has come to, with what it is made with.
fn consequence<'a>(
    process: &'a Process,
    ticket: &Ticket,
    approval: &str,
    comment: &str,
) -> Option<(&'a Transition, Changes)> {
    let approval = ticket.approval(approval)?;
    let rule = process.approval(&approval.asked.rule)?;
    let id = match approval.state {
        ApprovalState::Approved => rule.on_approval.as_ref(),
        ApprovalState::Rejected => rule.on_rejection.as_ref(),
        _ => None,
    };
    let transition = process.transition(id?).filter(|transition| transition.from.contains(&ticket.state))?;
    let target = process.state(&transition.to)?;
    let fields = match target.category {
        Category::Cancelled => Changes { cancel_reason: Patch::Set(comment.trim().to_owned()), ..Changes::default() },
        _ => Changes::default(),
    };
    let complete = missing_fields(transition, target, ticket, &fields).is_empty();
    (complete && missing(process, transition, ticket).is_empty()).then_some((transition, fields))
}

/// Whether tickets like this one need the approval, were it asked for.
fn concerns(rule: &ApprovalRule, ticket: &Ticket) -> bool {
    let kind = match &ticket.details {
        Some(Details::Change(change)) => change.kind,
        _ => ChangeType::Normal,
    };
    rule.change_types.is_empty() || rule.change_types.contains(&kind)
}

/// Whether the ticket needs the approval. One that an offering's policy asks for is needed where it was asked for.
fn needs(rule: &ApprovalRule, ticket: &Ticket) -> bool {
    let asked = || {
        ticket.approval_of(&rule.id).is_some_and(|approval| {
            matches!(approval.state, ApprovalState::Pending | ApprovalState::Approved | ApprovalState::Rejected)
        })
    };
    concerns(rule, ticket) && (rule.policy.is_some() || asked())
}

/// What keeps a needed approval from being given.
fn lacking(process: &Process, rule: &ApprovalRule, ticket: &Ticket) -> Option<Missing> {
    let asking = || {
        let asks = |transition: &&Transition| rule.states.contains(&transition.to);
        let ways: Vec<&str> = process.transitions.iter().filter(asks).map(|found| found.id.as_str()).collect();
        format!("ask for it by {}", ways.join(" or "))
    };
    let name = &rule.display_name;
    let what = match ticket.approval_of(&rule.id) {
        None => format!("{name} was never asked for, {}", asking()),
        Some(approval) => {
            let id = &approval.asked.approval;
            match approval.state {
                ApprovalState::Approved if changed(approval, ticket).is_empty() => return None,
                ApprovalState::Pending => {
                    let approvers = approval.asked.policy.approvers().collect::<Vec<_>>().join(", ");
                    format!("{name} ({id}) waits for {} more of {approvers}", approval.missing())
                }
                ApprovalState::Rejected => format!("{name} ({id}) was rejected, {}", asking()),
                _ => format!("{name} ({id}) has lapsed, {}", asking()),
            }
        }
    };
    Some(Missing { rule: rule.id.clone(), what })
}

/// Paths of what the approval is about that are no longer as they were when it was asked for. An empty digest was erased
/// with its value, and tells nothing.
fn changed(approval: &Approval, ticket: &Ticket) -> Vec<String> {
    let fields = approval.asked.fields.iter().filter(|(_, asked)| !asked.is_empty());
    fields.filter(|(path, asked)| digest(&ticket.value(path)) != **asked).map(|(path, _)| path.clone()).collect()
}

fn pending<'a>(ticket: &'a Ticket, id: &str) -> Result<&'a Approval, Rejection> {
    let Some(approval) = ticket.approval(id) else {
        let ids: Vec<&str> = ticket.approvals.iter().map(|approval| approval.asked.approval.as_str()).collect();
        let text = format!("ticket {} has no approval {id}: choose one of its approvals", ticket.number());
        return Err(Rejection::new(Reason::ApprovalUnknown, text).about(ticket).with("approvals", ids.join(",")));
    };
    if approval.state != ApprovalState::Pending {
        let state = approval.state.as_str();
        let text = format!("approval {id} of ticket {} is {state}: nothing is to be decided", ticket.number());
        let rejection = Rejection::new(Reason::ApprovalNotPending, text).about(ticket);
        return Err(rejection.with("approval", id).with("approval_state", state));
    }
    Ok(approval)
}

/// By what right somebody decides.
struct Authority {
    /// Whose decision it is.
    approver: String,
    /// In which terms of the policy.
    capacities: Vec<String>,
    /// From the caller to the approver, both included.
    way: Vec<String>,
}

/// Whose own an approval is: they neither decide on it nor pass a decision on. Who asks for the ticket, opened it, asked
/// for the approval; and of a change everybody it was ever assigned to.
struct Own<'a>(BTreeSet<&'a str>);

impl<'a> Own<'a> {
    fn of(ticket: &'a Ticket, known: &'a [Recorded], approval: &'a Approval) -> Self {
        let is_change = ticket.practice.as_str() == Practice::CHANGE;
        let mut people = BTreeSet::from([approval.asked.asked_by.as_str()]);
        people.extend(ticket.requester.as_deref());
        people.extend(ticket.assignment.person.as_deref().filter(|_| is_change));
        people.extend(known.iter().filter_map(|recorded| match &recorded.fact {
            Fact::Opened(_) => Some(recorded.actor.as_str()),
            Fact::Assigned(assigned) if is_change => assigned.person.value().map(String::as_str),
            _ => None,
        }));
        Self(people)
    }

    /// By what right the caller decides: in a term of the policy, or in the place of somebody who has one.
    fn authority(
        &self,
        ticket: &Ticket,
        approval: &Approval,
        act: &Act<'_>,
        delegations: &[Delegation],
    ) -> Result<Authority, Rejection> {
        let id = approval.asked.approval.as_str();
        let caller = act.caller;
        if self.0.contains(caller.actor.as_str()) {
            let text =
                format!("approval {id} of ticket {} is {}'s own: ask somebody else", ticket.number(), caller.actor);
            return Err(Rejection::new(Reason::FourEyesRequired, text).about(ticket));
        }
        let policy = &approval.asked.policy;
        let capacities = policy.capacities(&caller.actor, |role| caller.roles.contains(role));
        if !capacities.is_empty() {
            return Ok(Authority { approver: caller.actor.clone(), capacities, way: vec![caller.actor.clone()] });
        }
        let mut ways = vec![vec![caller.actor.clone()]];
        for _ in 0..MAX_CHAIN {
            let mut longer = Vec::new();
            for way in ways {
                let last = way.last().map(String::as_str).unwrap_or_default();
                let once = approval.delegations.iter().filter(|known| known.delegate == last);
                let once = once.map(|known| (&known.delegator, known.capacities.clone()));
                let lasting = delegations.iter().filter(|known| known.delegate == last).map(|known| {
                    let holds = |role: &str| known.roles.iter().any(|held| held == role || held == "*");
                    (&known.delegator, policy.capacities(&known.delegator, holds))
                });
                for (delegator, capacities) in once.chain(lasting) {
                    if self.0.contains(delegator.as_str()) || way.contains(delegator) {
                        continue;
                    }
                    let way: Vec<String> = way.iter().chain([delegator]).cloned().collect();
                    if !capacities.is_empty() {
                        return Ok(Authority { approver: delegator.clone(), capacities, way });
                    }
                    longer.push(way);
                }
            }
            ways = longer;
        }
        let approvers = policy.approvers().collect::<Vec<_>>().join(", ");
        let text =
            format!("{} may not decide on approval {id} of ticket {}: ask {approvers}", caller.actor, ticket.number());
        Err(Rejection::new(Reason::NotAnApprover, text).about(ticket).with("approval", id).with("approvers", approvers))
    }
}
