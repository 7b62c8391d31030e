//! Reading the journal: by subject for folding, by sequence number for feeds and lists.

use std::sync::LazyLock;

use diesel::sql_types::{Array, BigInt, Bool, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel::{OptionalExtension, QueryableByName};
use domain::filter::{Field, Kind, Typed};
use domain::privacy::{Private, concerns};
use jiff::Timestamp;
use uuid::Uuid;

use crate::auth::Caller;
use crate::db::Connection;
use crate::error::Error;
use crate::filter::{Column, Fields};
use crate::kit::Kit;
use crate::page::{Keyset, Listing, Page, Request};
use crate::scope::Scope;
use crate::sql::Sql;

/// A recorded fact.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Place in the order of the journal. None: committed, but not put in order yet.
    pub seq: Option<i64>,
    /// Place in the table; orders the facts of one subject.
    pub position: i64,
    /// The change that it belongs to.
    pub change_id: Uuid,
    /// Whether it is the last fact of its change.
    pub last_of_change: bool,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was put in order. None: not yet.
    pub recorded_at: Option<Timestamp>,
    /// When the source system recorded it. None unless imported.
    pub source_recorded_at: Option<Timestamp>,
    /// Orders facts of one subject at the same instant.
    pub source_sequence: i64,
    /// Who caused it.
    pub actor: String,
    /// Customer the subject belongs to. Empty: none.
    pub customer_id: String,
    /// `PUBLIC` or `INTERNAL`.
    pub audience: String,
    /// Name of the resource it is about.
    pub subject: String,
    /// Version of the subject after it.
    pub subject_version: i64,
    /// Kind and its version.
    pub kind: String,
    /// What it says.
    pub payload: serde_json::Value,
}

/// An entry as the database gives it.
#[derive(QueryableByName)]
pub(crate) struct Row {
    #[diesel(sql_type = Nullable<BigInt>)]
    seq: Option<i64>,
    #[diesel(sql_type = BigInt)]
    position: i64,
    #[diesel(sql_type = SqlUuid)]
    change_id: Uuid,
    #[diesel(sql_type = Bool)]
    last_of_change: bool,
    #[diesel(sql_type = Timestamptz)]
    occurred_at: jiff_diesel::Timestamp,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    recorded_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    source_recorded_at: Option<jiff_diesel::Timestamp>,
    #[diesel(sql_type = BigInt)]
    source_sequence: i64,
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    customer_id: String,
    #[diesel(sql_type = Text)]
    audience: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = BigInt)]
    subject_version: i64,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Jsonb)]
    payload: serde_json::Value,
    #[diesel(sql_type = Nullable<Text>)]
    private: Option<String>,
}

/// The columns that make a [`Row`], of `journal j`, `journal_order o` and what [`PRIVATE`] adds.
pub(crate) const COLUMNS: &str = "o.seq, j.position, j.change_id, j.last_of_change, j.occurred_at, o.recorded_at, \
     j.source_recorded_at, j.source_sequence, j.actor, j.customer_id, j.audience, j.subject, j.subject_version, \
     j.kind, j.payload, p.content::text AS private";

/// Adds what is private to facts, as `p`, by their `position`.
pub(crate) const PRIVATE: &str = " LEFT JOIN journal_private p USING (position) ";

/// The fact with what is private in it.
impl From<Row> for Entry {
    fn from(mut row: Row) -> Self {
        if concerns(&row.kind) {
            // What cannot be read is not there; verifying names it.
            let private = row.private.and_then(|text| Private::from_json(&text).ok()).unwrap_or_default();
            row.actor = private.name(&row.actor);
            private.restore(&mut row.payload);
        }
        Self {
            seq: row.seq,
            position: row.position,
            change_id: row.change_id,
            last_of_change: row.last_of_change,
            occurred_at: row.occurred_at.into(),
            recorded_at: row.recorded_at.map(Into::into),
            source_recorded_at: row.source_recorded_at.map(Into::into),
            source_sequence: row.source_sequence,
            actor: row.actor,
            customer_id: row.customer_id,
            audience: row.audience,
            subject: row.subject,
            subject_version: row.subject_version,
            kind: row.kind,
            payload: row.payload,
        }
    }
}

/// All facts about one subject, in the order of their positions, those not put in order yet included.
pub async fn entries_of(connection: &mut Connection, subject: &str) -> Result<Vec<Entry>, Error> {
    let mut sql = Sql::new(format!(
        "SELECT {COLUMNS} FROM journal j LEFT JOIN journal_order o USING (position) {PRIVATE} WHERE j.subject = "
    ));
    sql.bind::<Text, _>(subject.to_owned()).push(" ORDER BY j.position");
    let rows: Vec<Row> = sql.load(connection).await?;
    Ok(rows.into_iter().map(Entry::from).collect())
}

/// What journal entries are filtered by.
pub(crate) static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
    let text = |name, description| Field::new(name, Kind::String, description);
    Fields::new([
        Column::new(Field::new("seq", Kind::Integer, "place in the order of the journal").orderable(), "o.seq"),
        Column::new(text("subject", "name of the resource the fact is about"), "j.subject"),
        Column::new(text("kind", "kind of the fact: ticket.transitioned.v1"), "j.kind"),
        Column::new(text("actor", "who caused it"), "coalesce(p.content -> j.actor ->> 1, j.actor)"),
        Column::new(text("customer", "customer the subject belongs to"), "nullif(j.customer_id, '')"),
        Column::new(text("change_id", "the change it belongs to"), "j.change_id::text"),
        Column::new(Field::new("occur_time", Kind::Timestamp, "when it happened"), "j.occurred_at"),
        Column::new(Field::new("record_time", Kind::Timestamp, "when it was recorded here"), "o.recorded_at"),
    ])
});

