//! The catalog: what is delivered, to whom, what was promised, how work is done and what it costs.
//! Flow of a request: `grpc` reads it, `usecase` and `servicekit::resource` do it, `domain` decides, `store` keeps it.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs))]

mod differences;
pub mod error;
mod findings;
mod grpc;
mod histories;
mod store;
mod usecase;

use std::sync::Arc;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use proto::catalog::v1::agreement_service_server::AgreementServiceServer;
use proto::catalog::v1::governance_service_server::GovernanceServiceServer;
use proto::catalog::v1::portfolio_service_server::PortfolioServiceServer;
use proto::catalog::v1::value_service_server::ValueServiceServer;
use servicekit::filter::Filtered;
use servicekit::resource::Resource as _;
use servicekit::serve::{MAX_MESSAGE_BYTES, Server};
use servicekit::standard::Desk;
use servicekit::{Error, Kit, Service, clock, config};

pub use grpc::PERMISSIONS;
use histories::Histories;
pub use histories::MAX_TICKETS;

/// The schema `catalog`, oldest migration first.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!();

/// The service as the executable starts and migrates it.
pub static SERVICE: Service =
    Service { name: "catalog", version: env!("CARGO_PKG_VERSION"), port: 7101, migrations: MIGRATIONS };

/// The methods of the catalog that take a filter.
pub fn filters() -> Vec<Filtered> {
    vec![
        ("itsm.catalog.v1.PortfolioService/ListServices", store::Service::fields()),
        ("itsm.catalog.v1.PortfolioService/ListOfferings", store::Offering::fields()),
        ("itsm.catalog.v1.PortfolioService/ListObjectives", store::Objective::fields()),
        ("itsm.catalog.v1.AgreementService/ListCustomers", store::Customer::fields()),
        ("itsm.catalog.v1.AgreementService/ListCalendars", store::Calendar::fields()),
        ("itsm.catalog.v1.AgreementService/ListAgreements", store::Agreement::fields()),
        ("itsm.catalog.v1.GovernanceService/ListProcesses", store::Process::fields()),
        ("itsm.catalog.v1.GovernanceService/ListRoles", store::Role::fields()),
        ("itsm.catalog.v1.GovernanceService/ListRoleAssignments", store::RoleAssignment::fields()),
        ("itsm.catalog.v1.GovernanceService/ListResponsibilities", store::Responsibility::fields()),
        ("itsm.catalog.v1.ValueService/ListCostEntries", store::CostEntry::fields()),
        ("itsm.catalog.v1.ValueService/ListBudgets", store::Budget::fields()),
        ("itsm.catalog.v1.ValueService/ListBenefits", store::Benefit::fields()),
        ("itsm.catalog.v1.ValueService/ListAllocationRules", store::AllocationRule::fields()),
    ]
}

/// Connects, publishes the shipped processes if they are not yet, and puts the server together.
pub async fn build(config: &config::Database) -> Result<Server, Error> {
    let kit = Kit::open(config, &SERVICE, Arc::new(clock::System)).await?;
    usecase::publish_shipped::run(&kit).await?;
    server(kit)
}

/// The server on a database that is open.
pub fn server(kit: Kit) -> Result<Server, Error> {
    let desk = Desk { kit: kit.clone() };
    let portfolio = PortfolioServiceServer::new(grpc::Portfolio { desk: desk.clone() });
    let agreements =
        AgreementServiceServer::new(grpc::Agreements { desk: desk.clone(), histories: Histories::default() });
    let governance = GovernanceServiceServer::new(grpc::Governance { desk: desk.clone() });
    let value = ValueServiceServer::new(grpc::Value { desk });
    Ok(Server::new(kit)?
        .permit(PERMISSIONS)
        .add(portfolio.max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add(agreements.max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add(governance.max_decoding_message_size(MAX_MESSAGE_BYTES))
        .add(value.max_decoding_message_size(MAX_MESSAGE_BYTES)))
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
        assert_eq!(include_str!("../migrations/0008_seals/up.sql"), servicekit::journal::SEALS_DDL);
    }

    /// Servicekit states the table of what is private.
    #[test]
    fn what_is_private_is_migrated_as_servicekit_states_it() {
        assert_eq!(include_str!("../migrations/0010_private/up.sql"), servicekit::journal::PRIVATE_DDL);
    }
}
