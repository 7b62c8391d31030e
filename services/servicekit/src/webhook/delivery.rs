//! Delivers what webhooks subscribe to. One replica does it at a time, by an advisory lock, with a task for each webhook,
//! so that a slow endpoint holds nobody else up; where each stands is in the database, and any replica can go on.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use domain::filter::Typed;
use jiff::Timestamp;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::courier::Courier;
use super::event::{Event, Secret};
use super::store::{self, Active, Outcome, Place};
use crate::auth::Caller;
use crate::config;
use crate::db::{self, Connection};
use crate::error::Error;
use crate::journal::{self, Entry, Stretch};
use crate::kit::Kit;
use crate::scope::Scope;

/// How often webhooks are looked at: for new ones, changed ones, and whether the lock is still ours.
const LOOK: Duration = Duration::from_secs(1);
/// How long a look may take before the database is taken for gone.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long facts gather before one webhook looks for more.
const GATHER: Duration = Duration::from_millis(100);
/// About how many facts are read at once.
const STRETCH: i64 = 200;
/// Facts without a match after which the place is noted all the same.
const LAG: i64 = 1_000;
/// Connections that deliveries use at once; the rest of the pool is for requests.
const CONNECTIONS: usize = 2;
/// Pause after the first failed attempt; it doubles with each that follows.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Delivers the facts of this schema until the server stops, whenever no other replica does.
pub async fn deliver(kit: Kit, settings: config::Webhooks, stop: CancellationToken) {
    let post = Post { kit, settings, connections: Arc::new(Semaphore::new(CONNECTIONS)) };
    tokio::select! {
        () = stop.cancelled() => {}
        () = db::again_and_again("webhooks", || post.deliver()) => {}
    }
}

/// What all webhooks share.
#[derive(Clone)]
struct Post {
    kit: Kit,
    settings: config::Webhooks,
    connections: Arc<Semaphore>,
}

