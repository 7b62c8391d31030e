//! What the catalog does beyond reading and writing single resources: one file, one verb.

pub mod activate_service;
pub mod allocate_costs;
pub mod check_agreement;
pub mod check_feasibility;
pub mod check_process;
pub mod check_responsibilities;
pub mod compare_revisions;
pub mod import_costs;
pub mod publish_shipped;
pub mod retire_service;
pub mod simulate_agreement;
