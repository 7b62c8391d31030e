//! The pool of connections to one schema, and the unit of work: named, measured, repeated when it lost a race.
//! Works with TCP and Unix-socket URLs; every connection has its search path, name and statement timeout set. What is
//! lent is in a transaction with a scope, which is opened on the way of its first statement.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use diesel::sql_types::{Bool, Text};
use diesel::{ConnectionError, QueryResult, QueryableByName};
use diesel_async::pooled_connection::deadpool::{Object, Pool};
use diesel_async::pooled_connection::{AsyncDieselConnectionManager, ManagerConfig, RecyclingMethod};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures::{FutureExt, Stream};
use tracing::Instrument;

use crate::config;
use crate::error::{self, Error};
use crate::scope::Scope;
use crate::sql::Sql;

/// A connection whose search path is the schema of one service. Statements go through [`Sql`].
///
/// One from the pool is in a transaction that is held to a scope: statements see and write nothing else. It is undone
/// when it is dropped, unless it was committed.
pub struct Connection {
    postgres: Postgres,
    /// What is to be sent ahead of the next statement, in one go with it.
    ahead: Option<String>,
    scope: Option<Scope>,
    /// Whether a transaction was opened and not ended.
    open: bool,
    /// Whether the database refused a statement of this transaction, so that it cannot be committed.
    failed: bool,
    /// Whether the connection is closed rather than given back when it is dropped in a transaction, so that work which
    /// is dropped half-way leaves neither the transaction nor its locks behind in the pool.
    whole: bool,
}

enum Postgres {
    Lent(Object<AsyncPgConnection>),
    Own(AsyncPgConnection),
    Gone,
}

impl Connection {
    /// One that is in no transaction and has no scope.
    pub(crate) fn own(postgres: AsyncPgConnection) -> Self {
        Self { postgres: Postgres::Own(postgres), ahead: None, scope: None, open: false, failed: false, whole: false }
    }

    fn lent(postgres: Object<AsyncPgConnection>, scope: &Scope, whole: bool) -> Self {
        let mut connection =
            Self { whole, postgres: Postgres::Lent(postgres), ahead: None, scope: None, open: false, failed: false };
        connection.begin(scope);
        connection
    }

    /// Opens a transaction that is held to the scope, with the next statement.
    pub fn begin(&mut self, scope: &Scope) {
        let end = if self.open { "ROLLBACK; " } else { "" };
        self.ahead = Some(format!("{end}BEGIN; {}", scope.statement()));
        self.failed = false;
        self.scope = Some(scope.clone());
    }

    /// Goes on after a statement that failed, in a transaction of the same scope. What was read stands; where more is at
    /// stake than what was read, the failure stands too.
    pub fn begin_again(&mut self) {
        if let Some(scope) = self.scope.clone().filter(|_| !self.whole) {
            self.begin(&scope);
        }
    }

    /// Holds the transaction to another scope from the next statement on; answers the one before.
    pub fn within(&mut self, scope: Scope) -> Scope {
        if self.scope.as_ref() == Some(&scope) {
            return scope;
        }
        let statement = scope.statement();
        self.ahead = Some(match self.ahead.take() {
            Some(ahead) => format!("{ahead}; {statement}"),
            None => statement,
        });
        self.scope.replace(scope).unwrap_or_else(|| Scope::of(Vec::new()))
    }

    /// Makes what was written durable. Where a statement failed nothing is left to commit, although Postgres answers a
    /// COMMIT then, too: it rolls back and says so in a word that drivers do not read.
    pub async fn commit(&mut self) -> Result<(), Error> {
        if self.failed {
            return Err(Error::internal("a transaction was to be committed in which a statement had failed"));
        }
        self.end("COMMIT").await
    }

    async fn end(&mut self, how: &str) -> Result<(), Error> {
        self.ahead = None;
        if self.open {
            self.batch_execute(how).await?;
            self.open = false;
        }
        Ok(())
    }

    /// Runs statements without parameters and without answers.
    pub async fn batch_execute(&mut self, statements: &str) -> QueryResult<()> {
        self.run(|mut postgres| async move { postgres.batch_execute(statements).await }).await
    }

