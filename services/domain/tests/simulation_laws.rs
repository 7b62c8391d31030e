//! What a simulation has to agree with: the history itself, and what would really have been recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ticket_support;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use domain::agreement::{Agreement, Metric};
use domain::attainment::Attainment;
use domain::calendar::{Calendar, Timeline};
use domain::clock::{Book, State};
use domain::landscape::Landscape;
use domain::process::{Category, Practice};
use domain::selection::{InForce, select};
use domain::simulation::{History, PROPOSED, Simulation, Tally, Verdict};
use domain::ticket::{
    Audience, Changes, Fact, Opened, Patch, Prioritised, Recorded, Side, Transitioned, signals, turns,
};
use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};
use ticket_support::{at, live};

const GOLD: &str = "agreements/gold";

/// What happens to a ticket, and after how many minutes.
#[derive(Debug, Clone)]
struct Story {
    customer: &'static str,
    service: Option<&'static str>,
    steps: Vec<(i64, Step)>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Priority(u8),
    Moved(Category),
}

fn story() -> impl Strategy<Value = Story> {
    let category =
        prop::sample::select(vec![Category::Active, Category::Pending, Category::Resolved, Category::Active]);
    let step = prop_oneof![1 => (1_u8..4).prop_map(Step::Priority), 3 => category.prop_map(Step::Moved)];
    let customer = prop::sample::select(vec!["customers/a", "customers/b"]);
    let service = prop::sample::select(vec![None, Some("services/x"), Some("services/y")]);
    (customer, service, prop::collection::vec((0_i64..400, step), 1..7)).prop_map(|(customer, service, steps)| Story {
        customer,
        service,
        steps,
    })
}

/// The facts of a story without what governs.
fn plain(name: &str, story: &Story) -> Vec<Recorded> {
    let opened = Fact::Opened(Box::new(Opened {
        name: name.to_owned(),
        practice: Practice::parse("incident").unwrap(),
        process: "processes/incident".into(),
        process_revision: 1,
        state: "new".into(),
        category: Category::New,
        by: Side::Customer,
        fields: Changes {
            customer: Patch::Set(story.customer.to_owned()),
            service: story.service.map_or(Patch::Keep, |name| Patch::Set(name.to_owned())),
            ..Changes::default()
        },
        matrix_priority: Some(2),
    }));
    let mut facts = vec![live(opened, at(0), 1)];
    let mut minute = 0;
    for (after, step) in &story.steps {
        minute += after;
        let fact = match step {
            Step::Priority(priority) => Fact::Prioritised(Box::new(Prioritised {
                impact: Patch::Keep,
                urgency: Patch::Keep,
                priority_override: Patch::Keep,
                matrix_priority: Some(*priority),
                priority: Some(*priority),
            })),
            Step::Moved(category) => Fact::Transitioned(Box::new(Transitioned {
                transition: None,
                from_state: String::new(),
                state: category.as_str().to_lowercase(),
                category: *category,
                by: Side::Provider,
                fields: Changes::default(),
            })),
        };
        let position = facts.len() as i64 + 1;
        facts.push(live(fact, at(minute), position));
    }
    facts
}

/// The facts with what selection finds among the agreements.
fn governed(mut facts: Vec<Recorded>, agreements: &[(&str, u32, &Agreement)]) -> Vec<Recorded> {
    let landscape = landscape();
    let ordered: Vec<&Recorded> = facts.iter().collect();
    let found: Vec<Recorded> = turns(&ordered)
        .into_iter()
        .zip(1_000..)
        .map(|(turn, position)| {
            let customers = landscape.chain(turn.matter.customer.as_deref());
            let in_force = agreements.iter().map(|&(name, revision, agreement)| InForce { name, revision, agreement });
            let selection = select(in_force, &landscape.subject(&turn.matter, &customers));
            let fact = live(Fact::Governed(Box::new(selection)), turn.last.occurred_at, position);
            Recorded { audience: Audience::Internal, ..fact }
        })
        .collect();
    facts.extend(found);
    facts.sort_by_key(Recorded::key);
    facts
}

fn landscape() -> Landscape {
    Landscape {
        lines: [("services/x".to_owned(), "line".to_owned())].into(),
        parents: [("customers/b".to_owned(), "customers/a".to_owned())].into(),
    }
}

