//! Resources of the catalog as the database keeps them: table, filterable fields, references.
//! The flow of every read and write is `servicekit::resource`'s.

mod agreement;
mod allocation_rule;
mod benefit;
mod budget;
mod calendar;
mod cost_entry;
mod customer;
mod governance;
mod history;
mod landscape;
mod objective;
mod offering;
mod process;
mod responsibility;
mod role;
mod role_assignment;
mod service;

use domain::filter::{Field, Kind};
use servicekit::filter::Column;

pub use agreement::{Agreement, check as check_agreement, in_force, published as published_agreements};
pub use allocation_rule::{AllocationRule, allocation_rules, charges};
pub use benefit::Benefit;
pub use budget::Budget;
pub use calendar::{Calendar, all_timelines, timelines};
pub use cost_entry::CostEntry;
pub use customer::Customer;
pub use governance::{governance, processes_in_force};
pub use history::{Facts, facts_of, last_fact, opened_between, recorded_after};
pub use landscape::landscape;
pub use objective::Objective;
pub use offering::Offering;
pub use process::{Process, published_priorities};
pub use responsibility::Responsibility;
pub use role::Role;
pub use role_assignment::RoleAssignment;
pub use service::Service;

/// Whether something is invented for demonstration.
fn illustrative() -> Column {
    Column::new(Field::new("illustrative", Kind::Bool, "whether it is invented for demonstration"), "illustrative")
}

/// A calendar date: compared as its text, which sorts as the date does, and ordered by its column.
fn date(name: &str, description: &str, text: &'static str, column: &'static str) -> Column {
    Column::text(name, description, text).ordered_by(column, "date")
}
