//! From what the services recorded to a report: extract, measures, report, render.
//! One typed model feeds every format, so no number is computed twice.
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::float_cmp,
        clippy::cast_possible_truncation,
        missing_docs
    )
)]

mod error;
pub mod extract;
pub mod inputs;
pub mod measures;
mod period;
pub mod render;
pub mod report;
#[cfg(test)]
mod sample;
pub mod stats;

pub use error::Error;
pub use extract::{Source, extract};
pub use inputs::{Attribution, Extract, Inputs};
pub use period::Period;
pub use report::{Report, measure};
