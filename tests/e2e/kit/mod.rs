//! servicekit against a real database, with a service and a resource of its own: widgets.

mod feed;
mod lists;
mod proof;
mod schema;
mod seals;
mod webhooks;
mod writes;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use diesel_migrations::embed_migrations;
use domain::filter::{Field, Kind};
use jiff::Timestamp;
use proto::journal::v1::ListJournalEntriesRequest;
use proto::journal::v1::journal_service_client::JournalServiceClient;
use serde::{Deserialize, Serialize};
use servicekit::clock::Manual;
use servicekit::db::Connection;
use servicekit::filter::{Column, Fields};
use servicekit::idempotency::Key;
use servicekit::journal::{self, Audience, NewFact};
use servicekit::resource::{self, Create, Resource, Revisioned, Stored, Visibility};
use servicekit::serve::Server;
use servicekit::{Caller, Error, Kit, Scope, Service, Violation, config, migrate};
use testkit::TestDatabase;
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};

static SERVICE: Service =
    Service { name: "widgets", version: "0.0.0", port: 0, migrations: embed_migrations!("e2e/kit/migrations") };

/// A resource with a field of every kind, any of them unset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Widget {
    title: Option<String>,
    color: Option<String>,
    weight: Option<i64>,
    price: Option<String>,
    sound: Option<bool>,
    made_at: Option<Timestamp>,
    tags: Vec<String>,
    customer: String,
    revision: i32,
}

static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let field = |name, kind| Field::new(name, kind, "a field").orderable();
    Fields::new([
        Column::new(field("name", Kind::String), "name"),
        Column::new(field("title", Kind::String), "title"),
        Column::new(Field::choice("color", &["RED", "BLUE"], "a field"), "color"),
        Column::new(field("weight", Kind::Integer), "weight"),
        Column::new(field("price", Kind::Decimal), "price"),
        Column::new(field("sound", Kind::Bool), "sound"),
        Column::new(field("made_time", Kind::Timestamp), "made_at"),
        Column::new(Field::new("tags", Kind::StringList, "a field"), "tags"),
    ])
});

impl Resource for Widget {
    const TABLE: &'static str = "widget";
    const KIND: &'static str = "widget";
    const VISIBILITY: Visibility = Visibility::Customer("customer_id");

    fn fields() -> &'static Fields {
        &FIELDS
    }

    fn validate(&self) -> Vec<Violation> {
        let heavy = self.weight.is_some_and(|weight| weight > 1_000);
        heavy.then(|| Violation::new("widget.weight", "is above 1000")).into_iter().collect()
    }

    fn customer(&self) -> &str {
        &self.customer
    }
}

impl Revisioned for Widget {
    const REVISIONS: &'static str = "widget_revision";

    fn published(&mut self, revision: i32, _effective_from: Timestamp) {
        self.revision = revision;
    }
}

/// The service on a database of its own, with a clock that stands at noon of 1 June 2024.
struct Fixture {
    database: config::Database,
    clock: Arc<Manual>,
    kit: Kit,
}

impl Fixture {
    async fn new() -> Self {
        let fingerprint = format!("widgets_{}", testkit::fingerprint_of_migrations());
        let copy = TestDatabase::prepared(&fingerprint, async |url: &str| {
            let database = config::Database::at(url);
            let migrated = tokio::task::spawn_blocking(move || {
                let runtime = tokio::runtime::Runtime::new().map_err(Error::internal)?;
                runtime.block_on(migrate::run(&database, &SERVICE))
            });
            migrated.await.map_err(Error::internal)?.map(drop)
        });
        let database = config::Database::at(copy.await.url());
        let clock = Arc::new(Manual::at("2024-06-01T12:00:00Z".parse().unwrap()));
        let kit = Kit::open(&database, &SERVICE, clock.clone()).await.unwrap();
        Self { database, clock, kit }
    }

    fn key(&self, caller: &Caller, request_id: &str, content: &str) -> Key {
        let request = ListJournalEntriesRequest { filter: content.to_owned(), ..Default::default() };
        Key::new(&*self.kit.clock, caller, "widgets.v1.Widgets/Write", request_id, &request).unwrap()
    }

    async fn create(&self, name: &str, body: Widget) -> Result<Stored<Widget>, Error> {
        let ann = ann();
        let create = Create { name: name.to_owned(), body, key: self.key(&ann, "", name), validate_only: false };
        resource::create(&self.kit, &ann, create).await
    }

    /// Opens connections beforehand, so that what races does not queue for the first one.
    async fn open_connections(&self) {
        let everything = Scope::Everything;
        let idle = futures::future::join_all((0..8).map(|_| self.kit.database.get(&everything))).await;
        assert!(idle.iter().all(Result::is_ok));
    }

    /// A kit as another process would have it, with connections for many writers.
    async fn another_kit(&self) -> Kit {
        let database = config::Database { pool_size: 16, ..self.database.clone() };
        Kit::open(&database, &SERVICE, self.clock.clone()).await.unwrap()
    }

    /// A connection that may do everything, in the schema of the service.
    async fn owner(&self) -> tokio_postgres::Client {
        let url = self.database.url().unwrap();
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("SET search_path TO widgets").await.unwrap();
        client
    }

    /// A number from the database.
    async fn number(&self, query: &str) -> i64 {
        let client = self.kit.database.raw().await.unwrap();
        client.batch_execute("SET itsm.scope = '*'").await.unwrap();
        client.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn append(&self, facts: &[NewFact]) {
        let id = self.kit.clock.id();
        let work = async |connection: &mut Connection| journal::append(connection, id, facts).await;
        self.kit.write("note", &Scope::Everything, false, work).await.unwrap();
    }

    async fn until_in_order(&self, facts: i64) {
        for _ in 0..500 {
            if self.number("SELECT count(*) FROM journal_order").await == facts {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the journal is not in order after ten seconds");
    }
}

/// A fact about a widget.
fn fact(subject: &str, version: i64, customer: &str, audience: Audience) -> NewFact {
    NewFact {
        occurred_at: "2024-06-01T11:00:00Z".parse().unwrap(),
        source_recorded_at: None,
        source_sequence: 0,
        actor: "people/ann".to_owned(),
        customer_id: customer.to_owned(),
        audience,
        subject: subject.to_owned(),
        subject_version: version,
        kind: "widget.noted.v1".to_owned(),
        payload: serde_json::json!({ "version": version }),
    }
}

/// A running server of the service, and a connection to it.
struct Running {
    stop: CancellationToken,
    server: tokio::task::JoinHandle<Result<(), Error>>,
    channel: Channel,
}

impl Running {
    fn journal(&self) -> JournalServiceClient<Channel> {
        JournalServiceClient::new(self.channel.clone())
    }
}

async fn run(fixture: &Fixture, config: &config::Server) -> Running {
    run_on(fixture.kit.clone(), config).await
}

/// A server on a kit of its own is a replica: nothing but the database connects it with others.
async fn run_on(kit: Kit, config: &config::Server) -> Running {
    let bound = Server::new(kit).unwrap().bind(config).unwrap();
    let address = bound.address();
    let stop = CancellationToken::new();
    let server = tokio::spawn(bound.run(stop.clone()));
    let channel = Endpoint::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    Running { stop, server, channel }
}

fn ann() -> Caller {
    Caller::trusted("people/ann")
}

fn bound_to(customer: &str) -> Caller {
    Caller { customer: Some(customer.to_owned()), ..Caller::trusted("people/bob") }
}
