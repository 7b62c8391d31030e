//! Forms: what is understood as a schema, and what answers are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use domain::form::{Form, MAX_BYTES, MAX_DEPTH};
use domain::violation::Violation;
use serde_json::{Value, json};

fn fields(found: Vec<Violation>) -> Vec<String> {
    found.into_iter().map(|violation| violation.field).collect()
}

fn refused(schema: &Value) -> Vec<String> {
    fields(Form::parse("f", schema).expect_err("it is refused"))
}

fn judged(schema: &Value, answers: &Value) -> Vec<String> {
    fields(Form::parse("f", schema).unwrap().violations("a", answers))
}

fn order() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "model": {"enum": ["light", "strong"]},
            "until": {"type": "string", "format": "date"},
            "seats": {"type": "array", "items": {"$ref": "#/$defs/seat"}, "minItems": 1},
        },
        "required": ["model", "seats"],
        "additionalProperties": false,
        "$defs": {"seat": {"type": "object", "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}},
            "required": ["name"]}},
    })
}

#[test]
fn every_answer_that_does_not_fit_is_named_by_its_path_at_once() {
    let answers = json!({"model": "huge", "until": "tomorrow", "seats": [{"name": "ann"}, {"name": 3}, {}], "x": 1});
    let mut found = judged(&order(), &answers);
    found.sort();
    assert_eq!(found, ["a.model", "a.seats[1].name", "a.seats[2].name", "a.until", "a.x"]);
    assert_eq!(judged(&order(), &json!({})), ["a.model", "a.seats"]);
    let good = json!({"model": "light", "until": "2026-12-01", "seats": [{"name": "ann"}]});
    assert_eq!(judged(&order(), &good), [""; 0]);
    let told = Form::parse("f", &order()).unwrap().violations("a", &json!({"model": "light", "seats": 3}));
    assert_eq!(told[0].to_string(), "a.seats: must be of type array");
}

#[test]
fn what_is_no_schema_is_refused_with_its_path() {
    assert_eq!(refused(&json!([])), ["f"]);
    assert_eq!(refused(&json!({"type": "array"})), ["f.type"]);
    assert_eq!(refused(&json!({"properties": {"a": {"type": "text"}}})), ["f.properties.a.type"]);
    assert_eq!(refused(&json!({"properties": {"a": {"pattern": "("}}})), ["f.properties.a.pattern"]);
    assert_eq!(refused(&json!({"properties": {"a": {"minLenght": 3}}})), ["f.properties.a.minLenght"], "a slip");
    let several = json!({"required": "a", "properties": {"a": {"minItems": -1, "format": "colour", "enum": []}}});
    let mut found = refused(&several);
    found.sort();
    assert_eq!(found, ["f.properties.a.enum", "f.properties.a.format", "f.properties.a.minItems", "f.required"]);
    assert_eq!(refused(&json!({"$schema": "http://json-schema.org/draft-07/schema#"})), ["f.$schema"]);
}

