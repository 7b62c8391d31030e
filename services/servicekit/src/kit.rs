//! What every use case of a service needs, in one value that is cheap to clone.

use std::future::Future;
use std::sync::{Arc, OnceLock};

use diesel::QueryableByName;
use diesel::sql_types::{Binary, Text};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument;

use crate::auth::Caller;
use crate::db::{Connection, Database, Work};
use crate::error::Error;
use crate::journal::Feed;
use crate::metrics::Metrics;
use crate::migrate::{self, Service};
use crate::page::Signer;
use crate::scope::Scope;
use crate::sql::Sql;
use crate::{clock, config};

/// Answers a customer and those below it.
type Family = dyn Fn(&str) -> Vec<String> + Send + Sync;

/// Database, clock, journal and tokens of one service.
#[derive(Clone)]
pub struct Kit {
    /// The service that this is the kit of.
    pub service: &'static Service,
    /// Its schema.
    pub database: Database,
    /// Where time and ids come from.
    pub clock: clock::Shared,
    /// Wakes the sequencer, and tells watchers.
    pub feed: Feed,
    /// Makes page and resume tokens.
    pub signer: Signer,
    /// What its server counts.
    pub metrics: Metrics,
    /// Cancelled when the server begins to stop: streams and background tasks end then.
    pub stop: CancellationToken,
    family: Arc<OnceLock<Box<Family>>>,
    tasks: TaskTracker,
}

#[derive(QueryableByName)]
struct Secret {
    #[diesel(sql_type = Binary)]
    page_token_key: Vec<u8>,
    #[diesel(sql_type = Text)]
    role_name: String,
}

impl Kit {
    /// Connects, refuses a schema that is not exactly as migrated by this program, and takes on the service's role.
    pub async fn open(
        config: &config::Database,
        service: &'static Service,
        clock: clock::Shared,
    ) -> Result<Self, Error> {
        let as_login = Database::open(config, service.name, None)?;
        let mut connection = as_login.dedicated().await?;
        migrate::check(&mut connection, service).await?;
        let mut sql = Sql::new("SELECT s.page_token_key, coalesce(r.rolname::text, '') AS role_name ");
        sql.push("FROM server_secret s LEFT JOIN pg_roles r ");
        sql.push("ON r.rolname = s.role_name AND pg_has_role(r.oid, 'MEMBER')");
        let secret: Secret = sql.get_result(&mut connection).await?;
        let role = Some(secret.role_name.as_str()).filter(|name| !name.is_empty());
        if role.is_none() {
            tracing::info!(service = service.name, "no role of its own: the service acts as its login");
        }
        let database = Database::open(config, service.name, role)?;
        Ok(Self {
            service,
            metrics: Metrics::new(service, database.clone())?,
            database,
            clock,
            feed: Feed::default(),
            signer: Signer::new(&secret.page_token_key)?,
            stop: CancellationToken::new(),
            family: Arc::default(),
            tasks: TaskTracker::new(),
        })
    }

    /// States how a customer and those below it are found, for services that know. To others a caller who is bound to a
    /// customer is bound to that one alone.
    pub fn find_customers_below(&self, family: impl Fn(&str) -> Vec<String> + Send + Sync + 'static) {
        if self.family.set(Box::new(family)).is_err() {
            tracing::debug!("stated before: the first statement holds");
        }
    }

    /// What the caller may see: everything, or what belongs to a customer and those below it.
    pub fn scope_of(&self, caller: &Caller) -> Scope {
        match &caller.customer {
            None => Scope::Everything,
            Some(customer) => Scope::of(match self.family.get() {
                Some(family) => family(customer),
                None => vec![customer.clone()],
            }),
        }
    }

    /// Does `work` in one transaction of that scope and wakes the sequencer; with `validate_only` everything is tried and undone.
    ///
    /// See [`Database::transaction`] for what the work must be like.
    pub async fn write<T, F>(&self, name: &'static str, scope: &Scope, validate_only: bool, work: F) -> Result<T, Error>
    where
        F: for<'c> AsyncFn(&'c mut Connection) -> Result<T, Error>
            + for<'c> Work<&'c mut Connection, Result<T, Error>, Fut: Send>
            + Send
            + Sync,
        T: Send,
    {
        if validate_only {
            return self.database.rehearse(name, scope, work).await;
        }
        let outcome = self.database.transaction(name, scope, work).await?;
        self.feed.wake();
        Ok(outcome)
    }

    /// Runs a write to its end even when the client hangs up, so that no write is ever cut in half.
    pub async fn complete<T, F>(&self, write: F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>> + Send + 'static,
        T: Send + 'static,
    {
        self.tasks.spawn(write.in_current_span()).await.map_err(Error::internal)?
    }

    /// Starts a task that ends by itself when [`Kit::stop`] is cancelled.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task.in_current_span());
    }

    /// Waits until no write and no background task is running any more.
    pub(crate) async fn finished(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}
