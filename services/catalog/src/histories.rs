//! The histories of tickets in memory, for simulations: read from operations once, then kept up by what is new in its
//! journal. Bounded, and given back when nobody simulates any more.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::simulation::History;
use jiff::Timestamp;
use servicekit::{Error, Kit, Scope};
use tokio::sync::Mutex;

use crate::error;
use crate::store;

/// Most tickets of one simulation: about a kilobyte each.
pub const MAX_TICKETS: usize = 200_000;
/// Tickets read and decoded at once.
const BATCH: usize = 1_000;
/// For how long histories are kept after their last use.
const KEPT: Duration = Duration::from_mins(10);

/// The histories of the tickets opened in one period.
#[derive(Clone, Default)]
pub struct Histories {
    known: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    period: Option<Period>,
    /// The newest fact that was certainly read.
    seq: i64,
    tickets: BTreeMap<String, Arc<History>>,
    /// Counts uses.
    uses: u64,
}

/// From the first instant to the second (exclusive); empty: without end on that side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// Where it begins.
    pub start: Option<Timestamp>,
    /// Where it ends.
    pub end: Option<Timestamp>,
}

impl Period {
    /// Whether the instant lies in it.
    pub fn contains(self, at: Timestamp) -> bool {
        self.start.is_none_or(|start| start <= at) && self.end.is_none_or(|end| at < end)
    }

    /// Whether the whole of the other lies in it.
    fn covers(self, other: Self) -> bool {
        let starts = self.start.is_none_or(|start| other.start.is_some_and(|other| start <= other));
        starts && self.end.is_none_or(|end| other.end.is_some_and(|other| other <= end))
    }
}

impl Histories {
    /// The tickets opened in a period, as far as their facts are in order.
    pub async fn opened_in(&self, kit: &Kit, period: Period) -> Result<Vec<Arc<History>>, Error> {
        let mut known = self.known.lock().await;
        let mut connection = kit.database.get(&Scope::Everything).await?;
        let seq = store::last_fact(&mut connection).await?;
        let missing = if known.period.is_some_and(|kept| kept.covers(period)) {
            if seq > known.seq { store::recorded_after(&mut connection, known.seq).await? } else { Vec::new() }
        } else {
            *known = Known { uses: known.uses, ..Known::default() };
            store::opened_between(&mut connection, period.start, period.end, MAX_TICKETS + 1).await?
        };
        if known.tickets.len().max(missing.len()) > MAX_TICKETS {
            let message = format!("more than {MAX_TICKETS} tickets were opened in the period: choose a shorter one");
            return Err(Error::refused(error::PERIOD_TOO_LARGE, "", message));
        }
        let kept = known.period.unwrap_or(period);
        for names in missing.chunks(BATCH) {
            let facts = store::facts_of(&mut connection, names).await?;
            let histories = tokio::task::spawn_blocking(move || read(&facts)).await.map_err(Error::internal)??;
            for name in names {
                known.tickets.remove(name);
            }
            let inside = histories.into_iter().filter(|history| kept.contains(history.opened_at));
            known.tickets.extend(inside.map(|history| (history.name.clone(), Arc::new(history))));
        }
        known.period = Some(kept);
        known.seq = seq;
        known.uses += 1;
        self.forget_later(kit, known.uses);
        Ok(known.tickets.values().filter(|history| period.contains(history.opened_at)).cloned().collect())
    }

    /// Gives the memory back unless somebody has used it meanwhile.
    fn forget_later(&self, kit: &Kit, uses: u64) {
        let (known, stop) = (Arc::clone(&self.known), kit.stop.clone());
        kit.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(KEPT) => {
                    let mut known = known.lock().await;
                    if known.uses == uses {
                        *known = Known { uses, ..Known::default() };
                    }
                }
            }
        });
    }
}

fn read(facts: &store::Facts) -> Result<Vec<History>, Error> {
    let histories = facts.decode().map(|ticket| Ok(History::of(&ticket?.1)));
    histories.filter_map(Result::transpose).collect()
}
