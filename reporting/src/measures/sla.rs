//! Promises kept: attainment of our clocks by metric, never pooled over metrics.

use polars::prelude::{DataType, Expr, SortOptions, col};

use super::Context;
use super::frame::{self, DIMENSIONS, Group};
use crate::Error;
use crate::inputs::AgreementRow;
use crate::period::hours;
use crate::report::measure::{Measure, Scope, Value};
use crate::stats::wilson;

/// The measures of promises to customers.
pub(super) fn measures(context: &Context) -> Result<Vec<Measure>, Error> {
    let mut measures = Vec::new();
    let whole = |name: &str| col(name).cast(DataType::Int64).sum();
    let distinct = |values: Expr| values.unique().sort(SortOptions::default()).implode(true);
    let settled = |name: &str| distinct(col(name).filter(col("settled")));
    let judged = frame::population(&context.clocks, &["judged"]);
    let aggregates = [
        whole("settled"),
        whole("met"),
        settled("promise"),
        settled("target_us"),
        whole("adjusted"),
        whole("adjusted_met"),
        whole("excused"),
    ];
    for group in frame::groups(&judged, &["metric"], &DIMENSIONS, &aggregates)? {
        attainment(context, &group, &mut measures);
    }
    let all = frame::population(&context.clocks, &[]);
    let aggregates = [whole("undecided"), whole("overdue"), whole("due_soon"), distinct(col("promise"))];
    for group in frame::groups(&all, &["metric"], &["priority", "service"], &aggregates)? {
        for (index, id) in ["sla.open", "sla.overdue", "sla.due_24h"].into_iter().enumerate() {
            let source = context.promise_source(&group, 3);
            let measure = context.count(id, group.scope.clone(), group.whole(index));
            measures.push(Measure { source, ..measure });
        }
    }
    Ok(measures)
}

fn attainment(context: &Context, group: &Group, measures: &mut Vec<Measure>) {
    let (clocks, met) = (group.whole(0), group.whole(1));
    let source = context.promise_source(group, 2);
    let share = |id: &str, met: u64, clocks: u64| Measure {
        value: if clocks == 0 { Value::None } else { Value::Number(wilson::count(met) / wilson::count(clocks)) },
        n: clocks,
        numerator: Some(met),
        denominator: Some(clocks),
        interval: wilson::interval(met, clocks).map(|[low, high]| [Some(low), Some(high)]),
        source: source.clone(),
        ..context.measure(id, group.scope.clone())
    };
    measures.push(share("sla.attainment", met, clocks));
    measures.push(share("sla.attainment_adjusted", group.whole(5), group.whole(4)));
    let excluded = context.count("sla.excluded", group.scope.clone(), group.whole(6));
    measures.push(Measure { source: source.clone(), ..excluded });
    let goals = context
        .promises(group, 2)
        .map(|promise| promise.goal_percent.as_ref().and_then(|percent| percent.to_string().parse::<f64>().ok()));
    if let Some(goal) = same(goals).flatten() {
        let measure = context.number("sla.goal", group.scope.clone(), Some(goal / 100.0), clocks, None);
        measures.push(Measure { source: source.clone(), ..measure });
    }
    if let [target] = group.list(3) {
        let measure = context.number("sla.target", group.scope.clone(), Some(hours(*target)), clocks, None);
        measures.push(Measure { source, ..measure });
    }
}

/// The value that all have in common; `None` if there are none or they differ.
fn same<T: PartialEq>(mut values: impl Iterator<Item = T>) -> Option<T> {
    let first = values.next()?;
    values.all(|value| value == first).then_some(first)
}

impl Context<'_> {
    /// The promises that governed the clocks of a group.
    fn promises<'a>(&'a self, group: &'a Group, list: usize) -> impl Iterator<Item = &'a AgreementRow> {
        let indices = group.list(list).iter().filter_map(|index| usize::try_from(*index).ok());
        indices.filter_map(|index| self.inputs.agreements.get(index))
    }

    /// Tickets, and the agreements that governed; whether any of it is invented.
    fn promise_source(&self, group: &Group, list: usize) -> String {
        let mut names: Vec<&str> = self.promises(group, list).map(|promise| promise.name.as_str()).collect();
        names.dedup();
        let invented = self.promises(group, list).any(|promise| promise.illustrative);
        let mark = if invented || self.is_invented(&group.scope) { "; ILLUSTRATIVE" } else { "" };
        // What holds for any measure of the scope, with the promises before the mark.
        let source = self.measure("sla.attainment", group.scope.clone()).source;
        format!("{}; promises: {}{mark}", source.trim_end_matches("; ILLUSTRATIVE"), names.join(", "))
    }

    /// Whether a scope names a service that is invented for demonstration.
    pub(super) fn is_invented(&self, scope: &Scope) -> bool {
        let service = scope.text("service").and_then(|name| self.inputs.services.get(&name));
        service.is_some_and(|service| service.illustrative)
    }
}
