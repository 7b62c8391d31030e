//! What a page is made of.

use super::chart::Chart;
use super::measure::{Measure, Scope};

/// A page: one section on a screen, one sheet on paper.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// Id for links: `promises`.
    pub id: &'static str,
    /// Short name for the table of contents.
    pub name: &'static str,
    /// Its title: what it found, in a sentence.
    pub finding: String,
    /// Whether what it says rests on invented configuration.
    pub illustrative: bool,
    /// Its content, in reading order.
    pub blocks: Vec<Block>,
}

/// A part of a page.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// A paragraph.
    Text(String),
    /// Small print, one line each.
    Notes(Vec<String>),
    /// Questions and what the data answers.
    Answers(Vec<Answer>),
    /// A chart with its table.
    Figure(Figure),
    /// A table on its own.
    Table(Table),
    /// Questions that no data answers yet.
    Gaps(Vec<Gap>),
}

/// A question of the first page and its answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The question.
    pub question: &'static str,
    /// The answer in a sentence.
    pub finding: String,
    /// What it rests on, in figures.
    pub table: Option<Table>,
    /// Whether it needs the whole width.
    pub wide: bool,
    /// Id of the page with the whole story. `None`: there is no more to say.
    pub page: Option<&'static str>,
    /// Whether it rests on invented configuration.
    pub illustrative: bool,
}

/// A question that no data answers yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// What is not shown.
    pub what: &'static str,
    /// Which data would fill it.
    pub needs: &'static str,
}

/// A chart with its table.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// Id for links and file names: `promises-priority`.
    pub id: &'static str,
    /// What is shown: measure, unit, scope, time.
    pub caption: String,
    /// What a reader sees in it, for those who do not.
    pub description: String,
    /// The drawing.
    pub chart: Chart,
    /// The same numbers.
    pub table: Table,
    /// How to read it, and what limits it.
    pub notes: Vec<String>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Whether it is long: folded on a screen, and on paper left to the data files.
    pub long: bool,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// What it holds.
    pub heading: String,
    /// In which unit. Empty: none, or each cell says.
    pub unit: String,
    /// Whether it holds numbers, which stand to the right.
    pub numeric: bool,
}

/// A row.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Row {
    /// One cell per column.
    pub cells: Vec<Cell>,
    /// Whether it is a total.
    pub total: bool,
    /// Whether it lies at the edge of the record and says nothing about how much there was.
    pub edge: bool,
}

/// A cell.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Cell {
    /// What it says.
    pub text: String,
    /// The verdict it states.
    pub mark: Option<Mark>,
    /// The measure it shows: the way down to the rows behind it.
    pub measure: Option<(String, Scope)>,
}

/// What is said about a promise. Shape and word tell it, colour only helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The goal is met, and the whole interval is at or above it.
    Met,
    /// The goal is missed, and the whole interval is below it.
    Missed,
    /// The interval holds the goal: too few to tell.
    Unsure,
    /// There is no goal.
    NoGoal,
}

impl Mark {
    /// The verdict of an interval against a goal.
    pub fn of(interval: Option<[Option<f64>; 2]>, goal: Option<f64>) -> Self {
        let Some(goal) = goal else { return Self::NoGoal };
        match interval {
            Some([Some(low), _]) if low >= goal => Self::Met,
            Some([_, Some(high)]) if high < goal => Self::Missed,
            _ => Self::Unsure,
        }
    }

    /// The verdict in words.
    pub fn label(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "missed",
            Self::Unsure => "too few to tell",
            Self::NoGoal => "no goal",
        }
    }
}

impl Column {
    /// A column of words.
    pub fn text(heading: &str) -> Self {
        Self { heading: heading.to_owned(), unit: String::new(), numeric: false }
    }

    /// A column of numbers in a unit.
    pub fn number(heading: &str, unit: &str) -> Self {
        Self { heading: heading.to_owned(), unit: unit.to_owned(), numeric: true }
    }
}

impl Row {
    /// A row of these cells.
    pub fn of(cells: Vec<Cell>) -> Self {
        Self { cells, ..Self::default() }
    }

    /// The same as a total.
    #[must_use]
    pub fn total(mut self) -> Self {
        self.total = true;
        self
    }

    /// The same at the edge of the record.
    #[must_use]
    pub fn edge(mut self, edge: bool) -> Self {
        self.edge = edge;
        self
    }
}

impl Cell {
    /// A cell that says this.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    /// A cell that says this of a measure.
    pub fn of(measure: &Measure, text: impl Into<String>) -> Self {
        Self { text: text.into(), mark: None, measure: Some((measure.id.clone(), measure.scope.clone())) }
    }

    /// A cell that states a verdict.
    pub fn mark(mark: Mark) -> Self {
        Self { text: mark.label().to_owned(), mark: Some(mark), measure: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_needs_the_whole_interval_on_one_side_of_the_goal() {
        let of = |low, high| Mark::of(Some([Some(low), Some(high)]), Some(0.95));
        assert_eq!(of(0.95, 0.99), Mark::Met);
        assert_eq!(of(0.90, 0.949), Mark::Missed);
        assert_eq!(of(0.90, 0.95), Mark::Unsure);
        assert_eq!(Mark::of(None, Some(0.95)), Mark::Unsure);
        assert_eq!(Mark::of(Some([Some(0.1), Some(0.2)]), None), Mark::NoGoal);
    }
}
