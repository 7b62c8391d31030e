//! Laws that hold for every filter, whatever it says.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use domain::amount::Decimal;
use domain::filter::{
    Comparison, Content, Context, Expr, Field, Kind, Literal, Operator, Pattern, Restriction, Schema, Term, Test,
    Typed, Value, check, compile, eval, parse, parse_order,
};
use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

const STATES: [&str; 3] = ["NEW", "ACTIVE", "RESOLVED"];

fn schema() -> Schema {
    Schema::new([
        Field::new("text", Kind::String, "").orderable(),
        Field::new("whole", Kind::Integer, "").orderable(),
        Field::new("decimal", Kind::Decimal, ""),
        Field::new("truth", Kind::Bool, ""),
        Field::new("time", Kind::Timestamp, ""),
        Field::new("length", Kind::Duration, ""),
        Field::choice("state", &STATES, ""),
        Field::new("tags", Kind::StringList, ""),
    ])
}

fn context() -> Context {
    Context { now: Timestamp::UNIX_EPOCH, me: Some("people/ada".to_owned()) }
}

/// Values from few, so that records and filters meet.
fn value(kind: &Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::String | Kind::StringList => "[ab*\"\\\\é\n]{0,3}".prop_map(Value::String).boxed(),
        Kind::Integer => (-2i64..3).prop_map(Value::Integer).boxed(),
        Kind::Decimal => "-?[0-2]\\.[05]".prop_map(|text| Value::Decimal(Decimal::parse(&text).unwrap())).boxed(),
        Kind::Bool => any::<bool>().prop_map(Value::Bool).boxed(),
        Kind::Timestamp => {
            (-2i64..3).prop_map(|half| Value::Timestamp(Timestamp::from_microsecond(half * 500_000).unwrap())).boxed()
        }
        Kind::Duration => {
            (-2i64..3).prop_map(|half| Value::Duration(SignedDuration::from_micros(half * 500_000))).boxed()
        }
        Kind::Enum(_) => prop::sample::select(STATES.to_vec()).prop_map(|name| Value::String(name.to_owned())).boxed(),
    }
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        _ => String::new(),
    }
}

fn test(kind: &Kind) -> BoxedStrategy<Test> {
    let comparisons = kind.comparisons();
    if comparisons.is_empty() {
        return prop_oneof![Just(Test::Present), value(kind).prop_map(|item| Test::Has(text(item)))].boxed();
    }
    let compare = (prop::sample::select(comparisons), value(kind))
        .prop_map(|(comparison, value)| Test::Compare(comparison, value));
    if *kind == Kind::String {
        let pattern = || "[ab]{0,2}\\*[abé]{0,2}".prop_map(|text| Pattern::wild(&text));
        let like = pattern().prop_map(Test::Like);
        return prop_oneof![Just(Test::Present), compare, like, pattern().prop_map(Test::NotLike)].boxed();
    }
    prop_oneof![1 => Just(Test::Present), 4 => compare].boxed()
}

fn restriction() -> impl Strategy<Value = Typed> {
    (0..schema().fields().len()).prop_flat_map(|field| {
        test(&schema().fields()[field].kind).prop_map(move |test| Typed::Restriction(Restriction { field, test }))
    })
}

fn typed() -> impl Strategy<Value = Typed> {
    restriction().prop_recursive(4, 24, 4, |member| {
        prop_oneof![
            member.clone().prop_map(not),
            vec(member.clone(), 2..4).prop_map(Typed::And),
            vec(member, 2..4).prop_map(Typed::Or),
        ]
    })
}

fn not(filter: Typed) -> Typed {
    Typed::Not(Box::new(filter))
}

fn record() -> impl Strategy<Value = BTreeMap<usize, Content>> {
    let fields: Vec<_> = schema()
        .fields()
        .iter()
        .map(|field| match field.kind {
            Kind::StringList => vec(value(&field.kind), 0..3)
                .prop_map(|items| Content::Many(items.into_iter().map(text).collect()))
                .boxed(),
            _ => prop_oneof![1 => Just(Content::Unset), 3 => value(&field.kind).prop_map(Content::One)].boxed(),
        })
        .collect();
    fields.prop_map(|contents| contents.into_iter().enumerate().collect())
}

