//! Tickets as they are stored, found by name or by the id they have in their source.

use std::collections::HashMap;

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::clock::{Reading, State};
use domain::stored;
use domain::ticket::{Digest, Ticket};
use jiff::Timestamp;
use servicekit::db::Connection;
use servicekit::sql::Sql;
use servicekit::{Error, Scope, resource};
use uuid::Uuid;

/// A ticket as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Stored {
    /// Its number, unique among tickets of all practices.
    pub number: i64,
    /// Never reused.
    pub uid: Uuid,
    /// Counts its changes from 1.
    pub version: i64,
    /// Its version after the last change that was more than an observation of ours: what clients hold.
    pub edited_version: i64,
    /// When it was recorded here.
    pub created_at: Timestamp,
    /// When it was last changed here, observations aside.
    pub updated_at: Timestamp,
    /// What its facts fold to.
    pub ticket: Ticket,
    /// Its clocks as of its last fact. Empty where they were not read.
    pub clocks: Vec<Reading>,
    /// The worst of its customer's clocks as of its last fact. Empty: no promise covers it.
    pub clock_state: Option<State>,
    /// Earliest instant at which a running one of its customer's clocks reaches, or reached, its target.
    pub due_at: Option<Timestamp>,
    /// Earliest instant at which a clock reaches, or reached, a threshold that is not on record. Empty: none does.
    pub next_fire_at: Option<Timestamp>,
    /// How many revisions of calendars its clocks were read by.
    pub calendars: i64,
    /// Earliest deadline of law for a report that has not been submitted. Empty: nothing is owed.
    pub duty_due_at: Option<Timestamp>,
    /// Deviations from its process that stand.
    pub nonconformance_count: u32,
}

impl Stored {
    /// The edited version as an entity tag: a clock that reaches a threshold costs nobody their edit.
    pub fn etag(&self) -> String {
        resource::etag(self.edited_version)
    }
}

/// Which parts of a ticket are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything but the clocks.
    WithoutClocks,
    /// Everything.
    Whole,
}

impl Part {
    /// The columns of a [`Row`], in a statement whose tickets are called `t`.
    pub(super) fn columns(self) -> &'static str {
        match self {
            Self::WithoutClocks => {
                "t.number, t.uid, t.version, t.edited_version, t.created_at, t.updated_at, t.body::text AS body, \
                 NULL::text AS clocks, t.clock_state, t.due_at, t.duty_due_at, t.next_fire_at, t.calendars, \
                 t.nonconformance_count"
            }
            Self::Whole => {
                "t.number, t.uid, t.version, t.edited_version, t.created_at, t.updated_at, t.body::text AS body, \
                 t.clocks::text AS clocks, t.clock_state, t.due_at, t.duty_due_at, t.next_fire_at, t.calendars, \
                 t.nonconformance_count"
            }
        }
    }
}

#[derive(QueryableByName)]
pub(super) struct Row {
    #[diesel(sql_type = BigInt)]
    number: i64,
    #[diesel(sql_type = SqlUuid)]
    uid: Uuid,
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = BigInt)]
    edited_version: i64,
    #[diesel(sql_type = Timestamptz)]
    created_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Timestamptz)]
    updated_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Text)]
    body: String,
    #[diesel(sql_type = Nullable<Text>)]
    clocks: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    clock_state: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    due_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    duty_due_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_fire_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = BigInt)]
    calendars: i64,
    #[diesel(sql_type = Integer)]
    nonconformance_count: i32,
}

impl Row {
    pub(super) fn read(self) -> Result<Stored, Error> {
        let broken = |cause| Error::internal(format!("stored ticket {}: {cause}", self.number));
        let clocks = self.clocks.as_deref().map(stored::readings_from_json).transpose();
        Ok(Stored {
            number: self.number,
            uid: self.uid,
            version: self.version,
            edited_version: self.edited_version,
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
            ticket: stored::ticket_from_json(&self.body).map_err(broken)?,
            clocks: clocks.map_err(broken)?.unwrap_or_default(),
            clock_state: self.clock_state.as_deref().and_then(State::parse),
            due_at: self.due_at.map(Into::into),
            next_fire_at: self.next_fire_at.map(Into::into),
            calendars: self.calendars,
            duty_due_at: self.duty_due_at.map(Into::into),
            nonconformance_count: self.nonconformance_count.unsigned_abs(),
        })
    }
}

