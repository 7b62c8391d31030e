//! Feasibility: domain -> message.

use domain::feasibility::{Chain, Feasibility, Gap, Link, Prospect};
use jiff::SignedDuration;
use proto::catalog::v1 as pb;
use servicekit::wire;

use super::enums::{agreement_kind, feasibility_state, metric};
use crate::usecase::check_feasibility::Prospects;

/// The answer.
pub fn show(found: Prospects) -> pb::CheckFeasibilityResponse {
    pb::CheckFeasibilityResponse {
        start_time: Some(wire::timestamp(found.start)),
        end_time: Some(wire::timestamp(found.end)),
        promises: found.objectives.into_iter().map(promise).collect(),
    }
}

fn promise(prospect: Prospect) -> pb::PromiseFeasibility {
    pb::PromiseFeasibility {
        objective: prospect.objective,
        metric: metric::show(prospect.metric),
        state: feasibility_state::show(prospect.state),
        chains: prospect.chains.into_iter().map(|(links, feasibility)| chain(links, &feasibility)).collect(),
    }
}

fn chain(chain: Chain, feasibility: &Feasibility) -> pb::ChainFeasibility {
    let Feasibility { gaps, open, infeasible } = feasibility;
    let ratio = if *open > SignedDuration::ZERO { infeasible.as_secs_f64() / open.as_secs_f64() } else { 0.0 };
    pb::ChainFeasibility {
        links: chain.links.into_iter().map(link).collect(),
        gaps: gaps.iter().map(gap).collect(),
        open_duration: Some(wire::duration(*open)),
        infeasible_duration: Some(wire::duration(*infeasible)),
        infeasible_ratio: ratio,
    }
}

fn link(link: Link) -> pb::ChainLink {
    let supports = link.supports.into_iter().map(|support| pb::ChainSupport {
        agreement: support.agreement,
        revision: i32::try_from(support.revision).unwrap_or(i32::MAX),
        objective: support.objective,
    });
    pb::ChainLink {
        kind: agreement_kind::show(link.kind),
        calendar: link.calendar.unwrap_or_default(),
        target: Some(wire::duration(link.target)),
        supports: supports.collect(),
    }
}

fn gap(gap: &Gap) -> pb::FeasibilityGap {
    pb::FeasibilityGap {
        start_time: Some(wire::timestamp(gap.start)),
        end_time: Some(wire::timestamp(gap.end)),
        worst_start_time: Some(wire::timestamp(gap.worst_start)),
        promise_time: Some(wire::timestamp(gap.promised_at)),
        handover_times: gap.handovers.iter().map(|at| wire::timestamp(*at)).collect(),
        delay: gap.delay.map(wire::duration),
    }
}