fn literal() -> impl Strategy<Value = Literal> {
    let instant = Just(Literal::Bare(Pattern::exactly("2016-03-01T08:30:00.5+01:00")));
    let offset = -3_000_000i64..3_000_000;
    prop_oneof![
        4 => "[a-zé0-9*./+_-]{1,6}".prop_map(|text| Literal::Bare(Pattern::wild(&text))),
        4 => "\\PC{0,6}".prop_map(|text| Literal::Quoted(Pattern::wild(&text))),
        2 => "[*\\\\\"'\n\t]{0,4}".prop_map(|text| Literal::Quoted(Pattern::exactly(&text))),
        1 => offset.prop_map(|micros| Literal::Now(SignedDuration::from_micros(micros))),
        1 => instant,
    ]
}

fn operator() -> impl Strategy<Value = Operator> {
    let comparisons = Kind::String.comparisons();
    prop_oneof![Just(Operator::Has), prop::sample::select(comparisons).prop_map(Operator::Compare)]
}

fn expr() -> impl Strategy<Value = Expr> {
    let term = ("[a-z_]{1,4}(\\.[a-z]{1,3})?", operator(), literal()).prop_map(|(field, operator, value)| {
        Expr::Term(Term { field, field_column: 0, operator, value, value_column: 0 })
    });
    term.prop_recursive(4, 24, 4, |member| {
        prop_oneof![
            member.clone().prop_map(|member| Expr::Not(Box::new(member))),
            vec(member.clone(), 2..4).prop_map(Expr::And),
            vec(member, 2..4).prop_map(Expr::Or),
        ]
    })
}

/// The same expression as if nobody had asked where it stands.
fn without_columns(expr: Expr) -> Expr {
    let each = |members: Vec<Expr>| members.into_iter().map(without_columns).collect();
    match expr {
        Expr::And(members) => Expr::And(each(members)),
        Expr::Or(members) => Expr::Or(each(members)),
        Expr::Not(member) => Expr::Not(Box::new(without_columns(*member))),
        Expr::Term(term) => Expr::Term(Term { field_column: 0, value_column: 0, ..term }),
    }
}

fn terms(expr: &Expr) -> Vec<&Term> {
    match expr {
        Expr::And(members) | Expr::Or(members) => members.iter().flat_map(terms).collect(),
        Expr::Not(member) => terms(member),
        Expr::Term(term) => vec![term],
    }
}

/// Pieces of filters in any order: nearer to the grammar than plain noise.
fn soup() -> impl Strategy<Value = String> {
    let words = [
        "text",
        "whole",
        "time",
        "tags",
        "state",
        "NEW",
        "1",
        "-",
        "NOT ",
        "AND",
        "OR",
        "and",
        "(",
        ")",
        "=",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        ":",
        "*",
        "'",
        "\"",
        "\\",
        ".",
        ",",
        " ",
        "now()",
        "now",
        "+",
        "7d",
        "2016-03-01T08:30:00Z",
        "é",
        "true",
        "me",
        "\n",
        "\0",
    ];
    vec(prop::sample::select(words.to_vec()), 0..16).prop_map(|words| words.concat())
}

fn holds(filter: &Typed, record: &BTreeMap<usize, Content>) -> bool {
    eval(filter, &|field| record[&field].clone())
}

fn read(text: &str) -> Typed {
    compile(text, &schema(), &context()).unwrap()
}