/// Tickets by number; those that do not exist, or not within the scope, are not among them.
pub async fn get_many(
    connection: &mut Connection,
    scope: &Scope,
    numbers: &[i64],
    part: Part,
) -> Result<HashMap<i64, Stored>, Error> {
    let mut sql = Sql::new("SELECT ");
    sql.push(part.columns()).push(" FROM tickets t WHERE t.number = ANY (");
    sql.bind::<Array<BigInt>, _>(numbers.to_vec()).push(")");
    scope.restrict("t.customer_id", &mut sql);
    let rows: Vec<Row> = sql.load(connection).await?;
    rows.into_iter().map(|row| row.read().map(|stored| (stored.number, stored))).collect()
}

/// The ticket with that id in that source, within the scope.
pub async fn lookup(
    connection: &mut Connection,
    scope: &Scope,
    source_system: &str,
    source_id: &str,
) -> Result<Option<Stored>, Error> {
    let mut sql = Sql::new("SELECT ");
    sql.push(Part::Whole.columns()).push(" FROM tickets t WHERE t.source_system = ");
    sql.bind::<Text, _>(source_system.to_owned());
    sql.push(" AND t.source_id = ").bind::<Text, _>(source_id.to_owned());
    scope.restrict("t.customer_id", &mut sql);
    let rows: Vec<Row> = sql.load(connection).await?;
    rows.into_iter().next().map(Row::read).transpose()
}

/// A ticket's identity in the system it came from: system and id there.
pub type Source = (String, String);

/// A ticket of a source, with what it has absorbed of it.
#[derive(Debug, Clone)]
pub struct Known {
    /// The ticket, without its clocks.
    pub stored: Stored,
    /// Fingerprints of the imported rows it has absorbed.
    pub absorbed: Vec<Digest>,
}

#[derive(QueryableByName)]
struct KnownRow {
    #[diesel(embed)]
    ticket: Row,
    #[diesel(sql_type = Array<BigInt>)]
    absorbed: Vec<i64>,
}

/// Tickets by the ids they have in their sources.
pub async fn of_sources(connection: &mut Connection, sources: &[Source]) -> Result<Vec<Known>, Error> {
    let (systems, ids): (Vec<String>, Vec<String>) = sources.iter().cloned().unzip();
    let mut sql = Sql::new("SELECT t.absorbed, ");
    sql.push(Part::WithoutClocks.columns()).push(" FROM unnest(");
    sql.bind::<Array<Text>, _>(systems).push(", ").bind::<Array<Text>, _>(ids);
    sql.push(") AS s (system, id) JOIN tickets t ON t.source_system = s.system AND t.source_id = s.id");
    load_known(connection, sql).await
}

/// Tickets by number.
pub async fn of_numbers(connection: &mut Connection, numbers: &[i64]) -> Result<Vec<Known>, Error> {
    let mut sql = Sql::new("SELECT t.absorbed, ");
    sql.push(Part::WithoutClocks.columns()).push(" FROM tickets t WHERE t.number = ANY (");
    sql.bind::<Array<BigInt>, _>(numbers.to_vec()).push(")");
    load_known(connection, sql).await
}

async fn load_known(connection: &mut Connection, sql: Sql) -> Result<Vec<Known>, Error> {
    let rows: Vec<KnownRow> = sql.load(connection).await?;
    let known = rows.into_iter().map(|KnownRow { ticket, absorbed }| {
        let absorbed = absorbed.into_iter().map(|digest| Digest(digest.cast_unsigned())).collect();
        Ok(Known { stored: ticket.read()?, absorbed })
    });
    known.collect()
}
