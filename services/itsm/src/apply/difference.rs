//! What differs between two forms of the same fields, member by member.

use serde_norway::{Mapping, Value};

/// A field that differs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Where: `objectives[p1-resolution].target`. Members of a list are named by their id, if they have one.
    pub path: String,
    /// What is there. Empty: nothing.
    pub before: String,
    /// What is to be there. Empty: nothing.
    pub after: String,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.before.is_empty(), self.after.is_empty()) {
            (true, _) => write!(f, "{}: set to {}", self.path, self.after),
            (_, true) => write!(f, "{}: {} is taken out", self.path, self.before),
            _ => write!(f, "{}: {} -> {}", self.path, self.before, self.after),
        }
    }
}

/// Everything that differs, in the order of the fields.
pub fn between(before: &Mapping, after: &Mapping) -> Vec<Change> {
    let mut changes = Vec::new();
    maps("", before, after, &mut changes);
    changes
}

fn maps(path: &str, before: &Mapping, after: &Mapping, changes: &mut Vec<Change>) {
    let keys = after.keys().chain(before.keys().filter(|key| !after.contains_key(key)));
    for key in keys {
        let name = key.as_str().unwrap_or_default();
        let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        values(&path, before.get(key), after.get(key), changes);
    }
}

fn values(path: &str, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<Change>) {
    match (before, after) {
        (before, after) if before == after => {}
        (Some(Value::Mapping(before)), Some(Value::Mapping(after))) => maps(path, before, after, changes),
        (Some(Value::Sequence(old)), Some(Value::Sequence(new))) => {
            let (Some(old_ids), Some(new_ids)) = (ids(old), ids(new)) else {
                return changes.push(change(path, before, after));
            };
            let found = changes.len();
            for (id, member) in new_ids.iter().zip(new) {
                let was = old_ids.iter().position(|known| known == id).and_then(|at| old.get(at));
                values(&format!("{path}[{id}]"), was, Some(member), changes);
            }
            for (id, member) in old_ids.iter().zip(old).filter(|(id, _)| !new_ids.contains(id)) {
                values(&format!("{path}[{id}]"), Some(member), None, changes);
            }
            if changes.len() == found {
                changes.push(Change { path: path.to_owned(), before: old_ids.join(", "), after: new_ids.join(", ") });
            }
        }
        _ => changes.push(change(path, before, after)),
    }
}

/// The ids of the members of a list, if each has one of its own.
fn ids(list: &[Value]) -> Option<Vec<&str>> {
    let ids: Vec<&str> = list.iter().map(|member| member.get("id")?.as_str()).collect::<Option<_>>()?;
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    (distinct.len() == ids.len() && !ids.is_empty()).then_some(ids)
}

fn change(path: &str, before: Option<&Value>, after: Option<&Value>) -> Change {
    let words = |value: Option<&Value>| value.map(words).unwrap_or_default();
    Change { path: path.to_owned(), before: words(before), after: words(after) }
}

/// A value in one line.
fn words(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.is_empty() || text.contains('\n') => format!("{text:?}"),
        Value::String(text) => text.clone(),
        Value::Sequence(items) => format!("[{}]", items.iter().map(words).collect::<Vec<_>>().join(", ")),
        Value::Mapping(map) => {
            let fields = map.iter().map(|(key, value)| format!("{}: {}", words(key), words(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Value::Tagged(tagged) => words(&tagged.value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(before: &str, after: &str) -> Vec<String> {
        let read = |text| serde_norway::from_str::<Mapping>(text).unwrap();
        between(&read(before), &read(after)).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn exactly_what_differs_is_named() {
        let before =
            "{owner: people/ann, note: x, list: [a], objectives: [{id: p1, target: 4h}, {id: p2, target: 8h}]}";
        assert_eq!(of(before, before), Vec::<String>::new());
        let after = "{owner: people/bob, list: [a, b], line: new, objectives: [{id: p1, target: 2h}, {id: p3}]}";
        assert_eq!(
            of(before, after),
            [
                "owner: people/ann -> people/bob",
                "list: [a] -> [a, b]",
                "line: set to new",
                "objectives[p1].target: 4h -> 2h",
                "objectives[p3]: set to {id: p3}",
                "objectives[p2]: {id: p2, target: 8h} is taken out",
                "note: x is taken out",
            ]
        );
        assert_eq!(of("{o: [{id: a}, {id: b}]}", "{o: [{id: b}, {id: a}]}"), ["o: a, b -> b, a"]);
    }
}
