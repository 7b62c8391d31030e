//! Forms: JSON Schemas (draft 2020-12) that answers are judged by. Nothing outside a schema is ever looked up, and a
//! keyword that is not enforced here is refused rather than overlooked.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use crate::violation::Violation;

/// Largest schema, and largest answers, in bytes of their JSON.
pub const MAX_BYTES: usize = 64 * 1024;
/// Deepest nesting of a schema, references followed.
pub const MAX_DEPTH: usize = 32;
/// Most objects and arrays in a schema, references followed.
pub const MAX_COUNT: usize = 20_000;
/// Largest pattern once it is compiled, in bytes.
const MAX_PATTERN: usize = 1024 * 1024;
/// The one dialect that a schema may name.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Keywords that say something to people and nothing to judge by.
const ANNOTATIONS: [&str; 8] =
    ["$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly"];
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];
const FORMATS: [&str; 3] = ["date", "date-time", "email"];

/// A form that was understood.
#[derive(Debug)]
pub struct Form {
    schema: Value,
    patterns: BTreeMap<String, Regex>,
}

impl Form {
    /// Understands a schema, or says what is wrong with it, each under its path below this field.
    pub fn parse(field: &str, schema: &Value) -> Result<Self, Vec<Violation>> {
        let Value::Object(members) = schema else {
            return Err(vec![Violation::new(field, "is no JSON Schema: give an object")]);
        };
        if schema.to_string().len() > MAX_BYTES {
            return Err(vec![Violation::new(field, format!("is larger than {MAX_BYTES} bytes: shorten it"))]);
        }
        let parts = members.get("$defs").and_then(Value::as_object);
        if let Some(objection) = (Scale { parts, known: BTreeMap::new() }).objection(field, schema) {
            return Err(vec![objection]);
        }
        let mut reading = Reading { parts, patterns: BTreeMap::new(), found: Vec::new() };
        // The answers to a form are an object, so one that says otherwise fits nothing.
        if members.get("type").is_some_and(|kind| kind != "object") {
            reading.object(&format!("{field}.type"), "is not object, which the answers to a form are");
        }
        if members.get("$schema").is_some_and(|dialect| dialect != DIALECT) {
            reading.object(&format!("{field}.$schema"), format!("is another dialect: write {DIALECT}"));
        }
        reading.schema(field, schema, true);
        let Reading { patterns, found, .. } = reading;
        if found.is_empty() { Ok(Self { schema: schema.clone(), patterns }) } else { Err(found) }
    }

    /// Everything that is wrong with the answers, each under its path below this field. Answers as large as no form asks
    /// for are not looked at any closer.
    pub fn violations(&self, field: &str, answers: &Value) -> Vec<Violation> {
        if answers.to_string().len() > MAX_BYTES {
            return vec![Violation::new(field, format!("is larger than {MAX_BYTES} bytes: shorten the answers"))];
        }
        let mut found = Vec::new();
        self.judge(&self.schema, answers, field, &mut found);
        found
    }

    fn fits(&self, schema: &Value, answer: &Value) -> bool {
        let mut found = Vec::new();
        self.judge(schema, answer, "", &mut found);
        found.is_empty()
    }

