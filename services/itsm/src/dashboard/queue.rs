//! Queues: open tickets counted by a field, with how many of them wait, are nobody's, are due soon or are late. Each
//! number and the list behind it are asked for with the same filter.

use std::collections::BTreeMap;

use futures::future::try_join_all;
use maud::{Markup, html};

use super::part::number;
use super::query::{self, BREACHED, DUE_SOON, NEXT_DUE, OPEN, UNASSIGNED, URGENT, and, is};
use super::viewer::{Asked, Viewer};

/// What is counted of each queue: heading, filter within the open tickets, order of the list behind it.
const COLUMNS: [(&str, &str, &str); 5] = [
    ("Open", "", URGENT),
    ("Waiting", "state_category = PENDING", URGENT),
    ("Unassigned", UNASSIGNED, URGENT),
    ("Due in 24 h", DUE_SOON, NEXT_DUE),
    ("Beyond target", BREACHED, URGENT),
];

/// Which of them is what.
pub(super) const ALL: usize = 0;
pub(super) const WAITING: usize = 1;
pub(super) const NOBODYS: usize = 2;
pub(super) const DUE: usize = 3;
pub(super) const LATE: usize = 4;

/// Open tickets counted by the values of a field.
#[derive(Debug)]
pub(super) struct Queues {
    /// The field, as filters name it.
    field: &'static str,
    /// Restricts the tickets besides. Empty: all that are open.
    scope: String,
    /// Counts by value, in the order of the columns.
    counts: BTreeMap<String, [i64; COLUMNS.len()]>,
}

/// Counts the open tickets of a scope by the values of a field.
pub(super) async fn queues(viewer: &Viewer, scope: &str, field: &'static str) -> Asked<Queues> {
    let asked = COLUMNS.map(|(_, filter, _)| {
        let filter = within(scope, filter);
        async move { viewer.counts(&filter, field).await }
    });
    let mut counts: BTreeMap<String, [i64; COLUMNS.len()]> = BTreeMap::new();
    for (column, answer) in try_join_all(asked).await?.into_iter().enumerate() {
        for counted in answer {
            counts.entry(counted.value).or_default()[column] = counted.count;
        }
    }
    Ok(Queues { field, scope: scope.to_owned(), counts })
}

fn within(scope: &str, filter: &str) -> String {
    and(&and(OPEN, scope), filter)
}

impl Queues {
    /// Whether no ticket is open.
    pub(super) fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// How many tickets a column has in all queues.
    pub(super) fn total(&self, column: usize) -> i64 {
        self.counts.values().map(|counts| counts[column]).sum()
    }

    /// The list behind that number.
    pub(super) fn total_address(&self, column: usize) -> String {
        let (_, filter, order) = COLUMNS[column];
        query::tickets(&within(&self.scope, filter), order)
    }

    fn address(&self, value: &str, column: usize) -> String {
        let (_, filter, order) = COLUMNS[column];
        query::tickets(&and(&within(&self.scope, filter), &is(self.field, value)), order)
    }

    /// Values and their counts: by value where they have an order of their own, else the longest queue first.
    fn rows(&self, by_value: bool) -> Vec<(&str, &[i64; COLUMNS.len()])> {
        let mut rows: Vec<_> = self.counts.iter().map(|(value, counts)| (value.as_str(), counts)).collect();
        // Tickets without a value come last; the map has its keys in order.
        rows.sort_by_key(|(value, counts)| (value.is_empty(), if by_value { 0 } else { -counts[ALL] }));
        rows
    }

    /// A table with a row for each queue. Of more rows than `most`, the rest is folded away.
    pub(super) fn table(&self, heading: &str, most: usize, by_value: bool, name: impl Fn(&str) -> Markup) -> Markup {
        let rows = self.rows(by_value);
        let (first, rest) = rows.split_at(rows.len().min(most));
        html! {
            (self.part(heading, first, rows.len() > 1, &name))
            @if !rest.is_empty() {
                details { summary { (rest.len()) " more" } (self.part(heading, rest, false, &name)) }
            }
        }
    }

    fn part(
        &self,
        heading: &str,
        rows: &[(&str, &[i64; COLUMNS.len()])],
        total: bool,
        name: &impl Fn(&str) -> Markup,
    ) -> Markup {
        html! {
            div.scroll tabindex="0" role="region" aria-label={ "Open tickets by " (heading.to_lowercase()) } { table.counts {
                thead { tr {
                    th scope="col" { (heading) }
                    @for (heading, _, _) in COLUMNS { th.num scope="col" { (heading) } }
                } }
                tbody { @for (value, counts) in rows { tr {
                    th scope="row" { @if value.is_empty() { span.soft { "none" } } @else { (name(value)) } }
                    @for (column, count) in counts.iter().enumerate() {
                        td.num.late[column == LATE && *count > 0] { (number(*count, &self.address(value, column))) }
                    }
                } } }
                @if total {
                    tfoot { tr {
                        th scope="row" { "All" }
                        @for column in 0..COLUMNS.len() {
                            td.num { (number(self.total(column), &self.total_address(column))) }
                        }
                    } }
                }
            } }
        }
    }
}
