//! Why a command is refused.

use std::collections::BTreeMap;
use std::fmt;

use super::super::Ticket;
use crate::violation::Violation;

/// A command that is refused: nothing happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Why, for programs.
    pub reason: Reason,
    /// Why, for people: what is wrong and the way out.
    pub message: String,
    /// What the message is about, by name.
    pub metadata: BTreeMap<&'static str, String>,
    /// Each field that is wrong. Empty: no single field is.
    pub violations: Vec<Violation>,
}

/// Why a command is refused. The names are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The process has no such transition from the state of the ticket.
    TransitionNotAllowed,
    /// The caller does not have the role that the transition asks for.
    RoleRequired,
    /// Fields are missing.
    FieldRequired,
    /// Fields have values that cannot be taken.
    FieldInvalid,
    /// Fields are written in another way.
    FieldNotWritable,
    /// The ticket has ended.
    TicketClosed,
    /// A ticket was to be related to itself.
    LinkToItself,
    /// The caller may not say that something happened in the past.
    BackdateNotPermitted,
    /// Nothing says why the time is in the past.
    BackdateReasonRequired,
    /// The time is before the ticket was opened.
    BackdateBeforeOpening,
    /// The time is before a change that is on record.
    BackdateBeforeLaterChange,
    /// The time is in the future.
    BackdateInFuture,
    /// The ticket has no such clock.
    ClockUnknown,
    /// The clock has no verdict that could be excused.
    ClockWithoutVerdict,
    /// The clock is excused.
    ClockAlreadyExcluded,
    /// The clock is not excused.
    ClockNotExcluded,
    /// Somebody else has to approve it.
    FourEyesRequired,
    /// The duty has not begun.
    DutyNotBegun,
    /// The transition needs approvals that have not been given.
    ApprovalRequired,
    /// The ticket has no such approval.
    ApprovalUnknown,
    /// The approval is not pending.
    ApprovalNotPending,
    /// The caller is not among those who may decide.
    NotAnApprover,
    /// The decision cannot be passed on like this.
    DelegationNotPermitted,
    /// The ticket is no incident.
    NotAnIncident,
    /// The incident is a major one already.
    MajorAlreadyDeclared,
    /// The ticket is no major incident that is going on.
    MajorNotDeclared,
}

/// What kind of trouble a reason is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The request is wrong in itself.
    Invalid,
    /// The request does not fit the ticket as it is.
    Precondition,
    /// The caller may not.
    Permission,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 26] = [
        Self::TransitionNotAllowed,
        Self::RoleRequired,
        Self::FieldRequired,
        Self::FieldInvalid,
        Self::FieldNotWritable,
        Self::TicketClosed,
        Self::LinkToItself,
        Self::BackdateNotPermitted,
        Self::BackdateReasonRequired,
        Self::BackdateBeforeOpening,
        Self::BackdateBeforeLaterChange,
        Self::BackdateInFuture,
        Self::ClockUnknown,
        Self::ClockWithoutVerdict,
        Self::ClockAlreadyExcluded,
        Self::ClockNotExcluded,
        Self::FourEyesRequired,
        Self::DutyNotBegun,
        Self::ApprovalRequired,
        Self::ApprovalUnknown,
        Self::ApprovalNotPending,
        Self::NotAnApprover,
        Self::DelegationNotPermitted,
        Self::NotAnIncident,
        Self::MajorAlreadyDeclared,
        Self::MajorNotDeclared,
    ];

    /// The name used in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::TransitionNotAllowed => "TRANSITION_NOT_ALLOWED",
            Self::RoleRequired => "ROLE_REQUIRED",
            Self::FieldRequired => "FIELD_REQUIRED",
            Self::FieldInvalid => "FIELD_INVALID",
            Self::FieldNotWritable => "FIELD_NOT_WRITABLE",
            Self::TicketClosed => "TICKET_CLOSED",
            Self::LinkToItself => "LINK_TO_ITSELF",
            Self::BackdateNotPermitted => "BACKDATE_NOT_PERMITTED",
            Self::BackdateReasonRequired => "BACKDATE_REASON_REQUIRED",
            Self::BackdateBeforeOpening => "BACKDATE_BEFORE_OPENING",
            Self::BackdateBeforeLaterChange => "BACKDATE_BEFORE_LATER_CHANGE",
            Self::BackdateInFuture => "BACKDATE_IN_FUTURE",
            Self::ClockUnknown => "CLOCK_UNKNOWN",
            Self::ClockWithoutVerdict => "CLOCK_WITHOUT_VERDICT",
            Self::ClockAlreadyExcluded => "CLOCK_ALREADY_EXCLUDED",
            Self::ClockNotExcluded => "CLOCK_NOT_EXCLUDED",
            Self::FourEyesRequired => "FOUR_EYES_REQUIRED",
            Self::DutyNotBegun => "DUTY_NOT_BEGUN",
            Self::ApprovalRequired => "APPROVAL_REQUIRED",
            Self::ApprovalUnknown => "APPROVAL_UNKNOWN",
            Self::ApprovalNotPending => "APPROVAL_NOT_PENDING",
            Self::NotAnApprover => "NOT_AN_APPROVER",
            Self::DelegationNotPermitted => "DELEGATION_NOT_PERMITTED",
            Self::NotAnIncident => "NOT_AN_INCIDENT",
            Self::MajorAlreadyDeclared => "MAJOR_ALREADY_DECLARED",
            Self::MajorNotDeclared => "MAJOR_NOT_DECLARED",
        }
    }

    /// What kind of trouble it is.
    pub fn class(self) -> Class {
        match self {
            Self::TransitionNotAllowed
            | Self::TicketClosed
            | Self::BackdateBeforeOpening
            | Self::BackdateBeforeLaterChange
            | Self::ClockUnknown
            | Self::ClockWithoutVerdict
            | Self::ClockAlreadyExcluded
            | Self::ClockNotExcluded
            | Self::DutyNotBegun
            | Self::ApprovalRequired
            | Self::ApprovalUnknown
            | Self::ApprovalNotPending
            | Self::DelegationNotPermitted
            | Self::NotAnIncident
            | Self::MajorAlreadyDeclared
            | Self::MajorNotDeclared => Class::Precondition,
            Self::RoleRequired | Self::BackdateNotPermitted | Self::FourEyesRequired | Self::NotAnApprover => {
                Class::Permission
            }
            Self::FieldRequired
            | Self::FieldInvalid
            | Self::FieldNotWritable
            | Self::LinkToItself
            | Self::BackdateReasonRequired
            | Self::BackdateInFuture => Class::Invalid,
        }
    }
}

impl Rejection {
    pub(super) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), metadata: BTreeMap::new(), violations: Vec::new() }
    }

    /// One rejection for all fields that are wrong for the same reason. `Ok` if there is none.
    pub(super) fn of_fields(reason: Reason, violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() {
            return Ok(());
        }
        let message = violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let fields = violations.iter().map(|violation| violation.field.as_str());
        let fields = fields.collect::<Vec<_>>().join(",");
        Err(Self { violations, ..Self::new(reason, message).with("fields", fields) })
    }

    pub(super) fn closed(ticket: &Ticket) -> Self {
        let text = format!("ticket {} is {}: reopen it first", ticket.number(), ticket.state);
        Self::new(Reason::TicketClosed, text).about(ticket)
    }

    #[must_use]
    pub(super) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.metadata.insert(key, value.into());
        self
    }

    #[must_use]
    pub(super) fn about(self, ticket: &Ticket) -> Self {
        self.with("ticket", ticket.name.clone()).with("state", ticket.state.clone())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Rejection {}