    fn judge(&self, schema: &Value, answer: &Value, path: &str, found: &mut Vec<Violation>) {
        let Value::Object(keywords) = schema else {
            if *schema == Value::Bool(false) {
                found.push(Violation::new(path, "is not asked for: leave it out"));
            }
            return;
        };
        for (keyword, value) in keywords {
            let members = || value.as_array().into_iter().flatten();
            let objection = match keyword.as_str() {
                "$ref" => {
                    let parts = self.schema.get("$defs").and_then(Value::as_object);
                    if let Some((_, target)) = value.as_str().and_then(|target| part(target, parts)) {
                        self.judge(target, answer, path, found);
                    }
                    None
                }
                "allOf" => {
                    members().for_each(|member| self.judge(member, answer, path, found));
                    None
                }
                "anyOf" => {
                    let fits = members().any(|member| self.fits(member, answer));
                    (!fits).then(|| "fits none of the ways in which it may be answered".to_owned())
                }
                "oneOf" => {
                    let fitting = members().filter(|member| self.fits(member, answer)).count();
                    (fitting != 1).then(|| format!("fits {fitting} of the ways to answer: it has to be exactly one"))
                }
                "not" => self.fits(value, answer).then(|| "is what it must not be".to_owned()),
                "if" => {
                    let branch = if self.fits(value, answer) { "then" } else { "else" };
                    if let Some(branch) = keywords.get(branch) {
                        self.judge(branch, answer, path, found);
                    }
                    None
                }
                "enum" => {
                    let known = members().any(|member| same(member, answer));
                    (!known).then(|| format!("must be one of {}", members().map(shown).collect::<Vec<_>>().join(", ")))
                }
                "const" => (!same(value, answer)).then(|| format!("must be {}", shown(value))),
                "type" => {
                    let names: Vec<&str> =
                        value.as_str().into_iter().chain(members().filter_map(Value::as_str)).collect();
                    (!names.iter().any(|name| is(answer, name)))
                        .then(|| format!("must be of type {}", names.join(" or ")))
                }
                _ => match answer {
                    Value::String(text) => self.of_text(keyword, value, text),
                    Value::Number(number) => of_number(keyword, value, number.as_f64().unwrap_or(f64::NAN)),
                    Value::Array(items) => {
                        self.of_items(keyword, value, keywords, items, path, found);
                        of_count(keyword, value, items.len(), "Items", "entries").or_else(|| {
                            (keyword == "uniqueItems" && *value == Value::Bool(true) && has_one_twice(items))
                                .then(|| "has an entry twice: keep one".to_owned())
                        })
                    }
                    Value::Object(members) => {
                        self.of_members(keyword, value, keywords, members, path, found);
                        of_count(keyword, value, members.len(), "Properties", "fields")
                    }
                    _ => None,
                },
            };
            if let Some(text) = objection {
                found.push(Violation::new(path, text));
            }
        }
    }

    fn of_text(&self, keyword: &str, value: &Value, text: &str) -> Option<String> {
        match keyword {
            "pattern" => {
                let pattern = value.as_str()?;
                let fits = self.patterns.get(pattern).is_none_or(|regex| regex.is_match(text));
                (!fits).then(|| format!("must match {pattern}"))
            }
            "format" => match value.as_str()? {
                "date" => text.parse::<Date>().err().map(|_| "must be a date, as in 2026-03-28".to_owned()),
                "date-time" => text
                    .parse::<Timestamp>()
                    .err()
                    .map(|_| "must be an instant with its offset, as in 2026-03-28T10:00:00Z".to_owned()),
                _ => {
                    let address = text.split_once('@').is_some_and(|(name, host)| {
                        !name.is_empty() && host.contains('.') && !text.contains(char::is_whitespace)
                    });
                    (!address).then(|| "must be an e-mail address".to_owned())
                }
            },
            _ => of_count(keyword, value, text.chars().count(), "Length", "characters"),
        }
    }

    fn of_items(
        &self,
        keyword: &str,
        value: &Value,
        keywords: &Map<String, Value>,
        items: &[Value],
        path: &str,
        found: &mut Vec<Violation>,
    ) {
        let first = keywords.get("prefixItems").and_then(Value::as_array).map_or(0, Vec::len);
        match keyword {
            "items" => {
                for (index, item) in items.iter().enumerate().skip(first) {
                    self.judge(value, item, &format!("{path}[{index}]"), found);
                }
            }
            "prefixItems" => {
                for (index, (schema, item)) in value.as_array().into_iter().flatten().zip(items).enumerate() {
                    self.judge(schema, item, &format!("{path}[{index}]"), found);
                }
            }
            _ => {}
        }
    }

