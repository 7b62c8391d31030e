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

pub mod stats;
