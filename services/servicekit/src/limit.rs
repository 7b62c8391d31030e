//! What one caller may ask of a server: so many calls a second, so many streams at once. Who asks for more is told when
//! to try again, and everybody else goes on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::Caller;
use crate::config;
use crate::error::{self, Error};

/// Seconds whose calls may come at once, after a rest.
const BURST_SECONDS: u32 = 10;
/// When another attempt to open a stream makes sense.
const STREAM_PAUSE: Duration = Duration::from_secs(5);
/// Callers that are kept before those that are at rest are forgotten.
const KEPT: usize = 4_096;

/// The limits of a server, and what each caller has used of them. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Limits {
    rate: u32,
    streams: usize,
    used: Arc<Mutex<HashMap<Who, Used>>>,
}

/// Actor and customer.
type Who = (String, String);

/// What a caller has used.
#[derive(Debug, Clone, Copy)]
struct Used {
    /// Calls that may be made at once.
    left: f64,
    /// When that was.
    at: Instant,
    streams: usize,
}

/// A stream of a caller under way; over when it is dropped.
pub(crate) struct Stream {
    limits: Limits,
    who: Who,
}

impl Limits {
    pub(crate) fn new(config: &config::Limits) -> Self {
        Self { rate: config.caller_rate, streams: config.caller_streams, used: Arc::default() }
    }

    /// Takes one call of the caller into account, or refuses it.
    pub(crate) fn call(&self, caller: &Caller, now: Instant) -> Result<(), Error> {
        if self.rate == 0 {
            return Ok(());
        }
        let rate = f64::from(self.rate);
        let mut all = self.used();
        let used = self.of(&mut all, caller, now);
        if used.left >= 1.0 {
            used.left -= 1.0;
            return Ok(());
        }
        let retry_after = Duration::from_secs_f64((1.0 - used.left) / rate);
        let message = format!("{} makes more than {} calls a second: slow down", caller.actor, self.rate);
        Err(Error::Limited { reason: error::RATE_EXCEEDED, message, retry_after })
    }

    /// Takes a stream of the caller into account until it is dropped, or refuses it.
    pub(crate) fn stream(&self, caller: &Caller, now: Instant) -> Result<Option<Stream>, Error> {
        if self.streams == 0 {
            return Ok(None);
        }
        let mut all = self.used();
        let used = self.of(&mut all, caller, now);
        if used.streams >= self.streams {
            let message = format!("{} has {} streams open: close one first", caller.actor, used.streams);
            return Err(Error::Limited { reason: error::STREAMS_EXCEEDED, message, retry_after: STREAM_PAUSE });
        }
        used.streams += 1;
        Ok(Some(Stream { limits: self.clone(), who: who(caller) }))
    }

    fn used(&self) -> MutexGuard<'_, HashMap<Who, Used>> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Calls that may come at once after a rest.
    fn full(&self) -> f64 {
        f64::from(self.rate) * f64::from(BURST_SECONDS)
    }

    /// What the caller has used as of now.
    fn of<'a>(&self, all: &'a mut HashMap<Who, Used>, caller: &Caller, now: Instant) -> &'a mut Used {
        if all.len() >= KEPT {
            all.retain(|_, used| used.streams > 0 || self.filled(used, now) < self.full());
        }
        let used = all.entry(who(caller)).or_insert(Used { left: self.full(), at: now, streams: 0 });
        used.left = self.filled(used, now);
        used.at = now;
        used
    }

    fn filled(&self, used: &Used, now: Instant) -> f64 {
        let rested = now.saturating_duration_since(used.at).as_secs_f64();
        (used.left + rested * f64::from(self.rate)).min(self.full())
    }
}

fn who(caller: &Caller) -> Who {
    (caller.actor.clone(), caller.scope().to_owned())
}

impl Drop for Stream {
    fn drop(&mut self) {
        if let Some(used) = self.limits.used().get_mut(&self.who) {
            used.streams = used.streams.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(caller_rate: u32, caller_streams: usize) -> Limits {
        Limits::new(&config::Limits { caller_rate, caller_streams })
    }

    fn ann() -> Caller {
        Caller::trusted("people/ann")
    }

    #[test]
    fn calls_beyond_the_rate_are_refused_until_time_has_passed() {
        let (limits, start) = (limits(2, 0), Instant::now());
        let burst = 2 * BURST_SECONDS;
        assert!((0..burst).all(|_| limits.call(&ann(), start).is_ok()));
        let Err(Error::Limited { reason, retry_after, .. }) = limits.call(&ann(), start) else { panic!("let through") };
        assert_eq!((reason, retry_after), (error::RATE_EXCEEDED, Duration::from_millis(500)));
        // Others have a measure of their own: another person, and a namesake of a customer.
        assert!(limits.call(&Caller::trusted("people/bob"), start).is_ok());
        let namesake = Caller { customer: Some("customers/acme".to_owned()), ..ann() };
        assert!(limits.call(&namesake, start).is_ok());
        let later = start + retry_after;
        assert!(limits.call(&ann(), later).is_ok());
        assert!(limits.call(&ann(), later).is_err());
        // A long rest gives no more than a short one.
        let rested = later + Duration::from_secs(3_600);
        assert_eq!((0..1_000).filter(|_| limits.call(&ann(), rested).is_ok()).count(), burst as usize);
    }

    #[test]
    fn streams_are_counted_while_they_last() {
        let (limits, now) = (limits(0, 2), Instant::now());
        let first = limits.stream(&ann(), now).unwrap();
        let second = limits.stream(&ann(), now).unwrap();
        assert!(first.is_some() && second.is_some());
        let Err(refusal) = limits.stream(&ann(), now) else { panic!("let through") };
        assert_eq!(refusal.reason(), error::STREAMS_EXCEEDED);
        assert!(limits.stream(&Caller::trusted("people/bob"), now).is_ok());
        drop(first);
        assert!(limits.stream(&ann(), now).is_ok());
        assert!(limits.call(&ann(), now).is_ok(), "calls are not limited here");
    }

    #[test]
    fn no_limit_is_none() {
        let (limits, now) = (limits(0, 0), Instant::now());
        assert!((0..10_000).all(|_| limits.call(&ann(), now).is_ok() && limits.stream(&ann(), now).unwrap().is_none()));
    }

    #[test]
    fn callers_at_rest_are_forgotten() {
        let (limits, start) = (limits(1, 1), Instant::now());
        let busy = limits.stream(&ann(), start).unwrap();
        for n in 0..KEPT {
            limits.call(&Caller::trusted(&format!("people/{n}")), start).unwrap();
        }
        limits.call(&Caller::trusted("people/last"), start + Duration::from_secs(60)).unwrap();
        assert_eq!(limits.used().len(), 2, "the one with a stream, and the one who calls");
        drop(busy);
    }
}