    fn of_members(
        &self,
        keyword: &str,
        value: &Value,
        keywords: &Map<String, Value>,
        members: &Map<String, Value>,
        path: &str,
        found: &mut Vec<Violation>,
    ) {
        let mut require = |name: &str| {
            if !members.contains_key(name) {
                found.push(Violation::new(format!("{path}.{name}"), "is required: give an answer"));
            }
        };
        match keyword {
            "required" => value.as_array().into_iter().flatten().filter_map(Value::as_str).for_each(require),
            "dependentRequired" => {
                let present = value.as_object().into_iter().flatten().filter(|(name, _)| members.contains_key(*name));
                let names = present.flat_map(|(_, names)| names.as_array().into_iter().flatten());
                names.filter_map(Value::as_str).for_each(&mut require);
            }
            "properties" => {
                for (name, schema) in value.as_object().into_iter().flatten() {
                    if let Some(member) = members.get(name) {
                        self.judge(schema, member, &format!("{path}.{name}"), found);
                    }
                }
            }
            "additionalProperties" => {
                let known = keywords.get("properties").and_then(Value::as_object);
                for (name, member) in
                    members.iter().filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)))
                {
                    self.judge(value, member, &format!("{path}.{name}"), found);
                }
            }
            _ => {}
        }
    }
}

/// A schema that is being understood.
struct Reading<'a> {
    parts: Parts<'a>,
    patterns: BTreeMap<String, Regex>,
    found: Vec<Violation>,
}

impl Reading<'_> {
    fn object(&mut self, path: &str, message: impl Into<String>) {
        self.found.push(Violation::new(path, message));
    }

    fn expect(&mut self, path: &str, holds: bool, what: &str) {
        if !holds {
            self.object(path, format!("is not {what}"));
        }
    }

    fn schema(&mut self, path: &str, schema: &Value, outermost: bool) {
        let Value::Object(keywords) = schema else {
            return self.expect(path, schema.is_boolean(), "a schema: give an object, true or false");
        };
        for (keyword, value) in keywords {
            let at = format!("{path}.{keyword}");
            match keyword.as_str() {
                "$schema" if outermost => {}
                "$defs" if outermost => self.named(&at, value),
                "properties" => self.named(&at, value),
                "allOf" | "anyOf" | "oneOf" | "prefixItems" => self.several(&at, value),
                "additionalProperties" | "items" | "not" | "if" | "then" | "else" => self.schema(&at, value, false),
                "$ref" => {
                    let known = value.as_str().is_some_and(|target| part(target, self.parts).is_some());
                    self.expect(&at, known, "in the schema: refer to #/$defs/ and the name of a part");
                }
                "type" => {
                    let is_type = |name: &Value| name.as_str().is_some_and(|name| TYPES.contains(&name));
                    let some = value.as_array().is_some_and(|names| !names.is_empty() && names.iter().all(is_type));
                    self.expect(&at, some || is_type(value), &format!("one of {}", TYPES.join(", ")));
                }
                "enum" => {
                    let some = value.as_array().is_some_and(|choices| !choices.is_empty());
                    self.expect(&at, some, "a list of choices");
                }
                "const" => {}
                "required" => self.expect(&at, is_names(value), "a list of names"),
                "dependentRequired" => {
                    let lists = value.as_object().is_some_and(|lists| lists.values().all(is_names));
                    self.expect(&at, lists, "an object of lists of names");
                }
                "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
                    let count = value.as_f64().is_some_and(|count| count >= 0.0 && count.fract() == 0.0);
                    self.expect(&at, count, "a whole number from 0 on");
                }
                "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => {
                    self.expect(&at, value.is_number(), "a number");
                }
                "multipleOf" => {
                    self.expect(&at, value.as_f64().is_some_and(|step| step > 0.0), "a number above 0");
                }
                "uniqueItems" => self.expect(&at, value.is_boolean(), "true or false"),
                "format" => {
                    let known = value.as_str().is_some_and(|format| FORMATS.contains(&format));
                    self.expect(&at, known, &format!("one of {}", FORMATS.join(", ")));
                }
                "pattern" => self.pattern(&at, value),
                annotation if ANNOTATIONS.contains(&annotation) => {}
                _ => self.object(&at, "is not enforced here: leave it out"),
            }
        }
    }

    fn named(&mut self, path: &str, value: &Value) {
        let Value::Object(schemas) = value else { return self.expect(path, false, "an object of schemas") };
        for (name, schema) in schemas {
            self.schema(&format!("{path}.{name}"), schema, false);
        }
    }

    fn several(&mut self, path: &str, value: &Value) {
        let schemas = value.as_array().map(Vec::as_slice).unwrap_or_default();
        self.expect(path, !schemas.is_empty(), "a list of schemas");
        for (index, schema) in schemas.iter().enumerate() {
            self.schema(&format!("{path}[{index}]"), schema, false);
        }
    }

    /// Patterns take no longer than their text, whatever they are: there is no going back and forth in it.
    fn pattern(&mut self, path: &str, value: &Value) {
        let compiled = value.as_str().map(|text| (text, RegexBuilder::new(text).size_limit(MAX_PATTERN).build()));
        match compiled {
            Some((text, Ok(regex))) => {
                self.patterns.insert(text.to_owned(), regex);
            }
            _ => self.object(path, "is no pattern that is understood here: write a regular expression"),
        }
    }
}

