//! What the catalog has published, compiled and in memory: processes, promises, calendars, customers, services, and who
//! does what.
//! Read through its published views, so that operations goes on working while the catalog process is down.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer, Jsonb, Nullable, Text, Timestamptz};
use domain::agreement::Agreement;
use domain::approval::Policies;
use domain::calendar::{Calendar, Definition, Revision, Timeline};
use domain::clock::Book;
use domain::governance::{Governance, Place, Standing};
use domain::landscape::Landscape;
use domain::portfolio::{Customer, Offering, Service};
use domain::process::Process;
use domain::selection::{InForce, Selection, select};
use domain::ticket::{Matter, Ticket};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::de::DeserializeOwned;
use serde_json::Value;
use servicekit::db::Connection;
use servicekit::sql::Sql;
use servicekit::{Caller, Error, Kit, Scope};

/// How often a change of the catalog is looked for.
const POLL: Duration = Duration::from_secs(1);

/// The catalog as of one moment.
#[derive(Debug, Default)]
pub struct Snapshot {
    version: i64,
    /// Revisions of calendars, of all of them together: none is ever edited or goes away, so that more are newer.
    calendars: i64,
    processes: HashMap<String, Vec<Published<Process>>>,
    agreements: Vec<(String, Vec<Published<Agreement>>)>,
    book: Book,
    landscape: Landscape,
    governance: Governance,
    offerings: HashMap<String, Offering>,
    policies: Policies,
}

/// A revision that was published.
#[derive(Debug, Clone)]
pub struct Published<T> {
    /// Its number.
    pub revision: u32,
    /// From when it is in force, until the next one is.
    pub effective_from: Timestamp,
    /// When the whole resource was deleted: nothing new comes under it from then on.
    pub deleted_at: Option<Timestamp>,
    /// Its content.
    pub body: Arc<T>,
}

/// The one of the revisions that is in force at an instant; they are sorted by when they take effect.
fn in_force<T>(revisions: &[Published<T>], at: Timestamp) -> Option<&Published<T>> {
    let published = revisions.iter().rfind(|published| published.effective_from <= at)?;
    published.deleted_at.is_none_or(|deleted_at| at < deleted_at).then_some(published)
}

impl Snapshot {
    /// The revision of a process that a ticket is pinned to.
    pub fn process(&self, name: &str, revision: u32) -> Option<&Arc<Process>> {
        self.processes.get(name)?.iter().find(|published| published.revision == revision).map(|found| &found.body)
    }

    /// The revision of a process in force at an instant.
    pub fn process_in_force(&self, name: &str, at: Timestamp) -> Option<&Published<Process>> {
        in_force(self.processes.get(name)?, at)
    }

    /// The revision of a process under which something that happened at an instant is recorded: the one in force
    /// then, or the first one for what happened before there was any.
    pub fn process_for(&self, name: &str, at: Timestamp) -> Option<&Published<Process>> {
        let revisions = self.processes.get(name)?;
        revisions.iter().rfind(|published| published.effective_from <= at).or(revisions.iter().next())
    }

    /// Whether the service exists.
    pub fn has_service(&self, name: &str) -> bool {
        self.landscape.lines.contains_key(name)
    }

    /// Whether the offering exists.
    pub fn has_offering(&self, name: &str) -> bool {
        self.offerings.contains_key(name)
    }

    /// The offering of that name.
    pub fn offering(&self, name: &str) -> Option<&Offering> {
        self.offerings.get(name)
    }

    /// Who approves what is ordered.
    pub fn policies(&self) -> &Policies {
        &self.policies
    }

    /// Whether the customer exists.
    pub fn has_customer(&self, name: &str) -> bool {
        self.landscape.parents.contains_key(name)
    }

    /// The customer and all below it.
    pub fn customers_from(&self, customer: &str) -> Vec<String> {
        self.landscape.customers_from(customer).map(str::to_owned).collect()
    }

