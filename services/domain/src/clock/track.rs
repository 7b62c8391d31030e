//! Follows a ticket through its signals and keeps its clocks: when each runs, pauses, stops, is replaced.

use super::clockwork::{Clock, Measure, Mode, Standstill};
use super::promises::{Promise, Promises};
use super::reading::{CancelReason, Cancelled};
use super::signal::{Signal, SignalKind};
use crate::agreement::{Kind, Metric, NewsPolicy, Rebase, Reopen, Target, Visit};
use crate::calendar::{Timeline, instant};
use crate::process::{Category, PendingReason};
use crate::selection::Pinned;

/// The clocks of a ticket after its signals, in the order in which they started.
pub(super) fn track<'a, P: Promises>(signals: &'a [Signal], promises: &'a P) -> Vec<Clock<'a>> {
    // What selection finds first holds from the opening, also when it is recorded a little later.
    let first = signals.iter().find_map(|signal| match &signal.kind {
        SignalKind::Governed { pinned } => Some(pinned.as_slice()),
        _ => None,
    });
    let mut tracker = Tracker {
        promises,
        ticket: Ticket::default(),
        slots: Vec::with_capacity(first.map_or(0, <[Pinned]>::len)),
        clocks: Vec::new(),
    };
    for signal in signals {
        tracker.follow(signal, first.unwrap_or_default());
    }
    tracker.clocks.retain(|clock| !clock.void);
    tracker.clocks
}

/// What clocks have to know of a ticket.
struct Ticket<'a> {
    opened: Option<Moment>,
    state: &'a str,
    category: Category,
    pending: Option<PendingReason>,
    group: Option<&'a str>,
    contract: Option<&'a str>,
    answered: bool,
    /// The customer has written and has had no news since.
    waiting: bool,
    agreed: Option<i64>,
    /// Merged, cancelled or withdrawn.
    ended: bool,
}

/// When something happened, and the position of its fact.
#[derive(Clone, Copy)]
struct Moment {
    at: i64,
    position: Option<u64>,
}

/// What just happened, beyond the state it left.
#[derive(Clone, Copy, Default)]
struct Event {
    answer: bool,
    news: bool,
    reopened: bool,
}

/// An objective that governs, and its clock.
struct Slot<'a> {
    pinned: &'a Pinned,
    promise: Promise<'a>,
    measure: Measure<'a>,
    /// The latest clock.
    clock: Option<usize>,
    /// Whether that clock may still change.
    live: bool,
    /// Whether a clock may start.
    armed: bool,
}

struct Tracker<'a, P> {
    promises: &'a P,
    ticket: Ticket<'a>,
    slots: Vec<Slot<'a>>,
    clocks: Vec<Clock<'a>>,
}

impl Default for Ticket<'_> {
    fn default() -> Self {
        Self {
            opened: None,
            state: "",
            category: Category::New,
            pending: None,
            group: None,
            contract: None,
            answered: false,
            waiting: false,
            agreed: None,
            ended: false,
        }
    }
}

impl<'a, P: Promises> Tracker<'a, P> {
    fn follow(&mut self, signal: &'a Signal, first: &'a [Pinned]) {
        let moment = Moment { at: signal.at.as_microsecond(), position: signal.position };
        let was_open = self.ticket.is_open();
        let mut event = Event::default();
        match &signal.kind {
            SignalKind::Opened => {
                if self.ticket.opened.is_none() {
                    self.ticket.opened = Some(moment);
                    self.ticket.waiting = true;
                    self.govern(first, moment);
                }
            }
            SignalKind::State { state, category, pending } => {
                self.ticket.state = state;
                self.ticket.category = *category;
                self.ticket.pending = *pending;
                if *category == Category::Cancelled {
                    self.end(moment, state);
                } else if category.is_open() {
                    self.ticket.ended = false;
                }
            }
            SignalKind::Assigned { group, contract } => {
                self.ticket.group = group.as_deref();
                self.ticket.contract = contract.as_deref();
            }
            SignalKind::Answered => {
                self.ticket.answered = true;
                event.answer = true;
                event.news = true;
            }
            SignalKind::Informed => event.news = true,
            SignalKind::CustomerWrote => self.ticket.waiting = true,
            SignalKind::DateAgreed { due_at } => {
                let agreed = due_at.map(jiff::Timestamp::as_microsecond);
                if self.ticket.agreed != agreed {
                    self.ticket.agreed = agreed;
                    self.agree(moment);
                }
            }
            SignalKind::Governed { pinned } => self.govern(pinned, moment),
            SignalKind::Ended { reason } => self.end(moment, reason),
            SignalKind::Excluded { .. } | SignalKind::ExclusionRevoked { .. } | SignalKind::Duty(_) => return,
        }
        self.ticket.waiting &= !event.news;
        event.reopened = !was_open && self.ticket.is_open();
        if self.ticket.opened.is_some() && !self.ticket.ended {
            for slot in 0..self.slots.len() {
                self.step(slot, moment, event);
            }
        }
    }

