//! Files that state resources: a list of entries, each with a kind, an id and its fields. Everything that is wrong is
//! found at once, with file, line, resource and field.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use prost_reflect::DynamicMessage;
use serde_norway::Mapping;

use super::field::{self, Reader};
use super::kinds::Kind;
use super::yaml::{self, Content, Node};
use crate::import::Problem;

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// Path, as it is shown.
    pub path: String,
    /// Content.
    pub text: String,
}

/// A resource as a file states it.
#[derive(Debug)]
pub struct Entry {
    /// Its kind.
    pub kind: Arc<Kind>,
    /// Its name: `services/email`.
    pub name: String,
    /// Last part of the name.
    pub id: String,
    /// Name of the parent. Empty: it has none.
    pub parent: String,
    /// What it says: the fields that a client may set, and no others.
    pub message: DynamicMessage,
    /// State of its life that it is to be in. None: left alone.
    pub state: Option<String>,
    /// From when what it says is in force. None: nothing is published.
    pub effective: Option<Effective>,
    place: Place,
}

/// From when a revision is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effective {
    /// From its publication.
    Now,
    /// From an instant.
    At(Timestamp),
}

/// Where an entry and its fields stand.
#[derive(Debug)]
struct Place {
    file: String,
    line: usize,
    fields: BTreeMap<String, usize>,
}

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Kind and id, as far as they are known.
    pub subject: String,
    /// Path of the field. Empty: the resource as a whole.
    pub field: String,
    /// What is wrong and the way out.
    pub sentence: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file, self.line)?;
        for part in [&self.subject, &self.field].into_iter().filter(|part| !part.is_empty()) {
            write!(f, "{part}: ")?;
        }
        f.write_str(&self.sentence)
    }
}

impl Entry {
    /// Its fields as files write them.
    pub fn fields(&self) -> Mapping {
        self.kind.show(&self.message)
    }

    /// Something wrong with a field of it, or with the whole where the path is empty.
    pub fn fault(&self, path: &str, sentence: impl Into<String>) -> Fault {
        Fault {
            file: self.place.file.clone(),
            line: self.place.line_of(path),
            subject: format!("{} {}", self.kind.name, self.id),
            field: path.to_owned(),
            sentence: sentence.into(),
        }
    }

    /// Names in its fields, and its parent.
    pub fn references(&self) -> Vec<String> {
        let mut found = names_in(&self.message);
        if !self.parent.is_empty() {
            found.push(self.parent.clone());
        }
        found
    }
}

impl Kind {
    /// The fields of a message that a client may set, as files write them.
    pub fn show(&self, message: &DynamicMessage) -> Mapping {
        field::show(message, self.settable.iter().cloned())
    }
}

impl Place {
    /// The line of a path, or of the innermost part of it that is known.
    fn line_of(&self, path: &str) -> usize {
        let mut part = path;
        loop {
            if let Some(line) = self.fields.get(part) {
                return *line;
            }
            match part.rfind(['.', '[']) {
                Some(at) => part = &part[..at],
                None => return self.line,
            }
        }
    }
}

/// Every text in a message that looks like the name of a resource.
pub fn names_in(message: &DynamicMessage) -> Vec<String> {
    fn gather(value: &prost_reflect::Value, found: &mut Vec<String>) {
        match value {
            prost_reflect::Value::String(text) if text.contains('/') && !text.contains(' ') => found.push(text.clone()),
            prost_reflect::Value::List(items) => items.iter().for_each(|item| gather(item, found)),
            prost_reflect::Value::Message(message) => message.fields().for_each(|(_, value)| gather(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    message.fields().for_each(|(_, value)| gather(value, &mut found));
    found
}

/// Reads files, and the `.yaml` and `.yml` files of folders and of the folders in them, by path.
pub fn open(paths: &[PathBuf]) -> Result<Vec<Source>, Problem> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            let before = files.len();
            walk(path, &mut files)?;
            if files.len() == before {
                return Err(Problem::new(format!("{} holds no .yaml file", path.display())));
            }
        } else {
            files.push(path.clone());
        }
    }
    files.iter().map(|path| Ok(Source { path: path.display().to_string(), text: read(path)? })).collect()
}

fn read(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| Problem::new(format!("cannot read {}: {error}", path.display())))
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    let fails = |error: std::io::Error| Problem::new(format!("cannot read {}: {error}", folder.display()));
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(fails)? {
        paths.push(entry.map_err(fails)?.path());
    }
    paths.sort();
    for path in paths {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() && !hidden {
            walk(&path, files)?;
        } else if !hidden && path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            files.push(path);
        }
    }
    Ok(())
}

