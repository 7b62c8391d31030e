//! What can be written in a filter and an order, what it means, and what is said about the rest.
#![allow(clippy::unwrap_used, clippy::panic)]

use domain::filter::{
    Comparison, Content, Context, Direction, Error, Field, Kind, MAX_DEPTH, MAX_LENGTH, MAX_TERMS, Pattern,
    Restriction, Schema, Test, Typed, Value, check, compile, eval, parse, parse_order,
};
use jiff::Timestamp;

fn schema() -> Schema {
    Schema::new([
        Field::new("title", Kind::String, "what it is about").orderable(),
        Field::new("priority", Kind::Integer, "in force, 1 is the highest").orderable(),
        Field::new("confidential", Kind::Bool, "hidden from other customers"),
        Field::choice("state_category", &["NEW", "ACTIVE", "RESOLVED"], "where it stands").orderable(),
        Field::new("opened_time", Kind::Timestamp, "when it happened").orderable(),
        Field::new("elapsed", Kind::Duration, "how long it took"),
        Field::new("amount", Kind::Decimal, "what it cost"),
        Field::new("tags", Kind::StringList, "free labels"),
        Field::new("assignment.person", Kind::String, "who works on it").orderable(),
    ])
}

fn context() -> Context {
    Context { now: "2016-06-01T00:00:00Z".parse().unwrap(), me: Some("people/ada".to_owned()) }
}

