//! Fields between files and messages. Values are written as people write them: `4h`, `2016-06-01`, `SLA`; the JSON form
//! of protobuf is understood too.

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use serde_norway::{Mapping, Value as Shown};

use super::kinds::short;
use super::yaml::{Content, Node, is_null};

/// Something wrong with a field: line, path and sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Line of the file.
    pub line: usize,
    /// Path of the field: `objectives[0].target`.
    pub path: String,
    /// What is wrong and the way out.
    pub sentence: String,
}

/// Reads fields, and gathers all that is wrong and where each stands.
#[derive(Debug, Default)]
pub struct Reader {
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// Where each path stands.
    pub lines: Vec<(String, usize)>,
}

impl Reader {
    fn fault(&mut self, line: usize, path: &str, sentence: impl Into<String>) {
        self.faults.push(Fault { line, path: path.to_owned(), sentence: sentence.into() });
    }

    /// Reads a mapping as a message of which `settable` fields may be given.
    pub fn message(
        &mut self,
        descriptor: &MessageDescriptor,
        settable: &[FieldDescriptor],
        node: &Node,
        path: &str,
    ) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        let Content::Map(entries) = &node.content else {
            if !node.is_null() {
                self.fault(node.line, path, format!("is {}: write a mapping of fields", node.what()));
            }
            return message;
        };
        for (key, line, value) in entries {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.lines.push((path.clone(), *line));
            let known = descriptor.get_field_by_name(key).or_else(|| descriptor.get_field_by_json_name(key));
            let Some(field) = known else {
                let names: Vec<_> = settable.iter().map(|field| field.name().to_owned()).collect();
                self.fault(*line, &path, format!("is no field here: there are {}", names.join(", ")));
                continue;
            };
            if !settable.contains(&field) {
                self.fault(*line, &path, "is set by the server: leave it out");
                continue;
            }
            if value.is_null() {
                continue;
            }
            if let Some(value) = self.field(&field, value, &path) {
                message.set_field(&field, value);
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, node: &Node, path: &str) -> Option<Value> {
        if field.is_map() {
            let Content::Map(entries) = &node.content else {
                self.fault(node.line, path, format!("is {}: write a mapping", node.what()));
                return None;
            };
            let kind = field.kind();
            let entry = kind.as_message()?.map_entry_value_field().kind();
            let mut map = std::collections::HashMap::new();
            for (key, line, value) in entries {
                let path = format!("{path}.{key}");
                self.lines.push((path.clone(), *line));
                map.insert(MapKey::String(key.clone()), self.single(&entry, value, &path)?);
            }
            return Some(Value::Map(map));
        }
        if !field.is_list() {
            return self.single(&field.kind(), node, path);
        }
        let Content::List(items) = &node.content else {
            self.fault(node.line, path, format!("is {}: write a list", node.what()));
            return None;
        };
        let mut values = Vec::new();
        for (index, item) in items.iter().enumerate() {
            let path = format!("{path}[{index}]");
            self.lines.push((path.clone(), item.line));
            values.extend(self.single(&field.kind(), item, &path));
        }
        Some(Value::List(values))
    }

    fn single(&mut self, kind: &Kind, node: &Node, path: &str) -> Option<Value> {
        if let Kind::Message(descriptor) = kind {
            return self.part(descriptor, node, path);
        }
        let Content::Scalar { text, quoted } = &node.content else {
            self.fault(node.line, path, format!("is {}: write a single value", node.what()));
            return None;
        };
        match scalar(kind, text, *quoted) {
            Ok(value) => Some(value),
            Err(sentence) => {
                self.fault(node.line, path, sentence);
                None
            }
        }
    }

    /// A message inside a message.
    fn part(&mut self, descriptor: &MessageDescriptor, node: &Node, path: &str) -> Option<Value> {
        if descriptor.full_name() == "google.protobuf.Struct" {
            let read = serde_json::from_value::<serde_json::Map<_, _>>(untyped(node));
            let message = read.map_err(|_| format!("is {}: write a mapping", node.what())).and_then(|map| {
                DynamicMessage::deserialize(descriptor.clone(), serde_json::Value::Object(map))
                    .map_err(|e| e.to_string())
            });
            return match message {
                Ok(message) => Some(Value::Message(message)),
                Err(sentence) => {
                    self.fault(node.line, path, sentence);
                    None
                }
            };
        }
        let Content::Scalar { text, .. } = &node.content else {
            let fields: Vec<_> = descriptor.fields().collect();
            return Some(Value::Message(self.message(descriptor, &fields, node, path)));
        };
        match written(descriptor, text) {
            Ok(message) => Some(Value::Message(message)),
            Err(sentence) => {
                self.fault(node.line, path, sentence);
                None
            }
        }
    }
}

/// A message that is written as one value.
fn written(descriptor: &MessageDescriptor, text: &str) -> Result<DynamicMessage, String> {
    let mut message = DynamicMessage::new(descriptor.clone());
    let fails = |error: prost::DecodeError| error.to_string();
    match descriptor.full_name() {
        "google.protobuf.Timestamp" => {
            let at = instant(text)?;
            message.transcode_from(&crate::import::timestamp(at)).map_err(fails)?;
        }
        "google.protobuf.Duration" => {
            let span: SignedDuration =
                text.parse().map_err(|_| format!("is no duration: write 4h, 1h30m or 14400s, not {text}"))?;
            let seconds = prost_types::Duration { seconds: span.as_secs(), nanos: span.subsec_nanos() };
            message.transcode_from(&seconds).map_err(fails)?;
        }
        "itsm.common.v1.Date" => {
            let date: Date = text.parse().map_err(|_| format!("is no date: write 2016-06-01, not {text}"))?;
            let date = proto::common::v1::Date {
                year: date.year().into(),
                month: date.month().into(),
                day: date.day().into(),
            };
            message.transcode_from(&date).map_err(fails)?;
        }
        "itsm.common.v1.Decimal" => {
            let decimal = proto::common::v1::Decimal { value: text.to_owned() };
            message.transcode_from(&decimal).map_err(fails)?;
        }
        _ => {
            let names: Vec<_> = descriptor.fields().map(|field| field.name().to_owned()).collect();
            return Err(format!("is a single value: write a mapping of {}", names.join(", ")));
        }
    }
    Ok(message)
}

/// An instant, or the start of a day in UTC.
pub fn instant(text: &str) -> Result<Timestamp, String> {
    text.parse::<Timestamp>()
        .or_else(|error| text.parse::<Date>().map_err(|_| error)?.in_tz("UTC").map(|day| day.timestamp()))
        .map_err(|_| format!("is no time: write 2016-06-01T08:00:00Z, or 2016-06-01 for its start in UTC, not {text}"))
}

fn scalar(kind: &Kind, text: &str, quoted: bool) -> Result<Value, String> {
    fn number<T: std::str::FromStr>(text: &str, make: fn(T) -> Value) -> Result<Value, String> {
        text.parse().map(make).map_err(|_| format!("is no number that fits here: {text}"))
    }
    match kind {
        Kind::String if !quoted && is_null(text) => Ok(Value::String(String::new())),
        Kind::String => Ok(Value::String(text.to_owned())),
        Kind::Bool => match text {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(format!("is neither true nor false: {text}")),
        },
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => number(text, Value::I32),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => number(text, Value::I64),
        Kind::Uint32 | Kind::Fixed32 => number(text, Value::U32),
        Kind::Uint64 | Kind::Fixed64 => number(text, Value::U64),
        Kind::Float => number(text, Value::F32),
        Kind::Double => number(text, Value::F64),
        Kind::Enum(values) => {
            let found = values.values().find(|value| value.name() == text || short(values, value.name()) == text);
            let known = || {
                let named = values.values().filter(|value| value.number() != 0);
                named.map(|value| short(values, value.name()).to_owned()).collect::<Vec<_>>().join(", ")
            };
            match found {
                Some(value) if value.number() != 0 => Ok(Value::EnumNumber(value.number())),
                _ => Err(format!("is {text}, which is none of {}", known())),
            }
        }
        Kind::Bytes | Kind::Message(_) => Err("cannot be written as a single value".to_owned()),
    }
}

/// What a node means where no field says it: by the core schema of YAML.
fn untyped(node: &Node) -> serde_json::Value {
    match &node.content {
        Content::Scalar { text, quoted: true } => text.clone().into(),
        Content::Scalar { text, .. } if is_null(text) => serde_json::Value::Null,
        Content::Scalar { text, .. } => match text.as_str() {
            "true" => true.into(),
            "false" => false.into(),
            _ => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), _) => number.into(),
                (_, Ok(number)) if number.is_finite() => number.into(),
                _ => text.clone().into(),
            },
        },
        Content::List(items) => items.iter().map(untyped).collect(),
        Content::Map(entries) => {
            serde_json::Value::Object(entries.iter().map(|(key, _, value)| (key.clone(), untyped(value))).collect())
        }
    }
}

