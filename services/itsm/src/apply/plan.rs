//! Plans: what has to be done so that what is there is what the files say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use prost_reflect::{DynamicMessage, MethodDescriptor, Value};
use serde_norway::Mapping;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::difference::{self, Change};
use super::document::{Effective, Entry, Fault, names_in};
use super::kinds::{self, Kind};
use super::record::Record;
use super::remote::{self, Remote, Revision};
use crate::client::sentence;
use crate::import::Problem;

/// Calls that are under way at once.
const AT_ONCE: usize = 16;

/// One thing to do to a resource.
#[derive(Debug)]
pub enum Step {
    /// Create it.
    Create,
    /// Make it say what the file says.
    Update(Vec<Change>),
    /// Publish what it says.
    Publish {
        /// Number of the revision.
        revision: i32,
        /// From when it is in force. None: from its publication.
        effective: Option<Timestamp>,
    },
    /// Move it along its life.
    Move {
        /// The method.
        method: MethodDescriptor,
        /// State that it leads to.
        state: String,
    },
    /// Delete it.
    Delete,
}

/// What is to be done to one resource, in order.
#[derive(Debug)]
pub struct Item {
    /// Its kind.
    pub kind: Arc<Kind>,
    /// Its name.
    pub name: String,
    /// What the file says. None: it is to go.
    pub entry: Option<Entry>,
    /// Version it was read at. Empty: it is not there yet.
    pub etag: String,
    /// What to do.
    pub steps: Vec<Step>,
    needs: Vec<String>,
}

/// Everything that is to be done, what others need first.
#[derive(Debug, Default)]
pub struct Plan {
    /// The resources to which something is to be done.
    pub items: Vec<Item>,
    /// How many resources the files state.
    pub stated: usize,
}

