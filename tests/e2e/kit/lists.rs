//! Lists: filters select what the evaluator says, and pages of any size give the same sequence.

use std::sync::OnceLock;

use diesel::QueryableByName;
use diesel::sql_types::Text;
use domain::amount::Decimal;
use domain::filter::{self, Content, Context, Value};
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config, TestRunner};
use servicekit::error;
use servicekit::page::{self, Page};
use servicekit::resource::{self, List};
use servicekit::sql::Sql;
use tokio::runtime::Runtime;

use super::*;

const TITLES: [&str; 6] = ["alpha", "Alpha", "al%ha", "a_l\\pha", "Ärger", "beta gamma"];
const INSTANTS: [&str; 3] = ["2024-05-31T12:00:00Z", "2024-06-01T00:00:00.000001Z", "1969-12-31T23:59:59Z"];

/// Widgets in which every field is unset in some and the same in others.
fn widgets() -> Vec<(String, Widget)> {
    (0..120_usize)
        .map(|number| {
            let some = |step: usize| (number % step != 0).then_some(number / step);
            let widget = Widget {
                title: some(4).map(|n| TITLES[n % TITLES.len()].to_owned()),
                color: some(3).map(|n| ["RED", "BLUE"][n % 2].to_owned()),
                weight: some(5).map(|n| i64::try_from(n % 7).unwrap() - 3),
                price: some(7).map(|n| ["0.5", "10", "-2.25"][n % 3].to_owned()),
                sound: some(2).map(|n| n % 2 == 0),
                made_at: some(6).map(|n| INSTANTS[n % INSTANTS.len()].parse().unwrap()),
                tags: ["a", "b", "c"].into_iter().take(number % 4).map(str::to_owned).collect(),
                ..Widget::default()
            };
            (format!("widgets/{number:03}"), widget)
        })
        .collect()
}

fn content(name: &str, widget: &Widget, field: usize) -> Content {
    let one = |value: Option<Value>| value.map_or(Content::Unset, Content::One);
    match FIELDS.schema().fields()[field].name.as_str() {
        "name" => Content::One(Value::String(name.to_owned())),
        "title" => one(widget.title.clone().map(Value::String)),
        "color" => one(widget.color.clone().map(Value::String)),
        "weight" => one(widget.weight.map(Value::Integer)),
        "price" => one(widget.price.as_deref().map(|text| Value::Decimal(Decimal::parse(text).unwrap()))),
        "sound" => one(widget.sound.map(Value::Bool)),
        "made_time" => one(widget.made_at.map(Value::Timestamp)),
        "tags" => Content::Many(widget.tags.clone()),
        other => panic!("no field {other}"),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Filters as somebody might write them, over all fields, comparisons and nestings.
fn filters() -> impl Strategy<Value = String> {
    let compare = || select(vec!["=", "!=", "<", "<=", ">", ">="]);
    let texts = select(vec!["alpha", "Alpha", "al%ha", "a_l\\pha", "Ärger", "al*", "*a", "*_*", "*", "%", "zzz"]);
    let term = prop_oneof![
        (select(vec!["title", "name"]), compare(), texts.clone()).prop_map(|(field, operator, text)| {
            let ordered = operator.contains(['<', '>']);
            let text = if ordered { text.replace('*', "") } else { text.to_owned() };
            format!("{field} {operator} {}", quoted(&text))
        }),
        (select(vec!["=", "!="]), select(vec!["RED", "BLUE"])).prop_map(|(o, v)| format!("color {o} {v}")),
        (compare(), -4..4_i64).prop_map(|(o, v)| format!("weight {o} {v}")),
        (compare(), select(vec!["0.5", "10", "-2.25", "0.50001"])).prop_map(|(o, v)| format!("price {o} {v}")),
        (select(vec!["=", "!="]), any::<bool>()).prop_map(|(o, v)| format!("sound {o} {v}")),
        (compare(), select(INSTANTS.to_vec())).prop_map(|(o, v)| format!("made_time {o} {}", quoted(v))),
        compare().prop_map(|o| format!("made_time {o} now() - 1d")),
        select(vec!["a", "b", "z"]).prop_map(|v| format!("tags:{v}")),
        select(vec!["title", "color", "weight", "price", "sound", "made_time", "tags"]).prop_map(|f| format!("{f}:*")),
    ];
    term.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|filter| format!("NOT ({filter})")),
            prop::collection::vec(inner.clone(), 2..4).prop_map(|all| format!("({})", all.join(" AND "))),
            prop::collection::vec(inner, 2..4).prop_map(|any| format!("({})", any.join(" OR "))),
        ]
    })
}

