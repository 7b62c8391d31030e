//! What changed between two versions of a definition, in words that whoever signs it understands.
//! A walk over the documents as they are stored, so that no field can be forgotten; each kind adds its vocabulary.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Difference {
    /// Where, as a path into the definition; members of a list by their id: `objectives[p1-resolution].target`.
    pub path: String,
    /// What was there, in words; what leaving it out means is said too. Empty: the whole member is new.
    pub before: String,
    /// What is there now. Empty: the whole member is gone.
    pub after: String,
    /// Both in one sentence: `p1-resolution: target 4 h becomes 2 h`.
    pub sentence: String,
}

impl Difference {
    /// A field that has another value. `subject` is what it belongs to. Empty: the definition itself.
    pub fn of_field(path: impl Into<String>, subject: &str, label: &str, before: String, after: String) -> Self {
        let subject = if subject.is_empty() { String::new() } else { format!("{subject}: ") };
        let sentence = format!("{subject}{label} {before} becomes {after}");
        Self { path: path.into(), before, after, sentence }
    }
}

/// How the fields of a kind of definition are spoken of.
pub struct Vocabulary {
    /// What a field is called. Nothing: its name, with spaces.
    pub label: fn(&str) -> Option<&'static str>,
    /// A value of a field in words. Nothing: as it is written. `Null` stands for a field that was left out.
    pub value: fn(&str, &Value) -> Option<String>,
    /// A whole member of a list in words.
    pub member: fn(&str, &Value) -> String,
}

/// What changed between two definitions, in the order of their fields' names. Empty exactly if they are equal.
pub fn between<T: Serialize>(before: &T, after: &T, vocabulary: &Vocabulary) -> Vec<Difference> {
    let value = |definition| serde_json::to_value(definition).unwrap_or_default();
    let mut walk = Walk { vocabulary, found: Vec::new() };
    walk.value("", "", "", &value(before), &value(after));
    walk.found
}

struct Walk<'a> {
    vocabulary: &'a Vocabulary,
    found: Vec<Difference>,
}

impl Walk<'_> {
    fn value(&mut self, path: &str, subject: &str, field: &str, before: &Value, after: &Value) {
        if before == after {
            return;
        }
        let spoken = (self.vocabulary.value)(field, after).or_else(|| (self.vocabulary.value)(field, before));
        match (before, after) {
            (Value::Object(before), Value::Object(after)) if spoken.is_none() => {
                self.object(path, subject, before, after);
            }
            (before, after) if is_members(before) || is_members(after) => {
                self.members(path, members(before), members(after));
            }
            (before, after) => {
                let label = self.label(field);
                let (before, after) = (self.words(field, before), self.words(field, after));
                self.found.push(Difference::of_field(path, subject, &label, before, after));
            }
        }
    }

    fn object(&mut self, path: &str, subject: &str, before: &Map<String, Value>, after: &Map<String, Value>) {
        let fields: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for field in fields {
            let path = if path.is_empty() { field.clone() } else { format!("{path}.{field}") };
            let at = |object: &Map<String, Value>| object.get(field).cloned().unwrap_or_default();
            self.value(&path, subject, field, &at(before), &at(after));
        }
    }

    /// Members of a list that have ids; a second one of the same id is another member.
    fn members(&mut self, path: &str, before: &[Value], after: &[Value]) {
        let (old, new) = (by_id(before), by_id(after));
        for (key, member) in &old {
            let path = format!("{path}[{}]", key.0);
            if let Some(changed) = new.get(key) {
                if let (Value::Object(before), Value::Object(after)) = (*member, *changed) {
                    self.object(&path, key.0, before, after);
                }
            } else {
                let before = (self.vocabulary.member)(key.0, member);
                let sentence = format!("{} is taken away: {before}", key.0);
                self.found.push(Difference { path, before, after: String::new(), sentence });
            }
        }
        for (key, member) in new.iter().filter(|(key, _)| !old.contains_key(*key)) {
            let after = (self.vocabulary.member)(key.0, member);
            let sentence = format!("{} is new: {after}", key.0);
            self.found.push(Difference { path: format!("{path}[{}]", key.0), before: String::new(), after, sentence });
        }
        let order = |members: &[Value]| members.iter().map(|member| id(member).to_owned()).collect::<Vec<_>>();
        let (was, is) = (order(before), order(after));
        let stayed = |ids: &[String], others: &[String]| -> Vec<String> {
            ids.iter().filter(|id| others.contains(id)).cloned().collect()
        };
        let (was, is) = (stayed(&was, &is), stayed(&is, &was));
        if was != is && was.len() == is.len() {
            self.found.push(Difference::of_field(path, "", "the order", was.join(", "), is.join(", ")));
        }
    }

    fn label(&self, field: &str) -> String {
        (self.vocabulary.label)(field).map_or_else(|| field.replace('_', " "), str::to_owned)
    }

    fn words(&self, field: &str, value: &Value) -> String {
        (self.vocabulary.value)(field, value).unwrap_or_else(|| written(value))
    }
}

/// A value as it is written, without the signs of JSON.
pub fn written(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) if text.is_empty() => "nothing".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "nothing".to_owned(),
        Value::Array(items) => items.iter().map(written).collect::<Vec<_>>().join(", "),
        Value::Object(fields) => {
            let fields = fields.iter().map(|(field, value)| format!("{} {}", field.replace('_', " "), written(value)));
            fields.collect::<Vec<_>>().join(" ")
        }
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn id(member: &Value) -> &str {
    member.get("id").and_then(Value::as_str).unwrap_or_default()
}

/// Whether it is a list whose members have ids.
fn is_members(value: &Value) -> bool {
    value.as_array().is_some_and(|list| !list.is_empty() && list.iter().all(|member| member.get("id").is_some()))
}

fn members(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Members by their id and which of that id they are.
fn by_id(members: &[Value]) -> BTreeMap<(&str, usize), &Value> {
    let mut found = BTreeMap::new();
    for (index, member) in members.iter().enumerate() {
        let earlier = members[..index].iter().filter(|other| id(other) == id(member)).count();
        found.insert((id(member), earlier), member);
    }
    found
}