/// The entries of files, in their order, or all that is wrong with them.
pub fn parse(sources: &[Source], kinds: &[Arc<Kind>]) -> Result<Vec<Entry>, Vec<Fault>> {
    let (mut entries, mut faults) = (Vec::new(), Vec::new());
    for source in sources {
        let documents = match yaml::parse(&source.text) {
            Ok(documents) => documents,
            Err((line, sentence)) => {
                faults.push(Fault {
                    file: source.path.clone(),
                    line,
                    subject: String::new(),
                    field: String::new(),
                    sentence,
                });
                continue;
            }
        };
        for document in documents {
            let nodes = match document.content {
                Content::List(items) => items,
                _ if document.is_null() => Vec::new(),
                _ => vec![document],
            };
            for node in nodes {
                entries.extend(entry(&source.path, &node, kinds, &mut faults));
            }
        }
    }
    let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
    for entry in &entries {
        if let Some(first) = seen.insert(&entry.name, entry) {
            let other = format!("{}:{}", first.place.file, first.place.line);
            faults.push(entry.fault("", format!("stands here a second time: {other} states it already")));
        }
    }
    faults.sort();
    if faults.is_empty() { Ok(entries) } else { Err(faults) }
}

/// What an entry may have.
const KEYS: &str = "kind, id, parent, fields, state, effective_time";

