//! The pages: sentences, tables and charts written from measures. Nothing is counted here a second time.

mod about;
mod answer;
mod contracts;
mod cost;
mod elements;
mod flow;
mod promises;
mod reliability;
mod restore;
mod suppliers;
mod value;

use super::measure::{Measure, Measures, Scope, Value};
use super::page::{Cell, Page};
use super::{Material, text};
use crate::measures::Coverage;

/// Every page, in reading order.
pub(super) fn all(material: &Material) -> Vec<Page> {
    let mut pages = vec![answer::page(material), promises::by_priority(material)];
    pages.extend(promises::by_service(material));
    pages.extend(promises::by_month(material));
    pages.push(flow::weeks(material));
    pages.push(flow::ageing(material));
    pages.push(restore::page(material));
    pages.push(reliability::page(material));
    pages.push(suppliers::page(material));
    pages.push(contracts::page(material));
    pages.push(cost::page(material));
    pages.push(value::page(material));
    pages.push(elements::page(material));
    pages.push(about::gaps());
    pages.push(about::data(material));
    pages.push(about::definitions(material));
    pages
}

impl Material<'_> {
    fn measures(&self) -> &Measures {
        &self.now.measures
    }

    fn get(&self, id: &str, scope: &Scope) -> Option<&Measure> {
        self.measures().get(id, scope)
    }

    fn total(&self, id: &str) -> Option<&Measure> {
        self.get(id, &Scope::all())
    }

    fn count(&self, id: &str, scope: &Scope) -> u64 {
        self.get(id, scope).map_or(0, Measure::count)
    }

    fn number(&self, id: &str, scope: &Scope) -> Option<f64> {
        self.get(id, scope).and_then(Measure::number)
    }

    /// Name of a service for people.
    fn service<'a>(&'a self, name: &'a str) -> &'a str {
        let service = self.inputs.services.get(name).map(|service| service.display_name.as_str());
        service.unwrap_or_else(|| if name.is_empty() { "no service" } else { text::short_name(name) })
    }

    /// The source whose record ends within the period, if one does.
    fn ended(&self) -> Option<&Coverage> {
        let last = crate::period::month(self.period.end);
        self.now.coverage.iter().find(|source| source.end().is_some_and(|month| month < last.as_str()))
    }

    /// Whether openings of a month say nothing about how many there were.
    fn is_edge(&self, month: &str) -> bool {
        self.now.coverage.iter().any(|source| source.is_edge(month))
    }

    /// A sentence on where an extract ends; `None` if none does within the period.
    fn end_note(&self) -> Option<String> {
        let source = self.ended()?;
        let share = crate::stats::wilson::count(source.n_before_end) / crate::stats::wilson::count(source.n.max(1));
        Some(format!(
            "{} of the {} incidents from {} were opened before {}: there its extract ends. Later months hold stragglers and are marked; they are no improvement.",
            text::percent(share),
            text::count(source.n),
            source.source,
            text::month(source.end()?),
        ))
    }
}

/// A count as a cell.
fn count_cell(measure: Option<&Measure>) -> Cell {
    measure.map_or_else(Cell::default, |measure| Cell::of(measure, text::count(measure.count())))
}

/// Hours as a cell; a dash where there is nothing to measure.
fn hours_cell(measure: Option<&Measure>) -> Cell {
    measure.map_or_else(Cell::default, |measure| {
        Cell::of(measure, measure.number().map_or_else(|| "–".to_owned(), text::hours))
    })
}

/// A share as a cell.
fn percent_cell(measure: Option<&Measure>) -> Cell {
    measure.map_or_else(Cell::default, |measure| {
        Cell::of(measure, measure.number().map_or_else(|| "–".to_owned(), text::percent))
    })
}

/// An exact amount as a cell, without its currency.
fn amount_cell(measure: Option<&Measure>) -> Cell {
    measure.map_or_else(Cell::default, |measure| match &measure.value {
        Value::Exact(value, digits) => Cell::of(measure, text::plain_amount(value, *digits)),
        _ => Cell::default(),
    })
}

/// The name of a metric within a sentence: `resolution`.
fn metric_word(metric: &str) -> String {
    metric.to_lowercase().replace('_', " ")
}

/// A word with its first letter large.
fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
