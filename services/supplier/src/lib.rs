//! Whom the services depend on, for how much and until when: suppliers and contracts.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

use std::sync::Arc;

use diesel_migrations::embed_migrations;
use servicekit::serve::Server;
use servicekit::{Error, Kit, Service, clock, config};

/// What the service is: its schema, port and migrations.
pub static SERVICE: Service =
    Service { name: "supplier", version: env!("CARGO_PKG_VERSION"), port: 7103, migrations: embed_migrations!() };

/// The server on a database that is migrated already.
pub async fn build(database: &config::Database) -> Result<Server, Error> {
    let kit = Kit::open(database, &SERVICE, Arc::new(clock::System)).await?;
    Server::new(kit)
}
