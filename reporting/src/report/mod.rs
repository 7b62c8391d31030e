//! The typed model of a report. Every format is drawn from it; nothing in it knows a data frame.

pub mod measure;