proptest! {
    #[test]
    fn what_is_displayed_reads_back_as_itself(expr in expr()) {
        let text = expr.to_string();
        let read = parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        prop_assert_eq!(without_columns(read), expr, "{}", text);
    }

    #[test]
    fn columns_lead_to_the_field_and_its_value(expr in expr()) {
        let text = expr.to_string();
        for term in terms(&parse(&text).unwrap()) {
            let from = |column: usize| text.chars().skip(column - 1).collect::<String>();
            prop_assert!(from(term.field_column).starts_with(&term.field));
            prop_assert!(from(term.value_column).starts_with(&term.value.to_string()));
        }
    }

    #[test]
    fn no_text_makes_it_panic_and_every_fault_lies_in_the_text(
        text in prop_oneof![soup(), "\\PC{0,40}", any::<String>()],
    ) {
        let length = text.chars().count();
        match parse(&text) {
            Err(error) => prop_assert!((1..=length + 1).contains(&error.column), "{error}"),
            Ok(expr) => {
                prop_assert_eq!(without_columns(parse(&expr.to_string()).unwrap()), without_columns(expr.clone()));
                if let Err(error) = check(&expr, &schema(), &context()) {
                    prop_assert!((1..=length).contains(&error.column), "{error}");
                    prop_assert!(!error.field.is_empty());
                }
            }
        }
        if let Err(error) = parse_order(&text, &schema()) {
            prop_assert!((1..=length + 1).contains(&error.column), "{error}");
        }
    }

    #[test]
    fn the_canonical_text_means_the_same(filter in typed(), record in record()) {
        let canonical = filter.canonical(&schema());
        let again = read(&canonical);
        prop_assert_eq!(holds(&again, &record), holds(&filter, &record), "{}", canonical);
        prop_assert_eq!(read(&again.canonical(&schema())), again);
    }

    #[test]
    fn de_morgan(one in typed(), other in typed(), record in record()) {
        let both = Typed::And(vec![one.clone(), other.clone()]);
        let either = Typed::Or(vec![one.clone(), other.clone()]);
        let (not_one, not_other) = (not(one), not(other));
        let neither = Typed::And(vec![not_one.clone(), not_other.clone()]);
        let not_both = Typed::Or(vec![not_one, not_other]);
        prop_assert_eq!(holds(&not(both), &record), holds(&not_both, &record));
        prop_assert_eq!(holds(&not(either), &record), holds(&neither, &record));
    }

    #[test]
    fn a_filter_and_its_negation_split_all_records(filter in typed(), record in record()) {
        prop_assert!(holds(&filter, &record) != holds(&not(filter.clone()), &record));
        prop_assert_eq!(holds(&not(not(filter.clone())), &record), holds(&filter, &record));
    }

    #[test]
    fn or_takes_its_neighbours_before_and_does(
        (one, two, three) in (restriction(), restriction(), restriction()), record in record(),
    ) {
        let text = |filter: &Typed| filter.canonical(&schema());
        let truth = |filter: &Typed| holds(filter, &record);
        let filter = format!("{} AND {} OR {}", text(&one), text(&two), text(&three));
        prop_assert_eq!(truth(&read(&filter)), truth(&one) && (truth(&two) || truth(&three)));
        let filter = format!("{} OR {} {}", text(&one), text(&two), text(&three));
        prop_assert_eq!(truth(&read(&filter)), (truth(&one) || truth(&two)) && truth(&three));
    }

    #[test]
    fn a_restriction_on_an_unset_field_never_holds(restriction in restriction()) {
        prop_assert!(!eval(&restriction, &|_| Content::Unset));
    }

    #[test]
    fn a_set_value_passes_a_comparison_or_its_opposite(
        (field, test) in (0usize..7).prop_flat_map(|field| (Just(field), test(&schema().fields()[field].kind))),
        record in record(),
    ) {
        let opposite = match test.clone() {
            Test::Compare(comparison, value) => Test::Compare(match comparison {
                Comparison::Equal => Comparison::NotEqual,
                Comparison::NotEqual => Comparison::Equal,
                Comparison::Less => Comparison::GreaterOrEqual,
                Comparison::GreaterOrEqual => Comparison::Less,
                Comparison::Greater => Comparison::LessOrEqual,
                Comparison::LessOrEqual => Comparison::Greater,
            }, value),
            Test::Like(pattern) => Test::NotLike(pattern),
            Test::NotLike(pattern) => Test::Like(pattern),
            other => other,
        };
        prop_assume!(test != opposite && record[&field] != Content::Unset);
        let holds = |test| holds(&Typed::Restriction(Restriction { field, test }), &record);
        prop_assert!(holds(test) != holds(opposite));
    }
}
