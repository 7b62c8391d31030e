//! What happens: tickets of every practice, their facts and clocks, and imports of what happened elsewhere.
//! Runs on its own schema and on the published views of the catalog.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

pub mod catalog;
pub mod error;
mod fire;
mod grpc;
pub mod import;
mod scheduler;
pub mod settle;
pub mod store;
pub mod usecase;

use std::sync::Arc;

use diesel_migrations::embed_migrations;
use proto::operations::v1::outage_service_server::OutageServiceServer;
use proto::operations::v1::privacy_service_server::PrivacyServiceServer;
use proto::operations::v1::ticket_service_server::TicketServiceServer;
use servicekit::filter::Filtered;
use servicekit::resource::Resource as _;
use servicekit::serve::{MAX_MESSAGE_BYTES, Server};
use servicekit::standard::Desk;
use servicekit::{Error, Kit, Service, clock, config};

use crate::catalog::Catalog;
use crate::usecase::Operations;

pub use crate::usecase::PERMISSIONS;

/// The service: its schema, its port, its migrations.
pub static SERVICE: Service =
    Service { name: "operations", version: env!("CARGO_PKG_VERSION"), port: 7102, migrations: embed_migrations!() };

/// The methods of the service that take a filter.
pub fn filters() -> Vec<Filtered> {
    vec![
        ("itsm.operations.v1.TicketService/ListTickets", &store::list::FIELDS),
        ("itsm.operations.v1.TicketService/CountTickets", &store::list::FIELDS),
        ("itsm.operations.v1.TicketService/ListApprovals", &store::approval::FIELDS),
        ("itsm.operations.v1.TicketService/ListApprovalDelegations", &store::delegation::FIELDS),
        ("itsm.operations.v1.OutageService/ListOutages", store::outage::Outage::fields()),
    ]
}

/// Connects and puts the server together; it answers once it is bound and run.
pub async fn build(database: &config::Database) -> Result<Server, Error> {
    server(Kit::open(database, &SERVICE, Arc::new(clock::System)).await?).await
}

/// The server on a kit at hand.
pub async fn server(kit: Kit) -> Result<Server, Error> {
    let catalog = Catalog::open(&kit).await?;
    let operations = Operations::new(kit.clone(), catalog);
    kit.spawn(scheduler::run(operations.clone()));
    let outages = OutageServiceServer::new(grpc::Outages { desk: Desk { kit: kit.clone() } });
    let privacy = PrivacyServiceServer::new(grpc::Privacy::new(operations.clone()));
    let tickets = TicketServiceServer::new(grpc::Tickets::new(operations));
    let tickets = tickets.max_decoding_message_size(MAX_MESSAGE_BYTES);
    Ok(Server::new(kit)?.permit(PERMISSIONS).add(outages).add(privacy).add(tickets))
}

#[cfg(test)]
mod tests {
    /// Servicekit's tables come first, as it states them.
    #[test]
    fn the_first_migration_is_servicekits() {
        let stated = [servicekit::migrate::DDL, servicekit::journal::DDL, servicekit::idempotency::DDL].concat();
        assert_eq!(include_str!("../migrations/0001_kit/up.sql"), stated);
    }

    /// Servicekit states the tables of webhooks.
    #[test]
    fn webhooks_are_migrated_as_servicekit_states_them() {
        assert_eq!(include_str!("../migrations/0006_webhooks/up.sql"), servicekit::webhook::DDL);
    }

    /// Servicekit states the table of seals.
    #[test]
    fn seals_are_migrated_as_servicekit_states_them() {
        assert_eq!(include_str!("../migrations/0010_seals/up.sql"), servicekit::journal::SEALS_DDL);
    }

    /// Servicekit states the table of what is private.
    #[test]
    fn what_is_private_is_migrated_as_servicekit_states_it() {
        assert_eq!(include_str!("../migrations/0012_private/up.sql"), servicekit::journal::PRIVATE_DDL);
    }
}
