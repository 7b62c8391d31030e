//! Promises behind ours: what groups (OLA) and suppliers (UNDERPINNING) promise us, kept and missed, and the open time
//! for which they had our tickets, by the same clocks.

use std::collections::BTreeMap;

use domain::agreement::Kind;
use domain::clock::State;

use super::Context;
use crate::inputs::ClockRow;
use crate::period::hours;
use crate::report::measure::{Measure, Scope, Value};
use crate::stats::{percentile, wilson};

pub(super) fn measures(context: &Context) -> Vec<Measure> {
    let mut groups: BTreeMap<Scope, Vec<&ClockRow>> = BTreeMap::new();
    for clock in context.inputs.incidents().flat_map(|row| &row.clocks) {
        if clock.kind != Kind::Sla && clock.state != State::Cancelled {
            let scope = Scope::one("agreement", clock.agreement.as_str()).with("metric", clock.metric.as_str());
            groups.entry(scope).or_default().push(clock);
        }
    }
    groups.into_iter().flat_map(|(scope, clocks)| of(context, &scope, &clocks)).collect()
}

fn of(context: &Context, scope: &Scope, clocks: &[&ClockRow]) -> Vec<Measure> {
    let settled = |clock: &&&ClockRow| clock.settled_at.is_some_and(|at| context.window.contains(at));
    let judged: Vec<&&ClockRow> = clocks.iter().filter(settled).collect();
    let n = judged.len() as u64;
    let met = judged.iter().filter(|clock| clock.state == State::Met).count() as u64;
    let invented = clocks.iter().any(|clock| {
        context.inputs.agreement(&clock.agreement, clock.revision).is_some_and(|agreement| agreement.illustrative)
    });
    let source = format!("{}{}", context.ticket_source, if invented { "; ILLUSTRATIVE" } else { "" });
    let mut held: Vec<f64> = judged.iter().map(|clock| hours(clock.elapsed_us)).collect();
    held.sort_by(f64::total_cmp);
    let total = held.iter().sum::<f64>();
    let measure = |id: &str, value: Option<f64>| Measure {
        value: value.map_or(Value::None, Value::Number),
        n,
        source: source.clone(),
        ..context.measure(id, scope.clone())
    };
    vec![
        Measure {
            numerator: Some(met),
            denominator: Some(n),
            interval: wilson::interval(met, n).map(|[low, high]| [Some(low), Some(high)]),
            ..measure("supplier.attainment", (n > 0).then(|| wilson::count(met) / wilson::count(n)))
        },
        measure("supplier.time_held", (n > 0).then_some(total)),
        Measure {
            interval: (n > 0).then(|| percentile::linear_interval(&held, 0.5)),
            ..measure("supplier.time_held.median", percentile::linear(&held, 0.5))
        },
    ]
}
