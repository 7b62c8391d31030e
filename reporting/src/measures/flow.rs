//! Flow: what came in, what is open, how long it takes, what comes back. And what had to be left out, by name.

use jiff::ToSpan;
use jiff::civil::Date;
use polars::prelude::{Expr, LazyFrame, SortOptions, col, len};

use super::frame::{self, AGES, DIMENSIONS, Group};
use super::{Context, is_outside};
use crate::Error;
use crate::inputs::TicketRow;
use crate::period::{date, hours, midnight, monday, week_label};
use crate::report::measure::{Measure, Scope, Value};
use crate::stats::survival::{self, Curve};
use crate::stats::{percentile, wilson};

/// Counts of incidents by population; those of a whole population carry the filter of their rows.
const COUNTS: [(&str, &str); 9] = [
    ("flow.opened", "opened"),
    ("flow.resolved", "resolved"),
    ("flow.backlog", "backlog"),
    ("flow.reopened", "reopened"),
    ("flow.reassigned", "reassigned"),
    ("quality.resolved_without_time", "resolved_without_time"),
    ("quality.closed_without_resolution", "closed_without_resolution"),
    ("quality.nonconforming", "nonconforming"),
    ("quality.uncovered", "uncovered"),
];

/// Shares of a cohort.
const SHARES: [(&str, &str, &str); 3] = [
    ("flow.reopen_rate", "opened_reopened", "opened"),
    ("flow.reassignment_rate", "opened_reassigned", "opened"),
    ("sla.source_attainment", "source_met", "judged"),
];

/// The measures of flow and of the quality of its data.
pub(super) fn measures(context: &Context) -> Result<Vec<Measure>, Error> {
    let mut measures = Vec::new();
    for (id, population) in COUNTS {
        counts(context, id, population, &mut measures)?;
    }
    ages(context, &mut measures)?;
    for (id, part, whole) in SHARES {
        shares(context, id, part, whole, &mut measures)?;
    }
    times(context, &mut measures)?;
    weeks(context, &mut measures);
    Ok(measures)
}

/// The curves of waiting for resolution, as a whole and by priority.
pub(super) fn curves(context: &Context) -> Result<Vec<(Scope, Curve)>, Error> {
    let waiting = frame::population(&context.tickets, &["waiting"]);
    let aggregates = [col("wait_us").implode(true), col("outcome").implode(true)];
    let mut curves: Vec<_> = frame::groups(&waiting, &[], &["priority"], &aggregates)?
        .into_iter()
        .map(|group| (group.scope.clone(), curve(&group)))
        .collect();
    curves.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(curves)
}

fn counts(context: &Context, id: &str, population: &str, measures: &mut Vec<Measure>) -> Result<(), Error> {
    let rows = frame::population(&context.tickets, &[population]);
    let found = frame::groups(&rows, &[], &DIMENSIONS, &[len()])?;
    for scope in &context.scopes {
        let count = found.iter().find(|group| group.scope == *scope).map_or(0, |group| group.whole(0));
        if count > 0 || !is_outside(scope, &context.period) {
            measures.push(context.count(id, scope.clone(), count));
        }
    }
    Ok(())
}

/// The backlog by age, and its age.
fn ages(context: &Context, measures: &mut Vec<Measure>) -> Result<(), Error> {
    let backlog = frame::population(&context.tickets, &["backlog"]);
    let found = frame::groups(&backlog, &["age"], &["priority"], &[len()])?;
    for (age, _) in AGES {
        let one = Scope::one("age", age);
        for scope in context.scopes.iter().filter(|scope| **scope == Scope::all() || scope.is_by(&["priority"])) {
            let scope = scope.parts().fold(one.clone(), |scope, (name, part)| scope.with(name, part.clone()));
            let count = found.iter().find(|group| group.scope == scope).map_or(0, |group| group.whole(0));
            measures.push(context.count("flow.backlog", scope, count));
        }
    }
    for group in frame::groups(&backlog, &[], &DIMENSIONS, &[sorted("age_us")])? {
        let ages: Vec<f64> = group.list(0).iter().map(|age| hours(*age)).collect();
        let n = ages.len() as u64;
        let interval = Some(percentile::linear_interval(&ages, 0.5));
        let median = percentile::linear(&ages, 0.5);
        measures.push(context.number("flow.backlog_age.median", group.scope.clone(), median, n, interval));
        measures.push(context.number("flow.backlog_age.oldest", group.scope, ages.last().copied(), n, None));
    }
    Ok(())
}

fn shares(context: &Context, id: &str, part: &str, whole: &str, measures: &mut Vec<Measure>) -> Result<(), Error> {
    let rows = frame::population(&context.tickets, &[whole]);
    let aggregates = [len(), col(part).cast(polars::prelude::DataType::Int64).sum()];
    for group in frame::groups(&rows, &[], &DIMENSIONS, &aggregates)? {
        measures.push(context.share(id, group.scope.clone(), group.whole(1), group.whole(0)));
    }
    Ok(())
}

