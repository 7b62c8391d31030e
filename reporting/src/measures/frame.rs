//! The rows of the inputs as columns, and groups of them as rows again: the only place that knows the query engine.

use domain::agreement::Kind;
use domain::clock::{Activity, State};
use domain::process::Category;
use polars::prelude::*;

use crate::Error;
use crate::inputs::{Inputs, TicketRow};
use crate::period::{Period, micros_between, month, plus_days};
use crate::report::measure::{Part, Scope};
use crate::stats::survival::Outcome;

/// What a measure can be scoped by, next to the total.
pub(super) const DIMENSIONS: [&str; 4] = ["priority", "month", "service", "group"];

/// Classes of age, with the upper end of each in days.
pub(super) const AGES: [(&str, i64); 7] = [
    ("under 1 day", 1),
    ("1 to 3 days", 3),
    ("3 to 7 days", 7),
    ("1 to 2 weeks", 14),
    ("2 to 4 weeks", 28),
    ("4 to 13 weeks", 91),
    ("over 13 weeks", i64::MAX),
];

/// A group of rows: what it is restricted to, and what was aggregated.
pub(super) struct Group {
    pub(super) scope: Scope,
    pub(super) values: Vec<Aggregate>,
}

/// One aggregated value.
pub(super) enum Aggregate {
    /// A count or a sum.
    Whole(i64),
    /// All values of the group; nulls are left out.
    List(Vec<i64>),
}

impl Group {
    pub(super) fn whole(&self, index: usize) -> u64 {
        match self.values.get(index) {
            Some(Aggregate::Whole(value)) => u64::try_from(*value).unwrap_or_default(),
            _ => 0,
        }
    }

    pub(super) fn list(&self, index: usize) -> &[i64] {
        match self.values.get(index) {
            Some(Aggregate::List(values)) => values,
            _ => &[],
        }
    }
}

/// One row per incident: its dimensions, its times, and which populations it belongs to.
pub(super) fn tickets(inputs: &Inputs, period: &Period) -> Result<DataFrame, Error> {
    let window = period.until(inputs.as_of);
    let rows: Vec<(u32, &TicketRow)> = incidents(inputs);
    let text = |name: &str, value: &dyn Fn(&TicketRow) -> String| {
        Column::new(name.into(), rows.iter().map(|(_, row)| value(row)).collect::<Vec<_>>())
    };
    let flag = |name: &str, value: &dyn Fn(&TicketRow) -> bool| {
        Column::new(name.into(), rows.iter().map(|(_, row)| value(row)).collect::<Vec<_>>())
    };
    let number = |name: &str, value: &dyn Fn(&TicketRow) -> Option<i64>| {
        Column::new(name.into(), rows.iter().map(|(_, row)| value(row)).collect::<Vec<_>>())
    };
    let opened = |row: &TicketRow| window.contains(row.opened_at);
    let in_window = |times: &[jiff::Timestamp]| times.iter().any(|at| window.contains(*at));
    let age = |row: &TicketRow| micros_between(row.opened_at, window.end);
    let mut columns = vec![Column::new("row".into(), rows.iter().map(|(index, _)| *index).collect::<Vec<_>>())];
    columns.extend(dimensions(&rows.iter().map(|(_, row)| *row).collect::<Vec<_>>()));
    columns.extend([
        text("week", &|row| crate::period::week_label(crate::period::monday(row.opened_at))),
        text("age", &|row| age_class(age(row)).to_owned()),
        flag("opened", &opened),
        flag("resolved", &|row| row.resolved_at.is_some_and(|at| window.contains(at))),
        flag("backlog", &|row| row.was_open_before(window.end)),
        flag("reopened", &|row| in_window(&row.reopened_at)),
        flag("reassigned", &|row| in_window(&row.reassigned_at)),
        flag("opened_reopened", &|row| opened(row) && !row.reopened_at.is_empty()),
        flag("opened_reassigned", &|row| opened(row) && !row.reassigned_at.is_empty()),
        flag("any_reopened", &|row| !row.reopened_at.is_empty()),
        flag("any_reassigned", &|row| !row.reassigned_at.is_empty()),
        flag("waiting", &|row| opened(row) && waited(row, inputs.as_of).is_some()),
        flag("judged", &|row| opened(row) && !row.category.is_open() && row.source_sla_met.is_some()),
        flag("source_met", &|row| row.source_sla_met == Some(true)),
        flag("resolved_without_time", &|row| opened(row) && is_finished_without_time(row) && row.was_resolved),
        flag("closed_without_resolution", &|row| opened(row) && is_finished_without_time(row) && !row.was_resolved),
        flag("nonconforming", &|row| opened(row) && row.nonconformities > 0),
        flag("uncovered", &|row| opened(row) && !row.clocks.iter().any(|clock| clock.kind == Kind::Sla)),
        number("resolve_us", &|row| row.resolved_at.map(|at| micros_between(row.opened_at, at))),
        number("age_us", &|row| Some(age(row))),
        number("wait_us", &|row| waited(row, inputs.as_of).map(|(time, _)| time)),
        number("outcome", &|row| waited(row, inputs.as_of).map(|(_, outcome)| outcome_code(outcome))),
    ]);
    Ok(DataFrame::new(rows.len(), columns)?)
}