    /// The roles that the caller holds for a ticket now, by token or by assignment, and those that its transitions take.
    pub fn standing(&self, caller: &Caller, process: &Process, ticket: &Ticket, now: Timestamp) -> Standing {
        let customers = self.landscape.chain(ticket.customer.as_deref());
        let on = now.to_zoned(TimeZone::UTC).date();
        let place = Place { service: ticket.service.as_deref(), customers: &customers, on };
        let mut standing = self.governance.standing(process, place, &caller.actor, |role| caller.has(role));
        // Who may decide on an approval is pinned to it, and need not stand in the process.
        let policies = ticket.approvals.iter().map(|approval| &approval.asked.policy);
        let asked = policies.flat_map(|policy| policy.roles.iter().chain(&policy.groups));
        let held = asked.filter(|role| {
            caller.has(role) || self.governance.is_held(role, place, &caller.actor, &|role: &str| caller.has(role))
        });
        standing.roles.extend(held.cloned());
        standing
    }

    /// How many revisions of calendars are published: clocks that were read by fewer are read anew.
    pub fn calendars(&self) -> i64 {
        self.calendars
    }

    /// Everything that was ever promised, with the calendars: what clocks are read by.
    pub fn promises(&self) -> &Book {
        &self.book
    }

    /// Which promises govern a ticket at an instant, and which give way.
    pub fn select(&self, matter: &Matter, at: Timestamp) -> Selection {
        let customers = self.landscape.chain(matter.customer.as_deref());
        let subject = self.landscape.subject(matter, &customers);
        let agreements = self.agreements.iter().filter_map(|(name, revisions)| {
            let published = in_force(revisions, at)?;
            Some(InForce { name, revision: published.revision, agreement: &published.body })
        });
        select(agreements, &subject)
    }
}

/// The catalog as it is now: swapped as a whole when it changes.
#[derive(Clone)]
pub struct Catalog {
    kit: Kit,
    current: Arc<RwLock<Arc<Snapshot>>>,
}

impl Catalog {
    /// Reads the catalog, and keeps it up to date until the server stops.
    pub async fn open(kit: &Kit) -> Result<Self, Error> {
        let catalog = Self { kit: kit.clone(), current: Arc::default() };
        let mut connection = kit.database.get(&Scope::Everything).await?;
        catalog.refresh(&mut connection).await?;
        kit.spawn(catalog.clone().watch());
        Ok(catalog)
    }

    /// The catalog as last read.
    pub fn now(&self) -> Arc<Snapshot> {
        match self.current.read() {
            Ok(current) => Arc::clone(&current),
            Err(poisoned) => Arc::clone(&poisoned.into_inner()),
        }
    }

    /// The catalog as it is now, for decisions: what was published before a ticket came in governs it. While the
    /// database cannot tell, the one last read stays in use.
    pub async fn latest(&self, connection: &mut Connection) -> Arc<Snapshot> {
        match self.refresh(connection).await {
            Ok(current) => current,
            Err(cause) => {
                tracing::warn!(%cause, "the catalog cannot be read; the last one read stays in use");
                connection.begin_again();
                self.now()
            }
        }
    }

    /// Reads the catalog again if it has changed.
    async fn refresh(&self, connection: &mut Connection) -> Result<Arc<Snapshot>, Error> {
        let before = self.now();
        let version = version(connection).await?;
        if version == before.version {
            return Ok(before);
        }
        let snapshot = Arc::new(load(connection, version).await?);
        match self.current.write() {
            Ok(mut current) => current.clone_from(&snapshot),
            Err(poisoned) => poisoned.into_inner().clone_from(&snapshot),
        }
        tracing::debug!(version, "catalog read");
        Ok(snapshot)
    }

