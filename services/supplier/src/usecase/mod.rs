//! What the service does beyond reading and writing single resources: one file, one verb.

pub mod import_contracts;
pub mod list_renewals;
pub mod name_suppliers;
