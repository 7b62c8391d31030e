//! Where the record of a source begins and ends: months at its edges that hold next to nothing are not comparable.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::inputs::Inputs;
use crate::period::month;

/// A month holds next to nothing below this share of the busiest month.
const THIN: f64 = 0.05;

/// What one imported source covers.
#[derive(Clone, Debug, PartialEq)]
pub struct Coverage {
    /// The source.
    pub source: String,
    /// Incidents of it.
    pub n: u64,
    /// Its first opening.
    pub first: Timestamp,
    /// Months before the record runs full: `2016-02`.
    pub before: Vec<String>,
    /// Months after the extract's end, in which only stragglers were opened.
    pub after: Vec<String>,
    /// Incidents opened before those months.
    pub n_before_end: u64,
}

impl Coverage {
    /// Whether openings of that month say nothing about how many there were.
    pub fn is_edge(&self, month: &str) -> bool {
        self.before.iter().chain(&self.after).any(|edge| edge == month)
    }

    /// The first month after the extract's end. `None`: the record runs to the as-of.
    pub fn end(&self) -> Option<&str> {
        self.after.first().map(String::as_str)
    }
}

/// The coverage of each imported source, by source. Tickets opened here are no extract and have no edges.
///
/// An edge is a run of months at either end that each have under 5 % of the openings of the busiest month.
pub fn coverage(inputs: &Inputs) -> Vec<Coverage> {
    let mut sources: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
    for ticket in inputs.incidents().filter(|ticket| !ticket.source.is_empty()) {
        sources.entry(&ticket.source).or_default().push(ticket.opened_at);
    }
    sources.into_iter().filter_map(|(source, opened)| cover(source, &opened)).collect()
}

fn cover(source: &str, opened: &[Timestamp]) -> Option<Coverage> {
    let mut months: BTreeMap<String, u64> = BTreeMap::new();
    for at in opened {
        *months.entry(month(*at)).or_default() += 1;
    }
    let busiest = *months.values().max()?;
    let thin = |count: &u64| crate::stats::wilson::count(*count) < THIN * crate::stats::wilson::count(busiest);
    let before = months.iter().take_while(|(_, count)| thin(count)).map(|(month, _)| month.clone()).collect();
    let mut after: Vec<String> =
        months.iter().rev().take_while(|(_, count)| thin(count)).map(|(month, _)| month.clone()).collect();
    after.reverse();
    let stragglers: u64 = after.iter().filter_map(|month| months.get(month)).sum();
    let n = opened.len() as u64;
    Some(Coverage {
        source: source.to_owned(),
        n,
        first: *opened.iter().min()?,
        before,
        after,
        n_before_end: n - stragglers,
    })
}