#[derive(QueryableByName)]
struct Listed {
    #[diesel(embed)]
    content: Row,
    #[diesel(sql_type = Array<Nullable<Text>>)]
    keyset: Keyset,
}

/// One page of the entries that are in order.
pub(super) async fn list(kit: &Kit, caller: &Caller, request: Request<'_>) -> Result<Page<Entry>, Error> {
    let listing = Listing::open(kit, caller, &FIELDS, request)?;
    let scope = kit.scope_of(caller);
    let mut sql = Sql::new(format!("SELECT {COLUMNS}, "));
    listing.keyset(&mut sql);
    sql.push(" FROM journal_order o JOIN journal j USING (position)").push(PRIVATE).push("WHERE true");
    scope.restrict_facts(&mut sql);
    listing.restrict(&mut sql);
    let mut connection = kit.database.get(&scope).await?;
    let rows: Vec<Listed> = sql.load(&mut connection).await?;
    let page = listing.page(rows, |listed| listed.keyset.clone());
    Ok(page.map(|listed| listed.content.into()))
}

/// Ends of the part of the journal that is in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, QueryableByName)]
pub(super) struct Extent {
    #[diesel(sql_type = BigInt)]
    pub(super) oldest: i64,
    #[diesel(sql_type = BigInt)]
    pub(super) newest: i64,
}

/// First and last sequence number; 1 and 0 when there is none.
pub(super) async fn extent(connection: &mut Connection) -> Result<Extent, Error> {
    let sql = Sql::new("SELECT coalesce(min(seq), 1) AS oldest, coalesce(max(seq), 0) AS newest FROM journal_order");
    Ok(sql.get_result(connection).await?)
}

#[derive(QueryableByName)]
struct Recorded {
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
}

/// When the fact in that place was put in order; `None` when there is none.
pub(super) async fn recorded_at(connection: &mut Connection, seq: i64) -> Result<Option<Timestamp>, Error> {
    let mut sql = Sql::new("SELECT recorded_at FROM journal_order WHERE seq = ");
    sql.bind::<BigInt, _>(seq);
    let found: Option<Recorded> = sql.get_result(connection).await.optional()?;
    Ok(found.map(|found| found.recorded_at.into()))
}

/// A stretch of the journal that holds whole changes only.
pub(crate) struct Stretch {
    /// The entries in it that match.
    pub(crate) entries: Vec<Entry>,
    /// Its last sequence number.
    pub(crate) through: i64,
    /// When that was recorded.
    pub(crate) recorded_at: Timestamp,
}

#[derive(QueryableByName)]
struct Horizon {
    #[diesel(sql_type = BigInt)]
    seq: i64,
    #[diesel(sql_type = Timestamptz)]
    recorded_at: jiff_diesel::Timestamp,
}

/// The next stretch after a sequence number, of about `facts` facts; `None` when nothing more is in order. Where it ends
/// is the same for everybody, what is in it depends on the scope.
pub(crate) async fn stretch(
    connection: &mut Connection,
    scope: &Scope,
    filter: &Typed,
    after: i64,
    facts: i64,
) -> Result<Option<Stretch>, Error> {
    connection.within(Scope::Everything);
    let Some(horizon) = horizon(connection, after, facts).await? else { return Ok(None) };
    connection.within(scope.clone());
    let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM journal_order o JOIN journal j USING (position) {PRIVATE} "));
    sql.push("WHERE o.seq > ").bind::<BigInt, _>(after).push(" AND o.seq <= ").bind::<BigInt, _>(horizon.seq);
    scope.restrict_facts(&mut sql);
    sql.push(" AND ");
    FIELDS.condition(filter, &mut sql);
    sql.push(" ORDER BY o.seq");
    let rows: Vec<Row> = sql.load(connection).await?;
    Ok(Some(Stretch {
        entries: rows.into_iter().map(Entry::from).collect(),
        through: horizon.seq,
        recorded_at: horizon.recorded_at.into(),
    }))
}

/// The last end of a change among the next facts; looks further when one change is longer than that.
async fn horizon(connection: &mut Connection, after: i64, facts: i64) -> Result<Option<Horizon>, Error> {
    let mut reach = facts;
    loop {
        let mut sql = Sql::new("SELECT o.seq, o.recorded_at FROM journal_order o JOIN journal j USING (position) ");
        sql.push("WHERE o.seq > ").bind::<BigInt, _>(after).push(" AND o.seq <= ");
        sql.bind::<BigInt, _>(after.saturating_add(reach));
        sql.push(" AND j.last_of_change ORDER BY o.seq DESC LIMIT 1");
        let found: Vec<Horizon> = sql.load(connection).await?;
        if let Some(horizon) = found.into_iter().next() {
            return Ok(Some(horizon));
        }
        if extent(connection).await?.newest < after.saturating_add(reach) {
            return Ok(None);
        }
        reach = reach.saturating_mul(4);
    }
}
