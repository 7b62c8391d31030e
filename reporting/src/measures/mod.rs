//! From inputs to measures: pure, and the only place where a number of the report comes into being.

mod availability;
mod coverage;
mod definitions;
mod elements;
mod filter;
mod flow;
mod frame;
mod money;
mod rows;
mod sla;
#[cfg(test)]
mod tests;
mod underpinning;
mod value;

use std::collections::BTreeSet;

use jiff::ToSpan;
use polars::prelude::DataFrame;

pub use coverage::Coverage;
pub use definitions::{DEFINITIONS, Definition, definition};
pub use elements::{Element, Lack};
pub(crate) use money::quarter;
pub use money::{NOTICE_DAYS, Register};
pub use rows::rows;

use crate::inputs::{Inputs, TicketRow};
use crate::period::Period;
use crate::report::measure::{Measure, Measures, Scope, Value};
use crate::stats::survival::Curve;
use crate::{Error, period};

/// How many of the oldest open incidents are named.
const OLDEST: usize = 6;

/// What was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// Every number.
    pub measures: Measures,
    /// Waiting for resolution, as a whole and by priority; times in microseconds.
    pub curves: Vec<(Scope, Curve)>,
    /// What each imported source covers.
    pub coverage: Vec<Coverage>,
    /// The contracts, by the register they come from. Never empty.
    pub registers: Vec<Register>,
    /// The four elements of service management.
    pub elements: Vec<Element>,
    /// The incidents declared major that were going on in the period, newest first.
    pub majors: Vec<TicketRow>,
    /// The open incidents that were opened first, at most six.
    pub oldest: Vec<TicketRow>,
}

/// What measures are made from.
struct Context<'a> {
    inputs: &'a Inputs,
    period: Period,
    /// The part of the period that had passed at the as-of.
    window: Period,
    tickets: DataFrame,
    clocks: DataFrame,
    ticket_source: String,
    /// The total, and each value of each dimension that any incident has.
    scopes: Vec<Scope>,
    coverage: Vec<Coverage>,
    expressible: filter::Expressible,
}

/// Measures the inputs over a period.
pub fn measured(inputs: &Inputs, period: &Period) -> Result<Measured, Error> {
    let context = Context::new(inputs, period)?;
    let mut measures = flow::measures(&context)?;
    measures.extend(sla::measures(&context)?);
    measures.extend(money::cost_measures(&context)?);
    measures.extend(value::measures(&context)?);
    measures.extend(availability::measures(&context)?);
    measures.extend(underpinning::measures(&context));
    let registers = money::registers(inputs);
    measures.extend(money::contract_measures(&context, &registers)?);
    let elements = elements::elements(inputs);
    measures.extend(elements::measures(&context, &elements));
    let majors = flow::majors(&context);
    measures.push(context.count("flow.major", Scope::all(), majors.len() as u64));
    let mut oldest: Vec<TicketRow> =
        inputs.incidents().filter(|row| row.was_open_before(context.window.end)).cloned().collect();
    oldest.sort_by(|a, b| (a.opened_at, a.key()).cmp(&(b.opened_at, b.key())));
    oldest.truncate(OLDEST);
    Ok(Measured {
        measures: Measures::new(measures),
        curves: flow::curves(&context)?,
        coverage: context.coverage,
        registers,
        elements,
        majors,
        oldest,
    })
}

impl<'a> Context<'a> {
    fn new(inputs: &'a Inputs, period: &Period) -> Result<Self, Error> {
        let mut sources: Vec<&str> = inputs
            .incidents()
            .map(|row| if row.source.is_empty() { "recorded here" } else { row.source.as_str() })
            .collect();
        sources.sort_unstable();
        sources.dedup();
        let sources = if sources.is_empty() { "none".to_owned() } else { sources.join(", ") };
        Ok(Self {
            inputs,
            period: *period,
            window: period.until(inputs.as_of),
            tickets: frame::tickets(inputs, period)?,
            clocks: frame::clocks(inputs, period)?,
            ticket_source: format!("tickets: {sources}"),
            scopes: scopes(inputs),
            coverage: coverage::coverage(inputs),
            expressible: filter::Expressible::of(inputs, &period.until(inputs.as_of)),
        })
    }

    /// A measure with what follows from its id and scope; the value is still missing.
    fn measure(&self, id: &str, scope: Scope) -> Measure {
        let definition = definition(id);
        let unit = definition.map_or("", |definition| definition.unit);
        let text = definition
            .map(|definition| format!("{}@{}: {}", definition.id, definition.version, definition.text))
            .unwrap_or_default();
        let edge = scope.text("month").is_some_and(|month| self.coverage.iter().any(|source| source.is_edge(&month)));
        let edge = if edge { "; at the edge of the record, not comparable with other months" } else { "" };
        let mark = if self.is_invented(&scope) { "; ILLUSTRATIVE" } else { "" };
        let at_end = ["flow.backlog", "sla.open", "sla.overdue", "sla.due_24h"].iter().any(|at| id.starts_with(at));
        let instant = if id.starts_with("sla.") { self.inputs.as_of } else { self.window.end };
        Measure {
            id: id.to_owned(),
            window: if at_end { instant.to_string() } else { self.window.to_string() },
            source: format!("{}{edge}{mark}", self.ticket_source),
            value: Value::None,
            unit: unit.to_owned(),
            n: 0,
            numerator: None,
            denominator: None,
            interval: None,
            definition: text,
            filter: filter::of(self, id, &scope),
            reason: None,
            scope,
        }
    }

    fn count(&self, id: &str, scope: Scope, count: u64) -> Measure {
        Measure { value: Value::Count(count), n: count, ..self.measure(id, scope) }
    }

    fn number(
        &self,
        id: &str,
        scope: Scope,
        value: Option<f64>,
        n: u64,
        interval: Option<[Option<f64>; 2]>,
    ) -> Measure {
        let value = value.map_or(Value::None, Value::Number);
        let interval = interval.filter(|ends| *ends != [None, None]);
        Measure { value, n, interval, ..self.measure(id, scope) }
    }
}

/// The total, and each value of each dimension that any incident has; priorities 1 to 4 in any case.
fn scopes(inputs: &Inputs) -> Vec<Scope> {
    let mut scopes = vec![Scope::all()];
    for name in frame::DIMENSIONS {
        let mut values: BTreeSet<String> = inputs.incidents().map(|row| frame::dimension(row, name)).collect();
        if name == "priority" {
            values.extend((1..=4).map(|priority| priority.to_string()));
        }
        scopes.extend(values.iter().map(|value| Scope::one(name, frame::part(name, value))));
    }
    scopes
}

/// Whether the month of a scope lies outside the period; there nothing is expected, and no zero is worth a line.
fn is_outside(scope: &Scope, period: &Period) -> bool {
    let last = period.end.checked_sub(1.microsecond()).unwrap_or(period.end);
    scope.text("month").is_some_and(|month| month < period::month(period.start) || month > period::month(last))
}