fn agreement(json: Value) -> Agreement {
    serde_json::from_value(json).unwrap()
}

fn any_agreement() -> impl Strategy<Value = Agreement> {
    let some = |names: &'static [&'static str]| prop::sample::subsequence(names.to_vec(), 0..=1);
    let policy = prop::sample::select(vec!["KEEP_ELAPSED", "RESTART_AT_CHANGE"]);
    let objective = (
        prop::sample::select(vec!["RESPONSE", "RESOLUTION"]),
        prop::sample::subsequence(vec![1, 2, 3], 0..=2),
        1_u32..600,
        prop::option::of(Just("calendars/office")),
        policy,
    );
    let scope = (some(&["customers/a", "customers/b"]), some(&["services/x", "services/y"]), some(&["line"]), 0_i32..2);
    (scope, prop::collection::vec(objective, 0..4)).prop_map(|((customers, services, lines, order), objectives)| {
        let objectives: Vec<_> = objectives
            .into_iter()
            .enumerate()
            .map(|(index, (metric, priorities, minutes, calendar, policy))| {
                json!({"id": index.to_string(), "metric": metric, "priorities": priorities,
                    "target": format!("PT{minutes}M"), "calendar": calendar, "on_upgrade": policy})
            })
            .collect();
        agreement(json!({"kind": "SLA", "customers": customers, "services": services, "lines": lines, "order": order,
            "objectives": objectives}))
    })
}

/// The hours of every working day of the stories.
static OFFICE: LazyLock<Timeline> = LazyLock::new(|| working("09:00-17:00"));
static NOON: LazyLock<Timeline> = LazyLock::new(|| working("12:00-14:00"));

fn working(hours: &str) -> Timeline {
    let day = [hours];
    let definition = json!({"time_zone": "UTC", "weekly": {"MONDAY": day, "TUESDAY": day, "WEDNESDAY": day}});
    Calendar::compile(&serde_json::from_value(definition).unwrap()).unwrap().into()
}

fn book(agreements: &[(&str, u32, &Agreement)], calendar: Timeline) -> Book {
    let mut book = Book::default();
    for (name, revision, agreement) in agreements {
        book.add_agreement(name, *revision, Arc::new((*agreement).clone()));
    }
    book.add_calendar("calendars/office", calendar);
    book
}

fn now() -> Timestamp {
    at(20_000)
}

fn histories(stories: &[Story], agreements: &[(&str, u32, &Agreement)]) -> Vec<History> {
    let histories = stories.iter().enumerate().map(|(index, story)| {
        History::of(&governed(plain(&format!("tickets/INC-{index:06}"), story), agreements)).unwrap()
    });
    histories.collect()
}

/// Settled clocks by ticket, metric and agreement, read from facts that were governed by these agreements.
fn read(
    stories: &[Story],
    agreements: &[(&str, u32, &Agreement)],
    calendar: &Timeline,
) -> BTreeMap<Metric, Attainment> {
    let book = book(agreements, calendar.clone());
    let mut found: BTreeMap<Metric, Attainment> = BTreeMap::new();
    for (index, story) in stories.iter().enumerate() {
        let facts = governed(plain(&format!("tickets/INC-{index:06}"), story), agreements);
        for reading in book.read(&signals(&facts), now()) {
            if matches!(reading.state, State::Met | State::Breached) {
                found.entry(reading.pinned.metric).or_default().count(reading.state == State::Met);
            }
        }
    }
    found
}

fn totals(tally: &Tally, after: bool) -> BTreeMap<Metric, Attainment> {
    let totals = tally.attainments.iter().filter(|((_, priority), _)| priority.is_none());
    let side = totals.map(|((metric, _), pair)| (*metric, if after { pair.after } else { pair.before }));
    side.filter(|(_, attainment)| attainment.settled > 0).collect()
}