async fn filled() -> Fixture {
    let fixture = Fixture::new().await;
    resource::upsert(&fixture.kit, &ann(), &widgets(), false).await.unwrap();
    fixture
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

#[test]
fn a_filter_selects_in_sql_what_it_selects_in_memory() {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| Runtime::new().unwrap());
    let fixture = runtime.block_on(filled());
    let widgets = widgets();
    let context = Context { now: fixture.kit.clock.now(), me: None };
    let mut runner = TestRunner::new(Config { cases: 400, failure_persistence: None, ..Config::default() });
    let checked = runner.run(&filters(), |text| {
        let typed = filter::compile(&text, FIELDS.schema(), &context)
            .map_err(|fault| TestCaseError::fail(format!("{text}: {fault}")))?;
        let mut sql = Sql::new("SELECT name FROM widget WHERE ");
        FIELDS.condition(&typed, &mut sql);
        sql.push(" ORDER BY name");
        let rows: Vec<Named> = runtime.block_on(async {
            let mut connection = fixture.kit.database.get(&Scope::Everything).await.unwrap();
            sql.load(&mut connection).await.unwrap()
        });
        let found: Vec<String> = rows.into_iter().map(|row| row.name).collect();
        let expected: Vec<String> = widgets
            .iter()
            .filter(|(name, widget)| filter::eval(&typed, &|field| content(name, widget, field)))
            .map(|(name, _)| name.clone())
            .collect();
        prop_assert_eq!(found, expected, "{}", text);
        Ok(())
    });
    checked.unwrap();
}

async fn list(fixture: &Fixture, caller: &Caller, request: page::Request<'_>) -> Result<Page<Stored<Widget>>, Error> {
    resource::list(&fixture.kit, caller, List { request, parent: "", show_deleted: false }).await
}

#[tokio::test]
async fn pages_of_any_size_give_the_same_sequence() {
    let fixture = filled().await;
    let orders =
        ["", "name desc", "title", "title desc, weight", "weight desc, price, name desc", "made_time, sound desc"];
    for (order_by, filter) in orders.into_iter().flat_map(|order| [(order, ""), (order, "weight:* OR color = RED")]) {
        let mut sequences = Vec::new();
        for page_size in [1, 2, 7, 50, 1_000] {
            let mut names = Vec::new();
            let mut page_token = String::new();
            loop {
                let request = page::Request {
                    method: "List",
                    page_size,
                    page_token: &page_token,
                    filter,
                    order_by,
                    selection: "",
                };
                let page = list(&fixture, &ann(), request).await.unwrap();
                names.extend(page.items.into_iter().map(|stored| stored.name));
                page_token = page.next_page_token;
                if page_token.is_empty() {
                    break;
                }
            }
            sequences.push(names);
        }
        assert!(sequences[0].len() > 50);
        assert!(sequences.iter().all(|names| *names == sequences[0]), "{order_by:?} {filter:?}");
    }
}

#[tokio::test]
async fn a_token_is_good_for_its_own_list_only() {
    let fixture = filled().await;
    let first = page::Request { method: "List", page_size: 2, ..page::Request::default() };
    let token = list(&fixture, &ann(), first).await.unwrap().next_page_token;
    let next = page::Request { page_token: &token, ..first };
    assert!(list(&fixture, &ann(), page::Request { page_size: 7, ..next }).await.is_ok());
    let bob = Caller::trusted("people/bob");
    for (caller, request) in [
        (&ann(), page::Request { method: "Other", ..next }),
        (&ann(), page::Request { filter: "weight = 1", ..next }),
        (&ann(), page::Request { order_by: "title", ..next }),
        (&bob, next),
    ] {
        let refusal = list(&fixture, caller, request).await.unwrap_err();
        assert_eq!(refusal.reason(), error::PAGE_TOKEN_INVALID, "{request:?}");
    }
}

#[tokio::test]
async fn now_stands_still_while_pages_are_turned() {
    let fixture = filled().await;
    let filter = "made_time > now() - 1d";
    let first = page::Request { method: "List", page_size: 1, filter, ..page::Request::default() };
    let page = list(&fixture, &ann(), first).await.unwrap();
    let expected = list(&fixture, &ann(), page::Request { page_size: 1_000, ..first }).await.unwrap().items.len();
    fixture.clock.set("2030-01-01T00:00:00Z".parse().unwrap());
    let rest = page::Request { page_size: 1_000, page_token: &page.next_page_token, ..first };
    assert_eq!(list(&fixture, &ann(), rest).await.unwrap().items.len(), expected - 1);
    assert_eq!(list(&fixture, &ann(), first).await.unwrap().items.len(), 0);
}
