//! The one statement that writes tickets: rows, their facts, and the requests that asked for them, all or nothing.
//! A row is written only at the version it was decided on, and facts follow only from rows that were written.

use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use domain::clock::State;
use domain::stored;
use domain::ticket::{Audience, Digest, NewFact, hide};
use jiff::Timestamp;
use servicekit::clock::salt;
use servicekit::db::Connection;
use servicekit::idempotency::Key;
use servicekit::sql::Sql;
use servicekit::writer::Job;
use servicekit::{Error, Scope};
use tokio::time::Instant;
use uuid::Uuid;

use super::ticket::Stored;

/// Name of the constraint that keeps a source's id from being given to two tickets.
pub const SOURCE_KEY: &str = "tickets_source_key";

/// A ticket to be written.
#[derive(Debug, Clone)]
pub struct Write {
    /// The version it was decided on. 0: it is new.
    pub expected: i64,
    /// The ticket afterwards: one version later, or at the same if nothing but its clocks was read anew.
    pub after: Stored,
    /// The body and the clocks as JSON, made where it was decided.
    pub body: String,
    /// Readings of the clocks as JSON.
    pub clocks: String,
    /// What happened, in order. Empty: nothing, its clocks were read anew.
    pub facts: Vec<Hidden>,
    /// Fingerprints of imported rows that it absorbs with this change.
    pub absorbed: Vec<Digest>,
    /// Ties the facts together.
    pub change_id: Uuid,
    /// The request that asked for it. Empty for imports.
    pub request: Option<Key>,
    /// What the transaction is held to.
    pub scope: Scope,
    /// When nobody waits for it any more.
    pub deadline: Option<Instant>,
}

/// A fact as it is stored: with tokens where something is private, and what stands beside it.
#[derive(Debug, Clone)]
pub struct Hidden {
    kind: &'static str,
    occurred_at: Timestamp,
    source_recorded_at: Option<Timestamp>,
    source_sequence: i64,
    actor: String,
    audience: Audience,
    /// What it says, as JSON.
    payload: String,
    /// What stands beside it, as JSON. Empty: nothing does.
    private: Option<String>,
}

impl Hidden {
    fn new(mut fact: NewFact) -> Result<Self, Error> {
        let private = hide(&mut fact, &mut salt);
        Ok(Self {
            kind: fact.fact.kind(),
            occurred_at: fact.occurred_at,
            source_recorded_at: fact.source_recorded_at,
            source_sequence: fact.source_sequence,
            payload: stored::payload_to_json(&fact.fact).map_err(Error::internal)?,
            private: (!private.is_empty()).then(|| private.to_json()),
            actor: fact.actor,
            audience: fact.audience,
        })
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is durable.
    Written,
    /// The ticket was no longer at the version it was decided on: nothing was written, decide again.
    Raced,
}

impl Write {
    /// Puts a decision into the form in which it is written.
    pub fn new(expected: i64, after: Stored, facts: Vec<NewFact>, change_id: Uuid) -> Result<Self, Error> {
        Ok(Self {
            expected,
            body: stored::ticket_to_json(&after.ticket).map_err(Error::internal)?,
            clocks: stored::readings_to_json(&after.clocks).map_err(Error::internal)?,
            after,
            facts: facts.into_iter().map(Hidden::new).collect::<Result<_, _>>()?,
            absorbed: Vec::new(),
            change_id,
            request: None,
            scope: Scope::Everything,
            deadline: None,
        })
    }
}

impl Job for Write {
    type Outcome = Outcome;

    const NAME: &'static str = "write tickets";

    fn key(&self) -> &str {
        &self.after.ticket.name
    }

    fn request_id(&self) -> Option<Uuid> {
        self.request.as_ref().map(|key| key.request_id)
    }

    fn scope(&self) -> &Scope {
        &self.scope
    }

    fn caller(&self) -> &str {
        self.request.as_ref().map_or("", |key| &key.caller)
    }

    fn size(&self) -> usize {
        // The facts say about as much as the ticket.
        2 * self.body.len() + self.clocks.len()
    }

    fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    async fn write(connection: &mut Connection, jobs: &mut [Self]) -> Result<Vec<Outcome>, Error> {
        write_many(connection, jobs).await
    }
}

#[derive(QueryableByName)]
struct Place {
    #[diesel(sql_type = Integer)]
    place: i32,
}

/// Writes tickets, at most one change for each, and says what became of every one.
pub async fn write_many(connection: &mut Connection, writes: &[Write]) -> Result<Vec<Outcome>, Error> {
    let mut outcomes = vec![Outcome::Raced; writes.len()];
    if writes.is_empty() {
        return Ok(outcomes);
    }
    let mut sql = Sql::new("WITH input AS (SELECT * FROM unnest(");
    bind_tickets(writes, &mut sql);
    sql.push(
        ") AS i (place, expected, number, uid, version, edited_version, at, body, clocks, clock_state, due_at, \
         duty_due_at, next_fire_at, calendars, nonconformance_count, absorbed, change_id)), \
         updated AS (UPDATE tickets t SET version = i.version, edited_version = i.edited_version, updated_at = i.at, \
         body = i.body::jsonb, clocks = i.clocks::jsonb, clock_state = i.clock_state, due_at = i.due_at, \
         duty_due_at = i.duty_due_at, next_fire_at = i.next_fire_at, calendars = i.calendars, \
         nonconformance_count = i.nonconformance_count, \
         absorbed = CASE WHEN i.absorbed = '{}' THEN t.absorbed ELSE t.absorbed || i.absorbed::bigint[] END \
         FROM input i WHERE i.expected > 0 AND t.number = i.number AND t.version = i.expected \
         RETURNING t.number, t.name, t.customer_id), \
         inserted AS (INSERT INTO tickets (number, uid, version, edited_version, created_at, updated_at, body, clocks, \
         clock_state, due_at, duty_due_at, next_fire_at, calendars, nonconformance_count, absorbed) \
         SELECT number, uid, version, edited_version, at, at, body::jsonb, clocks::jsonb, clock_state, due_at, \
         duty_due_at, next_fire_at, calendars, nonconformance_count, \
         absorbed::bigint[] FROM input WHERE expected = 0 RETURNING number, name, customer_id), \
         written AS (SELECT i.place, i.version, i.at, i.change_id, w.name, w.customer_id FROM input i \
         JOIN (TABLE updated UNION ALL TABLE inserted) w USING (number)), \
         drawn AS MATERIALIZED (SELECT nextval('journal_position') AS position, f.* FROM (\
         SELECT w.change_id, w.customer_id, w.name, w.version, f.* FROM unnest(",
    );
    bind_facts(writes, &mut sql);
    sql.push(
        ") WITH ORDINALITY AS f (place, last, occurred_at, source_recorded_at, source_sequence, actor, audience, \
         kind, payload, private, n) JOIN written w USING (place) ORDER BY f.n) AS f), \
         facts AS (INSERT INTO journal (position, change_id, last_of_change, occurred_at, source_recorded_at, \
         source_sequence, actor, customer_id, audience, subject, subject_version, kind, payload) \
         SELECT position, change_id, last, occurred_at, source_recorded_at, source_sequence, actor, customer_id, \
         audience, name, version, kind, payload::jsonb FROM drawn), \
         beside AS (INSERT INTO journal_private (position, customer_id, audience, content) \
         SELECT position, customer_id, audience, private::jsonb FROM drawn WHERE private IS NOT NULL), \
         pending AS (INSERT INTO journal_pending (change_id, last_position, positions) \
         SELECT change_id, max(position), array_agg(position ORDER BY position) FROM drawn GROUP BY change_id)",
    );
    if writes.iter().any(|write| write.request.is_some()) {
        sql.push(
            ", requests AS (INSERT INTO idempotency (customer_id, caller, method, request_id, request_hash, resource, \
             version, created_at) SELECT r.customer_id, r.caller, r.method, r.request_id, r.request_hash, w.name, \
             w.version, w.at FROM unnest(",
        );
        bind_requests(writes, &mut sql);
        sql.push(") AS r (place, customer_id, caller, method, request_id, request_hash) ");
        sql.push("JOIN written w USING (place))");
    }
    sql.push(" SELECT place FROM written");
    let written: Vec<Place> = sql.load(connection).await?;
    for Place { place } in written {
        if let Some(outcome) = usize::try_from(place).ok().and_then(|place| outcomes.get_mut(place)) {
            *outcome = Outcome::Written;
        }
    }
    Ok(outcomes)
}

/// Binds one array for each of the columns that `of` picks from the writes.
fn column<T>(writes: &[Write], of: impl Fn(&Write) -> T) -> Vec<T> {
    writes.iter().map(of).collect()
}

fn place(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

fn time(at: Timestamp) -> jiff_diesel::Timestamp {
    jiff_diesel::Timestamp::from(at)
}

fn bind_tickets(writes: &[Write], sql: &mut Sql) {
    sql.bind::<Array<Integer>, _>((0..writes.len()).map(place).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<BigInt>, _>(column(writes, |w| w.expected)).push(", ");
    sql.bind::<Array<BigInt>, _>(column(writes, |w| w.after.number)).push(", ");
    sql.bind::<Array<SqlUuid>, _>(column(writes, |w| w.after.uid)).push(", ");
    sql.bind::<Array<BigInt>, _>(column(writes, |w| w.after.version)).push(", ");
    sql.bind::<Array<BigInt>, _>(column(writes, |w| w.after.edited_version)).push(", ");
    sql.bind::<Array<Timestamptz>, _>(column(writes, |w| time(w.after.updated_at))).push(", ");
    sql.bind::<Array<Text>, _>(column(writes, |w| w.body.clone())).push(", ");
    sql.bind::<Array<Text>, _>(column(writes, |w| w.clocks.clone())).push(", ");
    sql.bind::<Array<Nullable<Text>>, _>(column(writes, |w| w.after.clock_state.map(State::as_str)));
    sql.push(", ");
    sql.bind::<Array<Nullable<Timestamptz>>, _>(column(writes, |w| w.after.due_at.map(time))).push(", ");
    sql.bind::<Array<Nullable<Timestamptz>>, _>(column(writes, |w| w.after.duty_due_at.map(time))).push(", ");
    sql.bind::<Array<Nullable<Timestamptz>>, _>(column(writes, |w| w.after.next_fire_at.map(time))).push(", ");
    sql.bind::<Array<BigInt>, _>(column(writes, |w| w.after.calendars)).push(", ");
    sql.bind::<Array<Integer>, _>(column(writes, |w| w.after.nonconformance_count.cast_signed())).push(", ");
    // An array of arrays would have to be a rectangle, so each goes as the text of one.
    sql.bind::<Array<Text>, _>(column(writes, |w| array_text(&w.absorbed))).push(", ");
    sql.bind::<Array<SqlUuid>, _>(column(writes, |w| w.change_id));
}

fn array_text(digests: &[Digest]) -> String {
    let digits: Vec<String> = digests.iter().map(|digest| digest.0.cast_signed().to_string()).collect();
    format!("{{{}}}", digits.join(","))
}

fn bind_facts(writes: &[Write], sql: &mut Sql) {
    let mut places = Vec::new();
    let mut last = Vec::new();
    let mut facts = Vec::new();
    for (at, write) in writes.iter().enumerate() {
        for (n, fact) in write.facts.iter().enumerate() {
            places.push(place(at));
            last.push(n + 1 == write.facts.len());
            facts.push(fact);
        }
    }
    sql.bind::<Array<Integer>, _>(places).push(", ").bind::<Array<Bool>, _>(last).push(", ");
    sql.bind::<Array<Timestamptz>, _>(facts.iter().map(|fact| time(fact.occurred_at)).collect::<Vec<_>>()).push(", ");
    let recorded = facts.iter().map(|fact| fact.source_recorded_at.map(time)).collect::<Vec<_>>();
    sql.bind::<Array<Nullable<Timestamptz>>, _>(recorded).push(", ");
    sql.bind::<Array<BigInt>, _>(facts.iter().map(|fact| fact.source_sequence).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Text>, _>(facts.iter().map(|fact| fact.actor.clone()).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Text>, _>(facts.iter().map(|fact| fact.audience.as_str()).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Text>, _>(facts.iter().map(|fact| fact.kind).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Text>, _>(facts.iter().map(|fact| fact.payload.clone()).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Nullable<Text>>, _>(facts.iter().map(|fact| fact.private.clone()).collect::<Vec<_>>());
}

fn bind_requests(writes: &[Write], sql: &mut Sql) {
    let requests: Vec<(usize, &Key)> =
        writes.iter().enumerate().filter_map(|(place, write)| write.request.as_ref().map(|key| (place, key))).collect();
    sql.bind::<Array<Integer>, _>(requests.iter().map(|(at, ..)| place(*at)).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Text>, _>(requests.iter().map(|(.., key)| key.customer.clone()).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Text>, _>(requests.iter().map(|(.., key)| key.caller.clone()).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Text>, _>(requests.iter().map(|(.., key)| key.method).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<SqlUuid>, _>(requests.iter().map(|(.., key)| key.request_id).collect::<Vec<_>>()).push(", ");
    sql.bind::<Array<Binary>, _>(requests.iter().map(|(.., key)| key.hash.to_vec()).collect::<Vec<_>>());
}
