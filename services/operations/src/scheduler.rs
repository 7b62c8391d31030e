//! The scheduler of clocks: sleeps until the next threshold, and looks sooner when a change may have brought it forward.

use std::time::Duration;

use servicekit::Kit;

use crate::usecase::Operations;

/// How long it sleeps at most: changes that nobody told of, clocks that were set.
const POLL: Duration = Duration::from_secs(1);
/// How long it lets changes gather, so that it does not look after each.
const GATHER: Duration = Duration::from_millis(20);

/// Fires thresholds until the server stops; goes on when the database was gone.
pub async fn run(operations: Operations) {
    let kit: Kit = operations.kit.clone();
    // Every change, here or on another server, moves the journal on.
    let mut moved = kit.feed.watch();
    while !kit.stop.is_cancelled() {
        let next = operations.fire_thresholds().await.unwrap_or_else(|cause| {
            tracing::debug!(%cause, "the scheduler was interrupted");
            None
        });
        let until = next.map(|at| Duration::try_from(at.duration_since(kit.clock.now())).unwrap_or_default());
        let pause = until.map_or(POLL, |until| until.clamp(GATHER, POLL));
        let waiting = async {
            if tokio::time::timeout(pause, moved.changed()).await.is_ok() {
                tokio::time::sleep(GATHER).await;
            }
        };
        tokio::select! {
            () = kit.stop.cancelled() => {}
            () = waiting => {}
        }
    }
}