    async fn watch(self) {
        loop {
            tokio::select! {
                () = self.kit.stop.cancelled() => return,
                () = tokio::time::sleep(POLL) => {}
            }
            match self.kit.database.get(&Scope::Everything).await {
                Ok(mut connection) => drop(self.latest(&mut connection).await),
                Err(cause) => tracing::debug!(%cause, "the catalog was not looked at"),
            }
        }
    }
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

async fn version(connection: &mut Connection) -> Result<i64, Error> {
    let row: Version = Sql::new("SELECT version FROM catalog.published_version_v1").get_result(connection).await?;
    Ok(row.version)
}

/// Reads all views. A change that comes in between is seen by the next poll: it raises the version once more.
async fn load(connection: &mut Connection, version: i64) -> Result<Snapshot, Error> {
    let mut snapshot = Snapshot { version, ..Snapshot::default() };
    for (name, process) in revisions::<Process>(connection, "processes").await? {
        snapshot.processes.entry(name).or_default().push(process);
    }
    let mut calendars: BTreeMap<String, Vec<Revision>> = BTreeMap::new();
    for (name, published) in revisions::<Definition>(connection, "calendars").await? {
        snapshot.calendars += 1;
        let Published { revision, effective_from, body, .. } = published;
        match Calendar::compile(&body) {
            Ok(calendar) => calendars.entry(name).or_default().push(Revision {
                number: revision,
                effective_from,
                calendar: Arc::new(calendar),
            }),
            Err(cause) => tracing::error!(calendar = name, revision, %cause, "a published calendar is left out"),
        }
    }
    for (name, revisions) in calendars {
        snapshot.book.add_calendar(&name, Timeline::new(revisions));
    }
    let mut agreements: BTreeMap<String, Vec<Published<Agreement>>> = BTreeMap::new();
    for (name, agreement) in revisions::<Agreement>(connection, "agreements").await? {
        snapshot.book.add_agreement(&name, agreement.revision, Arc::clone(&agreement.body));
        agreements.entry(name).or_default().push(agreement);
    }
    snapshot.agreements = agreements.into_iter().collect();
    let services = resources::<Service>(connection, "services").await?;
    snapshot.landscape.lines = services.into_iter().map(|(name, service)| (name, service.line)).collect();
    snapshot.offerings = resources::<Offering>(connection, "offerings").await?.into_iter().collect();
    let asking = snapshot.offerings.iter();
    let asking = asking.filter_map(|(name, offering)| Some((name.clone(), offering.approval_policy.clone()?)));
    snapshot.policies = Policies(asking.collect());
    let customers = resources::<Customer>(connection, "customers").await?;
    snapshot.landscape.parents = customers.into_iter().map(|(name, customer)| (name, customer.parent)).collect();
    snapshot.governance = Governance {
        assignments: resources(connection, "role_assignments").await?.into_iter().collect(),
        responsibilities: resources(connection, "responsibilities").await?.into_iter().collect(),
        ..Governance::default()
    };
    Ok(snapshot)
}

#[derive(QueryableByName)]
struct RevisionRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Integer)]
    revision: i32,
    #[diesel(sql_type = Timestamptz)]
    effective_from: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    deleted_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Jsonb)]
    definition: Value,
}

/// All published revisions of one kind, each resource's in the order in which they take effect.
async fn revisions<T: DeserializeOwned>(
    connection: &mut Connection,
    kind: &str,
) -> Result<Vec<(String, Published<T>)>, Error> {
    let sql = Sql::new(format!(
        "SELECT name, revision, effective_from, deleted_at, definition FROM catalog.published_{kind}_v1 \
         ORDER BY name, effective_from, revision"
    ));
    let rows: Vec<RevisionRow> = sql.load(connection).await?;
    let mut published = Vec::with_capacity(rows.len());
    for row in rows {
        let RevisionRow { name, revision, effective_from, deleted_at, definition } = row;
        match serde_json::from_value(definition) {
            Ok(body) => published.push((
                name,
                Published {
                    revision: revision.unsigned_abs(),
                    effective_from: effective_from.into(),
                    deleted_at: deleted_at.map(Into::into),
                    body: Arc::new(body),
                },
            )),
            Err(cause) => tracing::error!(name, revision, %cause, "a published revision cannot be read: left out"),
        }
    }
    Ok(published)
}

#[derive(QueryableByName)]
struct ResourceRow {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Jsonb)]
    definition: Value,
}

/// All resources of one kind that are not deleted.
async fn resources<T: DeserializeOwned>(connection: &mut Connection, kind: &str) -> Result<Vec<(String, T)>, Error> {
    let rows: Vec<ResourceRow> =
        Sql::new(format!("SELECT name, definition FROM catalog.published_{kind}_v1")).load(connection).await?;
    let mut resources = Vec::with_capacity(rows.len());
    for ResourceRow { name, definition } in rows {
        match serde_json::from_value(definition) {
            Ok(body) => resources.push((name, body)),
            Err(cause) => tracing::error!(name, %cause, "a resource of the catalog cannot be read: left out"),
        }
    }
    Ok(resources)
}