impl Post {
    /// Takes the lock and delivers until something fails; returns at once when another replica has the lock.
    async fn deliver(&self) -> Result<(), Error> {
        let mut connection = self.kit.database.dedicated().await?;
        if !db::lead(&mut connection, &format!("webhooks {}", self.kit.database.schema())).await? {
            return Ok(());
        }
        let mut courier = None;
        // They end when this function does: whoever loses the lock delivers nothing more.
        let mut routes: HashMap<String, (i64, AbortOnDropHandle<()>)> = HashMap::new();
        loop {
            connection.begin(&Scope::Everything);
            let active = tokio::time::timeout(PATIENCE, store::active(&mut connection))
                .await
                .map_err(|_| Error::unavailable("no answer for five seconds"))??;
            connection.commit().await?;
            routes.retain(|name, (version, task)| {
                !task.is_finished() && active.iter().any(|hook| hook.name == *name && hook.version == *version)
            });
            for hook in active {
                if !routes.contains_key(&hook.name) {
                    let (name, version) = (hook.name.clone(), hook.version);
                    let courier = match &courier {
                        Some(courier) => Arc::clone(courier),
                        None => courier.insert(self.hire().await?).clone(),
                    };
                    let task = tokio::spawn(run(self.clone(), courier, hook));
                    routes.insert(name, (version, AbortOnDropHandle::new(task)));
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Somebody to carry events, once there is a webhook.
    async fn hire(&self) -> Result<Arc<Courier>, Error> {
        let settings = self.settings.clone();
        let hired = tokio::task::spawn_blocking(move || Courier::new(&settings)).await.map_err(Error::internal)?;
        hired.map(Arc::new).inspect_err(|fault| tracing::error!("webhooks rest: {}", fault.for_operator()))
    }

    /// A connection, when it is this delivery's turn.
    async fn turn<T>(&self, work: impl AsyncFnOnce(&mut Connection) -> Result<T, Error>) -> Result<T, Error> {
        let _turn = self.connections.acquire().await.map_err(Error::internal)?;
        let mut connection = self.kit.database.get(&Scope::Everything).await?;
        let outcome = work(&mut connection).await?;
        connection.commit().await?;
        Ok(outcome)
    }

    /// How long to wait after so many failed attempts: doubling, and somewhere in the upper half of it, so that endpoints
    /// that failed together are not tried again together.
    fn pause(&self, failed_attempts: i32) -> Duration {
        let doublings = u32::try_from(failed_attempts - 1).unwrap_or_default().min(16);
        let full = FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        // The last byte of a UUID is random in every version that a clock makes.
        let share = f64::from(self.kit.clock.id().as_bytes()[15]) / f64::from(u8::MAX);
        full.mul_f64(0.5 + share / 2.0)
    }
}

/// Delivers the facts of one webhook until something fails; it is then begun again where it stood.
async fn run(post: Post, courier: Arc<Courier>, hook: Active) {
    let name = hook.name.clone();
    let outcome = match Route::open(post, courier, hook).await {
        Ok(mut route) => route.run().await,
        Err(cause) => Err(cause),
    };
    if let Err(cause) = outcome {
        tracing::debug!(webhook = name, %cause, "deliveries interrupted");
    }
}

/// Deliveries of one webhook under way.
struct Route {
    post: Post,
    courier: Arc<Courier>,
    name: String,
    url: String,
    secret: Secret,
    viewer: Caller,
    filter: Typed,
    place: Place,
    retry_at: Option<Timestamp>,
}

impl Route {
    async fn open(post: Post, courier: Arc<Courier>, hook: Active) -> Result<Self, Error> {
        let Active { name, created_at, body, secret, .. } = hook;
        let filter = body.compile(created_at).map_err(Error::internal)?;
        let (place, retry_at) = post.turn(async |connection| store::place(connection, &name).await).await?;
        Ok(Self { viewer: body.viewer(), url: body.url, post, courier, name, secret, filter, place, retry_at })
    }

    async fn run(&mut self) -> Result<(), Error> {
        self.redeliver().await?;
        if let Some(retry_at) = self.retry_at {
            let left = retry_at.duration_since(self.post.kit.clock.now()).unsigned_abs();
            tokio::time::sleep(left.min(LONGEST_PAUSE)).await;
        }
        let mut moved = self.post.kit.feed.watch();
        let mut after = self.place.through_seq;
        loop {
            moved.mark_unchanged();
            if let Some(stretch) = self.stretch(after).await? {
                for entry in &stretch.entries {
                    self.deliver(entry).await?;
                }
                after = stretch.through;
                if after - self.place.through_seq >= LAG {
                    self.step(Place { through_seq: after, ..self.place }, &Outcome::Passed).await?;
                }
            } else {
                let _ = tokio::time::timeout(LOOK, moved.changed()).await;
                tokio::time::sleep(GATHER).await;
            }
        }
    }

    async fn stretch(&self, after: i64) -> Result<Option<Stretch>, Error> {
        let scope = self.post.kit.scope_of(&self.viewer);
        let turn =
            self.post.turn(async |connection| journal::stretch(connection, &scope, &self.filter, after, STRETCH).await);
        turn.await
    }

    /// Tries until it is delivered or was tried often enough.
    async fn deliver(&mut self, entry: &Entry) -> Result<(), Error> {
        let event = Event::new(self.post.kit.service.name, entry)?;
        let through = Place { through_seq: entry.seq.unwrap_or_default(), failed_attempts: 0 };
        loop {
            let sent = self.send(&event).await;
            let now = self.post.kit.clock.now();
            let Err(error) = sent else { return self.step(through, &Outcome::Delivered(now)).await };
            let failed_attempts = self.place.failed_attempts.saturating_add(1);
            tracing::warn!(webhook = self.name, event = event.id, failed_attempts, error, "a delivery failed");
            if u32::try_from(failed_attempts).is_ok_and(|failed| failed >= self.post.settings.webhook_attempts) {
                let outcome = Outcome::SetAside { error: &error, failed_at: now, failed_attempts };
                return self.step(through, &outcome).await;
            }
            let pause = self.post.pause(failed_attempts);
            let retry_at = now.checked_add(pause).map_err(Error::internal)?;
            let failed = Place { failed_attempts, ..self.place };
            self.step(failed, &Outcome::Failed { error: &error, retry_at }).await?;
            tokio::time::sleep(pause).await;
        }
    }

    /// Tries every dead letter that is to be tried once more.
    async fn redeliver(&self) -> Result<(), Error> {
        let next = || self.post.turn(async |connection| store::next_letter(connection, &self.name).await);
        while let Some(entry) = next().await? {
            let sent = self.send(&Event::new(self.post.kit.service.name, &entry)?).await;
            let (now, seq) = (self.post.kit.clock.now(), entry.seq.unwrap_or_default());
            let noted = self.post.turn(async |connection| match &sent {
                Ok(()) => store::letter_delivered(connection, &self.name, seq, now).await,
                Err(error) => store::letter_failed(connection, &self.name, seq, now, error).await,
            });
            noted.await?;
        }
        Ok(())
    }

    async fn send(&self, event: &Event) -> Result<(), String> {
        self.courier.send(&self.url, &self.secret, event, self.post.kit.clock.now()).await
    }

    async fn step(&mut self, after: Place, outcome: &Outcome<'_>) -> Result<(), Error> {
        let before = self.place;
        let moved =
            self.post.turn(async |connection| store::step(connection, &self.name, before, after, outcome).await);
        moved.await?;
        self.place = after;
        Ok(())
    }
}