/// One row per clock of an agreement with a customer on an incident.
pub(super) fn clocks(inputs: &Inputs, period: &Period) -> Result<DataFrame, Error> {
    let window = period.until(inputs.as_of);
    let soon = plus_days(inputs.as_of, 1);
    let rows: Vec<_> = incidents(inputs)
        .into_iter()
        .flat_map(|(index, row)| row.clocks.iter().map(move |clock| (index, row, clock)))
        .filter(|(_, _, clock)| clock.kind == Kind::Sla)
        .collect();
    let flag = |name: &str, value: &dyn Fn(&crate::inputs::ClockRow) -> bool| {
        Column::new(name.into(), rows.iter().map(|(_, _, clock)| value(clock)).collect::<Vec<_>>())
    };
    let undecided = |state: State| matches!(state, State::Running | State::Paused);
    let settled = |clock: &crate::inputs::ClockRow| clock.settled_at.is_some_and(|at| window.contains(at));
    let adjusted = |clock: &crate::inputs::ClockRow| {
        let verdict = clock.adjusted().filter(|(_, settled_at)| settled_at.is_some_and(|at| window.contains(at)));
        verdict.map(|(state, _)| state)
    };
    // Where the promise of a clock stands in the list of agreements, so that groups can tell which governed them.
    let promise = |clock: &crate::inputs::ClockRow| -> Option<i64> {
        let key = |row: &crate::inputs::AgreementRow| {
            (row.name.as_str(), row.revision).cmp(&(clock.agreement.as_str(), clock.revision))
        };
        inputs.agreements.binary_search_by(key).ok().and_then(|index| i64::try_from(index).ok())
    };
    let mut columns = vec![Column::new("row".into(), rows.iter().map(|(index, ..)| *index).collect::<Vec<_>>())];
    columns.extend(dimensions(&rows.iter().map(|(_, row, _)| *row).collect::<Vec<_>>()));
    columns.extend([
        Column::new("metric".into(), rows.iter().map(|(_, _, clock)| clock.metric.as_str()).collect::<Vec<_>>()),
        Column::new("promise".into(), rows.iter().map(|(_, _, clock)| promise(clock)).collect::<Vec<_>>()),
        Column::new("target_us".into(), rows.iter().map(|(_, _, clock)| clock.target_us).collect::<Vec<_>>()),
        flag("settled", &settled),
        flag("met", &|clock| settled(clock) && clock.state == State::Met),
        flag("adjusted", &|clock| adjusted(clock).is_some()),
        flag("adjusted_met", &|clock| adjusted(clock) == Some(State::Met)),
        flag("excused", &|clock| settled(clock) && clock.excuse.is_some()),
        flag("judged", &|clock| settled(clock) || adjusted(clock).is_some()),
        flag("undecided", &|clock| undecided(clock.state)),
        flag("overdue", &|clock| clock.state == State::Breached && clock.activity != Activity::Stopped),
        flag("due_soon", &|clock| undecided(clock.state) && clock.due_at.is_some_and(|due| due <= soon)),
    ]);
    Ok(DataFrame::new(rows.len(), columns)?)
}

/// The rows of a population: those where every named flag holds.
pub(super) fn population(frame: &DataFrame, flags: &[&str]) -> LazyFrame {
    let all = flags.iter().fold(lit(true), |all, flag| all.and(col(*flag)));
    frame.clone().lazy().filter(all)
}