proptest! {
    #[test]
    fn the_agreement_as_it_is_changes_nothing(
        stories in prop::collection::vec(story(), 1..6),
        gold in any_agreement(),
        other in any_agreement(),
    ) {
        let agreements = [(GOLD, 1, &gold), ("agreements/other", 4, &other)];
        let histories = histories(&stories, &agreements);
        let book = book(&agreements, OFFICE.clone());
        let simulation = Simulation::new(GOLD, gold.clone(), [], book, landscape(), now());
        let tally = simulation.run(&histories);
        prop_assert_eq!(&tally.changes, &[]);
        prop_assert_eq!(totals(&tally, false), totals(&tally, true));
        prop_assert_eq!(tally.tickets, histories.len() as u64);
    }

    #[test]
    fn a_simulation_finds_what_the_agreement_would_have_led_to(
        stories in prop::collection::vec(story(), 1..6),
        gold in any_agreement(),
        proposed in any_agreement(),
        replaced in any::<bool>(),
    ) {
        let histories = histories(&stories, &[(GOLD, 1, &gold)]);
        let calendar: &Timeline = if replaced { &NOON } else { &OFFICE };
        let calendars = replaced.then(|| ("calendars/office".to_owned(), (*calendar).clone()));
        let book = book(&[(GOLD, 1, &gold)], OFFICE.clone());
        let simulation = Simulation::new(GOLD, proposed.clone(), calendars, book, landscape(), now());
        let tally = simulation.run(&histories);
        let really = read(&stories, &[(GOLD, PROPOSED, &proposed)], calendar);
        prop_assert_eq!(totals(&tally, true), really);
        prop_assert_eq!(totals(&tally, false), read(&stories, &[(GOLD, 1, &gold)], &OFFICE));
        let parts = histories.iter().map(|history| simulation.run([history]));
        let joined = parts.fold(Tally::default(), |mut sum, part| { sum.add(part); sum });
        prop_assert_eq!(joined, tally, "in any parts");
    }

    #[test]
    fn another_agreement_that_was_pinned_takes_over_what_the_proposal_leaves(
        stories in prop::collection::vec(story(), 1..6),
        gold in any_agreement(),
        other in any_agreement(),
        proposed in any_agreement(),
    ) {
        let before = [(GOLD, 1, &gold), ("agreements/other", 4, &other)];
        let histories = histories(&stories, &before);
        let book = book(&before, OFFICE.clone());
        let simulation = Simulation::new(GOLD, proposed.clone(), [], book, landscape(), now());
        let mut after = BTreeMap::new();
        for (story, history) in stories.iter().zip(&histories) {
            let tally = simulation.run([history]);
            if tally.governed > 0 {
                let both = [(GOLD, PROPOSED, &proposed), ("agreements/other", 4, &other)];
                prop_assert_eq!(totals(&tally, true), read(std::slice::from_ref(story), &both, &OFFICE));
            }
            after.insert(&history.name, tally);
        }
        prop_assert_eq!(after.len(), stories.len());
    }
}

#[test]
fn credits_are_the_largest_of_a_months_metrics_added_over_months_and_rounded_once() {
    let euro = |minor_units: i64| json!({"currency": "EUR", "minor_units": minor_units});
    let gold = agreement(json!({"kind": "SLA", "monthly_charge": euro(333),
        "credit_bands": [{"below_percent": "100", "charge_percent": "10"}, {"below_percent": "1", "charge_percent": "50"}],
        "objectives": [{"id": "response", "metric": "RESPONSE", "target": "PT1M"},
            {"id": "resolution", "metric": "RESOLUTION", "target": "PT10H"}]}));
    // Answered and resolved after that many minutes, in March.
    let story = |minutes| Story {
        customer: "customers/a",
        service: None,
        steps: vec![(minutes, Step::Moved(Category::Resolved))],
    };
    let histories = histories(&[story(30), story(30), story(700)], &[(GOLD, 1, &gold)]);
    let mut generous = gold.clone();
    generous.objectives[0].target = Some("PT20H".parse().unwrap());
    let book = book(&[(GOLD, 1, &gold)], OFFICE.clone());
    let simulation = Simulation::new(GOLD, generous, [], book, landscape(), now());
    let tally = simulation.run(&histories);
    let credits = simulation.credits(&tally).unwrap();
    // No response was in time: half of 3.33, which is more than a tenth for the resolutions.
    assert_eq!(credits.before.iter().map(ToString::to_string).collect::<Vec<_>>(), ["1.66 EUR"]);
    assert_eq!(credits.after.iter().map(ToString::to_string).collect::<Vec<_>>(), ["0.33 EUR"]);
    let verdicts: Vec<_> =
        tally.changes.iter().map(|change| (change.metric, change.verdicts.before, change.verdicts.after)).collect();
    assert_eq!(verdicts, [(Metric::Response, Verdict::Breached, Verdict::Met); 3]);
}
