//! The gRPC services of the catalog: messages <-> domain, and who may call what. One file per gRPC service, and one per
//! resource for its conversion.

mod agreement;
mod agreement_service;
mod allocation;
mod allocation_rule;
mod benefit;
mod budget;
mod calendar;
mod cost_entry;
mod customer;
mod enums;
mod feasibility;
mod governance_service;
mod objective;
mod offering;
mod permissions;
mod portfolio_service;
mod process;
mod responsibility;
mod role;
mod role_assignment;
#[cfg(test)]
mod samples;
mod service;
mod simulation;
mod value_service;

use domain::difference::Difference;
use domain::finding::Finding;
use domain::governance::Gap;
use proto::catalog::v1 as pb;

pub use agreement_service::Agreements;
pub use governance_service::Governance;
pub use permissions::PERMISSIONS;
pub use portfolio_service::Portfolio;
pub use value_service::Value;

/// A finding as a message.
fn finding(finding: Finding) -> pb::Finding {
    pb::Finding {
        severity: enums::severity::show(finding.severity),
        field: finding.field,
        reason: finding.reason,
        message: finding.message,
    }
}

/// A gap in responsibilities as a message.
fn gap(gap: Gap) -> pb::ResponsibilityFinding {
    let Gap { severity, reason, resource, message, process, activity, service, roles, member } = gap;
    let (severity, reason) = (enums::severity::show(severity), reason.as_str().to_owned());
    pb::ResponsibilityFinding { severity, reason, resource, message, process, activity, service, roles, member }
}

/// A difference as a message.
fn difference(difference: Difference) -> pb::Difference {
    let Difference { path, before, after, sentence } = difference;
    pb::Difference { path, before, after, sentence }
}