    /// Runs a statement, behind what has to be sent ahead of it and without waiting for that.
    pub(crate) async fn run<'a, T, F>(
        &'a mut self,
        statement: impl FnOnce(&'a AsyncPgConnection) -> F,
    ) -> QueryResult<T>
    where
        F: Future<Output = QueryResult<T>>,
    {
        let ahead = self.ahead.take();
        self.open |= ahead.is_some() && self.scope.is_some();
        let postgres: &AsyncPgConnection = match &self.postgres {
            Postgres::Lent(postgres) => postgres,
            Postgres::Own(postgres) => postgres,
            Postgres::Gone => return Err(diesel::result::Error::BrokenTransactionManager),
        };
        let outcome = match ahead {
            None => statement(postgres).await,
            Some(ahead) => {
                let mut sender = postgres;
                let (sent, outcome) = futures::join!(sender.batch_execute(&ahead), statement(postgres));
                sent.and(outcome)
            }
        };
        self.failed |= matches!(outcome, Err(diesel::result::Error::DatabaseError(..)));
        outcome
    }

    /// What the database tells listeners.
    pub(crate) fn notifications(
        &mut self,
    ) -> Result<impl Stream<Item = QueryResult<diesel::pg::PgNotification>> + '_, Error> {
        match &mut self.postgres {
            Postgres::Own(postgres) => Ok(postgres.notifications_stream()),
            _ => Err(Error::internal("only a connection of one's own listens")),
        }
    }

    /// The connection of the driver, for migrations.
    pub(crate) fn into_driver(mut self) -> Result<AsyncPgConnection, Error> {
        match std::mem::replace(&mut self.postgres, Postgres::Gone) {
            Postgres::Own(postgres) => Ok(postgres),
            _ => Err(Error::internal("a connection of the pool goes back to it")),
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let Postgres::Lent(mut postgres) = std::mem::replace(&mut self.postgres, Postgres::Gone) else { return };
        if !self.open {
            return;
        }
        if self.whole {
            drop(Object::take(postgres));
            return;
        }
        // The first poll sends it, and nobody has to wait for the answer: whoever is lent the connection next queues
        // behind it.
        let _ = postgres.batch_execute("ROLLBACK").now_or_never();
    }
}

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

    /// Lends a connection in a transaction of that scope; RESOURCE_EXHAUSTED when none is free for five seconds.
    pub async fn get(&self, scope: &Scope) -> Result<Connection, Error> {
        self.lend(scope, false).await
    }

    async fn lend(&self, scope: &Scope, whole: bool) -> Result<Connection, Error> {
        match tokio::time::timeout(PATIENCE, self.inner.pool.get()).await {
            Ok(connection) => Ok(Connection::lent(connection?, scope, whole)),
            Err(_) => Err(Error::Busy { what: "the database", retry_after: Duration::from_millis(500) }),
        }
    }

    /// Opens a connection outside the pool, with the same settings: for LISTEN and for locks that outlive requests. It is
    /// in no transaction and has no scope.
    pub async fn dedicated(&self) -> Result<Connection, Error> {
        self.inner.settings.connect().await.map(Connection::own).map_err(Error::unavailable)
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

    /// Does `work` in one transaction of that scope: all of it or nothing. Done again, a few times, when it loses a race
    /// (serialization failure, deadlock, the same request id at the same time); ABORTED after that.
    ///
    /// The work must have no effect outside the database. `name` stands in traces: "create service".
    pub async fn transaction<T, F>(&self, name: &'static str, scope: &Scope, work: F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        self.repeat(name, scope, End::Commit, work).await
    }

    /// Does `work` as [`Database::transaction`] would, answers the same, and undoes it all.
    pub async fn rehearse<T, F>(&self, name: &'static str, scope: &Scope, work: F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        self.repeat(name, scope, End::Rollback, work).await
    }

    async fn repeat<T, F>(&self, name: &'static str, scope: &Scope, end: End, work: F) -> Result<T, Error>
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
            match self.attempt(scope, end, &work).instrument(span).await {
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

    async fn attempt<T, F>(&self, scope: &Scope, end: End, work: &F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        let mut connection = self.lend(scope, true).await?;
        let outcome = work(&mut connection).await;
        match (&outcome, end) {
            (Ok(_), End::Commit) => connection.commit().await?,
            (Ok(_), End::Rollback) => connection.end("ROLLBACK").await?,
            (Err(_), _) => {
                // The error that led here says more than a rollback that fails too.
                if let Err(cause) = connection.end("ROLLBACK").await {
                    tracing::debug!(%cause, "rollback failed");
                }
            }
        }
        outcome
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
