//! From the domain to messages.

use domain::clock::{Anchor, Duty, Excuse, Explanation, LimitReading, Reading, Segment, State};
use domain::process::Transition;
use domain::selection::Loser;
use domain::ticket::{
    Approval, ApprovalState, Asked, Assignment, ChangeDetails, Details, Link, Major, ProblemDetails, Resolution,
    ServiceRequestDetails, Ticket,
};
use jiff::Timestamp;
use proto::catalog::v1 as catalog;
use proto::operations::v1 as pb;
use serde_json::Value;
use servicekit::convert::approval_policy;
use servicekit::wire::{duration, json_struct, timestamp};

use super::enums;
use crate::store::delegation;
use crate::store::ticket::Stored;
use crate::usecase::explain_clocks::Explained;

/// How much of a ticket is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum View {
    /// The fields that lists show: no description, no clocks.
    Basic,
    /// Every field.
    Full,
}

/// A stored ticket at `now`: a clock that ran when it was last written may have been breached since.
pub fn ticket(stored: &Stored, view: View, now: Timestamp) -> pb::Ticket {
    let full = view == View::Full;
    let overdue = stored.due_at.is_some_and(|due_at| due_at <= now);
    let clock_state = if overdue { Some(State::Breached) } else { stored.clock_state };
    pb::Ticket {
        uid: stored.uid.to_string(),
        etag: stored.etag(),
        create_time: Some(timestamp(stored.created_at)),
        update_time: Some(timestamp(stored.updated_at)),
        clocks: if full { stored.clocks.iter().map(clock).collect() } else { Vec::new() },
        clock_state: clock_state.map(enums::clock_state::show).unwrap_or_default(),
        due_time: stored.due_at.map(timestamp),
        duty_due_time: stored.duty_due_at.map(timestamp),
        nonconformance_count: count(stored.nonconformance_count),
        approvals: if full { approvals(&stored.ticket) } else { Vec::new() },
        ..folded(&stored.ticket, full)
    }
}

/// What the facts of a ticket leave; all that is kept beside it is empty.
fn folded(ticket: &Ticket, full: bool) -> pb::Ticket {
    pb::Ticket {
        name: ticket.name.clone(),
        practice: ticket.practice.to_string(),
        process: ticket.process.clone(),
        process_revision: count(ticket.process_revision),
        state: ticket.state.clone(),
        state_category: enums::category::show(ticket.category),
        title: ticket.title.clone(),
        description: if full { ticket.description.clone() } else { String::new() },
        customer: text(ticket.customer.as_ref()),
        requester: text(ticket.requester.as_ref()),
        reported_by: text(ticket.reported_by.as_ref()),
        affected_user: text(ticket.affected_user.as_ref()),
        watchers: ticket.watchers.clone(),
        service: text(ticket.service.as_ref()),
        offering: text(ticket.offering.as_ref()),
        configuration_items: ticket.configuration_items.clone(),
        category_path: ticket.category_path.clone(),
        channel: text(ticket.channel.as_ref()),
        location: text(ticket.location.as_ref()),
        tags: ticket.tags.clone(),
        custom_fields: (!ticket.custom_fields.is_empty()).then(|| object(&ticket.custom_fields)),
        confidential: ticket.confidential,
        impact: level(ticket.impact),
        urgency: level(ticket.urgency),
        matrix_priority: level(ticket.matrix_priority),
        priority_override: ticket.priority_override.as_ref().map(|by_hand| pb::PriorityOverride {
            value: by_hand.value.into(),
            reason: by_hand.reason.clone(),
            actor: by_hand.actor.clone(),
        }),
        priority: level(ticket.priority),
        assignment: assignment(&ticket.assignment),
        pending_reason: ticket.pending.reason.map(enums::pending_reason::show).unwrap_or_default(),
        resume_time: ticket.pending.resume_at.map(timestamp),
        awaited_party: text(ticket.pending.awaited_party.as_ref()),
        resolution: resolution(&ticket.resolution),
        cancel_reason: text(ticket.cancel_reason.as_ref()),
        source_system: text(ticket.source_system.as_ref()),
        source_id: text(ticket.source_id.as_ref()),
        external_references: ticket.external_references.clone(),
        open_time: Some(timestamp(ticket.opened_at)),
        resolve_time: ticket.resolved_at.map(timestamp),
        close_time: ticket.closed_at.map(timestamp),
        requested_time: ticket.requested_at.map(timestamp),
        reopen_count: count(ticket.reopen_count),
        reassignment_count: count(ticket.reassignment_count),
        links: ticket.links.iter().map(link).collect(),
        source_sla_met: ticket.source_sla_met,
        details: ticket.details.as_ref().map(details),
        ..pb::Ticket::default()
    }
}