/// Aggregates a population by each combination of `fixed` dimensions, as a whole and further by each of `dimensions`.
pub(super) fn groups(
    population: &LazyFrame,
    fixed: &[&str],
    dimensions: &[&str],
    aggregates: &[Expr],
) -> Result<Vec<Group>, Error> {
    let mut found = by(population, fixed, aggregates)?;
    for dimension in dimensions {
        let keys: Vec<&str> = fixed.iter().copied().chain([*dimension]).collect();
        found.extend(by(population, &keys, aggregates)?);
    }
    Ok(found)
}

fn by(population: &LazyFrame, keys: &[&str], aggregates: &[Expr]) -> Result<Vec<Group>, Error> {
    // A group needs a key: the total is grouped by a constant.
    let total = [lit(0).alias("total")];
    let key_columns: Vec<Expr> =
        if keys.is_empty() { total.to_vec() } else { keys.iter().map(|key| col(*key)).collect() };
    let names: Vec<String> = (0..aggregates.len()).map(|index| format!("aggregate_{index}")).collect();
    let named: Vec<Expr> =
        aggregates.iter().zip(&names).map(|(aggregate, name)| aggregate.clone().alias(name)).collect();
    let frame = population.clone().group_by(key_columns).agg(named).collect()?;
    (0..frame.height())
        .map(|index| {
            let mut scope = Scope::all();
            for key in keys {
                scope = scope.with(key, part(key, frame.column(key)?.str()?.get(index).unwrap_or_default()));
            }
            let values = names.iter().map(|name| aggregate(frame.column(name)?, index)).collect::<Result<_, _>>()?;
            Ok(Group { scope, values })
        })
        .collect()
}

fn aggregate(column: &Column, index: usize) -> Result<Aggregate, PolarsError> {
    Ok(match column.get(index)? {
        AnyValue::List(series) => Aggregate::List(series.cast(&DataType::Int64)?.i64()?.iter().flatten().collect()),
        value => Aggregate::Whole(value.extract::<i64>().unwrap_or_default()),
    })
}

/// The value of a dimension as a scope has it: priorities are numbers.
pub(super) fn part(dimension: &str, text: &str) -> Part {
    match text.parse::<i64>() {
        Ok(number) if dimension == "priority" => Part::Number(number),
        _ => Part::from(text),
    }
}

/// The value of a dimension of a ticket.
pub(super) fn dimension(row: &TicketRow, name: &str) -> String {
    match name {
        "priority" => row.priority.map(|priority| priority.to_string()).unwrap_or_default(),
        "month" => month(row.opened_at),
        "service" => row.service.clone(),
        "group" => row.group.clone(),
        _ => String::new(),
    }
}

fn dimensions(rows: &[&TicketRow]) -> Vec<Column> {
    DIMENSIONS
        .iter()
        .map(|name| Column::new((*name).into(), rows.iter().map(|row| dimension(row, name)).collect::<Vec<_>>()))
        .collect()
}

fn incidents(inputs: &Inputs) -> Vec<(u32, &TicketRow)> {
    (0_u32..).zip(&inputs.tickets).filter(|(_, row)| row.practice == crate::inputs::INCIDENT).collect()
}

/// Over without cancellation, and nothing says when it was resolved.
fn is_finished_without_time(row: &TicketRow) -> bool {
    !row.category.is_open() && row.category != Category::Cancelled && row.resolved_at.is_none()
}

/// How long an incident has waited for its resolution and how that ended; `None` if the end is not known.
fn waited(row: &TicketRow, as_of: jiff::Timestamp) -> Option<(i64, Outcome)> {
    let since = |at| micros_between(row.opened_at, at).max(0);
    match (row.resolved_at, row.category) {
        (Some(at), _) => Some((since(at), Outcome::Event)),
        (None, Category::Cancelled) => Some((since(row.closed_at.unwrap_or(row.state_since)), Outcome::Competing)),
        (None, category) if category.is_open() => Some((since(as_of), Outcome::Censored)),
        (None, _) => None,
    }
}

fn outcome_code(outcome: Outcome) -> i64 {
    match outcome {
        Outcome::Event => 0,
        Outcome::Competing => 1,
        Outcome::Censored => 2,
    }
}

/// The outcome of that code.
pub(super) fn outcome(code: i64) -> Outcome {
    match code {
        0 => Outcome::Event,
        1 => Outcome::Competing,
        _ => Outcome::Censored,
    }
}

fn age_class(micros: i64) -> &'static str {
    const DAY: i64 = 24 * 3600 * 1_000_000;
    AGES.iter().find(|(_, days)| micros < days.saturating_mul(DAY)).map_or("over 13 weeks", |(name, _)| name)
}
