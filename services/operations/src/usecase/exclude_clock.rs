//! Excuses a clock, and takes the excuse back.

use domain::clock::Exclusion;
use domain::ticket::ExclusionRevoked;
use domain::ticket::command::{exclude_clock, revoke_exclusion};
use servicekit::{Error, standard};

use super::Operations;
use crate::error::rejected;
use crate::store::ticket::Stored;

/// The excuse.
#[derive(Debug, Clone)]
pub struct ExcludeClock {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// What is decided.
    pub exclusion: Exclusion,
}

/// That an excuse no longer holds.
#[derive(Debug, Clone)]
pub struct RevokeClockExclusion {
    /// Name of the ticket.
    pub name: String,
    /// Acts only on this version. Empty: on any.
    pub etag: String,
    /// Which one, and why.
    pub revoked: ExclusionRevoked,
}

impl Operations {
    /// Excuses a clock.
    pub async fn exclude_clock(&self, write: standard::Write, command: ExcludeClock) -> Result<Stored, Error> {
        let ExcludeClock { name, etag, exclusion } = command;
        self.change(write, name, etag, move |case| {
            let stored = case.stored;
            exclude_clock(&stored.ticket, &stored.clocks, case.known, &exclusion, &case.act)
                .map_err(|rejection| rejected(rejection, ""))
        })
        .await
    }

    /// Takes the excuse of a clock back.
    pub async fn revoke_clock_exclusion(
        &self,
        write: standard::Write,
        command: RevokeClockExclusion,
    ) -> Result<Stored, Error> {
        let RevokeClockExclusion { name, etag, revoked } = command;
        self.change(write, name, etag, move |case| {
            let stored = case.stored;
            revoke_exclusion(&stored.ticket, &stored.clocks, case.known, &revoked, &case.act)
                .map_err(|rejection| rejected(rejection, ""))
        })
        .await
    }
}
