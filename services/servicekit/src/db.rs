//! The pool of connections to one schema, and the unit of work: named, measured, repeated when it lost a race.
//! Works with TCP and Unix-socket URLs; every connection has its search path, name and statement timeout set.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use diesel::sql_types::{Bool, Text};
use diesel::{ConnectionError, QueryableByName};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection, TransactionManager};
use futures::FutureExt;
use tracing::Instrument;

use crate::config;
use crate::error::{self, Error};
use crate::sql::Sql;

/// A connection whose search path is the schema of one service.
pub type Connection = AsyncPgConnection;
/// A connection on loan from the pool.
pub type Pooled = Object<AsyncPgConnection>;

/// How often a unit of work is done at most when it keeps losing races.
const ATTEMPTS: u32 = 4;
/// How long to wait before another attempt when the database is gone or another replica has the lock.
const RETRY: Duration = Duration::from_secs(1);
/// How long a request waits for a connection before it is told that the server is busy.
const PATIENCE: Duration = Duration::from_secs(5);

/// Work on a connection that can be done more than once: `async |conn| { … }`.
///
/// States what the compiler cannot yet be told directly, that the future of an async closure is `Send`.
pub trait Work<C, R>: AsyncFn(C) -> R + Fn(C) -> <Self as Work<C, R>>::Fut {
    /// What the closure returns.
    type Fut: Future<Output = R>;
}

impl<F, C, Fut, R> Work<C, R> for F
where
    F: AsyncFn(C) -> R + Fn(C) -> Fut,
    Fut: Future<Output = R>,
{
    type Fut = Fut;
}

/// One schema of a Postgres database.
#[derive(Clone)]
pub struct Database {
    inner: Arc<Inner>,
}

struct Inner {
    pool: Pool<AsyncPgConnection>,
    settings: Settings,
}

/// What every connection is set to.
#[derive(Clone)]
struct Settings {
    postgres: tokio_postgres::Config,
    schema: String,
    statement_timeout: Duration,
    role: Option<String>,
}

/// How a pool is used: numbers of connections, and of requests that wait for one.
pub(crate) struct Usage {
    pub(crate) idle: usize,
    pub(crate) used: usize,
    pub(crate) most: usize,
    pub(crate) waiting: usize,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Commit,
    Rollback,
}

impl Database {
    /// Opens a pool on `schema`; `role`, when given, is what every connection acts as. Connects at first use.
    pub fn open(config: &config::Database, schema: &str, role: Option<&str>) -> Result<Self, Error> {
        let settings = Settings {
            postgres: parse_url(&config.url()?, schema)?,
            schema: schema.to_owned(),
            statement_timeout: config.statement_timeout(),
            role: role.map(str::to_owned),
        };
        let mut manager = ManagerConfig::default();
        manager.recycling_method = RecyclingMethod::Fast;
        let for_pool = settings.clone();
        manager.custom_setup = Box::new(move |_| {
            let settings = for_pool.clone();
            async move { settings.connect().await }.boxed()
        });
        let manager = AsyncDieselConnectionManager::new_with_config("", manager);
        let pool = Pool::builder(manager).max_size(config.pool_size).build().map_err(Error::internal)?;
        Ok(Self { inner: Arc::new(Inner { pool, settings }) })
    }

    /// The schema that unqualified names resolve to.
    pub fn schema(&self) -> &str {
        &self.inner.settings.schema
    }

    /// How the pool is used at this moment.
    pub(crate) fn usage(&self) -> Usage {
        let status = self.inner.pool.status();
        Usage {
            idle: status.available,
            used: status.size.saturating_sub(status.available),
            most: status.max_size,
            waiting: status.waiting,
        }
    }

    /// Lends a connection; RESOURCE_EXHAUSTED when none is free for five seconds.
    pub async fn get(&self) -> Result<Pooled, Error> {
        match tokio::time::timeout(PATIENCE, self.inner.pool.get()).await {
            Ok(connection) => Ok(connection?),
            Err(_) => Err(Error::Busy { what: "the database", retry_after: Duration::from_millis(500) }),
        }
    }

    /// Opens a connection outside the pool, with the same settings: for LISTEN and for locks that outlive requests.
    pub async fn dedicated(&self) -> Result<Connection, Error> {
        self.inner.settings.connect().await.map_err(Error::unavailable)
    }

    /// Opens a connection of the underlying driver, with the same settings: for COPY.
    pub async fn raw(&self) -> Result<tokio_postgres::Client, Error> {
        let settings = &self.inner.settings;
        let (client, connection) = settings.postgres.connect(tokio_postgres::NoTls).await?;
        tokio::spawn(connection.map(|_| ()));
        client.batch_execute("SET TIME ZONE 'UTC'").await?;
        client.batch_execute(&settings.setup()).await?;
        Ok(client)
    }

    /// Does `work` in one transaction: all of it or nothing. Done again, a few times, when it loses a race
    /// (serialization failure, deadlock, the same request id at the same time); ABORTED after that.
    ///
    /// The work must have no effect outside the database. `name` stands in traces: "create service".
    pub async fn transaction<T, F>(&self, name: &'static str, work: F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        self.repeat(name, End::Commit, work).await
    }

    /// Does `work` as [`Database::transaction`] would, answers the same, and undoes it all.
    pub async fn rehearse<T, F>(&self, name: &'static str, work: F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        self.repeat(name, End::Rollback, work).await
    }