fn is_names(value: &Value) -> bool {
    value.as_array().is_some_and(|names| names.iter().all(Value::is_string))
}

fn of_number(keyword: &str, value: &Value, number: f64) -> Option<String> {
    let limit = value.as_f64()?;
    let (fits, what) = match keyword {
        "minimum" => (number >= limit, "at least"),
        "maximum" => (number <= limit, "at most"),
        "exclusiveMinimum" => (number > limit, "above"),
        "exclusiveMaximum" => (number < limit, "below"),
        "multipleOf" => {
            let steps = number / limit;
            ((steps - steps.round()).abs() < 1e-9, "a multiple of")
        }
        _ => return None,
    };
    (!fits).then(|| format!("must be {what} {value}"))
}

/// Judges a count by `min…` and `max…` of its kind.
fn of_count(keyword: &str, value: &Value, count: usize, kind: &str, what: &str) -> Option<String> {
    let bound = keyword.strip_suffix(kind)?;
    let limit = value.as_f64()?;
    let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
    match bound {
        "min" if count < limit => Some(format!("must have at least {value} {what}")),
        "max" if count > limit => Some(format!("must have at most {value} {what}")),
        _ => None,
    }
}

fn is(answer: &Value, name: &str) -> bool {
    match name {
        "string" => answer.is_string(),
        "number" => answer.is_number(),
        "integer" => answer.as_f64().is_some_and(|number| number.fract() == 0.0),
        "boolean" => answer.is_boolean(),
        "object" => answer.is_object(),
        "array" => answer.is_array(),
        _ => answer.is_null(),
    }
}

fn has_one_twice(items: &[Value]) -> bool {
    let mut sorted: Vec<&Value> = items.iter().collect();
    sorted.sort_by(|one, other| order(one, other));
    sorted.windows(2).any(|pair| same(pair[0], pair[1]))
}

/// Whether two values are equal as JSON Schema means it: 1 is 1.0.
fn same(one: &Value, other: &Value) -> bool {
    order(one, other).is_eq()
}