/// How files are taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// What is there is made what the files say.
    #[default]
    Match,
    /// What is there stays as it is; only what is missing is added.
    Add,
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Refusal {
    /// The files are wrong, here or here.
    Faults(Vec<Fault>),
    /// Something else, in a sentence.
    Problem(Problem),
}

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl Step {
    /// The step as a word: `update`.
    pub fn verb(&self) -> String {
        match self {
            Self::Create => "create".to_owned(),
            Self::Update(_) => "update".to_owned(),
            Self::Publish { .. } => "publish".to_owned(),
            Self::Move { state, .. } => format!("make {state}"),
            Self::Delete => "delete".to_owned(),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            write!(f, "{:<11} {}", step.verb(), self.name)?;
            if let Step::Publish { revision, effective } = step {
                let from = effective.map_or_else(|| "now".to_owned(), |at| at.to_string());
                write!(f, " as revision {revision}, in force from {from}")?;
            }
            writeln!(f)?;
            if let Step::Update(changes) = step {
                for change in changes {
                    writeln!(f, "{:<11}   {change}", "")?;
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.items.is_empty() {
            return writeln!(f, "nothing to do: {} resources are as the files say", self.stated);
        }
        for item in &self.items {
            write!(f, "{item}")?;
        }
        let mut counts: Vec<(String, usize)> = Vec::new();
        for step in self.items.iter().flat_map(|item| &item.steps) {
            match counts.iter_mut().find(|(verb, _)| *verb == step.verb()) {
                Some((_, count)) => *count += 1,
                None => counts.push((step.verb(), 1)),
            }
        }
        let counts: Vec<_> = counts.iter().map(|(verb, count)| format!("{count} to {verb}")).collect();
        writeln!(f, "\nplan: {}", counts.join(", "))
    }
}

impl Plan {
    /// How many steps there are.
    pub fn steps(&self) -> usize {
        self.items.iter().map(|item| item.steps.len()).sum()
    }

    /// Whether anything is to be deleted.
    pub fn deletes(&self) -> bool {
        self.items.iter().any(|item| item.entry.is_none())
    }
}

/// What there is of a stated resource.
struct Present {
    resource: Option<DynamicMessage>,
    revisions: Vec<Revision>,
}

/// Compares what the files say with what is there. What `record` knows and the files no longer state is to go.
pub async fn make(
    remote: &Remote,
    entries: Vec<Entry>,
    mode: Mode,
    record: Option<&Record>,
    kinds: &[Arc<Kind>],
    now: Timestamp,
) -> Result<Plan, Refusal> {
    let stated = entries.len();
    let present: Vec<Present> =
        futures::stream::iter(&entries).map(|entry| present(remote, entry)).buffered(AT_ONCE).try_collect().await?;
    let missing: BTreeSet<String> = entries
        .iter()
        .zip(&present)
        .filter(|(_, present)| present.resource.is_none())
        .map(|(entry, _)| entry.name.clone())
        .collect();
    let leaving = match record {
        Some(record) => leaving(remote, record, &entries, kinds).await?,
        None => Vec::new(),
    };

    let compared: Vec<_> = futures::stream::iter(entries.into_iter().zip(present))
        .map(|(entry, present)| compare(remote, entry, present, mode, &missing, now))
        .buffered(AT_ONCE)
        .collect()
        .await;
    let (mut items, mut faults) = (Vec::new(), Vec::new());
    for outcome in compared {
        match outcome {
            Ok(item) if item.steps.is_empty() => {}
            Ok(item) => items.push(item),
            Err(Refusal::Faults(found)) => faults.extend(found),
            Err(problem) => return Err(problem),
        }
    }
    if !faults.is_empty() {
        faults.sort();
        return Err(Refusal::Faults(faults));
    }
    let mut items = in_order(items).map_err(Refusal::Faults)?;
    items.extend(leaving);
    Ok(Plan { items, stated })
}

async fn present(remote: &Remote, entry: &Entry) -> Result<Present, Refusal> {
    let fails = |status: Status| Problem::new(format!("{}: {}", entry.name, sentence(&status)));
    let resource = remote.get(&entry.kind, &entry.name).await.map_err(fails)?;
    let revisions = match (&resource, entry.effective) {
        (Some(_), Some(_)) => remote.revisions(&entry.kind, &entry.name).await.map_err(fails)?,
        _ => Vec::new(),
    };
    Ok(Present { resource, revisions })
}

async fn compare(
    remote: &Remote,
    entry: Entry,
    present: Present,
    mode: Mode,
    missing: &BTreeSet<String>,
    now: Timestamp,
) -> Result<Item, Refusal> {
    let mut steps = Vec::new();
    let mut etag = String::new();
    let kind = Arc::clone(&entry.kind);
    match &present.resource {
        None => {
            try_out(remote, &entry, None, missing).await?;
            steps.push(Step::Create);
            if let Some(effective) = entry.effective {
                steps.push(Step::Publish { revision: 1, effective: effective.at() });
            }
            steps.extend(moves(&entry, kind.states.first().map(|state| state.name.clone()))?);
        }
        Some(resource) if resource.has_field_by_name("delete_time") => {
            if mode == Mode::Match {
                let sentence = "was deleted, and a name is never used again: give it another id";
                return Err(Refusal::Faults(vec![entry.fault("", sentence)]));
            }
        }
        Some(resource) => {
            etag = remote::text(resource, "etag");
            let said = kind.show(resource);
            let wanted = entry.fields();
            let wanted = match mode {
                _ if said == wanted => wanted,
                Mode::Add => said.clone(),
                // The server knows best what the fields mean to it: defaults, order, numbers that are equal.
                Mode::Match => match try_out(remote, &entry, Some(&etag), missing).await? {
                    Some(become_) => kind.show(&become_),
                    None => wanted,
                },
            };
            let changes = difference::between(&said, &wanted);
            if !changes.is_empty() {
                steps.push(Step::Update(changes));
            }
            if mode == Mode::Match || present.revisions.is_empty() {
                steps.extend(publication(&entry, &present.revisions, &wanted, now)?);
            }
            let state = kinds::state_of(resource);
            if mode == Mode::Match || state.as_ref() == kind.states.first().map(|state| &state.name) {
                steps.extend(moves(&entry, state)?);
            }
        }
    }
    Ok(Item { kind, name: entry.name.clone(), needs: entry.references(), entry: Some(entry), etag, steps })
}

impl Effective {
    fn at(self) -> Option<Timestamp> {
        match self {
            Self::Now => None,
            Self::At(at) => Some(at),
        }
    }
}

/// What a creation or an update would give, or that it cannot be said before others of the plan are there.
async fn try_out(
    remote: &Remote,
    entry: &Entry,
    etag: Option<&str>,
    missing: &BTreeSet<String>,
) -> Result<Option<DynamicMessage>, Refusal> {
    let (method, request) = request_of(entry, etag, true);
    let status = match remote.call(&entry.kind, &method, request).await {
        Ok(become_) => return Ok(Some(become_)),
        Err(status) => status,
    };
    let waits = entry.references().iter().any(|name| *name != entry.name && missing.contains(name));
    let violations = status.get_details_bad_request().map(|bad| bad.field_violations).unwrap_or_default();
    let prefix = format!("{}.", entry.kind.field);
    let fields = entry.fields();
    let faults: Vec<Fault> = violations
        .iter()
        .map(|violation| (violation.field.strip_prefix(&prefix).unwrap_or(&violation.field), &violation.description))
        .filter(|(path, _)| !at(&fields, path).is_some_and(|name| missing.contains(name)))
        .map(|(path, description)| entry.fault(path, description))
        .collect();
    if !faults.is_empty() {
        return Err(Refusal::Faults(faults));
    }
    if waits && matches!(status.code(), Code::InvalidArgument | Code::FailedPrecondition | Code::NotFound) {
        return Ok(None);
    }
    if matches!(status.code(), Code::InvalidArgument | Code::FailedPrecondition | Code::AlreadyExists) {
        return Err(Refusal::Faults(vec![entry.fault("", sentence(&status))]));
    }
    Err(Problem::new(format!("{}: {}", entry.name, sentence(&status))).into())
}

/// The request that creates the resource, or updates it where it has a version.
pub fn request_of(entry: &Entry, etag: Option<&str>, validate_only: bool) -> (MethodDescriptor, DynamicMessage) {
    let kind = &entry.kind;
    let mut message = entry.message.clone();
    let Some(etag) = etag else {
        let id = format!("{}_id", kind.field);
        let fields = [
            (id.as_str(), Value::String(entry.id.clone())),
            (kind.field.as_str(), Value::Message(message)),
            ("parent", Value::String(entry.parent.clone())),
        ];
        return (kind.methods.create.clone(), remote::write(&kind.methods.create, validate_only, fields));
    };
    remote::set(&mut message, "name", Value::String(entry.name.clone()));
    remote::set(&mut message, "etag", Value::String(etag.to_owned()));
    let mut request =
        remote::write(&kind.methods.update, validate_only, [(kind.field.as_str(), Value::Message(message))]);
    if let Some(Value::Message(mask)) = request.get_field_by_name_mut("update_mask") {
        remote::set(mask, "paths", Value::List(vec![Value::String("*".to_owned())]));
    }
    (kind.methods.update.clone(), request)
}

/// The text at a path of fields: `objectives[0].calendar`.
fn at<'a>(fields: &'a Mapping, path: &str) -> Option<&'a str> {
    let mut parts = path.split(['.', '[']);
    let mut value = fields.get(parts.next()?)?;
    for part in parts {
        value = match part.strip_suffix(']') {
            Some(index) => value.get(index.parse::<usize>().ok()?)?,
            None => value.get(part)?,
        };
    }
    value.as_str()
}

/// How a resource is published so that what it says is in force from when the file says. A revision is never edited.
fn publication(
    entry: &Entry,
    revisions: &[Revision],
    wanted: &Mapping,
    now: Timestamp,
) -> Result<Option<Step>, Refusal> {
    let Some(effective) = entry.effective else { return Ok(None) };
    let fault = |sentence: String| Err(Refusal::Faults(vec![entry.fault("effective_time", sentence)]));
    let number = revisions.iter().map(|revision| revision.number).max().unwrap_or_default() + 1;
    let Some(last) = revisions.iter().max_by_key(|revision| revision.effective) else {
        return Ok(Some(Step::Publish { revision: number, effective: effective.at() }));
    };
    let is_the_same = entry.kind.show(&last.message) == *wanted;
    let is_taken = effective.at().is_some_and(|at| revisions.iter().any(|revision| revision.effective == at));
    let (last_number, last_from) = (last.number, last.effective);
    let holds = if last_from > now { "takes effect at" } else { "is in force since" };
    match effective.at() {
        None if is_the_same => Ok(None),
        Some(_) if is_the_same && is_taken => Ok(None),
        Some(at) if is_the_same => fault(format!(
            "says {at}, but revision {last_number} {holds} {last_from}, and when a revision takes effect never changes: \
             write {last_from}, or change the fields too and a revision follows"
        )),
        wanted if last_from > now && wanted.is_none_or(|at| at <= last_from) => fault(format!(
            "is before revision {last_number}, which {holds} {last_from} and cannot be edited, only followed: \
             write a later time"
        )),
        // The time of a revision that is there: the file was edited where it says what is promised, not from when.
        Some(_) if is_taken => Ok(Some(Step::Publish { revision: number, effective: None })),
        Some(at) if at < now => fault(format!(
            "says {at}, which has passed, and only a first revision takes effect in the past: write now, or a time to come"
        )),
        wanted => Ok(Some(Step::Publish { revision: number, effective: wanted })),
    }
}

/// The methods that lead from the state a resource is in to the one that the file says.
fn moves(entry: &Entry, state: Option<String>) -> Result<Vec<Step>, Refusal> {
    let (Some(wanted), Some(state)) = (&entry.state, state) else { return Ok(Vec::new()) };
    let states = &entry.kind.states;
    let place = |name: &str| states.iter().position(|state| state.name == name);
    let (Some(from), Some(to)) = (place(&state), place(wanted)) else { return Ok(Vec::new()) };
    let step =
        |state: &super::kinds::State| Some(Step::Move { method: state.method.clone()?, state: state.name.clone() });
    let path: Option<Vec<Step>> = states.get(from + 1..=to).and_then(|states| states.iter().map(step).collect());
    path.ok_or_else(|| {
        let sentence = format!("says {wanted}, but it is {state}, and nothing leads back");
        Refusal::Faults(vec![entry.fault("state", sentence)])
    })
}

/// Items in an order in which what others need comes first.
fn in_order(items: Vec<Item>) -> Result<Vec<Item>, Vec<Fault>> {
    // Only what is made or put in force by this plan has to be waited for.
    let awaited: BTreeMap<String, usize> = items
        .iter()
        .enumerate()
        .filter(|(_, item)| item.steps.iter().any(|step| matches!(step, Step::Create | Step::Publish { .. })))
        .map(|(at, item)| (item.name.clone(), at))
        .collect();
    let needs: Vec<BTreeSet<usize>> = items
        .iter()
        .enumerate()
        .map(|(at, item)| {
            item.needs.iter().filter_map(|name| awaited.get(name).copied()).filter(|needed| *needed != at).collect()
        })
        .collect();
    let mut order: Vec<usize> = Vec::new();
    let mut done = BTreeSet::new();
    while order.len() < items.len() {
        let ready = (0..items.len()).find(|at| !done.contains(at) && needs[*at].is_subset(&done));
        let Some(ready) = ready else { return Err(cycle(&items, &needs, &done)) };
        done.insert(ready);
        order.push(ready);
    }
    let mut items: Vec<Option<Item>> = items.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|at| items.get_mut(at)?.take()).collect())
}

