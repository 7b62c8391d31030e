//! Going through facts and rows in the order in which they happened.

use jiff::Timestamp;

use super::super::{Fact, FieldSet, NewFact, Noted, Recorded, Rule, Ticket};
use super::conformance::Deviation;
use super::plan::{FROM_THE_OPENING, Plan};
use super::{Event, Import, Shown};
use crate::process::Category;

/// The state of the walk.
pub(super) struct Walk<'a> {
    pub(super) import: &'a Import<'a>,
    pub(super) ticket: Option<Ticket>,
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
}

impl Before {
    fn of(ticket: &Ticket) -> Self {
        Self {
            state: ticket.state.clone(),
            category: ticket.category,
            group: ticket.assignment.group.clone(),
            reopen_count: ticket.reopen_count,
            reassignment_count: ticket.reassignment_count,
        }
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(import: &'a Import<'a>, rows: usize) -> Self {
        Self {
            import,
            ticket: None,
            new_facts: Vec::new(),
            deviations: Vec::new(),
            imported: false,
            state_shown: false,
            productive: vec![false; rows],
        }
    }

    pub(super) fn productive_rows(&self) -> usize {
        self.productive.iter().filter(|productive| **productive).count()
    }

    pub(super) fn finish(self) -> (Option<Ticket>, Vec<NewFact>, Vec<Deviation>) {
        (self.ticket, self.new_facts, self.deviations)
    }

    /// Goes through everything; existing facts and rows come in their order.
    pub(super) fn along(&mut self, existing: &[&Recorded], plan: Plan, shown: &[Shown<'_>]) {
        let mut existing = existing.iter().peekable();
        let mut planned = plan.facts.into_iter().peekable();
        let mut rows = shown.iter().peekable();
        let earliest = shown.iter().find(|row| row.note.is_none());
        loop {
            let heads = [
                existing.peek().map(|recorded| (recorded.occurred_at, recorded.source_sequence)),
                planned.peek().map(|(fact, _)| (fact.occurred_at, fact.source_sequence)),
                rows.peek().map(|row| row.key()),
            ];
            let Some(key) = heads.into_iter().flatten().min() else { return };
            let was_open = self.ticket.is_some();
            let mut before = self.ticket.as_ref().map(Before::of);
            while let Some(recorded) = existing
                .next_if(|recorded| (recorded.occurred_at, recorded.source_sequence) == key)
            {
                self.step(&recorded.fact, recorded.source_recorded_at.is_some(), key.0, &mut before);
            }
            while let Some((fact, row)) =
                planned.next_if(|(fact, _)| (fact.occurred_at, fact.source_sequence) == key)
            {
                self.step(&fact.fact, true, key.0, &mut before);
                self.mark(row);
                self.new_facts.push(fact);
            }
            if !was_open && self.ticket.is_some() && self.imported
                && let Some(row) = earliest
            {
                self.hold_from_the_opening(row, key);
            }
            while let Some(row) = rows.next_if(|row| row.key() == key) {
                if let Some(before) = &before {
                    let count = self.new_facts.len();
                    self.take(row, before);
                    if self.new_facts.len() > count {
                        self.mark(row.index);
                    }
                }
                before = self.ticket.as_ref().map(Before::of);
            }
        }
    }

    fn mark(&mut self, row: Option<usize>) {
        if let Some(index) = row {
            self.productive[index] = true;
        }
    }

    fn step(&mut self, fact: &Fact, imported: bool, at: Timestamp, before: &mut Option<Before>) {
        let was_open = self.ticket.is_some();
        Ticket::step(&mut self.ticket, fact, at);
        if !was_open && let Some(ticket) = &self.ticket {
            self.imported = imported;
            *before = Some(Before::of(ticket));
        }
    }

    /// Lets what the earliest row shows hold from the opening on, also if the row came after others.
    fn hold_from_the_opening(&mut self, row: &Shown<'_>, key: (Timestamp, i64)) {
        let count = self.new_facts.len();
        self.set_fields(row, key, FROM_THE_OPENING);
        if self.new_facts.len() > count {
            self.mark(row.index);
        }
        if let Some(&opened_at) = row.snapshot.fields.opened_at.value().filter(|at| **at > key.0) {
            let detail = format!("opened at {opened_at}, but something happened at {}", key.0);
            self.deviate(Rule::ActivityBeforeOpening, detail, row, key);
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
        self.set_fields(row, row.key(), FieldSet::ALL);
        self.set_links(row);
        self.set_finals(row);
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
