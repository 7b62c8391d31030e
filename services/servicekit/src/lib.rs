//! What every service of the suite needs at its edges: settings, callers, database, journal, errors, lists, serving.
//! Used by all of them, and without a word of service management.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

pub mod auth;
pub mod clock;
pub mod config;
pub mod convert;
pub mod db;
mod edge;
pub mod error;
pub mod filter;
pub mod idempotency;
pub mod intake;
pub mod journal;
mod kit;
mod limit;
pub mod lookup;
pub mod mask;
pub mod metrics;
pub mod migrate;
pub mod page;
pub mod reference;
pub mod resource;
pub mod scope;
pub mod serve;
pub mod sql;
pub mod standard;
pub mod telemetry;
pub mod tls;
mod watched;
pub mod webhook;
pub mod wire;
pub mod writer;

pub use auth::Caller;
pub use error::{Error, Violation};
pub use kit::Kit;
pub use migrate::Service;
pub use scope::Scope;