/// Keyword by keyword: a schema of one answer, answers that fit and that do not.
#[test]
fn every_keyword_is_enforced() {
    for (schema, good, bad) in [
        (json!({"type": ["string", "null"]}), json!(null), json!(1)),
        (json!({"type": "integer"}), json!(2.0), json!(2.5)),
        (json!({"enum": [1, "b"]}), json!(1.0), json!("c")),
        (json!({"const": {"a": [1]}}), json!({"a": [1.0]}), json!({"a": [2]})),
        (json!({"minLength": 2, "maxLength": 3}), json!("äö"), json!("ä")),
        (json!({"maxLength": 3}), json!("abc"), json!("abcd")),
        (json!({"pattern": "^a+$"}), json!("aa"), json!("ab")),
        (json!({"format": "date-time"}), json!("2026-03-28T10:00:00Z"), json!("2026-03-28")),
        (json!({"format": "email"}), json!("a@b.example"), json!("a at b")),
        (json!({"minimum": 1, "maximum": 2}), json!(1), json!(0.9)),
        (json!({"exclusiveMinimum": 1, "exclusiveMaximum": 2}), json!(1.5), json!(2)),
        (json!({"multipleOf": 0.1}), json!(0.3), json!(0.35)),
        (json!({"items": {"type": "number"}, "minItems": 1}), json!([1]), json!(["a"])),
        (json!({"minItems": 1}), json!([1]), json!([])),
        (json!({"maxItems": 1}), json!([1]), json!([1, 2])),
        (json!({"uniqueItems": true}), json!([1, 2]), json!([1, 1.0])),
        (json!({"uniqueItems": true}), json!([0, "0", null, false, [], {}]), json!([-0.0, "a", 0])),
        (json!({"uniqueItems": true}), json!([[1], [2, 1], [1, 2]]), json!([[1, "a"], [2], [1.0, "a"]])),
        (json!({"uniqueItems": true}), json!([{"b": 1}, {"a": 1}]), json!([{"a": 1, "b": 2}, 1, {"b": 2, "a": 1}])),
        (json!({"prefixItems": [{"type": "string"}], "items": false}), json!(["a"]), json!(["a", 1])),
        (json!({"required": ["a"]}), json!({"a": 1}), json!({})),
        (json!({"dependentRequired": {"a": ["b"]}}), json!({"b": 1}), json!({"a": 1})),
        (json!({"properties": {"a": {"type": "string"}}}), json!({"b": 1}), json!({"a": 1})),
        (json!({"properties": {"a": true}, "additionalProperties": false}), json!({"a": 1}), json!({"b": 1})),
        (json!({"minProperties": 1, "maxProperties": 1}), json!({"a": 1}), json!({"a": 1, "b": 2})),
        (json!({"allOf": [{"type": "number"}, {"minimum": 1}]}), json!(1), json!(0)),
        (json!({"anyOf": [{"const": 1}, {"const": 2}]}), json!(2), json!(3)),
        (json!({"oneOf": [{"minimum": 1}, {"maximum": 2}]}), json!(3), json!(1.5)),
        (json!({"not": {"type": "string"}}), json!(1), json!("a")),
        (json!({"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "null"}}), json!("ab"), json!(1)),
        (json!(false), json!(null), json!(1)),
    ] {
        let form = json!({"properties": {"a": schema}});
        if schema != json!(false) {
            assert_eq!(judged(&form, &json!({"a": good})), [""; 0], "{schema} {good}");
        }
        assert_eq!(judged(&form, &json!({"a": bad})).len(), 1, "{schema} {bad}");
    }
}

#[test]
fn nothing_outside_the_schema_is_looked_up() {
    for target in ["https://example.com/s.json", "file:///etc/passwd", "other.json", "#", "#/properties/a"] {
        assert_eq!(refused(&json!({"properties": {"a": {"$ref": target}}})), ["f.properties.a.$ref"], "{target}");
    }
    assert_eq!(refused(&json!({"$id": "https://example.com"})), ["f.$id"]);
    assert_eq!(refused(&json!({"properties": {"a": {"$ref": "#/$defs/none"}}})), ["f.properties.a.$ref"]);
}

#[test]
fn a_schema_that_refers_to_itself_in_a_circle_is_refused() {
    let circle = json!({"properties": {"a": {"$ref": "#/$defs/a"}},
        "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}});
    assert_eq!(refused(&circle), ["f.$defs.b"]);
    let itself = json!({"$ref": "#/$defs/a", "$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}});
    assert_eq!(refused(&itself), ["f.$defs.a"]);
}

#[test]
fn a_schema_is_neither_large_nor_deep() {
    let long = json!({"description": "x".repeat(MAX_BYTES)});
    assert_eq!(refused(&long), ["f"]);
    let mut deep = json!({});
    for _ in 0..MAX_DEPTH {
        deep = json!({"not": deep});
    }
    assert_eq!(refused(&deep), ["f"]);
    // Neither by references: thirty times twice the one before.
    let mut parts = serde_json::Map::new();
    parts.insert("a0".to_owned(), json!({"type": "string"}));
    for level in 1..30 {
        let before = json!({"$ref": format!("#/$defs/a{}", level - 1)});
        parts.insert(format!("a{level}"), json!({"allOf": [before, before]}));
    }
    assert_eq!(refused(&json!({"$ref": "#/$defs/a29", "$defs": parts})), ["f"]);
}

#[test]
fn answers_keep_nobody_busy() {
    let unique = json!({"properties": {"a": {"uniqueItems": true}}});
    let numbers = |count: usize| json!({"a": (0..count).collect::<Vec<_>>()});
    assert_eq!(judged(&unique, &numbers(10_000)), [""; 0]);
    assert_eq!(judged(&unique, &numbers(MAX_BYTES)), ["a"], "no form asks for as much");
}

#[test]
fn a_pattern_keeps_nobody_busy() {
    let schema = json!({"properties": {"a": {"pattern": "^(a+)+$"}}});
    assert_eq!(judged(&schema, &json!({"a": format!("{}!", "a".repeat(5_000))})), ["a.a"]);
    // Looking around is what would take for ever, and is refused.
    assert_eq!(refused(&json!({"properties": {"a": {"pattern": "(?=a)b"}}})).len(), 1);
}
