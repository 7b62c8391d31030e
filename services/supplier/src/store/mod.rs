//! Resources of the service as the database keeps them: table, filterable fields, references.
//! The flow of every read and write is `servicekit::resource`'s.

mod contract;
mod recorded;
mod supplier;

use domain::filter::{Field, Kind};
use servicekit::filter::Column;

pub use contract::Contract;
pub use recorded::{FromSource, recorded_contracts, recorded_names, suppliers_called};
pub use supplier::Supplier;

/// Whether something is invented for demonstration.
fn illustrative() -> Column {
    Column::new(Field::new("illustrative", Kind::Bool, "whether it is invented for demonstration"), "illustrative")
}
