//! Decides what rows of an import lead to, for many tickets at once. Pure: what is on record is loaded before, what is
//! decided is written afterwards, both by [`crate::usecase::import_tickets`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use domain::name::TicketName;
use domain::process::Process;
use domain::ticket::import::{self, Absorbed, Event, Import, RowKind, Snapshot};
use domain::ticket::{Changes, Digest, Fact, Link, LinkType, NewFact, Patch, Recorded, Ticket};
use jiff::Timestamp;
use servicekit::{Error, clock};

use crate::catalog;
use crate::settle::{fold_all, settle};
use crate::store::ticket::{Known, Source, Stored};
use crate::store::write::Write;
use crate::usecase::{after, begun};

/// One row of an import, understood.
#[derive(Debug, Clone)]
pub struct Row {
    /// Its number within the import.
    pub sequence: i64,
    /// Which ticket it is about.
    pub source: Source,
    /// Process that the ticket is filed under. Empty: the row does not say.
    pub process: Option<String>,
    /// Related tickets of the same source.
    pub links: Vec<SourceLink>,
    /// What it says, without its links.
    pub content: import::Row,
}

/// A relation to a ticket of the same source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceLink {
    /// How the row's ticket is related to the other.
    pub kind: LinkType,
    /// Id of the other in the source.
    pub source_id: String,
    /// Process of the other, for when it has to be created. Empty: not said.
    pub process: String,
}

/// A row that could not be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its number within the import.
    pub sequence: i64,
    /// Why, for programs: `ROW_INVALID`, `STATE_UNKNOWN`.
    pub reason: String,
    /// The field that is wrong. Empty: the row as a whole.
    pub field: String,
    /// Why, for people: what is wrong and the way out.
    pub message: String,
}

/// Rows of one ticket, in the order in which they came.
#[derive(Debug, Clone)]
pub struct Group {
    /// Which ticket.
    pub source: Source,
    /// What is said about it. Never empty.
    pub rows: Vec<Row>,
}

impl Group {
    /// Puts rows together by their tickets; both keep the order in which they came.
    pub fn of(rows: Vec<Row>) -> Vec<Self> {
        let mut groups: Vec<Self> = Vec::new();
        let mut places: HashMap<Source, usize> = HashMap::new();
        for row in rows {
            let place = *places.entry(row.source.clone()).or_insert(groups.len());
            match groups.get_mut(place) {
                Some(group) => group.rows.push(row),
                None => groups.push(Self { source: row.source.clone(), rows: vec![row] }),
            }
        }
        groups
    }

    /// Every ticket that the rows are about or refer to.
    pub fn sources<'a>(groups: impl IntoIterator<Item = &'a Self>) -> BTreeSet<Source> {
        let mut sources = BTreeSet::new();
        for group in groups {
            let links = group.rows.iter().flat_map(|row| &row.links);
            sources.extend(links.map(|link| (group.source.0.clone(), link.source_id.clone())));
            sources.insert(group.source.clone());
        }
        sources
    }

    /// Whether a ticket on record has absorbed all of the rows before.
    pub fn is_absorbed(&self, record: &Record) -> bool {
        record.of_source(&self.source).is_some_and(|known| {
            let absorbed: BTreeSet<Digest> = known.absorbed.iter().copied().collect();
            self.rows.iter().all(|row| absorbed.contains(&row.content.digest))
        })
    }
}

/// What is on record of the tickets that rows are about or refer to.
#[derive(Debug, Default)]
pub struct Record {
    /// The tickets by name.
    pub tickets: HashMap<String, Known>,
    /// Their names by source.
    pub names: HashMap<Source, String>,
    /// Their facts by name; those of tickets that nothing new is said about may be left out.
    pub facts: HashMap<String, Vec<Recorded>>,
    /// A fresh number for every source that has no ticket.
    pub numbers: HashMap<Source, u64>,
}

impl Record {
    /// The ticket of a source.
    pub fn of_source(&self, source: &Source) -> Option<&Known> {
        self.names.get(source).and_then(|name| self.tickets.get(name))
    }