/// Times to resolve: of the resolved, and of all by Kaplan-Meier.
fn times(context: &Context, measures: &mut Vec<Measure>) -> Result<(), Error> {
    let resolved = frame::population(&context.tickets, &["resolved"]);
    for group in full(context, &resolved, &[sorted("resolve_us")])? {
        let micros = group.list(0);
        let sample: Vec<f64> = micros.iter().map(|time| hours(*time)).collect();
        let n = sample.len() as u64;
        let mean = percentile::mean(micros).map(|mean| mean / 3.6e9);
        let at = |q| (percentile::linear(&sample, q), Some(percentile::linear_interval(&sample, q)));
        let spread = Some(percentile::mean_interval(&sample));
        for (id, (value, interval)) in [
            ("flow.time_to_resolve.mean", (mean, spread)),
            ("flow.time_to_resolve.median", at(0.5)),
            ("flow.time_to_resolve.p90", at(0.9)),
        ] {
            measures.push(context.number(id, group.scope.clone(), value, n, interval));
        }
    }
    let waiting = frame::population(&context.tickets, &["waiting"]);
    for group in full(context, &waiting, &[col("wait_us").implode(true), col("outcome").implode(true)])? {
        let curve = curve(&group);
        let interval = curve.quantile_interval(0.5).map(|end| end.map(hours));
        let median = curve.quantile(0.5).map(hours);
        let id = "flow.time_to_resolve.km_median";
        measures.push(context.number(id, group.scope, median, curve.n, Some(interval)));
    }
    Ok(())
}

/// The groups of all scopes, those without rows as empty groups.
fn full(context: &Context, rows: &LazyFrame, aggregates: &[Expr]) -> Result<Vec<Group>, Error> {
    let mut found = frame::groups(rows, &[], &DIMENSIONS, aggregates)?;
    for scope in &context.scopes {
        if !is_outside(scope, &context.period) && !found.iter().any(|group| group.scope == *scope) {
            found.push(Group { scope: scope.clone(), values: Vec::new() });
        }
    }
    Ok(found)
}

fn curve(group: &Group) -> Curve {
    let outcomes = group.list(1).iter().map(|code| frame::outcome(*code));
    let observations: Vec<_> = group.list(0).iter().copied().zip(outcomes).collect();
    survival::curve(&observations)
}

/// Openings, endings and the backlog by whole ISO week within the window.
fn weeks(context: &Context, measures: &mut Vec<Measure>) {
    for start in context.weeks() {
        let (Some(from), Some(to)) = (midnight(start), start.checked_add(7.days()).ok().and_then(midnight)) else {
            continue;
        };
        let scope = Scope::one("week", week_label(start));
        let (mut opened, mut finished, mut backlog) = (0, 0, 0);
        for row in context.inputs.incidents() {
            opened += u64::from(from <= row.opened_at && row.opened_at < to);
            let ends = row.open.iter().filter_map(|span| span.until);
            finished += ends.filter(|at| from <= *at && *at < to).count() as u64;
            backlog += u64::from(row.was_open_before(to));
        }
        for (id, value) in [("flow.opened", opened), ("flow.finished", finished), ("flow.backlog", backlog)] {
            let window = if id == "flow.backlog" { to.to_string() } else { format!("{from}/{to}") };
            measures.push(Measure { window, ..context.count(id, scope.clone(), value) });
        }
    }
    let window = context.window;
    let ends = context.inputs.incidents().flat_map(|row| &row.open).filter_map(|span| span.until);
    let finished = ends.filter(|at| window.contains(*at)).count() as u64;
    measures.push(context.count("flow.finished", Scope::all(), finished));
}

impl Context<'_> {
    /// Mondays of the ISO weeks that lie in the window as a whole.
    fn weeks(&self) -> Vec<Date> {
        let first = monday(self.window.start);
        let first = if first < date(self.window.start) { first + 7.days() } else { first };
        let mut weeks = Vec::new();
        let mut start = first;
        while let Some(end) = start.checked_add(7.days()).ok().and_then(midnight) {
            if end > self.window.end {
                break;
            }
            weeks.push(start);
            start += 7.days();
        }
        weeks
    }

    fn share(&self, id: &str, scope: Scope, part: u64, whole: u64) -> Measure {
        let ratio = (whole > 0).then(|| wilson::count(part) / wilson::count(whole));
        Measure {
            value: ratio.map_or(Value::None, Value::Number),
            n: whole,
            numerator: Some(part),
            denominator: Some(whole),
            interval: wilson::interval(part, whole).map(|[low, high]| [Some(low), Some(high)]),
            ..self.measure(id, scope)
        }
    }
}

/// All values of a column, rising.
fn sorted(column: &str) -> Expr {
    col(column).sort(SortOptions::default()).implode(true)
}

/// The incidents declared major that were going on in the window, newest first.
pub(super) fn majors(context: &Context) -> Vec<TicketRow> {
    let going_on = |row: &&TicketRow| {
        row.major.as_ref().is_some_and(|major| {
            major.declared_at < context.window.end && major.stood_down_at.is_none_or(|at| at >= context.window.start)
        })
    };
    let mut majors: Vec<TicketRow> = context.inputs.incidents().filter(going_on).cloned().collect();
    let declared = |row: &TicketRow| row.major.as_ref().map(|major| major.declared_at);
    majors.sort_by(|a, b| declared(b).cmp(&declared(a)).then_with(|| a.key().cmp(&b.key())));
    majors
}