/// The fields of a message that hold something, in the order of the contract, as files write them.
pub fn show(message: &DynamicMessage, fields: impl IntoIterator<Item = FieldDescriptor>) -> Mapping {
    let set = fields.into_iter().filter(|field| message.has_field(field));
    set.map(|field| (Shown::from(field.name()), shown(&field, &message.get_field(&field)))).collect()
}

fn shown(field: &FieldDescriptor, value: &Value) -> Shown {
    match value {
        Value::List(items) => items.iter().map(|item| shown_single(&field.kind(), item)).collect(),
        Value::Map(map) => {
            let Some(kind) = field.kind().as_message().map(|entry| entry.map_entry_value_field().kind()) else {
                return Shown::Null;
            };
            let mut entries: Vec<_> = map
                .iter()
                .map(|(key, value)| (key.as_str().unwrap_or_default().to_owned(), shown_single(&kind, value)))
                .collect();
            entries.sort_by(|a, b| a.0.cmp(&b.0));
            entries.into_iter().map(|(key, value)| (Shown::from(key), value)).collect::<Mapping>().into()
        }
        single => shown_single(&field.kind(), single),
    }
}

fn shown_single(kind: &Kind, value: &Value) -> Shown {
    match (kind, value) {
        (_, Value::String(text)) => text.clone().into(),
        (_, Value::Bool(value)) => (*value).into(),
        (_, Value::I32(number)) => (*number).into(),
        (_, Value::I64(number)) => (*number).into(),
        (_, Value::U32(number)) => (*number).into(),
        (_, Value::U64(number)) => (*number).into(),
        (_, Value::F32(number)) => (*number).into(),
        (_, Value::F64(number)) => (*number).into(),
        (Kind::Enum(values), Value::EnumNumber(number)) => match values.get_value(*number) {
            Some(value) => short(values, value.name()).into(),
            None => (*number).into(),
        },
        (_, Value::Message(message)) => shown_message(message),
        _ => Shown::Null,
    }
}