/// A relation to another ticket.
fn link(link: &Link) -> pb::TicketLink {
    pb::TicketLink { r#type: enums::link_type::show(link.kind), ticket: link.ticket.clone() }
}

fn assignment(assignment: &Assignment) -> Option<pb::Assignment> {
    (*assignment != Assignment::default()).then(|| pb::Assignment {
        group: text(assignment.group.as_ref()),
        person: text(assignment.person.as_ref()),
        contract: text(assignment.contract.as_ref()),
    })
}

fn resolution(resolution: &Resolution) -> Option<pb::Resolution> {
    (*resolution != Resolution::default()).then(|| pb::Resolution {
        code: text(resolution.code.as_ref()),
        text: text(resolution.text.as_ref()),
        cause: text(resolution.cause.as_ref()),
    })
}

fn details(details: &Details) -> pb::ticket::Details {
    match details {
        Details::Incident(incident) => {
            pb::ticket::Details::Incident(pb::IncidentDetails { major: incident.major.as_deref().map(major) })
        }
        Details::ServiceRequest(ServiceRequestDetails { form_answers }) => {
            let form_answers = (!form_answers.is_empty()).then(|| object(form_answers));
            pb::ticket::Details::Request(pb::RequestDetails { form_answers })
        }
        Details::Problem(ProblemDetails { workaround, known_error, root_cause }) => {
            pb::ticket::Details::Problem(pb::ProblemDetails {
                workaround: workaround.clone(),
                known_error: *known_error,
                root_cause: root_cause.clone(),
            })
        }
        Details::Change(details) => pb::ticket::Details::Change(change(details)),
    }
}

fn major(major: &Major) -> pb::MajorIncident {
    pb::MajorIncident {
        declare_time: Some(timestamp(major.declared_at)),
        commander: text(major.commander.as_ref()),
        update_cadence: major.update_cadence.map(duration),
        users_affected: major.users_affected.and_then(|users| users.try_into().ok()).unwrap_or_default(),
        stand_down_time: major.stood_down_at.map(timestamp),
        review_due_time: major.review_due_at.map(timestamp),
    }
}

fn change(change: &ChangeDetails) -> pb::ChangeDetails {
    pb::ChangeDetails {
        r#type: enums::change_type::show(change.kind),
        planned_start_time: change.planned_start_at.map(timestamp),
        planned_end_time: change.planned_end_at.map(timestamp),
        actual_start_time: change.actual_start_at.map(timestamp),
        actual_end_time: change.actual_end_at.map(timestamp),
        risk: change.risk.clone(),
        implementation_plan: change.implementation_plan.clone(),
        test_plan: change.test_plan.clone(),
        back_out_plan: change.back_out_plan.clone(),
        template: change.template.clone(),
        outcome: change.outcome.map(enums::change_outcome::show).unwrap_or_default(),
    }
}

fn approvals(ticket: &Ticket) -> Vec<pb::Approval> {
    ticket.approvals.iter().map(|found| approval(&ticket.name, found)).collect()
}

/// An approval of a ticket.
pub fn approval(ticket: &str, approval: &Approval) -> pb::Approval {
    let Asked { approval: id, rule, policy, fields, asked_by } = &approval.asked;
    let pending = approval.state == ApprovalState::Pending;
    pb::Approval {
        name: format!("{ticket}/approvals/{id}"),
        ticket: ticket.to_owned(),
        approval: id.clone(),
        rule: rule.clone(),
        state: enums::approval_state::show(approval.state),
        policy: Some(approval_policy(policy)),
        missing_count: if pending { approval.missing().try_into().unwrap_or(i32::MAX) } else { 0 },
        field_digests: fields.iter().map(|(path, digest)| (path.clone(), digest.clone())).collect(),
        asker: asked_by.clone(),
        ask_time: Some(timestamp(approval.asked_at)),
        decide_time: approval.decided_at.map(timestamp),
        decisions: approval
            .decisions
            .iter()
            .map(|decided| pb::ApprovalDecision {
                approver: decided.approver.clone(),
                delegate: text(decided.delegate.as_ref()),
                capacities: decided.capacities.clone(),
                verdict: enums::verdict::show(decided.decision),
                comment: decided.comment.clone(),
            })
            .collect(),
        delegates: approval
            .delegations
            .iter()
            .map(|delegated| pb::ApprovalDelegate {
                delegator: delegated.delegator.clone(),
                delegate: delegated.delegate.clone(),
                comment: delegated.comment.clone(),
            })
            .collect(),
        changed_fields: approval.changed_fields.clone(),
    }
}

/// That somebody lets another decide for a while.
pub fn delegation(stored: &delegation::Stored) -> pb::ApprovalDelegation {
    pb::ApprovalDelegation {
        name: stored.name.clone(),
        delegator: stored.delegation.delegator.clone(),
        roles: stored.delegation.roles.clone(),
        delegate: stored.delegation.delegate.clone(),
        start_time: Some(timestamp(stored.start_at)),
        end_time: Some(timestamp(stored.end_at)),
        comment: stored.comment.clone(),
        create_time: Some(timestamp(stored.created_at)),
        revoke_time: stored.revoked_at.map(timestamp),
    }
}

/// A reading of a clock.
pub fn clock(reading: &Reading) -> pb::ClockSummary {
    let pinned = &reading.pinned;
    pb::ClockSummary {
        id: reading.id.clone(),
        kind: enums::agreement_kind::show(pinned.kind),
        metric: enums::metric::show(pinned.metric),
        agreement: pinned.agreement.clone(),
        agreement_revision: count(pinned.revision),
        objective: pinned.objective.clone(),
        calendar: text(reading.calendar.as_ref()),
        cycle: count(reading.cycle),
        state: enums::clock_state::show(reading.state),
        stopped: reading.stopped_at.is_some(),
        target_duration: Some(duration(reading.target)),
        elapsed_duration: Some(duration(reading.elapsed)),
        remaining_duration: Some(duration(reading.remaining)),
        start_time: Some(timestamp(reading.started_at)),
        stop_time: reading.stopped_at.map(timestamp),
        due_time: reading.due_at.map(timestamp),
        breach_time: reading.breached_at.map(timestamp),
        elapsed_millipercent: reading.elapsed_millipercent,
        cancel_reason: reading.cancelled.as_ref().map(|cancelled| cancelled.detail.clone()).unwrap_or_default(),
        exclusion: reading.excuse.as_ref().map(exclusion),
    }
}

/// The excuse on a clock.
fn exclusion(excuse: &Excuse) -> pb::ClockExclusion {
    let adjusted = excuse.adjusted.as_ref();
    pb::ClockExclusion {
        reason: enums::exclusion_reason::show(excuse.reason),
        evidence: excuse.evidence.clone(),
        approver: excuse.actor.clone(),
        approve_time: Some(timestamp(excuse.approved_at)),
        interval: excuse.interval.map(|interval| pb::ClockInterval {
            start_time: Some(timestamp(interval.start)),
            end_time: Some(timestamp(interval.end)),
        }),
        adjusted_state: adjusted.map(|adjusted| enums::clock_state::show(adjusted.state)).unwrap_or_default(),
        adjusted_elapsed_duration: adjusted.map(|adjusted| duration(adjusted.elapsed)),
        adjusted_due_time: adjusted.and_then(|adjusted| adjusted.due_at).map(timestamp),
    }
}

/// A duty to notify an authority.
pub fn duty(duty: &Duty) -> pb::DutyDeadline {
    pb::DutyDeadline {
        regulation: enums::regulation::show(duty.regulation),
        report: enums::report::show(duty.report),
        state: enums::duty_state::show(duty.state),
        due_time: duty.due_at.map(timestamp),
        submit_time: duty.submitted_at.map(timestamp),
        reference: duty.reference.clone(),
        limits: duty.limits.iter().map(limit).collect(),
        shift: duty.shifted.as_ref().map(|shifted| pb::DutyShift {
            original_time: Some(timestamp(shifted.from)),
            shifted_time: Some(timestamp(shifted.to)),
            clause: shifted.clause.clone(),
            reason: shifted.because.clone(),
        }),
    }
}

fn limit(limit: &LimitReading) -> pb::DutyLimit {
    let (anchor, report) = match limit.anchor {
        Anchor::Aware => (pb::DutyAnchor::Aware, None),
        Anchor::Classified => (pb::DutyAnchor::Classified, None),
        Anchor::Handled => (pb::DutyAnchor::Handled, None),
        Anchor::Submitted(report) => (pb::DutyAnchor::Submitted, Some(report)),
        Anchor::LastSubmitted(report) => (pb::DutyAnchor::LastSubmitted, Some(report)),
    };
    pb::DutyLimit {
        anchor: anchor.into(),
        anchor_report: report.map(enums::report::show).unwrap_or_default(),
        anchor_time: limit.anchored_at.map(timestamp),
        within: limit.within.clone(),
        end_time: limit.at.map(timestamp),
        clause: limit.clause.clone(),
        decides: limit.decides,
        lapse_reason: limit.lapsed.clone(),
    }
}

/// A reading with the intervals that add up to it, and what is on record of its thresholds.
pub fn explanation(explained: &Explained, explanation: &Explanation) -> pb::ClockExplanation {
    let reading = &explanation.reading;
    let thresholds = reading.thresholds.iter().map(|threshold| pb::ClockThreshold {
        percent: count(threshold.percent),
        reach_time: threshold.at.map(timestamp),
        reached: threshold.reached,
        record_time: explained.recorded_at(reading, threshold).map(timestamp),
    });
    pb::ClockExplanation {
        clock: Some(clock(reading)),
        segments: explanation.segments.iter().map(segment).collect(),
        thresholds: thresholds.collect(),
    }
}

fn segment(segment: &Segment) -> pb::ClockSegment {
    pb::ClockSegment {
        start_time: Some(timestamp(segment.start)),
        end_time: Some(timestamp(segment.end)),
        counted: segment.counted,
        reason: enums::segment_reason::show(segment.reason),
        detail: segment.detail.clone(),
        fact_position: segment.position.and_then(|position| position.try_into().ok()).unwrap_or_default(),
    }
}

/// An objective that gave way.
pub fn loser(loser: &Loser) -> pb::LostObjective {
    pb::LostObjective {
        kind: enums::agreement_kind::show(loser.pinned.kind),
        metric: enums::metric::show(loser.pinned.metric),
        agreement: loser.pinned.agreement.clone(),
        agreement_revision: count(loser.pinned.revision),
        objective: loser.pinned.objective.clone(),
        reason: format!("gave way to {}: {}", loser.to, loser.reason),
    }
}

/// A transition as its process defines it.
pub fn transition(transition: &Transition) -> catalog::ProcessTransition {
    catalog::ProcessTransition {
        id: transition.id.clone(),
        display_name: transition.display_name.clone(),
        source_states: transition.from.clone(),
        target_state: transition.to.clone(),
        required_role: text(transition.guard.role.as_ref()),
        required_fields: transition.guard.fields.clone(),
        required_approvals: transition.guard.approvals.clone(),
    }
}

fn text(value: Option<&String>) -> String {
    value.cloned().unwrap_or_default()
}

fn level(value: Option<u8>) -> i32 {
    value.map_or(0, i32::from)
}

fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

fn object(members: &std::collections::BTreeMap<String, Value>) -> prost_types::Struct {
    json_struct(Value::Object(members.iter().map(|(key, value)| (key.clone(), value.clone())).collect()))
}
