//! The fields that a process adds to its tickets: the part of JSON Schema that a form needs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::violation::Violation;

/// Fields by id. Written as a JSON Schema of type `object`; keywords that it does not enforce are refused.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomFields {
    /// Always `object`.
    #[serde(rename = "type", default)]
    pub kind: ObjectType,
    /// What each field holds, by its id.
    #[serde(default)]
    pub properties: BTreeMap<String, Property>,
    /// Ids of the fields that a ticket must have from its opening on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
}

/// The one type that a set of fields has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ObjectType {
    /// Named fields.
    #[default]
    Object,
}

/// One field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Property {
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: PropertyType,
    /// Name for people. Empty: the id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What a text must be. Empty: any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<Format>,
    /// The texts to choose from. Empty: any.
    #[serde(rename = "enum", default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PropertyType {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A whole number.
    Integer,
    /// Yes or no.
    Boolean,
}

/// What the text of a field must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A calendar date: `2026-03-28`.
    Date,
    /// An instant with its offset: `2026-03-28T10:00:00Z`.
    DateTime,
}

impl CustomFields {
    /// Defines nothing, so that anything may be given.
    pub fn is_empty(&self) -> bool {
        self.properties.is_empty() && self.required.is_empty()
    }

    /// Everything that is wrong with the values, each under its path `custom_fields.{id}`.
    pub fn violations(&self, values: &BTreeMap<String, Value>) -> Vec<Violation> {
        if self.is_empty() {
            return Vec::new();
        }
        let missing = self
            .required
            .iter()
            .filter(|id| !values.contains_key(*id))
            .map(|id| Violation::new(path(id), "is required by the process: give a value"));
        let wrong = values.iter().filter_map(|(id, value)| {
            let message = match self.properties.get(id) {
                Some(property) => property.objection(value)?,
                None => format!("is no field of the process: use one of {}", self.ids()),
            };
            Some(Violation::new(path(id), message))
        });
        missing.chain(wrong).collect()
    }

    fn ids(&self) -> String {
        self.properties.keys().map(String::as_str).collect::<Vec<_>>().join(", ")
    }
}

impl Property {
    fn objection(&self, value: &Value) -> Option<String> {
        match self.kind {
            PropertyType::Number => (!value.is_number()).then(|| "must be a number".to_owned()),
            PropertyType::Integer => {
                let whole = value.as_f64().is_some_and(|number| number.fract() == 0.0);
                (!whole).then(|| "must be a whole number".to_owned())
            }
            PropertyType::Boolean => (!value.is_boolean()).then(|| "must be true or false".to_owned()),
            PropertyType::String => match value.as_str() {
                None => Some("must be a text".to_owned()),
                Some(text) => self.objection_to_text(text),
            },
        }
    }

    fn objection_to_text(&self, text: &str) -> Option<String> {
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| choice == text) {
            return Some(format!("must be one of {}", self.choices.join(", ")));
        }
        match self.format? {
            Format::Date => text.parse::<Date>().is_err().then(|| "must be a date, as in 2026-03-28".to_owned()),
            Format::DateTime => text
                .parse::<Timestamp>()
                .is_err()
                .then(|| "must be an instant with its offset, as in 2026-03-28T10:00:00Z".to_owned()),
        }
    }
}

fn path(id: &str) -> String {
    format!("custom_fields.{id}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> CustomFields {
        serde_json::from_value(json!({
            "type": "object",
            "properties": {
                "symptom": {"type": "string", "enum": ["slow", "down"]},
                "seats": {"type": "integer"},
                "since": {"type": "string", "format": "date"},
            },
            "required": ["symptom"],
        }))
        .unwrap()
    }

    fn fields_objected_to(values: Value) -> Vec<String> {
        let values = serde_json::from_value(values).unwrap();
        schema().violations(&values).into_iter().map(|violation| violation.field).collect()
    }

    #[test]
    fn every_wrong_custom_field_is_named_at_once() {
        assert_eq!(
            fields_objected_to(json!({"seats": 1.5, "since": "yesterday", "colour": "red"})),
            ["custom_fields.symptom", "custom_fields.colour", "custom_fields.seats", "custom_fields.since"]
        );
        assert_eq!(fields_objected_to(json!({"symptom": "odd"})), ["custom_fields.symptom"]);
        assert!(fields_objected_to(json!({"symptom": "slow", "seats": 2, "since": "2026-03-28"})).is_empty());
    }

    #[test]
    fn a_keyword_that_is_not_enforced_is_refused() {
        let schema = json!({"properties": {"a": {"type": "string", "minLength": 3}}});
        assert!(serde_json::from_value::<CustomFields>(schema).is_err());
    }

    #[test]
    fn a_process_without_a_schema_takes_any_custom_field() {
        let values = BTreeMap::from([("anything".to_owned(), json!([1]))]);
        assert!(CustomFields::default().violations(&values).is_empty());
    }
}
