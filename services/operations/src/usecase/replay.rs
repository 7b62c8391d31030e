//! The answer of a request that was answered before, rebuilt from facts: no copy of it is kept.

use domain::clock;
use domain::ticket::{Recorded, fold, nonconformities};
use servicekit::db::Connection;
use servicekit::idempotency::{Done, Key};
use servicekit::{Error, Scope};

use super::{for_scope, number_of, of_name};
use crate::catalog::Snapshot;
use crate::settle::{due_at, read_clocks};
use crate::store::fact;
use crate::store::request::answered_at;
use crate::store::ticket::{Part, Stored, get_many};

/// The ticket as the request left it, on a connection that sees every fact of it; NOT_FOUND when the caller may not see it any more.
pub(super) async fn rebuild(
    connection: &mut Connection,
    catalog: &Snapshot,
    scope: &Scope,
    key: &Key,
    done: &Done,
) -> Result<Stored, Error> {
    let number = number_of(&done.resource)?;
    let found = get_many(connection, scope, &[number], Part::Whole).await?.remove(&number);
    let stored = of_name(found, &done.resource)?;
    if stored.version == done.version {
        return Ok(for_scope(stored, scope));
    }
    let mut entries = fact::of(connection, &done.resource).await?;
    entries.retain(|entry| entry.version <= done.version);
    let updated_at = answered_at(connection, key).await?.unwrap_or(stored.created_at);
    let edits = entries.iter().filter(|entry| !entry.recorded.fact.is_observation());
    let edited_version = edits.map(|entry| entry.version).max().unwrap_or(done.version);
    let facts: Vec<Recorded> = entries.into_iter().map(|entry| entry.recorded).collect();
    let missing = || Error::internal(format!("{} has no facts up to version {}", done.resource, done.version));
    let (clocks, duty_due_at) = read_clocks(catalog, &facts.iter().collect::<Vec<_>>());
    let rebuilt = Stored {
        version: done.version,
        edited_version,
        updated_at,
        ticket: fold(&facts).ok_or_else(missing)?,
        clock_state: clock::worst(&clocks).map(|worst| worst.state),
        due_at: due_at(&clocks),
        duty_due_at,
        nonconformance_count: u32::try_from(nonconformities(&facts).len()).unwrap_or(u32::MAX),
        clocks,
        ..stored
    };
    Ok(for_scope(rebuilt, scope))
}
