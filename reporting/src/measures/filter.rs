//! The filter of ListTickets that returns the rows behind a number, where one can say so.

use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};

use super::Context;
use crate::inputs::{INCIDENT, Inputs};
use crate::period::{Period, midnight};
use crate::report::measure::{Part, Scope};

/// Which populations the fields of a ticket can tell: those where what holds today is what was counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Expressible(Vec<Population>);

/// A population that a filter may be able to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Population {
    /// By a time of the ticket itself.
    Dated,
    Backlog,
    Reopened,
    Reassigned,
    Judged,
}

impl Expressible {
    /// A list shows tickets as they are today. So nothing can be told when later facts were left out, and a population
    /// defined by when something happened only if it did so for all tickets to which it ever happened.
    pub(super) fn of(inputs: &Inputs, window: &Period) -> Self {
        let within = |times: &[Timestamp]| times.is_empty() || times.iter().any(|at| window.contains(*at));
        let all = |holds: &dyn Fn(&crate::inputs::TicketRow) -> bool| inputs.incidents().all(holds);
        if !inputs.latest {
            return Self::default();
        }
        let told = [
            (Population::Dated, true),
            (Population::Backlog, all(&|row| row.was_open_before(window.end) == row.category.is_open())),
            (Population::Reopened, all(&|row| within(&row.reopened_at))),
            (Population::Reassigned, all(&|row| within(&row.reassigned_at))),
            (Population::Judged, all(&|row| !row.category.is_open() && row.source_sla_met.is_some())),
        ];
        Self(told.into_iter().filter(|(_, told)| *told).map(|(population, _)| population).collect())
    }
}

/// The filter for a measure; `None` where none returns exactly its rows.
pub(super) fn of(context: &Context, id: &str, scope: &Scope) -> Option<String> {
    let opened = || between("open_time", context.window.start, context.window.end);
    let (population, restriction) = match id {
        "flow.opened" | "flow.reopen_rate" | "flow.reassignment_rate" => (Population::Dated, opened()),
        "flow.resolved" | "flow.time_to_resolve.mean" | "flow.time_to_resolve.median" | "flow.time_to_resolve.p90" => {
            (Population::Dated, between("resolve_time", context.window.start, context.window.end))
        }
        "flow.backlog" | "flow.backlog_age.median" | "flow.backlog_age.oldest" => {
            let open = "(state_category = NEW OR state_category = ACTIVE OR state_category = PENDING)";
            (Population::Backlog, open.to_owned())
        }
        "flow.reopened" => (Population::Reopened, "reopen_count > 0".to_owned()),
        "flow.reassigned" => (Population::Reassigned, "reassignment_count > 0".to_owned()),
        "quality.nonconforming" => (Population::Dated, format!("{} AND nonconformance_count > 0", opened())),
        "sla.source_attainment" => (Population::Judged, opened()),
        _ => return None,
    };
    if !context.expressible.0.contains(&population) {
        return None;
    }
    let mut parts = vec![format!("practice = \"{INCIDENT}\""), restriction];
    for (name, part) in scope.parts() {
        parts.push(match (name, part) {
            ("priority", Part::Number(priority)) => format!("priority = {priority}"),
            ("priority", Part::Text(_)) => "NOT priority:*".to_owned(),
            ("service", Part::Text(service)) => equals("service", service),
            ("group", Part::Text(group)) => equals("assignment.group", group),
            ("month", Part::Text(month)) => {
                let first: Date = format!("{month}-01").parse().ok()?;
                between("open_time", midnight(first)?, midnight(first.checked_add(1.month()).ok()?)?)
            }
            _ => return None,
        });
    }
    Some(parts.join(" AND "))
}

fn between(field: &str, start: Timestamp, end: Timestamp) -> String {
    format!("{field} >= \"{start}\" AND {field} < \"{end}\"")
}

fn equals(field: &str, value: &str) -> String {
    if value.is_empty() {
        return format!("NOT {field}:*");
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('*', "\\*");
    format!("{field} = \"{escaped}\"")
}
