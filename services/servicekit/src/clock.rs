//! Time and fresh ids: the only place of the suite where either is made.
//! Everything else takes them as parameters; clippy's `disallowed-methods` keeps it so.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Where a server gets time and ids from.
pub trait Clock: Send + Sync + 'static {
    /// The present, in whole microseconds as the database keeps them.
    fn now(&self) -> Timestamp;
    /// A fresh UUID, version 7: ids made later sort later.
    fn id(&self) -> Uuid;
}

/// A clock that can be handed around.
pub type Shared = Arc<dyn Clock>;

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct System;

impl Clock for System {
    fn now(&self) -> Timestamp {
        to_microseconds(Timestamp::now())
    }

    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// A clock that stands still until it is set, for tests and for demonstrations with a fixed date.
#[derive(Debug)]
pub struct Manual {
    microseconds: AtomicI64,
}

impl Manual {
    /// Stands at `now`.
    pub fn at(now: Timestamp) -> Self {
        Self { microseconds: AtomicI64::new(now.as_microsecond()) }
    }

    /// Moves to `now`, forward or back.
    pub fn set(&self, now: Timestamp) {
        self.microseconds.store(now.as_microsecond(), Ordering::SeqCst);
    }
}

impl Clock for Manual {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.microseconds.load(Ordering::SeqCst)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }
}

/// Cuts an instant to whole microseconds.
pub fn to_microseconds(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// 128 random bits as hexadecimal digits: they decide nothing, and nobody can guess them.
pub fn salt() -> String {
    // Some bits of a UUID are fixed: two have enough that are not.
    let digest = Sha256::digest([Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat());
    hex::encode(digest.get(..16).unwrap_or(&digest))
}

/// A fresh reference under which the log and the client speak of one failure or request.
pub fn reference() -> String {
    Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_has_whole_microseconds() {
        assert_eq!(System.now().subsec_nanosecond() % 1_000, 0);
    }

    #[test]
    fn ids_sort_by_the_time_they_were_made() {
        let (first, second) = (System.id(), System.id());
        assert!(first < second);
        assert_eq!(first.get_version_num(), 7);
    }
}
