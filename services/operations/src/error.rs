//! Why operations refuses: the reasons of the domain beside those of servicekit, and the way from one to the other.

use domain::ticket::command::{Class, Reason as Rule, Rejection};
use servicekit::Violation;
use servicekit::error::{self, Error, Reason};

servicekit::reasons! {
    TRANSITION_NOT_ALLOWED, FailedPrecondition, "the process has no such transition from the state of the ticket: the metadata names those it has", ["resource", "ticket", "state", "transition", "allowed"];
    ROLE_REQUIRED, PermissionDenied, "the transition is for roles of which the caller holds none, by token or by assignment: the metadata names those that would do", ["resource", "ticket", "state", "transition", "role"];
    FIELD_REQUIRED, InvalidArgument, "fields that the process requires are missing: give every one listed";
    FIELD_NOT_WRITABLE, InvalidArgument, "a field is written by another method, or by the server: the message names the way";
    TICKET_CLOSED, FailedPrecondition, "the ticket has ended: reopen it first", ["resource", "ticket", "state"];
    LINK_TO_ITSELF, InvalidArgument, "a ticket cannot be related to itself";
    BACKDATE_NOT_PERMITTED, PermissionDenied, "saying that something happened in the past needs the permission tickets.backdate";
    BACKDATE_REASON_REQUIRED, InvalidArgument, "saying that something happened in the past needs a comment that says why";
    BACKDATE_BEFORE_OPENING, FailedPrecondition, "the time is before the ticket was opened", ["resource", "ticket", "state"];
    BACKDATE_BEFORE_LATER_CHANGE, FailedPrecondition, "the time is before a change that is on record", ["resource", "ticket", "state"];
    BACKDATE_IN_FUTURE, InvalidArgument, "the time is in the future";
    PROCESS_NOT_PUBLISHED, FailedPrecondition, "no revision of the process is in force: publish one", ["resource"];
    CUSTOMER_FIXED, PermissionDenied, "the caller is bound to a customer and may not act for others";
    CLOCK_UNKNOWN, FailedPrecondition, "the ticket has no such clock: the metadata names those it has", ["resource", "ticket", "state", "clocks"];
    CLOCK_WITHOUT_VERDICT, FailedPrecondition, "the clock was cancelled or never runs: there is no verdict to excuse", ["resource", "ticket", "state", "clock"];
    CLOCK_ALREADY_EXCLUDED, FailedPrecondition, "the clock is excused: revoke that first", ["resource", "ticket", "state", "clock"];
    CLOCK_NOT_EXCLUDED, FailedPrecondition, "the clock is not excused: there is nothing to revoke", ["resource", "ticket", "state", "clock"];
    FOUR_EYES_REQUIRED, PermissionDenied, "what is to be decided is the caller's own: somebody else has to decide", ["resource", "ticket", "state"];
    DUTY_NOT_BEGUN, FailedPrecondition, "nobody was aware of such a duty on the ticket: record AWARE first", ["resource", "ticket", "state", "regulation"];
    APPROVAL_REQUIRED, FailedPrecondition, "the transition needs approvals that have not been given: the metadata names them, the message says what is missing", ["resource", "ticket", "state", "transition", "approvals"];
    APPROVAL_UNKNOWN, FailedPrecondition, "the ticket has no such approval: the metadata names those it has", ["resource", "ticket", "state", "approvals"];
    APPROVAL_NOT_PENDING, FailedPrecondition, "the approval was decided, has lapsed or was withdrawn: there is nothing to decide", ["resource", "ticket", "state", "approval", "approval_state"];
    NOT_AN_APPROVER, PermissionDenied, "the caller is not among those who may decide on the approval, nor in their place: the metadata names them", ["resource", "ticket", "state", "approval", "approvers"];
    DELEGATION_NOT_PERMITTED, FailedPrecondition, "the decision cannot be passed on like this: to those whose own it is, in a circle or too far", ["resource", "ticket", "state", "approval", "delegate"];
    DELEGATION_REVOKED, FailedPrecondition, "the delegation was taken back already", ["resource"];
    NOT_AN_INCIDENT, FailedPrecondition, "only incidents are declared major ones", ["resource", "ticket", "state"];
    MAJOR_ALREADY_DECLARED, FailedPrecondition, "the incident is a major one already: update it", ["resource", "ticket", "state"];
    MAJOR_NOT_DECLARED, FailedPrecondition, "the ticket is no major incident that is going on: declare it first", ["resource", "ticket", "state"];
    SEQUENCE_NOT_RISING, InvalidArgument, "rows of an import come with rising sequence numbers and one import id";
}

