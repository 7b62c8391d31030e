//! What a chart shows, without how it is drawn. Values are those of measures; nothing is computed here.

use super::page::Mark;

/// A chart.
#[derive(Clone, Debug, PartialEq)]
pub enum Chart {
    /// Shares with intervals against goals.
    Dots(Dots),
    /// Values over weeks, with limits of what is usual.
    Runs(Runs),
    /// Amounts over classes or quarters, upright.
    Columns(Columns),
    /// Amounts by item, lying.
    Bars(Bars),
    /// Shares that rise with time.
    Curves(Curves),
}

/// Shares with intervals against goals, panels side by side.
#[derive(Clone, Debug, PartialEq)]
pub struct Dots {
    /// One per kind of thing; never pooled.
    pub panels: Vec<DotPanel>,
}

/// One panel of [`Dots`].
#[derive(Clone, Debug, PartialEq)]
pub struct DotPanel {
    /// What its rows have in common.
    pub title: String,
    /// From top to bottom.
    pub rows: Vec<Dot>,
}

/// A share with its interval.
#[derive(Clone, Debug, PartialEq)]
pub struct Dot {
    /// Whose share.
    pub label: String,
    /// The share, 0..=1.
    pub value: f64,
    /// Its interval.
    pub interval: [f64; 2],
    /// The goal. `None`: none.
    pub goal: Option<f64>,
    /// What can be said against the goal.
    pub mark: Mark,
    /// What stands beside it: `63.4 % of 270`.
    pub beside: String,
    /// Whether it lies at the edge of the record.
    pub edge: bool,
}

/// Values over equal steps of time, panels one above the other on one axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Runs {
    /// Names of the steps, in order.
    pub steps: Vec<String>,
    /// Steps whose name is shown: index and text.
    pub ticks: Vec<(usize, String)>,
    /// From here on the record has ended; what follows are stragglers. `None`: it has not.
    pub edge_from: Option<usize>,
    /// From top to bottom.
    pub panels: Vec<Run>,
}

/// One panel of [`Runs`].
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// What is counted.
    pub title: String,
    /// One value per step.
    pub values: Vec<f64>,
    /// Mean and limits of what is usual. `None`: too few steps to have any.
    pub limits: Option<Limits>,
    /// Steps that are more than noise.
    pub signals: Vec<usize>,
    /// Whether values stand on zero as columns, which suits stocks; else they are joined, which suits flows.
    pub columns: bool,
}

/// What is usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limits {
    /// Mean.
    pub mean: f64,
    /// Below is unusual.
    pub lower: f64,
    /// Above is unusual.
    pub upper: f64,
}

/// Amounts over ordered classes, panels one above the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Classes that begin a group, with its name: the year of a quarter. Empty: no groups.
    pub groups: Vec<(usize, String)>,
    /// From top to bottom.
    pub panels: Vec<ColumnPanel>,
}

/// One panel of [`Columns`].
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnPanel {
    /// What is shown, with its unit.
    pub title: String,
    /// Amount and label per class; an amount of `None` is told by its label only, since it sums many classes and would
    /// dwarf the others.
    pub values: Vec<(Option<f64>, String)>,
}

/// Amounts by item, from zero.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// From top to bottom: item, amount, label.
    pub rows: Vec<Bar>,
}

/// One bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bar {
    /// The item.
    pub label: String,
    /// What the item belongs to. Empty: nothing.
    pub group: String,
    /// The amount; below zero it goes to the left.
    pub value: f64,
    /// The amount as text.
    pub text: String,
}

/// Shares that rise with time, on a logarithmic axis of hours.
#[derive(Clone, Debug, PartialEq)]
pub struct Curves {
    /// The curves.
    pub curves: Vec<CurveLine>,
}

/// One curve: a step function.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveLine {
    /// Whose.
    pub label: String,
    /// Which of the series colours and dashes it has, from 0.
    pub series: usize,
    /// Hours, share, and the interval of the share; what holds from then on.
    pub points: Vec<(f64, f64, [f64; 2])>,
    /// Until when it was seen, in hours.
    pub last: f64,
}
