//! What tests of every crate stand on: a throw-away Postgres server and a database for each test.
//! Nothing is ever skipped: what is missing panics with one sentence that says how to get it.
#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test that cannot be set up has failed"
)]

mod database;
mod migrations;
mod scratch;
mod server;
mod suite;

pub use database::TestDatabase;
pub use migrations::fingerprint_of_migrations;
pub use scratch::Scratch;
pub use server::Server;
pub use suite::{Running, reason};