    /// Adds tickets.
    pub fn extend(&mut self, tickets: impl IntoIterator<Item = Known>) {
        for known in tickets {
            let ticket = &known.stored.ticket;
            if let (Some(system), Some(id)) = (&ticket.source_system, &ticket.source_id) {
                self.names.insert((system.clone(), id.clone()), ticket.name.clone());
            }
            self.tickets.insert(ticket.name.clone(), known);
        }
    }
}

/// What rows lead to.
#[derive(Debug, Default)]
pub struct Decided {
    /// To be written together.
    pub writes: Vec<Write>,
    /// Rows that recorded something.
    pub created: usize,
    /// Rows that changed nothing.
    pub unchanged: usize,
    /// Rows that could not be taken.
    pub failures: Vec<Failure>,
}

/// Decides what the groups lead to.
pub fn decide(
    groups: &[Group],
    record: Record,
    catalog: &catalog::Snapshot,
    clock: &dyn clock::Clock,
) -> Result<Decided, Error> {
    let mut decision =
        Decision { record, catalog, plans: HashMap::new(), drafts: BTreeMap::new(), decided: Decided::default() };
    // All first, so that relations between them find each other's names.
    let planned: Vec<_> = groups.iter().map(|group| decision.plan(group)).collect();
    for (group, plan) in groups.iter().zip(planned) {
        decision.absorb(group, plan);
    }
    decision.relate_others();
    decision.finish(clock)
}

/// A ticket being decided on.
struct Draft {
    /// As it is on record. `None`: it is new.
    stored: Option<Stored>,
    number: u64,
    known: Vec<Recorded>,
    new_facts: Vec<NewFact>,
    ticket: Ticket,
}

/// Name and process that a ticket has, or is to have.
#[derive(Clone)]
struct Plan {
    source: Source,
    number: u64,
    name: String,
    process: Arc<Process>,
    revision: u32,
}

/// Reason for rows whose ticket, or a related one, has no process to follow.
const PROCESS_UNKNOWN: &str = "PROCESS_UNKNOWN";

/// Reason and sentence of a refusal.
type Refusal = (&'static str, String);

struct Decision<'a> {
    record: Record,
    catalog: &'a catalog::Snapshot,
    /// By source.
    plans: HashMap<Source, Plan>,
    /// By name.
    drafts: BTreeMap<String, Draft>,
    decided: Decided,
}

