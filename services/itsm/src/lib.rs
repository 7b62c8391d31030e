//! The one executable of the suite as a library: the command line, the suite in one process, imports, resources as files,
//! the dashboard, tokens and the embedded Postgres.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

pub mod apply;
pub mod bench;
pub mod cli;
pub mod client;
pub mod dashboard;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod handbook;
pub mod import;
pub mod issuer;
pub mod journal;
pub mod postgres;
pub mod report;
pub mod run;
pub mod suite;
pub mod token;
