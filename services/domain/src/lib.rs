//! The rules of service management as plain functions: calendars, clocks, processes, tickets, money.
//! No IO, no clock, no randomness: time and ids are parameters, so the live service and the report agree.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

pub mod agreement;
pub mod allocation;
pub mod amount;
pub mod approval;
pub mod attainment;
pub mod calendar;
pub mod clock;
pub mod contract;
pub mod cost;
pub mod difference;
mod excerpt;
pub mod feasibility;
pub mod filter;
pub mod finding;
pub mod form;
pub mod governance;
pub mod landscape;
pub mod name;
pub mod outage;
pub mod portfolio;
pub mod priority;
pub mod privacy;
pub mod process;
pub mod selection;
pub mod simulation;
pub mod stored;
pub mod ticket;
pub mod value;
pub mod violation;