/// The reason under which a rule of the domain travels.
fn reason(rule: Rule) -> Reason {
    match rule {
        Rule::TransitionNotAllowed => TRANSITION_NOT_ALLOWED,
        Rule::RoleRequired => ROLE_REQUIRED,
        Rule::FieldRequired => FIELD_REQUIRED,
        Rule::FieldInvalid => error::FIELD_INVALID,
        Rule::FieldNotWritable => FIELD_NOT_WRITABLE,
        Rule::TicketClosed => TICKET_CLOSED,
        Rule::LinkToItself => LINK_TO_ITSELF,
        Rule::BackdateNotPermitted => BACKDATE_NOT_PERMITTED,
        Rule::BackdateReasonRequired => BACKDATE_REASON_REQUIRED,
        Rule::BackdateBeforeOpening => BACKDATE_BEFORE_OPENING,
        Rule::BackdateBeforeLaterChange => BACKDATE_BEFORE_LATER_CHANGE,
        Rule::BackdateInFuture => BACKDATE_IN_FUTURE,
        Rule::ClockUnknown => CLOCK_UNKNOWN,
        Rule::ClockWithoutVerdict => CLOCK_WITHOUT_VERDICT,
        Rule::ClockAlreadyExcluded => CLOCK_ALREADY_EXCLUDED,
        Rule::ClockNotExcluded => CLOCK_NOT_EXCLUDED,
        Rule::FourEyesRequired => FOUR_EYES_REQUIRED,
        Rule::DutyNotBegun => DUTY_NOT_BEGUN,
        Rule::ApprovalRequired => APPROVAL_REQUIRED,
        Rule::ApprovalUnknown => APPROVAL_UNKNOWN,
        Rule::ApprovalNotPending => APPROVAL_NOT_PENDING,
        Rule::NotAnApprover => NOT_AN_APPROVER,
        Rule::DelegationNotPermitted => DELEGATION_NOT_PERMITTED,
        Rule::NotAnIncident => NOT_AN_INCIDENT,
        Rule::MajorAlreadyDeclared => MAJOR_ALREADY_DECLARED,
        Rule::MajorNotDeclared => MAJOR_NOT_DECLARED,
    }
}

/// A refusal of the domain; its fields lie under `parent` in the request: `ticket`, `fields`, or empty.
pub fn rejected(rejection: Rejection, parent: &str) -> Error {
    let reason = reason(rejection.reason);
    if rejection.reason.class() == Class::Invalid && !rejection.violations.is_empty() {
        let violations = rejection.violations.into_iter();
        let violations = violations.map(|found| Violation::new(path(parent, &found.field), found.message)).collect();
        return Error::Invalid { reason, violations };
    }
    let subject = rejection.metadata.get("ticket").cloned().unwrap_or_default();
    let refused = Error::refused(reason, subject, rejection.message);
    rejection.metadata.into_iter().fold(refused, |error, (key, value)| error.with(key, value))
}

/// Path of a field of the domain as the contract writes it: instants end in `_time`.
pub fn path(parent: &str, field: &str) -> String {
    let field = match field {
        "opened_at" => "open_time",
        "resolved_at" => "resolve_time",
        "closed_at" => "close_time",
        "requested_at" => "requested_time",
        "resume_at" => "resume_time",
        other => other,
    };
    if parent.is_empty() { field.to_owned() } else { format!("{parent}.{field}") }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn every_rule_of_the_domain_travels_under_its_own_name_and_class() {
        for rule in Rule::ALL {
            let reason = reason(rule);
            assert_eq!(reason.name, rule.as_str());
            let code = match rule.class() {
                Class::Invalid => Code::InvalidArgument,
                Class::Precondition => Code::FailedPrecondition,
                Class::Permission => Code::PermissionDenied,
            };
            assert_eq!(reason.code, code, "{}", reason.name);
        }
    }

    #[test]
    fn no_reason_is_stated_twice() {
        let mut seen = std::collections::BTreeSet::new();
        for reason in REASONS.iter().chain(error::REASONS) {
            assert!(seen.insert(reason.name), "{} twice", reason.name);
        }
    }
}
