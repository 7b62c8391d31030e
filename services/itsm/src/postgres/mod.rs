//! A private Postgres server for a laptop, a trial or a test run, from the programs that are on the machine.
//! It listens on a unix socket only, keeps its data between runs and never outlives the process that started it.

mod account;
mod binaries;
mod cluster;
mod error;
mod folder;

pub use binaries::{Binaries, Places};
pub use cluster::{Cluster, Found, examine};
pub use error::Error;
pub use folder::default_data_dir;
