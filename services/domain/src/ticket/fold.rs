//! From facts to the ticket: the same facts give the same ticket, in whatever order they were recorded.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::field::DERIVED;
use super::{Assignment, Fact, FieldSet, Nonconforming, Opened, Pending, Recorded, Resolution, Rule, Since, Ticket};
use crate::priority;
use crate::process::Category;

/// The ticket that the facts describe. `None` if nothing opened it.
///
/// It begins with its opening and takes everything else in the order of [`Recorded::key`]; observations do not
/// count. An import may find out later that a ticket was opened earlier, or with other values: of several
/// openings the earliest counts, of those at the same instant the one that was recorded last.
pub fn fold<'a>(facts: impl IntoIterator<Item = &'a Recorded>) -> Option<Ticket> {
    let facts = in_order(facts);
    let (_, mut ticket) = Ticket::beginning(&facts)?;
    for recorded in facts {
        ticket.apply(&recorded.fact, recorded.occurred_at);
    }
    Some(ticket)
}

/// The deviations from the process that stand, in the order in which they happened.
pub fn nonconformities<'a>(facts: impl IntoIterator<Item = &'a Recorded>) -> Vec<(&'a Recorded, &'a Nonconforming)> {
    let mut facts: Vec<&Recorded> = facts.into_iter().collect();
    facts.sort_by_key(|recorded| recorded.position);
    let mut standing: BTreeMap<(Timestamp, i64, Rule), (&Recorded, &Nonconforming)> = BTreeMap::new();
    for recorded in facts {
        let at = |rule| (recorded.occurred_at, recorded.source_sequence, rule);
        match &recorded.fact {
            Fact::Nonconforming(found) => {
                standing.insert(at(found.rule), (recorded, found));
            }
            Fact::Conforming { rule } => {
                standing.remove(&at(*rule));
            }
            _ => {}
        }
    }
    standing.into_values().collect()
}

/// Facts in the order in which they happened. Cheap when they are in order already.
pub(super) fn in_order<'a>(facts: impl IntoIterator<Item = &'a Recorded>) -> Vec<&'a Recorded> {
    let mut facts: Vec<&Recorded> = facts.into_iter().collect();
    facts.sort_by_key(|recorded| recorded.key());
    facts
}

