//! Puts committed facts in order: dense numbers, no gaps, time that never runs back.
//! One per schema at a time, by an advisory lock; any replica may be the one.

use std::sync::Arc;
use std::time::Duration;

use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text, Timestamptz};

use futures::StreamExt;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::db::{self, Connection, Database, quoted};
use crate::error::Error;
use crate::sql::Sql;

/// Most changes put in order in one transaction.
const BATCH: i64 = 5_000;
/// Facts between two looks at the partitions, which are ten times as large.
const PARTITION_CHECK: i64 = 1_000_000;
/// How long the sequencer lets changes gather, so that it does not compete with the writers.
const GATHER: Duration = Duration::from_millis(10);
/// How often it looks without having been woken: changes of other replicas.
const POLL: Duration = Duration::from_millis(250);

/// Connects writers, sequencer and watchers of one schema within a process.
#[derive(Clone)]
pub struct Feed {
    committed: Arc<Notify>,
    moved: Arc<watch::Sender<()>>,
}

impl Default for Feed {
    fn default() -> Self {
        Self { committed: Arc::new(Notify::new()), moved: Arc::new(watch::Sender::new(())) }
    }
}

impl Feed {
    /// Tells the sequencer that a change was committed. Costs nothing; a missed call only costs a little time.
    pub fn wake(&self) {
        self.committed.notify_one();
    }

    /// Changes whenever more of the journal is in order.
    pub fn watch(&self) -> watch::Receiver<()> {
        self.moved.subscribe()
    }
}

/// The channel that the sequencer notifies.
fn channel(schema: &str) -> String {
    format!("journal_{schema}")
}

/// Keeps the journal of the schema in order until the server stops; reconnects when the database was gone.
pub async fn sequence(database: Database, clock: clock::Shared, feed: Feed, stop: CancellationToken) {
    let work = async {
        tokio::join!(
            db::again_and_again("sequencer", || drain(&database, &clock, &feed)),
            db::again_and_again("listener", || listen(&database, &feed)),
        );
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = work => {}
    }
}

#[derive(QueryableByName)]
struct Drained {
    #[diesel(sql_type = BigInt)]
    changes: i64,
    #[diesel(sql_type = BigInt)]
    facts: i64,
}

/// Takes the lock and sequences until something fails; returns at once when another replica has the lock.
async fn drain(database: &Database, clock: &clock::Shared, feed: &Feed) -> Result<(), Error> {
    let mut connection = database.dedicated().await?;
    if !db::lead(&mut connection, &format!("sequencer {}", database.schema())).await? {
        return Ok(());
    }
    let mut facts_until_partitions = 0;
    loop {
        if facts_until_partitions <= 0 {
            connection.batch_execute("SELECT journal_ensure_partitions()").await?;
            facts_until_partitions = PARTITION_CHECK;
        }
        let Drained { changes, facts } = put_in_order(&mut connection, database.schema(), clock).await?;
        facts_until_partitions -= facts;
        if changes == 0 {
            let _ = tokio::time::timeout(POLL, feed.committed.notified()).await;
        }
        if changes < BATCH {
            tokio::time::sleep(GATHER).await;
        }
    }
}

/// Orders what is pending, in one transaction, and says how much there was.
async fn put_in_order(connection: &mut Connection, schema: &str, clock: &clock::Shared) -> Result<Drained, Error> {
    let mut sql = Sql::new("WITH drained AS (DELETE FROM journal_pending WHERE ctid = ANY (ARRAY(");
    sql.push("SELECT ctid FROM journal_pending ORDER BY last_position LIMIT ").bind::<BigInt, _>(BATCH);
    sql.push(")) RETURNING last_position, positions), ");
    sql.push("newest AS (SELECT seq, recorded_at FROM journal_order ORDER BY seq DESC LIMIT 1), ");
    sql.push("ordered AS (INSERT INTO journal_order (seq, position, recorded_at) ");
    sql.push(
        "SELECT coalesce((SELECT seq FROM newest), 0) + row_number() OVER (ORDER BY d.last_position, p.position), ",
    );
    sql.push("p.position, greatest(").bind::<Timestamptz, _>(jiff_diesel::Timestamp::from(clock.now()));
    sql.push(", (SELECT recorded_at FROM newest)) ");
    sql.push("FROM drained d CROSS JOIN LATERAL unnest(d.positions) AS p (position) RETURNING seq) ");
    sql.push("SELECT count(*) AS changes, (SELECT count(*) FROM ordered) AS facts, ");
    sql.push("CASE WHEN count(*) > 0 THEN pg_notify(");
    sql.bind::<Text, _>(channel(schema));
    sql.push(", (SELECT max(seq) FROM ordered)::text) END FROM drained");
    Ok(sql.get_result(connection).await?)
}

/// Passes the sequencer's notifications on to watchers until the connection breaks.
async fn listen(database: &Database, feed: &Feed) -> Result<(), Error> {
    let mut connection = database.dedicated().await?;
    connection.batch_execute(&format!("LISTEN {}", quoted(&channel(database.schema())))).await?;
    let mut notifications = std::pin::pin!(connection.notifications()?);
    while let Some(notification) = notifications.next().await {
        notification?;
        feed.moved.send_replace(());
    }
    Ok(())
}