/// An order of all values in which those that are the same are equal.
fn order(one: &Value, other: &Value) -> Ordering {
    match (one, other) {
        (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
        (Value::String(one), Value::String(other)) => one.cmp(other),
        (Value::Number(one), Value::Number(other)) => {
            // Adding zero makes the negative one positive.
            let number = |value: &serde_json::Number| value.as_f64().unwrap_or(f64::NAN) + 0.0;
            number(one).total_cmp(&number(other))
        }
        (Value::Array(one), Value::Array(other)) => {
            let pairs = || one.iter().zip(other).map(|(one, other)| order(one, other));
            one.len().cmp(&other.len()).then_with(|| first_unequal(pairs()))
        }
        (Value::Object(one), Value::Object(other)) => {
            let (first, second): (BTreeMap<_, _>, BTreeMap<_, _>) = (one.iter().collect(), other.iter().collect());
            let pairs = || {
                first.iter().zip(&second).map(|((one_name, one), (other_name, other))| {
                    one_name.cmp(other_name).then_with(|| order(one, other))
                })
            };
            one.len().cmp(&other.len()).then_with(|| first_unequal(pairs()))
        }
        _ => kind(one).cmp(&kind(other)),
    }
}

fn first_unequal(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

fn kind(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Number(_) => 2,
        Value::String(_) => 3,
        Value::Array(_) => 4,
        Value::Object(_) => 5,
    }
}

/// A choice as people read it: texts without quotes.
fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The parts of a schema by name: what is under `$defs`.
type Parts<'a> = Option<&'a serde_json::Map<String, Value>>;

/// The part that a reference is to.
fn part<'a>(target: &str, parts: Parts<'a>) -> Option<(&'a String, &'a Value)> {
    parts?.get_key_value(target.strip_prefix("#/$defs/")?)
}

/// Measures a schema with everything that its references put in their place: judging takes as long as that is large.
struct Scale<'a> {
    parts: Parts<'a>,
    /// Size of each part that was measured; nothing while it is being measured.
    known: BTreeMap<&'a str, Option<Size>>,
}

/// How large a schema is.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Objects and arrays in it.
    count: usize,
    /// How deep they are nested.
    depth: usize,
}

impl<'a> Scale<'a> {
    fn objection(&mut self, field: &str, schema: &'a Value) -> Option<Violation> {
        match self.measure(schema, 0) {
            Err(name) => {
                Some(Violation::new(format!("{field}.$defs.{name}"), "refers to itself: judging would not end"))
            }
            Ok(size) if size.depth > MAX_DEPTH => Some(Violation::new(
                field,
                format!("is nested deeper than {MAX_DEPTH}, references followed: flatten it"),
            )),
            Ok(size) if size.count > MAX_COUNT => Some(Violation::new(
                field,
                format!("has more than {MAX_COUNT} parts, references followed: simplify it"),
            )),
            Ok(_) => None,
        }
    }

    /// The size, or the name of a part that refers to itself. Beyond the deepest nesting nothing more is measured.
    fn measure(&mut self, value: &'a Value, depth: usize) -> Result<Size, &'a str> {
        let mut size = Size { count: 1, depth: 0 };
        let members: Box<dyn Iterator<Item = (&str, &'a Value)>> = match value {
            Value::Object(members) => Box::new(members.iter().map(|(key, member)| (key.as_str(), member))),
            Value::Array(items) => Box::new(items.iter().map(|item| ("", item))),
            _ => return Ok(Size::default()),
        };
        if depth > MAX_DEPTH {
            return Ok(Size { count: 1, depth: 1 });
        }
        for (key, member) in members {
            let target = member.as_str().filter(|_| key == "$ref").and_then(|target| part(target, self.parts));
            let inner = match target {
                None => self.measure(member, depth + 1)?,
                Some((name, part)) => match self.known.get(name.as_str()) {
                    Some(Some(size)) => *size,
                    Some(None) => return Err(name),
                    None => {
                        self.known.insert(name, None);
                        let size = self.measure(part, 0)?;
                        self.known.insert(name, Some(size));
                        size
                    }
                },
            };
            size.count = size.count.saturating_add(inner.count);
            size.depth = size.depth.max(inner.depth);
        }
        Ok(Size { depth: size.depth + 1, ..size })
    }
}