    /// Moves the clock of one objective on, and starts it when its time has come.
    fn step(&mut self, index: usize, moment: Moment, event: Event) {
        let objective = self.slots[index].promise.objective;
        if event.reopened {
            self.reopen(index, moment);
        }
        let ticket = &self.ticket;
        let slot = &mut self.slots[index];
        let visit_over = objective.on_return == Visit::PerVisit && !ticket.is_with(slot.provider());
        slot.armed |= visit_over;
        if let Some(clock) = slot.live.then_some(slot.clock).flatten() {
            let clock = &mut self.clocks[clock];
            let resolved = !ticket.is_open();
            let done = match objective.metric {
                Metric::Response => event.answer || resolved,
                // The news that started a clock does not stop it.
                Metric::Update => resolved || (event.news && moment.at > clock.started_at),
                Metric::Resolution | Metric::Fulfilment | Metric::AgreedDate => false,
            };
            if done || visit_over {
                clock.enter(moment.at, Mode::Stopped, moment.position);
                slot.live = false;
                slot.armed |= objective.metric == Metric::Update;
            } else {
                clock.enter(moment.at, ticket.mode(slot), moment.position);
            }
        }
        if self.may_start(index) {
            self.start(index, moment);
        }
    }

    /// Whether the objective of a slot calls for a clock that there is not yet.
    fn may_start(&self, index: usize) -> bool {
        let (ticket, slot) = (&self.ticket, &self.slots[index]);
        let called_for = || match slot.promise.objective.metric {
            Metric::Response | Metric::Resolution | Metric::Fulfilment => true,
            Metric::AgreedDate => ticket.agreed.is_some(),
            // Until the first answer the response clock is the one that counts.
            Metric::Update => {
                let owed = ticket.waiting || slot.promise.objective.news == NewsPolicy::Regular;
                owed && !self.awaits_response(slot)
            }
        };
        slot.armed && !slot.live && ticket.is_open() && ticket.is_with(slot.provider()) && called_for()
    }

    /// Whether the same parties have a response clock going.
    fn awaits_response(&self, slot: &Slot<'a>) -> bool {
        self.slots.iter().any(|other| {
            let same_parties = other.pinned.kind == slot.pinned.kind && other.provider() == slot.provider();
            same_parties && other.pinned.metric == Metric::Response && other.live
        })
    }

    /// Starts a clock, with the time since the opening as not started.
    fn start(&mut self, index: usize, moment: Moment) {
        let opened = self.ticket.opened.unwrap_or(moment);
        let slot = &self.slots[index];
        let mut clock = Clock {
            pinned: slot.pinned,
            objective: slot.promise.objective,
            measure: slot.measure,
            target: 0,
            started_at: moment.at,
            governed_at: moment.at,
            phases: Vec::with_capacity(4),
            cancelled: None,
            void: false,
        };
        clock.push(opened.at, Mode::NotStarted, opened.position);
        clock.enter(moment.at, self.ticket.mode(slot), moment.position);
        self.aim(&mut clock);
        self.install(index, clock);
    }

    fn install(&mut self, index: usize, clock: Clock<'a>) {
        let slot = &mut self.slots[index];
        slot.clock = Some(self.clocks.len());
        slot.live = true;
        slot.armed = false;
        self.clocks.push(clock);
    }