/// The circle in which resources need each other.
fn cycle(items: &[Item], needs: &[BTreeSet<usize>], done: &BTreeSet<usize>) -> Vec<Fault> {
    let Some(start) = (0..items.len()).find(|at| !done.contains(at)) else { return Vec::new() };
    let mut path = vec![start];
    loop {
        let last = path.last().copied().unwrap_or(start);
        let Some(next) = needs[last].iter().find(|next| !done.contains(next)) else { return Vec::new() };
        if let Some(at) = path.iter().position(|seen| seen == next) {
            let circle: Vec<_> = path[at..].iter().chain([next]).map(|at| items[*at].name.as_str()).collect();
            let sentence = format!(
                "cannot be made, since each needs the other first: {}: leave one reference out, apply, and put it back",
                circle.join(" -> ")
            );
            let entry = items[*next].entry.as_ref();
            return entry.map(|entry| entry.fault("", sentence)).into_iter().collect();
        }
        path.push(*next);
    }
}

/// What the record knows, is still there and is no longer stated; what depends on others goes before them.
async fn leaving(
    remote: &Remote,
    record: &Record,
    entries: &[Entry],
    kinds: &[Arc<Kind>],
) -> Result<Vec<Item>, Refusal> {
    let stated: BTreeSet<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let mut items = Vec::new();
    for made in record.made.iter().filter(|made| !stated.contains(made.name.as_str())) {
        let Some(kind) = kinds.iter().find(|kind| kind.name == made.kind) else { continue };
        let found = remote.get(kind, &made.name).await;
        let found = found.map_err(|status| Problem::new(format!("{}: {}", made.name, sentence(&status))))?;
        // Another installation, or something else under that name, is not what was made.
        let Some(resource) = found.filter(|resource| remote::text(resource, "uid") == made.uid) else { continue };
        if resource.has_field_by_name("delete_time") {
            continue;
        }
        let parent = made.name.rsplit_once('/').and_then(|(rest, _)| rest.rsplit_once('/')).map(|(name, _)| name);
        let needs = names_in(&resource).into_iter().filter(|name| *name != made.name);
        items.push(Item {
            kind: Arc::clone(kind),
            name: made.name.clone(),
            needs: needs.chain(parent.map(str::to_owned)).collect(),
            entry: None,
            etag: remote::text(&resource, "etag"),
            steps: vec![Step::Delete],
        });
    }
    let mut order: Vec<Item> = Vec::new();
    while !items.is_empty() {
        let free = (0..items.len()).find(|at| {
            let name = &items[*at].name;
            !items.iter().any(|other| other.name != *name && other.needs.contains(name))
        });
        order.push(items.remove(free.unwrap_or_default()));
    }
    Ok(order)
}
