//! Resources of the catalog as the database keeps them: table, filterable fields, references.
//! The flow of every read and write is `servicekit::resource`'s.

mod agreement;
mod calendar;
mod cost_entry;
mod customer;
mod offering;
mod process;
mod service;

use domain::filter::{Field, Kind};
use servicekit::filter::Column;

pub use agreement::{Agreement, check as check_agreement};
pub use calendar::{Calendar, timelines};
pub use cost_entry::CostEntry;
pub use customer::Customer;
pub use offering::Offering;
pub use process::{Process, published_priorities};
pub use service::Service;

/// Fields that every resource can be filtered and ordered by, `name` first; then those of its own.
fn columns(own: impl IntoIterator<Item = Column>) -> Vec<Column> {
    let mut columns = vec![
        text("name", "resource name", "name"),
        text("display_name", "name for people", "display_name"),
        Column::new(Field::new("create_time", Kind::Timestamp, "when it was created").orderable(), "created_at"),
        Column::new(Field::new("update_time", Kind::Timestamp, "when it was last changed").orderable(), "updated_at"),
    ];
    columns.extend(own);
    columns
}

/// A text that can be ordered by.
fn text(name: &str, description: &str, sql: &'static str) -> Column {
    Column::new(Field::new(name, Kind::String, description).orderable(), sql)
}

/// A list of texts.
fn list(name: &str, description: &str, sql: &'static str) -> Column {
    Column::new(Field::new(name, Kind::StringList, description), sql)
}

/// Whether something is invented for demonstration.
fn illustrative() -> Column {
    Column::new(Field::new("illustrative", Kind::Bool, "whether it is invented for demonstration"), "illustrative")
}