impl Decision<'_> {
    fn absorb(&mut self, group: &Group, plan: Result<Plan, Refusal>) {
        if group.is_absorbed(&self.record) {
            self.decided.unchanged += group.rows.len();
            return;
        }
        let Plan { number, name, process, revision, .. } = match plan {
            Ok(plan) => plan,
            Err((reason, message)) => return self.fail(&group.rows, reason, "process", &message),
        };
        let mut rows = Vec::with_capacity(group.rows.len());
        let mut contents = Vec::with_capacity(group.rows.len());
        for row in &group.rows {
            match self.with_links(row) {
                Ok(content) => {
                    rows.push(row);
                    contents.push(content);
                }
                Err((reason, message)) => self.fail(std::slice::from_ref(row), reason, "links", &message),
            }
        }
        let known = self.record.facts.remove(&name).unwrap_or_default();
        let actor = format!("systems/{}", group.source.0);
        let import = Import { name: &name, process: &process, process_revision: revision, actor: &actor };
        let Absorbed { ticket, new_facts, created, unchanged, failures } =
            import::absorb(Some(&known), &contents, &import);
        self.decided.created += created;
        self.decided.unchanged += unchanged;
        for failure in failures {
            if let Some(row) = rows.get(failure.index) {
                let field = crate::error::path("", failure.field);
                self.fail(std::slice::from_ref(*row), failure.reason, &field, &failure.message);
            }
        }
        if let Some(ticket) = ticket {
            let stored = self.record.tickets.get(&name).map(|known| known.stored.clone());
            self.drafts.insert(name, Draft { stored, number, known, new_facts, ticket });
        }
    }

    fn fail(&mut self, rows: &[Row], reason: &str, field: &str, message: &str) {
        self.decided.failures.extend(rows.iter().map(|row| Failure {
            sequence: row.sequence,
            reason: reason.to_owned(),
            field: field.to_owned(),
            message: message.to_owned(),
        }));
    }

    /// What the ticket of a group is called and follows: as it is on record, or as the first row that says so wants.
    fn plan(&mut self, group: &Group) -> Result<Plan, Refusal> {
        let source = &group.source;
        if let Some(known) = self.record.of_source(source) {
            let ticket = &known.stored.ticket;
            let revision = ticket.process_revision;
            let text = || format!("revision {revision} of {} is not in the catalog: publish it again", ticket.process);
            let process = self.catalog.process(&ticket.process, revision).cloned();
            return Ok(Plan {
                source: source.clone(),
                number: known.stored.number.unsigned_abs(),
                name: ticket.name.clone(),
                process: process.ok_or_else(|| (PROCESS_UNKNOWN, text()))?,
                revision,
            });
        }
        let named = group.rows.iter().find_map(|row| Some((row.process.as_deref()?, row.content.occurred_at)));
        let (process, at) = named.ok_or_else(|| {
            (PROCESS_UNKNOWN, "is required on the first row of a ticket: name the process it follows".to_owned())
        })?;
        self.plan_new(source, process, at)
    }

    /// Plans a ticket that is not on record, once.
    fn plan_new(&mut self, source: &Source, process: &str, at: Timestamp) -> Result<Plan, Refusal> {
        if let Some(plan) = self.plans.get(source) {
            return Ok(plan.clone());
        }
        let text = || format!("process {process:?} is not published: publish it first, or name another");
        let published = self.catalog.process_for(process, at).ok_or_else(|| (PROCESS_UNKNOWN, text()))?;
        let number = self.record.numbers.get(source).copied().unwrap_or(0);
        let name = TicketName::new(&published.body.ticket_prefix, number);
        let plan = Plan {
            source: source.clone(),
            number,
            name: name.map_err(|fault| (PROCESS_UNKNOWN, fault.message))?.to_string(),
            process: Arc::clone(&published.body),
            revision: published.revision,
        };
        self.plans.insert(source.clone(), plan.clone());
        Ok(plan)
    }

    /// What the row says, with its links by the names of the related tickets.
    fn with_links(&mut self, row: &Row) -> Result<import::Row, Refusal> {
        let mut content = row.content.clone();
        for link in &row.links {
            let name = self.linked(row, link)?;
            match &mut content.kind {
                RowKind::Snapshot(snapshot) => snapshot.links.entry(link.kind).or_default().insert(name),
                RowKind::Fact(event) => match event.as_mut() {
                    Event::Opened(snapshot) => snapshot.links.entry(link.kind).or_default().insert(name),
                    _ => false,
                },
            };
        }
        Ok(content)
    }

    /// Name of the ticket that a row refers to; one that is not on record is planned.
    fn linked(&mut self, row: &Row, link: &SourceLink) -> Result<String, Refusal> {
        let source = (row.source.0.clone(), link.source_id.clone());
        if let Some(name) = self.record.names.get(&source) {
            return Ok(name.clone());
        }
        self.plan_new(&source, &link.process, row.content.occurred_at).map(|plan| plan.name)
    }

    /// Gives every ticket that a link names its side of it; one that is not known yet begins with it.
    fn relate_others(&mut self) {
        let mut sides: Vec<(String, Link, bool, NewFact)> = Vec::new();
        for (name, draft) in &self.drafts {
            for fact in &draft.new_facts {
                let (link, linked) = match &fact.fact {
                    Fact::Linked(link) => (link, true),
                    Fact::Unlinked(link) => (link, false),
                    _ => continue,
                };
                let inverse = Link { kind: link.kind.inverse(), ticket: name.clone() };
                sides.push((link.ticket.clone(), inverse, linked, fact.clone()));
            }
        }
        for (name, link, linked, cause) in sides {
            self.relate(&name, link, linked, cause);
        }
    }

    fn relate(&mut self, name: &str, link: Link, linked: bool, cause: NewFact) {
        if !self.drafts.contains_key(name) {
            let Some(draft) = self.draft(name, &cause) else { return };
            self.drafts.insert(name.to_owned(), draft);
        }
        let Some(draft) = self.drafts.get_mut(name) else { return };
        if draft.ticket.links.contains(&link) == linked {
            return;
        }
        // Nothing happens to a ticket before it is opened.
        let occurred_at = draft.opened_at().map_or(cause.occurred_at, |opened_at| opened_at.max(cause.occurred_at));
        let fact = if linked { Fact::Linked(link) } else { Fact::Unlinked(link) };
        let source_recorded_at = cause.source_recorded_at.map(|at| at.max(occurred_at));
        draft.new_facts.push(NewFact { fact, occurred_at, source_recorded_at, ..cause });
        if let Some(ticket) = fold_all(&draft.known, &draft.new_facts) {
            draft.ticket = ticket;
        }
    }

    /// A ticket that no row of the batch is about: as it is on record, or beginning with the link.
    fn draft(&mut self, name: &str, cause: &NewFact) -> Option<Draft> {
        if let Some(known) = self.record.tickets.get(name) {
            return Some(Draft {
                number: known.stored.number.unsigned_abs(),
                known: self.record.facts.remove(name).unwrap_or_default(),
                new_facts: Vec::new(),
                ticket: known.stored.ticket.clone(),
                stored: Some(known.stored.clone()),
            });
        }
        let plan = self.plans.values().find(|plan| plan.name == name)?;
        let fields = Changes {
            source_system: Patch::Set(plan.source.0.clone()),
            source_id: Patch::Set(plan.source.1.clone()),
            ..Changes::default()
        };
        let opened = import::Row {
            digest: Digest(0),
            occurred_at: cause.occurred_at,
            source_sequence: cause.source_sequence,
            source_recorded_at: cause.source_recorded_at,
            actor: Some(cause.actor.clone()),
            kind: RowKind::Fact(Box::new(Event::Opened(Snapshot { fields, ..Snapshot::default() }))),
        };
        let import = Import { name, process: &plan.process, process_revision: plan.revision, actor: &cause.actor };
        let Absorbed { ticket, new_facts, .. } = import::absorb(None, &[opened], &import);
        Some(Draft { stored: None, number: plan.number, known: Vec::new(), new_facts, ticket: ticket? })
    }

    /// The writes, with what follows from the new facts.
    fn finish(self, clock: &dyn clock::Clock) -> Result<Decided, Error> {
        let Self { catalog, drafts, mut decided, .. } = self;
        let now = clock.now();
        for draft in drafts.into_values().filter(|draft| !draft.new_facts.is_empty()) {
            let Draft { stored, number, known, new_facts, ticket } = draft;
            let digests = new_facts.iter().filter_map(|fact| match &fact.fact {
                Fact::Imported(imported) => Some(imported.rows.iter().map(|row| row.digest)),
                _ => None,
            });
            let absorbed = digests.flatten().collect();
            let known_since = stored.as_ref().map_or(now, |stored| stored.created_at);
            let settled = settle(catalog, &known, new_facts, &ticket, known_since);
            let expected = stored.as_ref().map_or(0, |stored| stored.version);
            let (after, facts) = if let Some(stored) = stored {
                after(&stored, ticket, settled, now)
            } else {
                let number = i64::try_from(number).map_err(Error::internal)?;
                begun(number, clock.id(), ticket, settled, now)
            };
            let write = Write::new(expected, after, facts, clock.id())?;
            decided.writes.push(Write { absorbed, ..write });
        }
        decided.failures.sort_by_key(|failure| failure.sequence);
        Ok(decided)
    }
}

impl Draft {
    /// When it was opened, by the earliest of its openings.
    fn opened_at(&self) -> Option<Timestamp> {
        let known = self.known.iter().map(|recorded| (&recorded.fact, recorded.occurred_at));
        let new = self.new_facts.iter().map(|new| (&new.fact, new.occurred_at));
        known.chain(new).filter(|(fact, _)| matches!(fact, Fact::Opened(_))).map(|(_, at)| at).min()
    }
}
