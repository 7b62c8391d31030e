//! Timers: what happens to a ticket by itself, once, whoever looks and with what clock.

use jiff::Timestamp;

use super::{Fact, Recorded, Ticket, command};
use crate::process::Process;

/// What happens to a ticket by itself if nothing changes, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timer {
    /// When it happens, or should have.
    pub at: Timestamp,
    /// What happens.
    pub kind: TimerKind,
}

/// What happens to a ticket by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TimerKind {
    /// It goes on: the time until which it waits has come.
    Resume,
    /// It closes: nobody disputed its resolution for the days of its process.
    Close,
}

impl Timer {
    /// The timer of a ticket that is known here since `known_since`. `facts` are those on record. Of a ticket that was
    /// imported, timers whose time had come before that are history: they never fire.
    pub fn of<'a>(
        process: &Process,
        ticket: &Ticket,
        facts: impl IntoIterator<Item = &'a Recorded>,
        known_since: Timestamp,
    ) -> Option<Self> {
        let timer = command::next(process, ticket)?;
        let mut openings = facts.into_iter().filter(|recorded| matches!(recorded.fact, Fact::Opened(_)));
        let imported = openings.next().is_some_and(Recorded::is_imported);
        (!imported || timer.at > known_since).then_some(timer)
    }
}
