//! `SupplierService`: messages <-> domain, and who may call what. One file for the service, one for each resource.

mod contract;
mod enums;
mod permissions;
mod service;
mod supplier;

pub use permissions::PERMISSIONS;
pub use service::Suppliers;