    /// Sets the target of a clock, and for a date the wall clock that leads there.
    fn aim(&self, clock: &mut Clock<'a>) {
        let start = instant(clock.started_at);
        let deadline = match clock.objective.target {
            _ if clock.objective.metric == Metric::AgreedDate => self.ticket.agreed.map(instant),
            Some(Target::Months(months)) => months_later(clock.measure.timeline, start, months),
            Some(Target::Open(target)) => {
                clock.target = i64::try_from(target.as_micros()).unwrap_or(i64::MAX);
                None
            }
            None => None,
        };
        if let Some(deadline) = deadline {
            clock.target = (deadline.as_microsecond() - clock.started_at).max(0);
            clock.measure_all_by(Measure { calendar: clock.measure.calendar, timeline: Timeline::always() });
        }
    }

    /// Does what the policy says about a clock that stopped at resolution.
    fn reopen(&mut self, index: usize, moment: Moment) {
        let slot = &mut self.slots[index];
        let objective = slot.promise.objective;
        let mut policy = objective.on_reopen;
        let clock = slot.clock.map(|clock| &mut self.clocks[clock]);
        if let (Metric::AgreedDate, Some(clock)) = (objective.metric, &clock) {
            // A date neither waits nor moves, unless another one was agreed in the meantime.
            let same = self.ticket.agreed == Some(clock.started_at + clock.target);
            policy = if same { Reopen::ContinueCounting } else { Reopen::NewCycle };
        }
        if policy == Reopen::NewCycle {
            slot.live = false;
            slot.armed = true;
        } else if let Some(clock) = clock.filter(|_| slot.live) {
            if policy == Reopen::ContinueCounting {
                clock.count_standstill();
            }
            if clock.pinned != slot.pinned {
                self.replace(index, moment);
            }
        }
    }

    /// From now on these objectives govern, and no others.
    fn govern(&mut self, pinned: &'a [Pinned], moment: Moment) {
        if self.slots.iter().map(|slot| slot.pinned).eq(pinned) {
            return;
        }
        let mut old: Vec<Slot<'a>> = std::mem::take(&mut self.slots);
        let mut fresh = Vec::new();
        for pinned in pinned {
            if let Some(same) = old.iter().position(|slot| slot.pinned == pinned) {
                self.slots.push(old.swap_remove(same));
            } else if let Some(slot) = self.slot(pinned) {
                fresh.push(slot);
            }
        }
        for mut slot in fresh {
            let before = old.iter().position(|other| other.contest() == slot.contest());
            let before = before.map(|index| old.swap_remove(index));
            let going_on = before.as_ref().is_some_and(|before| self.is_going_on(before));
            if let Some(before) = before {
                (slot.clock, slot.live, slot.armed) = (before.clock, before.live, before.armed);
            }
            self.slots.push(slot);
            if going_on {
                self.replace(self.slots.len() - 1, moment);
            }
        }
        for slot in old {
            if let Some(clock) = slot.clock.filter(|_| self.is_going_on(&slot)) {
                self.cancel(clock, moment, CancelReason::Uncovered, "no objective covers the ticket".to_owned());
            }
        }
        // Whether a response is awaited is settled before news is.
        self.slots.sort_by_key(|slot| slot.pinned.metric);
    }

