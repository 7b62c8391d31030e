//! Rows and the domain, SQL only: one file per resource.

pub mod approval;
pub mod case;
pub mod delegation;
pub mod fact;
pub mod import;
pub mod list;
pub mod number;
pub mod outage;
pub mod privacy;
pub mod request;
pub mod schedule;
pub mod ticket;
pub mod write;
