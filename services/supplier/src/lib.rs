//! Whom the services depend on, for how much and until when: suppliers and contracts.
//! Flow of a request: `grpc` reads it, `usecase` and `servicekit::resource` do it, `domain` decides, `store` keeps it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

mod grpc;
mod store;
mod usecase;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use proto::supplier::v1::supplier_service_server::SupplierServiceServer;
use servicekit::filter::Filtered;
use servicekit::resource::Resource as _;
use servicekit::serve::{MAX_MESSAGE_BYTES, Server};
use servicekit::standard::Desk;
use servicekit::{Error, Kit, Service, clock, config};

pub use grpc::PERMISSIONS;

/// The schema `supplier`, oldest migration first.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The service as the executable starts and migrates it.
pub static SERVICE: Service =
    Service { name: "supplier", version: env!("CARGO_PKG_VERSION"), port: 7103, migrations: MIGRATIONS };

/// The methods of the service that take a filter.
pub fn filters() -> Vec<Filtered> {
    vec![
        ("itsm.supplier.v1.SupplierService/ListSuppliers", store::Supplier::fields()),
        ("itsm.supplier.v1.SupplierService/ListContracts", store::Contract::fields()),
        ("itsm.supplier.v1.SupplierService/ListRenewals", store::Contract::fields()),
    ]
}

/// Connects and puts the server together.
pub async fn build(database: &config::Database) -> Result<Server, Error> {
    server(Kit::open(database, &SERVICE, Arc::new(clock::System)).await?)
}

/// The server on a database that is open.
pub fn server(kit: Kit) -> Result<Server, Error> {
    let suppliers = grpc::Suppliers { desk: Desk { kit: kit.clone() } };
    let suppliers = SupplierServiceServer::new(suppliers).max_decoding_message_size(MAX_MESSAGE_BYTES);
    Ok(Server::new(kit)?.permit(PERMISSIONS).add(suppliers))
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_first_migration_is_the_kits() {
        let kit = [servicekit::migrate::DDL, servicekit::journal::DDL, servicekit::idempotency::DDL].concat();
        assert_eq!(include_str!("../migrations/0001_kit/up.sql"), kit);
    }

    /// Servicekit states the tables of webhooks.
    #[test]
    fn webhooks_are_migrated_as_servicekit_states_them() {
        assert_eq!(include_str!("../migrations/0004_webhooks/up.sql"), servicekit::webhook::DDL);
    }

    /// Servicekit states the table of seals.
    #[test]
    fn seals_are_migrated_as_servicekit_states_them() {
        assert_eq!(include_str!("../migrations/0006_seals/up.sql"), servicekit::journal::SEALS_DDL);
    }

    /// Servicekit states the table of what is private.
    #[test]
    fn what_is_private_is_migrated_as_servicekit_states_it() {
        assert_eq!(include_str!("../migrations/0007_private/up.sql"), servicekit::journal::PRIVATE_DDL);
    }
}
