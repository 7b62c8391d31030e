//! A database for each test, copied from one that is prepared once.

use std::fmt::Display;

use servicekit::config;
use tokio::{runtime::Runtime, sync::OnceCell, task::spawn_blocking};
use tokio_postgres::{Client, NoTls};

use crate::{migrations::fingerprint_of_migrations, server::Server};

/// A database of its own for one test.
///
/// It stays when the test ends, so that a failed test leaves its data to look at, and goes with the
/// server; on a server that stays, later runs drop what is older than ten minutes and not connected to.
#[derive(Debug)]
pub struct TestDatabase {
    name: String,
    url: String,
}

impl TestDatabase {
    /// A database as `itsm migrate` leaves it: all schemas at their newest version, with their roles.
    pub async fn new() -> Self {
        Self::prepared(&fingerprint_of_migrations(), async |url: &str| {
            let database = config::Database::at(url);
            // Migrations need a runtime with several threads; a test may run on one.
            let runtime = Runtime::new().map_err(|error| error.to_string())?;
            let migrated = spawn_blocking(move || runtime.block_on(itsm::suite::migrate(&database))).await;
            migrated.map_err(|error| error.to_string())?.map(drop).map_err(|error| error.to_string())
        })
        .await
    }

    /// A database with nothing in it.
    pub async fn empty() -> Self {
        let client = maintenance().await;
        Self::create(&client, "template0").await
    }

    /// A copy of a database that `prepare` has filled, once for all tests with this `fingerprint`.
    ///
    /// `prepare` gets the URL of an empty database and leaves no connection open.
    pub async fn prepared<E: Display>(fingerprint: &str, prepare: impl AsyncFnOnce(&str) -> Result<(), E>) -> Self {
        let client = maintenance().await;
        let template = format!("itsm_template_{fingerprint}");
        if !is_ready(&client, &template).await {
            // The lock goes with the connection, also when preparing fails.
            client
                .execute("SELECT pg_advisory_lock(hashtextextended($1, 0))", &[&template])
                .await
                .unwrap_or_else(|error| panic!("cannot wait for the template database: {error}"));
            if !is_ready(&client, &template).await {
                run(&client, &format!("DROP DATABASE IF EXISTS {template}")).await;
                run(&client, &format!("CREATE DATABASE {template} TEMPLATE template0")).await;
                if let Err(error) = prepare(&Server::shared().url(&template)).await {
                    panic!("cannot prepare the template database: {error}");
                }
                run(&client, &format!("ALTER DATABASE {template} IS_TEMPLATE true ALLOW_CONNECTIONS false")).await;
            }
            client
                .execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", &[&template])
                .await
                .unwrap_or_else(|error| panic!("cannot release the template database: {error}"));
        }
        Self::create(&client, &template).await
    }

    /// Where to connect, as the owner of everything in it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its name on the server.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Client {
        connect(&self.url).await
    }

    async fn create(client: &Client, template: &str) -> Self {
        let query = "SELECT format('itsm_test_%s_%s', extract(epoch FROM now())::bigint, left(md5(gen_random_uuid()::text), 12))";
        let row =
            client.query_one(query, &[]).await.unwrap_or_else(|error| panic!("cannot name a test database: {error}"));
        let name: String = row.get(0);
        // Copying files is faster than logging every page, whatever the size of the template.
        run(client, &format!("CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")).await;
        let url = Server::shared().url(&name);
        Self { name, url }
    }
}

/// A prepared database is marked as a template last of all, so a half-prepared one never is.
async fn is_ready(client: &Client, template: &str) -> bool {
    let found = client.query_opt("SELECT FROM pg_database WHERE datname = $1 AND datistemplate", &[&template]).await;
    found.unwrap_or_else(|error| panic!("cannot look for the template database: {error}")).is_some()
}

/// A connection for making databases; the first one of a process tidies up.
async fn maintenance() -> Client {
    static TIDY: OnceCell<()> = OnceCell::const_new();
    let client = connect(Server::shared().maintenance_url()).await;
    TIDY.get_or_init(|| drop_old_databases(&client)).await;
    client
}

/// Drops what earlier runs have left on a server that stays.
async fn drop_old_databases(client: &Client) {
    let query = r"SELECT datname FROM pg_database
                   WHERE substring(datname FROM '^itsm_test_(\d+)_')::bigint < extract(epoch FROM now()) - 600";
    let rows = client.query(query, &[]).await.unwrap_or_else(|error| panic!("cannot list old test databases: {error}"));
    for row in rows {
        let name: String = row.get(0);
        // One that is connected to belongs to a run that still goes on.
        let _ = client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).await;
    }
}

async fn run(client: &Client, statement: &str) {
    if let Err(error) = client.batch_execute(statement).await {
        panic!(
            "the test server refused {statement:?}: {}",
            error.as_db_error().map_or(error.to_string(), ToString::to_string)
        );
    }
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls)
        .await
        .unwrap_or_else(|error| panic!("cannot connect to the test server at {url}: {error}"));
    tokio::spawn(connection);
    client
}
