//! Enums that have the same values in the contract and in the domain.

servicekit::mirror! {
    /// How much of a service was gone.
    outage_impact: proto::operations::v1::OutageImpact = domain::outage::Impact { Down, Degraded }
    /// What a state means.
    category: proto::catalog::v1::StateCategory = domain::process::Category {
        New, Active, Pending, Resolved, Closed, Cancelled
    }
    /// Why a ticket waits.
    pending_reason: proto::operations::v1::PendingReason = domain::process::PendingReason {
        Customer, Supplier, Change, Problem, Scheduled, Evidence
    }
    /// How two tickets are related.
    link_type: proto::operations::v1::LinkType = domain::ticket::LinkType {
        Parent, Child, Duplicates, DuplicatedBy, CausedBy, Causes, Problem, Incident, Change, Handles, RelatesTo
    }
    /// How a change is authorised.
    change_type: proto::operations::v1::ChangeType = domain::ticket::ChangeType { Standard, Normal, Emergency }
    /// What became of a change.
    change_outcome: proto::operations::v1::ChangeOutcome = domain::ticket::ChangeOutcome {
        Successful, WithIssues, BackedOut, Failed
    }
    /// The verdict on a clock.
    clock_state: proto::operations::v1::ClockState = domain::clock::State {
        Running, Paused, Met, Breached, Cancelled, NeverRuns
    }
    /// Why an interval of a clock counts or does not.
    segment_reason: proto::operations::v1::SegmentReason = domain::clock::SegmentReason {
        Running, Paused, OutsideHours, Holiday, NotStarted, Stopped
    }
    /// Who promised what to whom.
    agreement_kind: proto::catalog::v1::AgreementKind = domain::agreement::Kind { Sla, Ola, Underpinning }
    /// What a promise is about.
    metric: proto::catalog::v1::Metric = domain::agreement::Metric { Response, Resolution, Update, Fulfilment, AgreedDate }
    /// Why a clock is excused.
    exclusion_reason: proto::operations::v1::ExclusionReason = domain::clock::ExclusionReason {
        ForceMajeure, CustomerCaused, OutOfScope, DataError
    }
    /// A law by which an authority is to be notified.
    regulation: proto::operations::v1::Regulation = domain::clock::Regulation { EuDora2025301, EuNis220222555 }
    /// What an entity is to a law.
    entity: proto::operations::v1::DutyEntity = domain::clock::Entity {
        CreditInstitution, CentralCounterparty, TradingVenue, Nis2Entity, TrustServiceProvider, Designated, Other
    }
    /// A report that is owed to an authority.
    report: proto::operations::v1::DutyReport = domain::clock::Report {
        EarlyWarning, Initial, Intermediate, Progress, Final
    }
    /// The verdict on a duty.
    duty_state: proto::operations::v1::DutyState = domain::clock::DutyState { Awaited, Running, Met, Breached }
    /// What an approval has come to.
    approval_state: proto::operations::v1::ApprovalState = domain::ticket::ApprovalState {
        Pending, Approved, Rejected, Lapsed, Withdrawn
    }
    /// What somebody decides on an approval.
    verdict: proto::operations::v1::ApprovalVerdict = domain::ticket::Decision { Approve, Reject }
    /// Who may see something.
    audience: proto::journal::v1::Audience = domain::ticket::Audience { Public, Internal }
}
