//! Down from a number to the resources behind it.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, col, lit};

use super::{availability, frame, money, value};
use crate::Error;
use crate::inputs::Inputs;
use crate::period::{Period, month};
use crate::report::measure::Scope;

/// The resource names behind a measure and scope, in the order of the inputs: tickets, cost entries, outages, benefits or
/// contracts.
/// For a share these are the rows of its denominator. Empty for an id that does not exist, or that no rows stand
/// behind.
pub fn rows(inputs: &Inputs, period: &Period, id: &str, scope: &Scope) -> Result<Vec<String>, Error> {
    let of_tickets = |flags: &[&str]| named(inputs, &frame::tickets(inputs, period)?, flags, scope);
    let of_clocks = |flag: &str| named(inputs, &frame::clocks(inputs, period)?, &[flag], scope);
    let flags: &[&str] = match id {
        "flow.opened" | "flow.reopen_rate" | "flow.reassignment_rate" => &["opened"],
        "flow.resolved" | "flow.time_to_resolve.mean" | "flow.time_to_resolve.median" | "flow.time_to_resolve.p90" => {
            &["resolved"]
        }
        "flow.backlog" | "flow.backlog_age.median" | "flow.backlog_age.oldest" => &["backlog"],
        "flow.time_to_resolve.km_median" => &["waiting"],
        "flow.reopened" => &["reopened"],
        "flow.reassigned" => &["reassigned"],
        "sla.source_attainment" => &["judged"],
        "quality.resolved_without_time" => &["resolved_without_time"],
        "quality.closed_without_resolution" => &["closed_without_resolution"],
        "quality.nonconforming" => &["nonconforming"],
        "quality.uncovered" => &["uncovered"],
        "sla.attainment" | "sla.goal" | "sla.target" => return of_clocks("settled"),
        "sla.attainment_adjusted" => return of_clocks("adjusted"),
        "sla.excluded" => return of_clocks("excused"),
        "sla.open" => return of_clocks("undecided"),
        "sla.overdue" => return of_clocks("overdue"),
        "sla.due_24h" => return of_clocks("due_soon"),
        id if id.starts_with("availability") => return availability::rows(inputs, period, scope),
        "value.cost_per_ticket" => return value::tickets(inputs, period, scope),
        "value.credit_exposure" => return Ok(value::judged(inputs, period, scope)),
        id if id.starts_with("value.benefit") => return Ok(value::benefits(inputs, period, id, scope)),
        id if id.starts_with("value.") => return value::cost_entries(inputs, period, id, scope),
        "cost.billed" => return Ok(costs(inputs, period, scope)),
        "supplier.contracts" | "supplier.committed" | "supplier.notice_due" | "supplier.notice_due_committed" => {
            return Ok(contracts(inputs, id, scope));
        }
        _ => return Ok(Vec::new()),
    };
    if scope.get("week").is_some() && id != "flow.opened" {
        return Ok(Vec::new());
    }
    of_tickets(flags)
}

fn named(inputs: &Inputs, frame: &DataFrame, flags: &[&str], scope: &Scope) -> Result<Vec<String>, Error> {
    let mut rows = frame::population(frame, flags);
    for (name, part) in scope.parts() {
        if frame.column(name).is_err() {
            return Ok(Vec::new());
        }
        rows = rows.filter(col(name).eq(lit(part.to_string())));
    }
    let found = rows.select([col("row")]).collect()?;
    let indices: BTreeSet<u32> = found.column("row")?.u32()?.iter().flatten().collect();
    let names = indices.into_iter().filter_map(|index| inputs.tickets.get(index as usize));
    Ok(names.map(|ticket| ticket.name.clone()).collect())
}

fn costs(inputs: &Inputs, period: &Period, scope: &Scope) -> Vec<String> {
    let value = |cost: &crate::inputs::CostRow, name: &str| match name {
        "service" => Some(cost.service.clone()),
        "provider" => Some(cost.provider.clone()),
        "provider_service" => Some(cost.provider_service.clone()),
        "source" => Some(money::source_of(cost)),
        "currency" => Some(cost.billed.currency.to_string()),
        "month" => Some(month(cost.start_at)),
        _ => None,
    };
    let apart = scope.get("source").is_some();
    let holds = |cost: &&crate::inputs::CostRow| {
        (apart || !cost.illustrative)
            && scope.parts().all(|(name, part)| value(cost, name).is_some_and(|value| value == part.to_string()))
    };
    money::costs(inputs, period).into_iter().filter(holds).map(|cost| cost.name.clone()).collect()
}

fn contracts(inputs: &Inputs, id: &str, scope: &Scope) -> Vec<String> {
    let value = |contract: &crate::inputs::ContractRow, name: &str| match name {
        "quarter" => Some(contract.deadline_on.map_or_else(|| "open-ended".to_owned(), money::quarter)),
        "owner_unit" => Some(contract.owner_unit.clone()),
        "source" => Some(money::named(&contract.source).to_owned()),
        "currency" => contract.committed.map(|money| money.currency.to_string()),
        _ => None,
    };
    let holds = |contract: &&crate::inputs::ContractRow| {
        (!id.starts_with("supplier.notice_due")
            || money::is_due(contract, money::register_date(inputs, &contract.source)))
            && (!id.ends_with("committed") || contract.committed.is_some())
            && scope.parts().all(|(name, part)| value(contract, name).is_some_and(|value| value == part.to_string()))
    };
    inputs.contracts.iter().filter(holds).map(|contract| contract.name.clone()).collect()
}
