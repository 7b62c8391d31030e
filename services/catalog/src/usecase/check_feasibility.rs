//! Finds the starts for which those who stand behind an agreement cannot keep it.

use domain::feasibility::{Backing, Prospect};
use domain::selection::InForce;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use servicekit::{Caller, Error, Kit, Scope, resource};

use crate::store::{self, Agreement};

/// How the objectives of an agreement fare within a window.
#[derive(Debug, Clone, PartialEq)]
pub struct Prospects {
    /// The first start.
    pub start: Timestamp,
    /// The end, exclusive.
    pub end: Timestamp,
    /// Every objective, that with the largest infeasible share first.
    pub objectives: Vec<Prospect>,
}

/// How a revision of the agreement (0: its working copy) fares in the year from `start` on.
pub async fn run(
    kit: &Kit,
    caller: &Caller,
    name: &str,
    revision: i32,
    start: Option<Timestamp>,
) -> Result<Prospects, Error> {
    let start = start.unwrap_or_else(|| kit.clock.now());
    let later = start.to_zoned(TimeZone::UTC).checked_add(1.year());
    let end = later.map_err(|_| Error::invalid("start_time", "is too late to look a year ahead"))?.timestamp();
    let mut connection = kit.database.get(&Scope::Everything).await?;
    let agreement = resource::content::<Agreement>(&mut connection, caller, name, revision).await?.definition;
    let published = store::published_agreements(&mut connection).await?;
    let calendars = store::all_timelines(&mut connection).await?;
    let landscape = store::landscape(&mut connection).await?;
    drop(connection);
    let computed = tokio::task::spawn_blocking(move || {
        let in_force: Vec<InForce<'_>> = store::in_force(&published, start).collect();
        let calendar = |name: &str| calendars.get(name);
        let backing = Backing { in_force: &in_force, calendar, landscape: &landscape };
        backing.prospects(&agreement, start, end)
    });
    Ok(Prospects { start, end, objectives: computed.await.map_err(Error::internal)? })
}