    /// A slot for an objective. Empty: the catalog does not know it, or it has no target.
    fn slot(&self, pinned: &'a Pinned) -> Option<Slot<'a>> {
        let promise = self.promises.promise(pinned)?;
        let objective = promise.objective;
        if objective.target.is_none() && objective.metric != Metric::AgreedDate {
            return None;
        }
        let calendar = objective.calendar.as_deref();
        let timeline = match calendar {
            Some(name) => self.promises.calendar(name).unwrap_or(Timeline::never()),
            None => Timeline::always(),
        };
        Some(Slot {
            pinned,
            promise,
            measure: Measure { calendar, timeline },
            clock: None,
            live: false,
            armed: !(self.ticket.answered && objective.metric == Metric::Response),
        })
    }

    /// Whether the slot has a clock that has not stopped.
    fn is_going_on(&self, slot: &Slot<'a>) -> bool {
        let clock = slot.clock.filter(|_| slot.live);
        clock.is_some_and(|clock| self.clocks[clock].stopped_at().is_none())
    }

    /// Cancels the clock of a slot and starts one of the objective that now governs it.
    fn replace(&mut self, index: usize, moment: Moment) {
        let slot = &self.slots[index];
        let Some(before) = slot.clock else { return };
        let old = &self.clocks[before];
        let objective = slot.promise.objective;
        let policy = match (strictness(objective.target), strictness(old.objective.target)) {
            (new, old) if new < old => objective.on_upgrade,
            (new, old) if new > old => objective.on_downgrade,
            _ => Rebase::KeepElapsed,
        };
        let detail = format!("{}@{}/{}", slot.pinned.agreement, slot.pinned.revision, slot.pinned.objective);
        if policy == Rebase::RestartAtChange {
            self.start(index, moment);
        } else {
            let mut clock = Clock {
                pinned: slot.pinned,
                objective,
                measure: slot.measure,
                governed_at: moment.at,
                cancelled: None,
                ..old.clone()
            };
            clock.push(moment.at, self.ticket.mode(slot), moment.position);
            self.aim(&mut clock);
            self.install(index, clock);
        }
        self.cancel(before, moment, CancelReason::Replaced, detail);
    }

    /// Another date was agreed: the clock that led to the old one is over.
    fn agree(&mut self, moment: Moment) {
        for index in 0..self.slots.len() {
            let slot = &self.slots[index];
            if slot.pinned.metric == Metric::AgreedDate
                && let Some(clock) = slot.clock.filter(|_| self.is_going_on(slot))
            {
                let detail = self.ticket.agreed.map_or("withdrawn".to_owned(), |at| instant(at).to_string());
                self.cancel(clock, moment, CancelReason::DateChanged, detail);
                self.slots[index].live = false;
                self.slots[index].armed = true;
            }
        }
    }

    /// The ticket ended without delivery: what had not stopped before has no verdict.
    fn end(&mut self, moment: Moment, reason: &str) {
        self.ticket.ended = true;
        for index in 0..self.slots.len() {
            let Some(clock) = self.slots[index].clock else { continue };
            let over = self.clocks[clock].stopped_at().is_some_and(|at| at < moment.at);
            if !over {
                self.cancel(clock, moment, CancelReason::TicketEnded, reason.to_owned());
                self.slots[index].live = false;
                self.slots[index].armed = true;
            }
        }
    }

    fn cancel(&mut self, clock: usize, moment: Moment, reason: CancelReason, detail: String) {
        let clock = &mut self.clocks[clock];
        clock.enter(moment.at, Mode::Stopped, moment.position);
        clock.cancelled = Some(Cancelled { reason, detail });
        // One that governed for no time at all is not worth a word.
        clock.void = clock.governed_at == moment.at && reason != CancelReason::TicketEnded;
    }
}

impl<'a> Slot<'a> {
    fn provider(&self) -> Option<&'a str> {
        self.promise.agreement.provider.as_deref()
    }

    fn contest(&self) -> (Kind, Metric, Option<&'a str>) {
        (self.pinned.kind, self.pinned.metric, self.provider())
    }
}

impl<'a> Ticket<'a> {
    /// Whether the provider still owes work.
    fn is_open(&self) -> bool {
        self.category.is_open() && !self.ended
    }

    /// Whether the ticket is with the group or contract; always, if the promise names none.
    fn is_with(&self, provider: Option<&str>) -> bool {
        provider.is_none_or(|name| self.group == Some(name) || self.contract == Some(name))
    }

    /// What the clock of a promise that has started does now.
    fn mode(&self, slot: &Slot<'a>) -> Mode<'a> {
        let objective = slot.promise.objective;
        if !self.is_open() {
            Mode::Stopped
        } else if !self.is_with(slot.provider()) {
            Mode::Paused(Standstill::Away)
        } else if objective.metric != Metric::AgreedDate
            && objective.pauses(slot.pinned.kind, self.state, self.category, self.pending)
        {
            Mode::Paused(Standstill::State(self.state, self.pending))
        } else {
            Mode::Running
        }
    }
}

fn strictness(target: Option<Target>) -> Option<jiff::SignedDuration> {
    target.map(Target::strictness)
}

fn months_later(timeline: &Timeline, start: jiff::Timestamp, months: u32) -> Option<jiff::Timestamp> {
    let calendar = timeline.calendar(start);
    let zone = calendar.map_or(jiff::tz::TimeZone::UTC, |calendar| calendar.time_zone().clone());
    let months = jiff::Span::new().try_months(months).ok()?;
    Some(start.to_zoned(zone).checked_add(months).ok()?.timestamp())
}
