//! Brings a service's schema to what its program needs, and refuses one that is not.
//! Names in migrations are unqualified: the search path gives each schema its own history.

use diesel::QueryableByName;
use diesel::migration::MigrationSource;
use diesel::pg::Pg;
use diesel::sql_types::{Bool, Text};
use diesel_async::{AsyncMigrationHarness, AsyncPgConnection};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness};

use crate::config;
use crate::db::{Connection, Database, quoted};
use crate::error::{self, Error};
use crate::sql::Sql;

/// Tables and functions of servicekit itself, for the first migration of every service (with the journal's and the
/// idempotency's).
pub const DDL: &str = include_str!("../sql/server.sql");

/// A service of the suite, as its program knows it: `pub static SERVICE: Service = …`.
pub struct Service {
    /// Its name and that of its schema: `catalog`.
    pub name: &'static str,
    /// Version of the program.
    pub version: &'static str,
    /// Port it listens on unless told otherwise.
    pub port: u16,
    /// `embed_migrations!()`.
    pub migrations: EmbeddedMigrations,
}

impl Service {
    /// Versions of all migrations that the program has, oldest first.
    pub fn versions(&self) -> Result<Vec<String>, Error> {
        let migrations = MigrationSource::<Pg>::migrations(&self.migrations).map_err(Error::internal)?;
        let mut versions: Vec<String> = migrations.iter().map(|m| m.name().version().to_string()).collect();
        versions.sort();
        Ok(versions)
    }

    /// Newest migration that the program has. Empty: none.
    pub fn newest(&self) -> Result<String, Error> {
        Ok(self.versions()?.pop().unwrap_or_default())
    }
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Service").field("name", &self.name).field("version", &self.version).finish_non_exhaustive()
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Migrations that the schema has, oldest first; none when it does not exist.
async fn applied(connection: &mut Connection, service: &Service) -> Result<Vec<String>, Error> {
    let history = format!("{}.__diesel_schema_migrations", quoted(service.name));
    let mut sql = Sql::new("SELECT to_regclass(");
    sql.bind::<Text, _>(history.clone()).push(") IS NOT NULL AS found");
    let history_exists: Found = sql.get_result(connection).await?;
    if !history_exists.found {
        return Ok(Vec::new());
    }
    let versions: Vec<Version> =
        Sql::new(format!("SELECT version::text FROM {history} ORDER BY version")).load(connection).await?;
    Ok(versions.into_iter().map(|row| row.version).collect())
}

fn refuse_newer(applied: &[String], service: &Service) -> Result<(), Error> {
    let known = service.versions()?;
    let Some(unknown) = applied.iter().rfind(|version| !known.contains(version)) else { return Ok(()) };
    Err(Error::refused(
        error::SCHEMA_NEWER,
        "",
        format!(
            "the {} schema is at version {unknown}, which this program (itsm {}, schema version {}) does not know: \
             start the newer program",
            service.name,
            service.version,
            known.last().map_or("none", String::as_str),
        ),
    )
    .with("schema", service.name))
}

/// Fails unless the schema has exactly the migrations of this program.
pub async fn check(connection: &mut Connection, service: &Service) -> Result<(), Error> {
    let applied = applied(connection, service).await?;
    refuse_newer(&applied, service)?;
    let missing = service.versions()?.iter().filter(|version| !applied.contains(version)).count();
    if missing == 0 {
        return Ok(());
    }
    let message = format!("the {} schema lacks {missing} of this program's migrations: run itsm migrate", service.name);
    Err(Error::refused(error::SCHEMA_PENDING, "", message).with("schema", service.name))
}

/// Migrates the schema of one service to the newest version and gives the service its role; says what was applied.
///
/// Needs a login that may create schemas. Where it may create roles too, the service gets one that owns nothing, and
/// reporting one that reads `report_v…` views only. Any number of programs may migrate at once: they take turns.
/// Needs a multi-thread runtime.
pub async fn run(config: &config::Database, service: &Service) -> Result<Vec<String>, Error> {
    let mut unhurried = config.clone();
    unhurried.statement_timeout = 0;
    let mut connection = Database::open(&unhurried, service.name, None)?.dedicated().await?;
    // Held until the connection closes.
    connection.batch_execute("SELECT pg_advisory_lock(hashtextextended('itsm migrate', 0))").await?;
    // An owner is held to a scope like everybody else.
    connection.batch_execute("SET itsm.scope = '*'").await?;
    refuse_newer(&applied(&mut connection, service).await?, service)?;
    connection.batch_execute(&format!("CREATE SCHEMA IF NOT EXISTS {}", quoted(service.name))).await?;
    let mut harness = AsyncMigrationHarness::new(connection.into_driver()?);
    let done = run_pending(&mut harness, service)?;
    let mut connection = Connection::own(harness.into_inner());
    grant_roles(&mut connection, service).await?;
    if !done.is_empty() {
        tracing::info!(service = service.name, migrations = done.join(" "), "migrated");
    }
    Ok(done)
}

fn run_pending(
    harness: &mut AsyncMigrationHarness<AsyncPgConnection>,
    service: &Service,
) -> Result<Vec<String>, Error> {
    let applied = harness.applied_migrations().map_err(Error::internal)?;
    let mut pending = MigrationSource::<Pg>::migrations(&service.migrations).map_err(Error::internal)?;
    pending.retain(|migration| !applied.contains(&migration.name().version()));
    pending.sort_by(|a, b| a.name().version().cmp(&b.name().version()));
    let mut done = Vec::new();
    for migration in &pending {
        let version = harness
            .run_migration(migration)
            .map_err(|cause| Error::internal(format!("migration {} of {}: {cause}", migration.name(), service.name)))?;
        done.push(version.to_string());
    }
    Ok(done)
}

/// Makes the roles and grants what they need, every time: a migration may have brought new tables.
async fn grant_roles(connection: &mut Connection, service: &Service) -> Result<(), Error> {
    let may: Found = Sql::new("SELECT rolsuper OR rolcreaterole AS found FROM pg_roles WHERE rolname = current_user")
        .get_result(connection)
        .await?;
    if !may.found {
        tracing::info!(service = service.name, "the login may not create roles: the service acts as its login");
        return Ok(());
    }
    connection.batch_execute(&ROLES.replace("{service}", service.name)).await?;
    Ok(())
}

/// Roles are named after the database, because they are shared by all databases of a server; a copy of a database
/// keeps the role of the original while there is one.
const ROLES: &str = include_str!("../sql/roles.sql");
