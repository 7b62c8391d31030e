//! The catalog over gRPC, on a database of its own for each test.

mod costs;
mod definitions;
mod governance;
mod portfolio;
mod promises;
mod publishing;
mod schema;
mod value;

use std::collections::BTreeMap;

use itsm::client::Channel;
use proto::catalog::v1 as pb;
use proto::catalog::v1::agreement_service_client::AgreementServiceClient;
use proto::catalog::v1::governance_service_client::GovernanceServiceClient;
use proto::catalog::v1::portfolio_service_client::PortfolioServiceClient;
use proto::catalog::v1::value_service_client::ValueServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::metadata::MetadataValue;
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

const EVERYTHING: &str = "everything-token-1";
const READER: &str = "reader-token-00001";
const ACME: &str = "acme-token-0000001";

/// A catalog that answers until the test ends.
struct Catalog {
    database: TestDatabase,
    channel: Channel,
}

impl Catalog {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let channel = start(&database).await;
        Self { database, channel }
    }

    /// Starts a second server on the same database, as after a restart or beside a replica.
    async fn start_again(&self) {
        start(&self.database).await;
    }

    fn portfolio(&self) -> PortfolioServiceClient<Channel> {
        PortfolioServiceClient::new(self.channel.clone())
    }

    fn agreements(&self) -> AgreementServiceClient<Channel> {
        AgreementServiceClient::new(self.channel.clone())
    }

    fn governance(&self) -> GovernanceServiceClient<Channel> {
        GovernanceServiceClient::new(self.channel.clone())
    }

    fn value(&self) -> ValueServiceClient<Channel> {
        ValueServiceClient::new(self.channel.clone())
    }

    /// A number from the catalog's schema.
    async fn number(&self, query: &str) -> i64 {
        let client = self.database.connect().await;
        client.batch_execute("SET search_path TO catalog").await.unwrap();
        client.query_one(query, &[]).await.unwrap().get(0)
    }

    /// Facts recorded so far.
    async fn facts(&self) -> i64 {
        self.number("SELECT count(*) FROM journal").await
    }

    async fn service(&self, id: &str, service: pb::Service) -> pb::Service {
        let request = pb::CreateServiceRequest {
            service_id: id.to_owned(),
            service: Some(service),
            ..pb::CreateServiceRequest::default()
        };
        self.portfolio().create_service(by(EVERYTHING, request)).await.unwrap().into_inner()
    }

    async fn customer(&self, id: &str, parent: &str) -> Result<pb::Customer, Status> {
        let customer =
            pb::Customer { display_name: id.to_uppercase(), parent: parent.to_owned(), ..pb::Customer::default() };
        let request = pb::CreateCustomerRequest {
            customer_id: id.to_owned(),
            customer: Some(customer),
            ..pb::CreateCustomerRequest::default()
        };
        Ok(self.agreements().create_customer(by(EVERYTHING, request)).await?.into_inner())
    }
}

async fn start(database: &TestDatabase) -> Channel {
    let folder = Scratch::new();
    let tokens = folder.join("tokens");
    let callers =
        format!("{EVERYTHING} people/ann roles=*\n{READER} people/bob\n{ACME} people/eve customer=customers/acme\n");
    std::fs::write(&tokens, callers).unwrap();
    let config = config::Server { tokens_file: Some(tokens), insecure: false, ..config::Server::insecure(0) };
    let server = catalog::build(&config::Database::at(database.url())).await;
    Running::start(server, &config).await.channel().await
}

/// The request with the caller's token.
fn by<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    let bearer: MetadataValue<_> = format!("Bearer {token}").parse().unwrap();
    request.metadata_mut().insert("authorization", bearer);
    request
}

/// As the caller who may do everything.
fn ann<T>(message: T) -> Request<T> {
    by(EVERYTHING, message)
}

/// Fields that a refusal names.
fn fields(status: &Status) -> Vec<String> {
    let details = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    details.into_iter().map(|violation| violation.field).collect()
}

fn service(display_name: &str) -> pb::Service {
    pb::Service {
        display_name: display_name.to_owned(),
        criticality: pb::Criticality::Medium.into(),
        ..pb::Service::default()
    }
}

fn mask(paths: &[&str]) -> prost_types::FieldMask {
    prost_types::FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() }
}
