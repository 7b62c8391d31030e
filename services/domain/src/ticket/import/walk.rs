//! Going through facts and rows in the order in which they happened.

use jiff::Timestamp;

use super::super::{Fact, NewFact, Noted, Recorded, Rule, Ticket};
use super::conformance::Deviation;
use super::plan::{Plan, Planned, earliest};
use super::{Event, Import, Shown};
use crate::process::Category;

/// The state of the walk.
pub(super) struct Walk<'a> {
    pub(super) import: &'a Import<'a>,
    pub(super) ticket: Ticket,
    pub(super) new_facts: Vec<NewFact>,
    pub(super) deviations: Vec<Deviation>,
    /// Whether the ticket was opened by an import.
    imported: bool,
    /// Whether a row has shown a state yet.
    state_shown: bool,
    /// Rows handed in that recorded something, by index.
    productive: Vec<bool>,
}

/// What the ticket was before the facts and the row of one instant.
pub(super) struct Before {
    pub(super) state: String,
    pub(super) category: Category,
    pub(super) group: Option<String>,
    pub(super) reopen_count: u32,
    pub(super) reassignment_count: u32,
    /// All of it, with the resolutions of that instant, if facts of the row may be on record already.
    pub(super) whole: Option<Box<Ticket>>,
}

impl Before {
    fn of(ticket: &Ticket) -> Self {
        Self {
            state: ticket.state.clone(),
            category: ticket.category,
            group: ticket.assignment.group.clone(),
            reopen_count: ticket.reopen_count,
            reassignment_count: ticket.reassignment_count,
            whole: None,
        }
    }

    fn resolve(&mut self, fact: &Fact, at: Timestamp) {
        if let (Fact::Resolved(_), Some(whole)) = (fact, &mut self.whole) {
            whole.apply(fact, at);
        }
    }
}

impl<'a> Walk<'a> {
    /// Begins at the opening. `None`: there is none, and no row can be taken.
    pub(super) fn begin(import: &'a Import<'a>, plan: &mut Plan<'_>, rows: usize) -> Option<Self> {
        let (ticket, planned) = match (plan.opening.take(), plan.known) {
            (Some(planned), _) => (begun(&planned.fact.fact, planned.fact.occurred_at)?, Some(planned)),
            (None, Some(known)) => (begun(&known.fact, known.occurred_at)?, None),
            (None, None) => return None,
        };
        let imported = plan.known.is_none_or(Recorded::is_imported);
        let mut walk = Self {
            import,
            ticket,
            new_facts: Vec::new(),
            deviations: Vec::new(),
            imported,
            state_shown: false,
            productive: vec![false; rows],
        };
        if let Some(planned) = planned {
            walk.mark(planned.row);
            walk.new_facts.push(planned.fact);
        }
        Some(walk)
    }

    pub(super) fn productive_rows(&self) -> usize {
        self.productive.iter().filter(|productive| **productive).count()
    }

    /// Goes through everything; existing facts and rows come in their order.
    pub(super) fn along(&mut self, existing: &[&Recorded], plan: Plan<'_>, shown: &[Shown<'_>]) {
        let mut existing = existing.iter().peekable();
        let mut planned = plan.resolutions.into_iter().peekable();
        let mut rows = shown.iter().peekable();
        self.compare_opening(shown);
        loop {
            let heads = [
                existing.peek().map(|recorded| (recorded.occurred_at, recorded.source_sequence)),
                planned.peek().map(|planned| planned.fact.key()),
                rows.peek().map(|row| row.key()),
            ];
            let Some(key) = heads.into_iter().flatten().min() else { return };
            let mut before = Before::of(&self.ticket);
            if rows.peek().is_some_and(|row| row.key() == key && row.index.is_none()) {
                before.whole = Some(Box::new(self.ticket.clone()));
            }
            while let Some(recorded) =
                existing.next_if(|recorded| (recorded.occurred_at, recorded.source_sequence) == key)
            {
                self.ticket.apply(&recorded.fact, key.0);
                before.resolve(&recorded.fact, key.0);
            }
            while let Some(Planned { fact, row }) = planned.next_if(|planned| planned.fact.key() == key) {
                self.ticket.apply(&fact.fact, key.0);
                before.resolve(&fact.fact, key.0);
                self.mark(row);
                self.new_facts.push(fact);
            }
            while let Some(row) = rows.next_if(|row| row.key() == key) {
                let count = self.new_facts.len();
                self.take(row, &before);
                if self.new_facts.len() > count {
                    self.mark(row.index);
                }
                before = Before::of(&self.ticket);
            }
        }
    }

    fn mark(&mut self, row: Option<usize>) {
        if let Some(index) = row {
            self.productive[index] = true;
        }
    }

    /// Whether the source itself says that the ticket was opened when it was.
    fn compare_opening(&mut self, shown: &[Shown<'_>]) {
        let Some(row) = earliest(shown).filter(|_| self.imported) else {
            return;
        };
        // Right after the opening every part of a ticket is as old as the ticket.
        let began_at = self.ticket.since.state;
        if let Some(&opened_at) = row.snapshot.fields.opened_at.value().filter(|at| **at > began_at) {
            let detail = format!("opened at {opened_at}, but something happened at {began_at}");
            self.deviate(Rule::ActivityBeforeOpening, detail, row, (began_at, 0));
        }
    }

    /// Takes in what a row shows, and whether the process has such a move.
    fn take(&mut self, row: &Shown<'_>, before: &Before) {
        if let Some(Event::Noted { audience, by, text }) = row.note {
            let noted = Fact::Noted(Noted { by: *by, text: text.clone() });
            let fact = NewFact { audience: *audience, ..row.fact(noted, row.key()) };
            self.new_facts.push(fact);
            return;
        }
        self.set_state_and_counts(row, before);
        self.set_fields(row);
        self.set_links(row);
        let Some(state) = &row.snapshot.state else { return };
        let first = !std::mem::replace(&mut self.state_shown, true) && self.imported;
        let process = self.import.process;
        if first {
            if *state != process.initial {
                let detail = format!("starts at {state}, not at {}", process.initial);
                self.deviate(Rule::StartsAtState, detail, row, row.key());
            }
        } else if *state != before.state && process.between(&before.state, state).is_none() {
            let detail = format!("no transition from {} to {state}", before.state);
            self.deviate(Rule::NoTransition, detail, row, row.key());
        }
    }

    fn deviate(&mut self, rule: Rule, detail: String, row: &Shown<'_>, key: (Timestamp, i64)) {
        let recorded_at = row.recorded_at.max(key.0);
        self.deviations.push(Deviation { key, rule, detail, recorded_at, actor: row.actor.to_owned() });
    }
}

fn begun(opening: &Fact, at: Timestamp) -> Option<Ticket> {
    match opening {
        Fact::Opened(opened) => Some(Ticket::opened(opened, at)),
        _ => None,
    }
}