impl Ticket {
    /// The opening that counts, and the ticket right after it.
    pub(super) fn beginning<'a>(facts: &[&'a Recorded]) -> Option<(&'a Recorded, Self)> {
        let mut found: Option<(&Recorded, &Opened)> = None;
        for recorded in facts {
            let Fact::Opened(opened) = &recorded.fact else { continue };
            let rank = |recorded: &Recorded| (recorded.occurred_at, -recorded.position);
            if found.is_none_or(|(known, _)| rank(recorded) < rank(known)) {
                found = Some((recorded, opened));
            }
        }
        let (recorded, opened) = found?;
        Some((recorded, Self::opened(opened, recorded.occurred_at)))
    }

    /// Takes one more fact, which happened no earlier than those taken before. An opening changes nothing any more.
    pub fn apply(&mut self, fact: &Fact, at: Timestamp) {
        match fact {
            Fact::Transitioned(moved) => {
                self.enter(&moved.state, moved.category, at);
                moved.fields.apply(self);
            }
            Fact::Assigned(assigned) => {
                let assignment = &mut self.assignment;
                if assigned.group.alters(&assignment.group)
                    || assigned.person.alters(&assignment.person)
                    || assigned.contract.alters(&assignment.contract)
                {
                    self.since.assignment = at;
                }
                assigned.group.apply(&mut assignment.group);
                assigned.person.apply(&mut assignment.person);
                assigned.contract.apply(&mut assignment.contract);
                self.reassignment_count = assigned.reassignment_count;
            }
            Fact::Reopened { reopen_count } => self.reopen_count = *reopen_count,
            Fact::Prioritised(prioritised) => {
                if prioritised.impact.alters(&self.impact)
                    || prioritised.urgency.alters(&self.urgency)
                    || prioritised.priority_override.alters(&self.priority_override)
                {
                    self.since.priority = at;
                }
                prioritised.impact.apply(&mut self.impact);
                prioritised.urgency.apply(&mut self.urgency);
                prioritised.priority_override.apply(&mut self.priority_override);
                self.matrix_priority = prioritised.matrix_priority;
                self.priority = prioritised.priority;
            }
            Fact::Updated(changes) => {
                if changes.alters(self, FieldSet::ALL.without(DERIVED)) {
                    self.since.fields = at;
                }
                changes.apply(self);
            }
            Fact::Linked(link) => {
                self.links.insert(link.clone());
            }
            Fact::Unlinked(link) => {
                self.links.remove(link);
            }
            Fact::Resolved(resolution) => {
                self.resolved_at = Some(at);
                self.resolution = resolution.clone();
            }
            Fact::SourceMeasured { source_sla_met } => self.source_sla_met = *source_sla_met,
            Fact::ApprovalRequested(asked) => self.ask(asked, at),
            Fact::ApprovalDecided(decided) => self.decided(decided, at),
            Fact::ApprovalDelegated(delegated) => self.delegated(delegated, at),
            Fact::ApprovalLapsed(lapsed) => self.lapsed(lapsed, at),
            Fact::MajorDeclared(declared) => self.declare_major(declared, at),
            Fact::MajorUpdated(updated) => self.update_major(updated, at),
            Fact::MajorStoodDown { review_due_at } => self.stand_down_major(*review_due_at, at),
            Fact::Opened(_)
            | Fact::Noted(_)
            | Fact::Governed(_)
            | Fact::Nonconforming(_)
            | Fact::Conforming { .. }
            | Fact::Imported(_)
            | Fact::ThresholdReached(_)
            | Fact::ThresholdWithdrawn(_)
            | Fact::ClockExcluded(_)
            | Fact::ClockExclusionRevoked(_)
            | Fact::DutyRecorded(_)
            | Fact::Erased(_) => {}
        }
    }

    /// Enters a state, and ends what belonged to the one before. Being there already changes nothing.
    ///
    /// A ticket that is open again is neither resolved nor closed. A resolution of the very instant at which
    /// it was opened again stands, though: sources that count in minutes put resolving, reopening and
    /// resolving again into one, and only the fact says which time was final.
    pub(super) fn enter(&mut self, state: &str, category: Category, at: Timestamp) {
        if state == self.state && category == self.category {
            return;
        }
        let left = std::mem::replace(&mut self.category, category);
        state.clone_into(&mut self.state);
        self.since.state = at;
        if category != Category::Pending {
            self.pending = Pending::default();
        }
        if category != Category::Cancelled {
            self.cancel_reason = None;
        }
        if category.is_open() && self.resolved_at.is_none_or(|resolved_at| resolved_at < at) {
            self.resolved_at = None;
            self.resolution = Resolution::default();
        }
        if category.is_final() {
            self.withdraw_approvals(at);
        }
        if !category.is_final() {
            self.closed_at = None;
        } else if !left.is_final() {
            self.closed_at = Some(at);
        }
    }

    pub(super) fn opened(opened: &Opened, at: Timestamp) -> Self {
        let mut ticket = Self {
            name: opened.name.clone(),
            practice: opened.practice.clone(),
            process: opened.process.clone(),
            process_revision: opened.process_revision,
            state: opened.state.clone(),
            category: opened.category,
            title: String::new(),
            description: String::new(),
            category_path: Vec::new(),
            channel: None,
            location: None,
            tags: Vec::new(),
            custom_fields: BTreeMap::new(),
            confidential: false,
            customer: None,
            requester: None,
            reported_by: None,
            affected_user: None,
            watchers: Vec::new(),
            service: None,
            offering: None,
            configuration_items: Vec::new(),
            impact: None,
            urgency: None,
            matrix_priority: opened.matrix_priority,
            priority_override: None,
            priority: None,
            assignment: Assignment::default(),
            pending: Pending::default(),
            resolution: Resolution::default(),
            cancel_reason: None,
            source_system: None,
            source_id: None,
            external_references: Vec::new(),
            opened_at: at,
            resolved_at: None,
            closed_at: opened.category.is_final().then_some(at),
            requested_at: None,
            reopen_count: 0,
            reassignment_count: 0,
            source_sla_met: None,
            links: std::collections::BTreeSet::new(),
            details: None,
            approvals: Vec::new(),
            since: Since { state: at, assignment: at, priority: at, fields: at, approvals: None },
        };
        opened.fields.apply(&mut ticket);
        ticket.priority = priority::effective(ticket.matrix_priority, ticket.priority_override.as_ref());
        ticket
    }
}
