//! Journeys through the whole product, one module each, in one binary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
mod apply;
mod backup;
mod catalog;
mod dashboard;
mod faults;
mod figures;
mod fuzz;
mod house;
mod kit;
mod operations;
mod operators;
mod postgres;
mod program;
mod reference;
#[path = "../../services/domain/tests/scenario/mod.rs"]
mod scenario;
mod supplier;
mod test_database;
mod verify;