fn entry(file: &str, node: &Node, kinds: &[Arc<Kind>], faults: &mut Vec<Fault>) -> Option<Entry> {
    let before = faults.len();
    let mut subject = String::new();
    let mut fault = |line: usize, subject: &str, field: &str, sentence: String| {
        faults.push(Fault {
            file: file.to_owned(),
            line,
            subject: subject.to_owned(),
            field: field.to_owned(),
            sentence,
        });
    };
    let Content::Map(entries) = &node.content else {
        fault(node.line, "", "", format!("is {}: write an entry with {KEYS}", node.what()));
        return None;
    };
    let mut texts: BTreeMap<&str, (usize, &str)> = BTreeMap::new();
    let mut fields = None;
    for (key, line, value) in entries {
        match (key.as_str(), &value.content) {
            ("fields", _) => fields = Some(value),
            ("kind" | "id" | "parent" | "state" | "effective_time", Content::Scalar { text, .. }) => {
                texts.insert(key, (*line, text));
            }
            ("kind" | "id" | "parent" | "state" | "effective_time", _) => {
                fault(*line, "", key, format!("is {}: write a single value", value.what()));
            }
            _ => fault(*line, "", key, format!("is nothing that an entry has: it has {KEYS}")),
        }
    }
    let text = |key: &str| texts.get(key).map_or((node.line, ""), |found| *found);
    let ((kind_line, kind_name), (id_line, id)) = (text("kind"), text("id"));
    subject.push_str(format!("{kind_name} {id}").trim());
    let kind = kinds.iter().find(|kind| kind.name == kind_name);
    if kind.is_none() {
        let known: Vec<_> = kinds.iter().map(|kind| kind.name.as_str()).collect();
        let what =
            if kind_name.is_empty() { "is missing".to_owned() } else { format!("is {kind_name}, which is none") };
        fault(kind_line, &subject, "kind", format!("{what}: there are {}", known.join(", ")));
    }
    if let Err(violation) = domain::name::Id::parse("id", id) {
        fault(id_line, &subject, "id", violation.message);
    }
    let kind = kind?;
    let (parent_line, parent) = text("parent");
    if kind.parents.is_some() == parent.is_empty() {
        let sentence = if parent.is_empty() {
            "is missing: name the resource it belongs to"
        } else {
            "is nothing that this kind has"
        };
        fault(parent_line, &subject, "parent", sentence.to_owned());
    }
    let state = texts.get("state").and_then(|(line, text)| {
        if kind.states.iter().any(|state| state.name == *text) {
            return Some((*text).to_owned());
        }
        let known: Vec<_> = kind.states.iter().map(|state| state.name.as_str()).collect();
        let sentence = match known[..] {
            [] => "is nothing that this kind has".to_owned(),
            _ => format!("is {text}, which is none of {}", known.join(", ")),
        };
        fault(*line, &subject, "state", sentence);
        None
    });
    let effective = texts.get("effective_time").and_then(|(line, text)| {
        if kind.publication.is_none() {
            fault(
                *line,
                &subject,
                "effective_time",
                "is for what is published in revisions, which this kind is not".to_owned(),
            );
            return None;
        }
        if *text == "now" {
            return Some(Effective::Now);
        }
        field::instant(text)
            .map(Effective::At)
            .map_err(|sentence| {
                fault(*line, &subject, "effective_time", format!("{sentence}; or now"));
            })
            .ok()
    });
    let mut reader = Reader::default();
    let nothing = Node { line: node.line, content: Content::Map(Vec::new()) };
    let message = reader.message(&kind.message, &kind.settable, fields.unwrap_or(&nothing), "");
    for wrong in reader.faults {
        fault(wrong.line, &subject, &wrong.path, wrong.sentence);
    }
    if faults.len() > before {
        return None;
    }
    Some(Entry {
        name: kind.name_of(parent, id),
        kind: Arc::clone(kind),
        id: id.to_owned(),
        parent: parent.to_owned(),
        message,
        state,
        effective,
        place: Place { file: file.to_owned(), line: node.line, fields: reader.lines.into_iter().collect() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::kinds;

    fn parsed(text: &str) -> Result<Vec<Entry>, Vec<Fault>> {
        let kinds: Vec<_> = kinds::all().unwrap().into_iter().map(Arc::new).collect();
        parse(&[Source { path: "a.yaml".to_owned(), text: text.to_owned() }], &kinds)
    }

    fn lines(text: &str) -> Vec<String> {
        parsed(text).unwrap_err().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_entry_says_what_it_is_and_how_far_it_is_to_be() {
        let text = "kind: Service\nid: email\nstate: LIVE\nfields: { display_name: E-mail, depends_on: [services/net] }\n---\n- kind: Offering\n  id: mailbox\n  parent: services/email\n- kind: Calendar\n  id: hours\n  effective_time: 2016-01-01\n";
        let entries = parsed(text).unwrap();
        let names: Vec<_> = entries.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["services/email", "services/email/offerings/mailbox", "calendars/hours"]);
        assert_eq!(entries[0].state.as_deref(), Some("LIVE"));
        assert_eq!(entries[0].references(), ["services/net"]);
        assert_eq!(entries[1].references(), ["services/email"]);
        assert_eq!(entries[2].effective, Some(Effective::At("2016-01-01T00:00:00Z".parse().unwrap())));
    }

    #[test]
    fn what_is_wrong_names_file_line_resource_and_field() {
        let text = "- kind: Servce\n  id: a\n- kind: Service\n  id: B\n  live: true\n  state: GONE\n- kind: Calendar\n  id: c\n  parent: services/a\n  state: LIVE\n  effective_time: soon\n  fields:\n    nonsense: 1\n- kind: Service\n  id: d\n  effective_time: now\n- just text\n- kind: Offering\n  id: e\n- kind: Service\n  id: f\n- kind: Service\n  id: f\n";
        let found = lines(text);
        let starts = [
            "a.yaml:1: Servce a: kind: is Servce, which is none: there are Customer, ",
            "a.yaml:4: Service B: id: ",
            "a.yaml:5: live: is nothing that an entry has",
            "a.yaml:6: Service B: state: is GONE, which is none of PIPELINE, LIVE, RETIRED",
            "a.yaml:9: Calendar c: parent: ",
            "a.yaml:10: Calendar c: state: is nothing that this kind has",
            "a.yaml:11: Calendar c: effective_time: is no time",
            "a.yaml:13: Calendar c: nonsense: is no field here",
            "a.yaml:16: Service d: effective_time: is for what is published",
            "a.yaml:17: is a single value",
            "a.yaml:18: Offering e: parent: is missing",
            "a.yaml:22: Service f: stands here a second time: a.yaml:20",
        ];
        assert_eq!(found.len(), starts.len(), "{found:#?}");
        for (found, start) in found.iter().zip(starts) {
            assert!(found.starts_with(start), "{found}");
        }
    }
}