    async fn repeat<T, F>(&self, name: &'static str, end: End, work: F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        let mut attempt = 1;
        loop {
            let span = tracing::debug_span!("unit_of_work", name, attempt);
            match self.attempt(end, &work).instrument(span).await {
                Err(error) if error.is_conflict() => {
                    if attempt == ATTEMPTS {
                        return Err(Error::refused(
                            error::CONFLICT,
                            "",
                            format!("{name} came second {ATTEMPTS} times: try again"),
                        ));
                    }
                    tokio::time::sleep(Duration::from_millis(5 * u64::from(attempt * attempt))).await;
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    async fn attempt<T, F>(&self, end: End, work: &F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        type Manager = <AsyncPgConnection as AsyncConnection>::TransactionManager;
        let mut loan = Loan(Some(self.get().await?));
        let connection = loan.connection()?;
        Manager::begin_transaction(connection).await?;
        let outcome = work(connection).await;
        match (&outcome, end) {
            (Ok(_), End::Commit) => Manager::commit_transaction(connection).await?,
            (Ok(_), End::Rollback) => Manager::rollback_transaction(connection).await?,
            (Err(_), _) => {
                // The error that led here says more than a rollback that fails too.
                if let Err(cause) = Manager::rollback_transaction(connection).await {
                    tracing::debug!(%cause, "rollback failed");
                    return outcome;
                }
            }
        }
        loan.give_back();
        outcome
    }
}

/// A connection in a transaction. Unless it is given back it is closed, so that work which is dropped half-way
/// leaves neither an open transaction nor locks behind in the pool.
struct Loan(Option<Pooled>);

impl Loan {
    fn connection(&mut self) -> Result<&mut Connection, Error> {
        self.0.as_deref_mut().ok_or_else(|| Error::internal("the connection was given back"))
    }

    fn give_back(mut self) {
        self.0.take();
    }
}

impl Drop for Loan {
    fn drop(&mut self) {
        if let Some(connection) = self.0.take() {
            drop(Object::take(connection));
        }
    }
}

impl Settings {
    async fn connect(&self) -> Result<AsyncPgConnection, ConnectionError> {
        let failed = |cause: tokio_postgres::Error| ConnectionError::BadConnection(describe(&cause));
        let (client, connection) = self.postgres.connect(tokio_postgres::NoTls).await.map_err(failed)?;
        let mut connection = AsyncPgConnection::try_from_client_and_connection(client, connection).await?;
        connection.batch_execute(&self.setup()).await.map_err(ConnectionError::CouldntSetupConfiguration)?;
        Ok(connection)
    }

    fn setup(&self) -> String {
        let mut setup = format!(
            "SET search_path TO {}; SET statement_timeout TO {}; {IF_ALLOWED}",
            quoted(&self.schema),
            self.statement_timeout.as_millis(),
        );
        if let Some(role) = &self.role {
            setup.push_str("; SET ROLE ");
            setup.push_str(&quoted(role));
        }
        setup
    }
}

/// What the server may not allow: messages in English, because some errors can only be told by their text, and
/// a look now and then whether we are still there, so that a statement of ours does not outlive us with its locks.
const IF_ALLOWED: &str = "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); \
     EXCEPTION WHEN insufficient_privilege THEN NULL; END $$; \
     DO $$ BEGIN PERFORM set_config('client_connection_check_interval', '1s', false); \
     EXCEPTION WHEN OTHERS THEN NULL; END $$";

#[derive(QueryableByName)]
struct Locked {
    #[diesel(sql_type = Bool)]
    locked: bool,
}

/// Whether the connection is now, for as long as it lives, the only one that does `what`, of all replicas.
pub(crate) async fn lead(connection: &mut Connection, what: &str) -> Result<bool, Error> {
    let mut sql = Sql::new("SELECT pg_try_advisory_lock(hashtextextended(");
    sql.bind::<Text, _>(what.to_owned()).push(", 0)) AS locked");
    let lock: Locked = sql.get_result(connection).await?;
    Ok(lock.locked)
}

/// Runs what ends when the database is gone or another replica has the lock, for ever, with a rest in between.
pub(crate) async fn again_and_again<F: Future<Output = Result<(), Error>>>(what: &str, mut run: impl FnMut() -> F) {
    loop {
        if let Err(cause) = run().await {
            tracing::debug!(%cause, "{what} interrupted");
        }
        tokio::time::sleep(RETRY).await;
    }
}

/// An identifier as SQL wants it.
pub(crate) fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// Reads a database URL; the password is in no message.
pub(crate) fn parse_url(url: &str, schema: &str) -> Result<tokio_postgres::Config, Error> {
    let mut postgres: tokio_postgres::Config = url.parse().map_err(|cause| {
        Error::refused(
            error::CONFIGURATION_INVALID,
            "",
            format!(
                "the database URL cannot be read ({}): give it as postgres://user:password@host:port/database",
                describe(&cause)
            ),
        )
    })?;
    postgres.application_name(format!("itsm {schema}"));
    if postgres.get_connect_timeout().is_none() {
        postgres.connect_timeout(PATIENCE);
    }
    Ok(postgres)
}

/// The whole chain of causes in one line; the driver's first line alone says only "db error".
pub(crate) fn describe(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_folder_is_a_host() {
        let config = parse_url("postgres:///itsm?host=/run/itsm&user=ann", "catalog").unwrap();
        assert_eq!(config.get_hosts(), [tokio_postgres::config::Host::Unix("/run/itsm".into())]);
        assert_eq!(config.get_application_name(), Some("itsm catalog"));
    }

    #[test]
    fn a_broken_url_is_refused_without_its_password() {
        let refusal = parse_url("postgres://ann:secret@host:notaport/db", "catalog").unwrap_err();
        assert!(!refusal.to_string().contains("secret"), "{refusal}");
    }

    #[test]
    fn identifiers_are_quoted() {
        assert_eq!(quoted("a\"b"), "\"a\"\"b\"");
    }
}