fn shown_message(message: &DynamicMessage) -> Shown {
    use prost_reflect::ReflectMessage as _;
    let descriptor = message.descriptor();
    let one_value = match descriptor.full_name() {
        "google.protobuf.Timestamp" => message
            .transcode_to::<prost_types::Timestamp>()
            .ok()
            .and_then(|at| Timestamp::new(at.seconds, at.nanos).ok())
            .map(|at| at.to_string()),
        "google.protobuf.Duration" => message
            .transcode_to::<prost_types::Duration>()
            .ok()
            .map(|span| format!("{:#}", SignedDuration::new(span.seconds, span.nanos)).replace(' ', "")),
        "itsm.common.v1.Date" => message
            .transcode_to::<proto::common::v1::Date>()
            .ok()
            .map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)),
        "itsm.common.v1.Decimal" => {
            message.transcode_to::<proto::common::v1::Decimal>().ok().map(|decimal| decimal.value)
        }
        "google.protobuf.Struct" => {
            let json = serde_json::to_value(message).unwrap_or_default();
            return serde_norway::to_value(json).unwrap_or_default();
        }
        _ => None,
    };
    one_value.map_or_else(|| show(message, descriptor.fields()).into(), Shown::from)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::apply::kinds::{self, Kind};
    use crate::apply::yaml;

    // Messages are equal only if their descriptors are of one pool.
    static KINDS: LazyLock<Vec<Kind>> = LazyLock::new(|| kinds::all().unwrap());

    fn kind(name: &str) -> &'static Kind {
        KINDS.iter().find(|kind| kind.name == name).unwrap()
    }

    fn read(name: &str, text: &str) -> (DynamicMessage, Vec<Fault>) {
        let kind = kind(name);
        let node = yaml::parse(text).unwrap().remove(0);
        let mut reader = Reader::default();
        let message = reader.message(&kind.message, &kind.settable, &node, "");
        (message, reader.faults)
    }

    #[test]
    fn values_are_written_as_people_write_them_and_shown_the_same_way() {
        let text = "display_name: '2016'\nkind: SLA\nattainment_goal_percent: 99.50\nobjectives:\n- id: p1\n  metric: RESPONSE\n  priorities:\n  - 1\n  target: 1h30m\n";
        let (message, faults) = read("Agreement", text);
        assert_eq!(faults, []);
        let agreement: proto::catalog::v1::Agreement = message.transcode_to().unwrap();
        assert_eq!(agreement.display_name, "2016");
        assert_eq!(agreement.attainment_goal_percent.unwrap().value, "99.50");
        assert_eq!(agreement.objectives[0].target.unwrap().seconds, 5_400);
        let shown = serde_norway::to_string(&show(&message, kind("Agreement").settable.iter().cloned())).unwrap();
        assert_eq!(read("Agreement", &shown), (message, vec![]));
        assert!(shown.contains("target: 1h30m") && shown.contains("kind: SLA"), "{shown}");
    }

    #[test]
    fn the_json_form_of_protobuf_is_understood_too() {
        let one = "kind: AGREEMENT_KIND_SLA\nattainmentGoalPercent: { value: \"90\" }\nobjectives: [{ id: a, target: 900s }]\n";
        let other = "kind: SLA\nattainment_goal_percent: 90\nobjectives: [{ id: a, target: 15m }]\n";
        assert_eq!(read("Agreement", one), read("Agreement", other));
        let one = "exceptions: [{ start_date: { year: 2016, month: 5, day: 1 } }]";
        assert_eq!(read("Calendar", one), read("Calendar", "exceptions: [{ start_date: 2016-05-01 }]"));
    }

    #[test]
    fn all_that_is_wrong_is_found_with_its_line_and_path() {
        let text = "display_nam: x\nuid: mine\nkind: SLB\norder: many\nobjectives:\n  - id: a\n    target: soon\n    prio: 1\n  - just text\ncustomers: customers/a\n";
        let (_, faults) = read("Agreement", text);
        let found: Vec<_> = faults.iter().map(|fault| (fault.line, fault.path.as_str())).collect();
        assert_eq!(
            found,
            [
                (1, "display_nam"),
                (2, "uid"),
                (3, "kind"),
                (4, "order"),
                (7, "objectives[0].target"),
                (8, "objectives[0].prio"),
                (9, "objectives[1]"),
                (10, "customers")
            ]
        );
        assert!(faults[2].sentence.contains("SLA, OLA, UNDERPINNING"), "{}", faults[2].sentence);
    }
}
