//! Enums of the contract beside those of the domain.

servicekit::mirror! {
    /// Life cycle of a service.
    service_state: proto::catalog::v1::ServiceState = domain::portfolio::ServiceState { Pipeline, Live, Retired }
    /// How much the business depends on a service.
    criticality: proto::catalog::v1::Criticality = domain::portfolio::Criticality { Low, Medium, High, Critical }
    /// Who promises what to whom.
    agreement_kind: proto::catalog::v1::AgreementKind = domain::agreement::Kind { Sla, Ola, Underpinning }
    /// What a promise is about.
    metric: proto::catalog::v1::Metric = domain::agreement::Metric {
        Response, Resolution, Update, Fulfilment, AgreedDate,
    }
    /// What happens to a clock when another target applies.
    rebase: proto::catalog::v1::RebasePolicy = domain::agreement::Rebase { KeepElapsed, RestartAtChange }
    /// What happens to a stopped clock when a ticket is reopened.
    reopen: proto::catalog::v1::ReopenPolicy = domain::agreement::Reopen { Continue, ContinueCounting, NewCycle }
    /// How a clock of a group or supplier counts a later visit.
    visit: proto::catalog::v1::VisitPolicy = domain::agreement::Visit { Cumulative, PerVisit }
    /// When the next news is owed.
    news: proto::catalog::v1::NewsPolicy = domain::agreement::NewsPolicy { Regular, OnRequest }
    /// Day of the week.
    weekday: proto::catalog::v1::DayOfWeek = domain::calendar::Weekday {
        Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, Sunday,
    }
    /// What a state means to clocks and reports.
    category: proto::catalog::v1::StateCategory = domain::process::Category {
        New, Active, Pending, Resolved, Closed, Cancelled,
    }
    /// What a public word of the customer does to a resolved ticket.
    reply_policy: proto::catalog::v1::ReplyPolicy = domain::process::ReplyPolicy { Stay, Reopen }
    /// How bad a finding is.
    severity: proto::catalog::v1::FindingSeverity = domain::finding::Severity { Warning, Error }
    /// Whether a promise can be kept, in one word.
    feasibility_state: proto::catalog::v1::FeasibilityState = domain::feasibility::State {
        Feasible, Infeasible, Unsupported, NotComputed,
    }
    /// On which side of a target is good.
    direction: proto::catalog::v1::TargetDirection = domain::process::Direction { AtLeast, AtMost }
    /// What the clocks of a metric on a ticket come to.
    verdict: proto::catalog::v1::Verdict = domain::simulation::Verdict { Met, Breached, None }
}
