//! `AllocateCosts`: message <-> domain.

use domain::allocation::{Allocation, Line, Place, ServiceCost};
use domain::amount::{Amount, Currency};
use domain::value::{after, instant};
use jiff::Timestamp;
use proto::catalog::v1 as pb;
use servicekit::Error;
use servicekit::convert::{self, Reader};

/// From when until when, and the currency asked for.
pub fn read(request: &pb::AllocateCostsRequest) -> Result<(Timestamp, Timestamp, Option<Currency>), Error> {
    let mut reader = Reader::default();
    let first = reader.date("start_date", request.start_date.as_ref());
    let last = reader.date("end_date", request.end_date.as_ref());
    let first = reader.required("start_date", first);
    let last = reader.required("end_date", last);
    if first.zip(last).is_some_and(|(first, last)| last < first) {
        reader.object("end_date", "is before the start: give the last day of the period");
    }
    let start = first.and_then(instant);
    let end = last.and_then(after);
    if last.is_some() && end.is_none() {
        reader.object("end_date", "is out of range: give a date that has an end");
    }
    let currency = (!request.currency_code.is_empty()).then(|| Currency::parse(&request.currency_code));
    let currency = currency.transpose().map_err(|fault| reader.object("currency_code", fault.to_string()));
    reader.finish()?;
    let missing = || Error::internal("a period that was read has no ends");
    Ok((start.ok_or_else(missing)?, end.ok_or_else(missing)?, currency.unwrap_or_default()))
}

/// The answer.
pub fn show(allocations: Vec<Allocation>) -> Result<pb::AllocateCostsResponse, Error> {
    Ok(pb::AllocateCostsResponse { allocations: allocations.into_iter().map(one).collect::<Result<_, _>>()? })
}

fn one(allocation: Allocation) -> Result<pb::Allocation, Error> {
    let Allocation { currency, input, total, residue, ledger_lines, lines, services, customers, unallocated } =
        allocation;
    Ok(pb::Allocation {
        currency_code: currency.to_string(),
        input: Some(convert::amount(&Amount::new(input, currency))),
        total: Some(convert::money(total)),
        residue: Some(convert::amount(&Amount::new(residue, currency))),
        cost_entry_count: i64::try_from(ledger_lines).unwrap_or(i64::MAX),
        lines: lines.into_iter().map(line).collect(),
        services: services.into_iter().map(|(name, cost)| service(name, &cost)).collect::<Result<_, _>>()?,
        customers: customers
            .into_iter()
            .map(|(customer, flow)| pb::CustomerCost {
                customer,
                amount: Some(convert::money(flow.money)),
                illustrative: flow.illustrative,
            })
            .collect(),
        unallocated: unallocated
            .into_iter()
            .map(|(pool, flow)| pb::UnallocatedCost {
                pool,
                amount: Some(convert::money(flow.money)),
                illustrative: flow.illustrative,
            })
            .collect(),
    })
}

fn line(line: Line) -> pb::AllocationLine {
    use pb::allocation_line::{Source, Target};
    pb::AllocationLine {
        source: match line.source {
            Place::Pool(name) => Some(Source::SourcePool(name)),
            Place::Service(name) => Some(Source::SourceService(name)),
            Place::Customer(_) | Place::Unallocated => None,
        },
        target: match line.target {
            Place::Service(name) => Some(Target::TargetService(name)),
            Place::Customer(name) => Some(Target::TargetCustomer(name)),
            Place::Pool(_) | Place::Unallocated => None,
        },
        allocation_rule: line.rule,
        share: line.share.as_ref().map(convert::decimal),
        amount: Some(convert::money(line.flow.money)),
        illustrative: line.flow.illustrative,
    }
}

fn service(name: String, cost: &ServiceCost) -> Result<pb::ServiceCost, Error> {
    let whole = cost.cost().map_err(Error::internal)?;
    let money = |flow: &domain::allocation::Flow| Some(convert::money(flow.money));
    Ok(pb::ServiceCost {
        service: name,
        cost: money(&whole),
        direct: money(&cost.direct),
        received: money(&cost.received),
        passed_on: money(&cost.passed_on),
        charged: money(&cost.charged),
        kept: money(&cost.kept),
        kept_after_turn: money(&cost.late),
        illustrative: [&cost.direct, &cost.received].iter().any(|flow| flow.illustrative),
    })
}