fn typed(text: &str) -> Typed {
    compile(text, &schema(), &context()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn canonical(text: &str) -> String {
    typed(text).canonical(&schema())
}

fn fault(text: &str) -> Error {
    match compile(text, &schema(), &context()) {
        Err(error) => error,
        Ok(_) => panic!("{text} is taken"),
    }
}

/// Column and message, and that nothing but the field named is at fault.
fn assert_fault(text: &str, field: &str, column: usize, says: &str) {
    let error = fault(text);
    assert_eq!((error.field.as_str(), error.column), (field, column), "{text}: {error}");
    assert!(error.message.contains(says), "{text}: {error}");
}

fn restriction(field: usize, test: Test) -> Typed {
    Typed::Restriction(Restriction { field, test })
}

fn priority(value: i64) -> Typed {
    restriction(1, Test::Compare(Comparison::Equal, Value::Integer(value)))
}

#[test]
fn an_empty_filter_holds_for_everything() {
    for text in ["", "  \t\n "] {
        assert_eq!(typed(text), Typed::everything());
        assert!(eval(&typed(text), &|_| Content::Unset));
    }
    assert_eq!(canonical(""), "");
}

#[test]
fn or_binds_tighter_than_and() {
    let or = |one, other| Typed::Or(vec![priority(one), priority(other)]);
    assert_eq!(typed("priority = 1 AND priority = 2 OR priority = 3"), Typed::And(vec![priority(1), or(2, 3)]));
    assert_eq!(
        typed("priority = 1 OR priority = 2 AND priority = 3 OR priority = 4"),
        Typed::And(vec![or(1, 2), or(3, 4)])
    );
    assert_eq!(
        typed("(priority = 1 AND priority = 2) OR priority = 3"),
        Typed::Or(vec![Typed::And(vec![priority(1), priority(2)]), priority(3)])
    );
}

#[test]
fn side_by_side_is_and() {
    let both = "priority = 1 AND (title = \"a\" OR tags:b) AND NOT confidential = true";
    assert_eq!(typed("priority = 1 (title = a OR tags:b) -confidential = true"), typed(both));
    assert_eq!(typed("priority=1 title=a OR tags:b"), typed("priority = 1 AND (title = a OR tags:b)"));
}

#[test]
fn not_and_minus_are_the_same() {
    let not = Typed::Not(Box::new(priority(1)));
    for text in ["NOT priority = 1", "-priority = 1", "NOT (priority = 1)", "NOT(priority=1)", "-(priority = 1)"] {
        assert_eq!(typed(text), not, "{text}");
    }
    assert_eq!(typed("NOT priority = 1 OR priority = 2"), Typed::Or(vec![not, priority(2)]));
}

#[test]
fn the_kind_of_a_field_decides_how_a_value_is_read() {
    for (text, meaning) in [
        ("priority = 3", "priority = 3"),
        ("priority != -3", "priority != -3"),
        ("priority <= \"3\"", "priority <= 3"),
        ("title = 3", "title = \"3\""),
        ("title > Zürich", "title > \"Zürich\""),
        ("title = 'say \"hi\"'", r#"title = "say \"hi\"""#),
        (r#"title = "a\\b\n\t\'""#, r#"title = "a\\b\n\t'""#),
        ("confidential = true", "confidential = true"),
        ("confidential != 'false'", "confidential != false"),
        ("state_category = NEW", "state_category = \"NEW\""),
        ("state_category != \"ACTIVE\"", "state_category != \"ACTIVE\""),
        ("elapsed > 1.5h", "elapsed > 5400s"),
        ("elapsed <= -0.5s", "elapsed <= -0.5s"),
        ("elapsed = 2d", "elapsed = 172800s"),
        ("amount >= 0.10", "amount >= 0.1"),
        ("amount < 2.5e3", "amount < 2500"),
        ("opened_time > 2016-03-01T00:00:00+01:00", "opened_time > 2016-02-29T23:00:00Z"),
        ("opened_time<\"2016-03-01T00:00:00.5Z\"", "opened_time < 2016-03-01T00:00:00.5Z"),
        ("assignment.person = groups/24", "assignment.person = \"groups/24\""),
        ("tags:urgent", "tags:\"urgent\""),
        ("tags: 'two words'", "tags:\"two words\""),
        ("priority:3", "priority = 3"),
        ("title = AND_MORE", "title = \"AND_MORE\""),
    ] {
        assert_eq!(canonical(text), meaning, "{text}");
    }
}

#[test]
fn a_star_in_a_string_is_a_wildcard_unless_escaped() {
    assert_eq!(typed("title = disk*"), restriction(0, Test::Like(Pattern::wild("disk*"))));
    assert_eq!(typed("title:'*disk *'"), restriction(0, Test::Like(Pattern::wild("*disk *"))));
    assert_eq!(typed("title != \"*\""), restriction(0, Test::NotLike(Pattern::wild("*"))));
    let star = Test::Compare(Comparison::Equal, Value::String("5*".to_owned()));
    assert_eq!(typed(r#"title = "5\*""#), restriction(0, star));
    assert_eq!(canonical(r#"title = "5\**""#), r#"title = "5\**""#);
}

#[test]
fn a_colon_and_a_star_ask_whether_a_field_is_set() {
    for (index, field) in schema().fields().iter().enumerate() {
        let text = format!("{}:*", field.name);
        assert_eq!(typed(&text), restriction(index, Test::Present), "{text}");
        assert_eq!(canonical(&text), text);
    }
}

#[test]
fn now_is_frozen_and_me_is_the_caller() {
    assert_eq!(canonical("opened_time >= now()"), "opened_time >= 2016-06-01T00:00:00Z");
    assert_eq!(canonical("opened_time >= now() - 7d"), "opened_time >= 2016-05-25T00:00:00Z");
    assert_eq!(canonical("opened_time<now()+1.5h"), "opened_time < 2016-06-01T01:30:00Z");
    assert_eq!(
        canonical("opened_time < now() -priority = 1"),
        "opened_time < 2016-06-01T00:00:00Z AND NOT priority = 1"
    );
    assert_eq!(canonical("assignment.person = me"), "assignment.person = \"people/ada\"");
    assert_eq!(canonical("assignment.person = 'me'"), "assignment.person = \"me\"");
    assert_eq!(canonical("tags:me"), "tags:\"people/ada\"");
}

#[test]
fn now_has_no_more_digits_than_the_database() {
    let now: Timestamp = "2016-06-01T00:00:00.123456789Z".parse().unwrap();
    let filter = compile("opened_time = now()", &schema(), &Context { now, me: None }).unwrap();
    assert_eq!(filter.canonical(&schema()), "opened_time = 2016-06-01T00:00:00.123456Z");
}

#[test]
fn one_meaning_has_one_canonical_text() {
    let first = canonical("priority=1  (title='a'OR tags:b)");
    assert_eq!(first, "priority = 1 AND title = \"a\" OR tags:\"b\"");
    assert_eq!(canonical("priority = 1 AND ((title = \"a\") OR tags : \"b\")"), first);
    assert_eq!(
        canonical("(priority = 1 AND priority = 2) AND priority = 3"),
        "priority = 1 AND priority = 2 AND priority = 3"
    );
    assert_eq!(canonical("NOT (NOT priority = 1)"), "NOT (NOT priority = 1)");
}

#[test]
fn what_does_not_follow_the_grammar_is_named_with_its_column() {
    for (text, column, says) in [
        ("priority", 1, "'priority' is compared with nothing"),
        (
            "title = hello world",
            15,
            "'world' is compared with nothing: write world = value, and put text with blanks in quotes",
        ),
        ("priority = 1 and title = a", 14, "write AND in capitals"),
        ("not priority = 1", 1, "write NOT in capitals"),
        ("priority =", 11, "expected a value, found the end"),
        ("priority = )", 12, "expected a value, found ')'"),
        ("priority == 1", 11, "expected a value, found '='"),
        ("priority = AND", 12, "expected a value, found 'AND': put it in quotes"),
        ("priority = (1 OR 2)", 12, "lists of values are not supported"),
        ("priority = 1 AND", 17, "expected a field name or '(', found the end"),
        ("priority = 1 OR OR", 17, "found 'OR'"),
        ("AND priority = 1", 1, "found 'AND'"),
        ("priority = 1, title = a", 13, "expected a field name or '(', found ','"),
        ("NOT NOT priority = 1", 5, "found 'NOT'"),
        ("- priority = 1", 1, "remove the blank behind it"),
        ("()", 2, "found ')'"),
        ("(priority = 1", 1, "'(' is never closed"),
        ("priority = 1)", 13, "')' closes nothing"),
        ("\"priority\" = 1", 1, "expected a field name or '('"),
        ("1 = priority", 1, "'1' is not a field name"),
        ("a..b = 1", 1, "'a..b' is not a field name"),
        ("assignment. = 1", 1, "'assignment.' is not a field name"),
        ("now() > opened_time", 1, "functions stand behind the comparison"),
        ("opened_time > today()", 15, "there is no function 'today': use now()"),
        ("opened_time > now(1)", 19, "now() takes nothing between its parentheses"),
        ("opened_time > now() - 7w", 23, "'7w' is not a length of time"),
        ("opened_time > now() - x", 21, "a length of time such as 7d"),
        ("title = \"é", 9, "the text is never closed: add \" behind it"),
        ("é = 1", 1, "'é' is not a field name"),
        ("title = \"é\" x", 13, "'x' is compared with nothing"),
        (r#"title = "a\d""#, 11, "a backslash stands before"),
        ("title = \"a\\", 11, "a backslash stands before"),
        ("title = \"a\0\"", 11, "NUL"),
        ("title = a\0", 10, "found"),
        ("opened_time > 2016-03-01T08:30Z", 15, "put it in quotes"),
        ("title ! a", 1, "compared with nothing"),
    ] {
        assert_fault(text, "", column, says);
    }
}

#[test]
fn what_does_not_fit_the_field_is_named_with_field_and_column() {
    for (text, field, column, says) in [
        ("prioritty = 1", "prioritty", 1, "there is no field 'prioritty': did you mean priority"),
        ("title = a AND color = red", "color", 15, "use one of title, priority,"),
        ("assignment = a", "assignment", 1, "there is no field"),
        ("priority = high", "priority", 12, "'high' is not a whole number"),
        ("priority = 1.0", "priority", 12, "not a whole number"),
        ("priority = 9223372036854775808", "priority", 12, "of 64 bits"),
        ("priority = 1*", "priority", 12, "'*' is not part of a value of type integer"),
        ("priority = now()", "priority", 12, "now() is a time"),
        ("confidential = yes", "confidential", 16, "neither true nor false"),
        ("confidential > true", "confidential", 1, "> does not apply to confidential of type bool: use = or !="),
        ("state_category = DONE", "state_category", 18, "use one of NEW, ACTIVE, RESOLVED"),
        ("state_category = new", "state_category", 18, "use one of NEW, ACTIVE, RESOLVED"),
        ("state_category < NEW", "state_category", 1, "use = or !="),
        ("state_category = N*", "state_category", 18, "wildcards are for strings"),
        ("opened_time > 2016-03-01", "opened_time", 15, "write 2016-03-01T00:00:00Z"),
        ("opened_time > yesterday", "opened_time", 15, "is not a time"),
        ("opened_time > 2016-03-01T00:00:00.1234567Z", "opened_time", 15, "finer than a microsecond"),
        ("opened_time > now() - 999999d", "opened_time", 15, "outside the years 0000 to 9999"),
        ("elapsed > 5", "elapsed", 11, "is not a length of time"),
        ("amount = 1,5", "", 11, "found ','"),
        ("amount = '1,5'", "amount", 10, "is not a decimal number"),
        ("amount = 1e-19", "amount", 10, "more than 18 digits after the point"),
        ("tags = urgent", "tags", 1, "ask for an item, such as tags:value"),
        ("tags:urg*", "tags", 6, "wildcards are for strings"),
        ("title > a*", "title", 9, "a wildcard goes with =, != and :"),
        ("title = now()", "title", 9, "now() is a time"),
    ] {
        assert_fault(text, field, column, says);
    }
}

#[test]
fn me_needs_a_caller() {
    let nobody = Context { me: None, ..context() };
    let error = compile("assignment.person = me", &schema(), &nobody).unwrap_err();
    assert_eq!((error.field.as_str(), error.column), ("assignment.person", 21));
    assert!(error.message.starts_with("me stands for nobody here"), "{error}");
}

#[test]
fn an_error_shows_its_column() {
    assert_eq!(fault("(priority = 1").to_string(), "'(' is never closed: add ')' (column 1)");
}

#[test]
fn limits_are_named_when_they_are_passed() {
    let longest = format!("title = '{}'", "é".repeat(MAX_LENGTH - 10));
    assert!(parse(&longest).is_ok());
    assert_fault(&format!("{longest} "), "", 4097, "the filter has 4097 characters: write at most 4096");

    let nested = |depth: usize| format!("{}priority = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(typed(&nested(MAX_DEPTH)), priority(1));
    assert_fault(&nested(MAX_DEPTH + 1), "", 33, "use at most 32 parentheses around a restriction");

    let terms = |count: usize| vec!["priority = 1"; count].join(" OR ");
    assert!(parse(&terms(MAX_TERMS)).is_ok());
    assert_fault(&terms(MAX_TERMS + 1), "", 1 + 100 * 16, "use at most 100");
}

#[test]
fn a_message_repeats_only_the_beginning_of_a_long_text() {
    let long = "x".repeat(MAX_LENGTH - 20);
    for text in [format!("{long} = 1"), long.clone(), format!("priority = {long}"), format!("title = {long}()")] {
        let error = fault(&text);
        assert!(error.message.chars().count() < 250 && error.field.chars().count() < 100, "{error}");
    }
}

#[test]
fn parentheses_side_by_side_are_not_nested() {
    let many = vec!["(priority = 1)"; MAX_TERMS].join(" ");
    assert!(parse(&many).is_ok());
}

#[test]
fn a_restriction_on_an_unset_field_never_holds_and_its_negation_does() {
    for text in [
        "priority = 1",
        "priority != 1",
        "title != \"*\"",
        "title != a*",
        "tags:a",
        "priority:*",
        "opened_time < now()",
    ] {
        assert!(!eval(&typed(text), &|_| Content::Unset), "{text}");
        assert!(eval(&typed(&format!("NOT {text}")), &|_| Content::Unset), "NOT {text}");
    }
    assert!(!eval(&typed("tags:*"), &|_| Content::Many(Vec::new())));
}

#[test]
fn records_in_memory_are_filtered() {
    let record = |field: usize| match field {
        0 => Content::One(Value::String("disk full".to_owned())),
        1 => Content::One(Value::Integer(2)),
        3 => Content::One(Value::String("ACTIVE".to_owned())),
        4 => Content::One(Value::Timestamp("2016-05-30T12:00:00Z".parse().unwrap())),
        7 => Content::Many(vec!["storage".to_owned(), "urgent".to_owned()]),
        _ => Content::Unset,
    };
    for (text, holds) in [
        ("priority = 2", true),
        ("priority < 2", false),
        ("priority <= 2 AND priority >= 2", true),
        ("priority > 1 priority != 3", true),
        ("title = \"disk full\"", true),
        ("title = 'disk *'", true),
        ("title != '*full'", false),
        ("title >= Disk", true),
        ("state_category = NEW OR state_category = ACTIVE", true),
        ("opened_time > now() - 7d", true),
        ("opened_time > now() - 1d", false),
        ("tags:urgent AND NOT tags:network", true),
        ("tags:*", true),
        ("confidential = false", false),
        ("-confidential:*", true),
    ] {
        assert_eq!(eval(&typed(text), &record), holds, "{text}");
    }
}

#[test]
fn an_order_names_fields_and_directions() {
    use Direction::{Ascending, Descending};
    let order = |text| parse_order(text, &schema()).unwrap();
    assert_eq!(order(""), []);
    assert_eq!(order("  "), []);
    assert_eq!(order("priority"), [(1, Ascending)]);
    assert_eq!(
        order("priority , assignment.person   desc,title asc"),
        [(1, Ascending), (8, Descending), (0, Ascending)]
    );
}

#[test]
fn a_wrong_order_is_named_with_field_and_column() {
    for (text, field, column, says) in [
        ("priority, color", "color", 11, "there is no field 'color'"),
        ("priority, title desc, priority desc", "priority", 23, "stands in the order twice"),
        ("tags", "tags", 1, "nothing is ordered by tags: use one of title, priority,"),
        ("priority DESC", "priority", 1, "only asc or desc can follow priority"),
        ("priority desc title", "priority", 1, "put a comma between fields"),
        ("priority,,title", "", 10, "expected a field name"),
        ("priority,", "", 10, "expected a field name"),
        (",", "", 1, "expected a field name"),
    ] {
        let error = parse_order(text, &schema()).unwrap_err();
        assert_eq!((error.field.as_str(), error.column), (field, column), "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
    }
}

#[test]
fn checking_needs_no_text_again() {
    let expr = parse("priority = 1 OR title = a*").unwrap();
    assert_eq!(check(&expr, &schema(), &context()).unwrap(), typed("priority = 1 OR title = a*"));
}
