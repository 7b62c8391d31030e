//! Rules of what was known when.

use domain::clock::State;
use domain::process::Category;
use domain::ticket::{Audience, Fact, Recorded};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::sample::{at, estate, hours};

fn fact(kind: &str, payload: Value, occurred_at: Timestamp, known_at: Timestamp, position: i64) -> FactRow {
    FactRow {
        subject: "tickets/INC-000001".to_owned(),
        seq: u64::try_from(position).unwrap(),
        known_at,
        recorded: Recorded {
            fact: Fact::decode(kind, payload).unwrap(),
            occurred_at,
            source_recorded_at: None,
            source_sequence: 0,
            position,
            actor: String::new(),
            audience: Audience::Public,
        },
    }
}

fn opened(at: Timestamp) -> FactRow {
    let payload = json!({
        "name": "tickets/INC-000001", "practice": "incident", "process": "processes/incident", "process_revision": 1,
        "state": "new", "category": "NEW", "by": "PROVIDER", "fields": {"source_system": "desk", "source_id": "D1"},
    });
    fact("ticket.opened.v1", payload, at, at, 1)
}

fn moved(category: &str, at: Timestamp, known_at: Timestamp, position: i64) -> FactRow {
    let state = category.to_lowercase();
    let payload = json!({"from_state": "new", "state": state, "category": category, "by": "PROVIDER"});
    fact("ticket.transitioned.v1", payload, at, known_at, position)
}

fn register(name: &str, from: Timestamp, to: Option<Timestamp>, display_name: &str) -> RegisterRow {
    RegisterRow {
        name: name.to_owned(),
        body: json!({"display_name": display_name, "criticality": "HIGH"}),
        recorded_from: from,
        recorded_to: to,
    }
}

const START: &str = "2016-03-07T08:00:00Z";

#[test]
fn what_came_to_be_known_later_is_left_out() {
    let start = at(START);
    let facts = vec![
        opened(start),
        moved("ACTIVE", hours(start, 1), hours(start, 1), 2),
        moved("RESOLVED", hours(start, 2), hours(start, 9), 3),
    ];
    let extract = Extract { facts, ..Extract::default() };
    let early = extract.inputs(hours(start, 5)).unwrap();
    assert_eq!(early.tickets[0].category, Category::Active);
    assert!(!early.latest, "a list of today shows it resolved");
    assert_eq!(early.horizon.operations, 2);
    let late = extract.inputs(hours(start, 9)).unwrap();
    assert_eq!(late.tickets[0].category, Category::Resolved);
    assert!(late.latest);
    assert!(extract.inputs(hours(start, -1)).unwrap().tickets.is_empty());
}

#[test]
fn a_reopened_ticket_was_open_twice() {
    let start = at(START);
    let now = hours(start, 20);
    let reopened = fact("ticket.reopened.v1", json!({"reopen_count": 1}), hours(start, 6), hours(start, 6), 4);
    let facts = vec![
        opened(start),
        moved("RESOLVED", hours(start, 5), hours(start, 5), 2),
        moved("ACTIVE", hours(start, 6), hours(start, 6), 3),
        reopened,
        moved("CLOSED", hours(start, 9), hours(start, 9), 5),
    ];
    let inputs = Extract { facts, ..Extract::default() }.inputs(now).unwrap();
    let ticket = &inputs.tickets[0];
    let span = |from, until| Span { from: hours(start, from), until: Some(hours(start, until)) };
    assert_eq!(ticket.open, [span(0, 5), span(6, 9)]);
    assert_eq!(ticket.reopened_at, [hours(start, 6)]);
    assert!(ticket.was_resolved);
    let open = |after| ticket.was_open_before(hours(start, after));
    assert_eq!([0, 1, 5, 6, 7, 9, 10].map(open), [false, true, true, false, true, true, false]);
}

#[test]
fn facts_of_a_ticket_that_nothing_opened_are_counted() {
    let start = at(START);
    let extract = Extract { facts: vec![moved("ACTIVE", start, start, 2)], ..Extract::default() };
    let inputs = extract.inputs(hours(start, 1)).unwrap();
    assert!(inputs.tickets.is_empty());
    assert_eq!(inputs.rejected.values().sum::<u64>(), 1);
}

/// A ticket with a promise of four hours around the clock, and what else happened to it.
fn promised(start: Timestamp, facts: Vec<FactRow>) -> Extract {
    let promise = Revised {
        name: "agreements/standard".to_owned(),
        revision: 3,
        effective_from: at("2016-01-01T00:00:00Z"),
        body: json!({"kind": "SLA", "attainment_goal_percent": "95", "objectives": [
            {"id": "p", "metric": "RESOLUTION", "target": "PT4H"},
        ]}),
        display_name: "Standard".to_owned(),
        illustrative: true,
    };
    let governed = fact(
        "ticket.governed.v1",
        json!({"winners": [{"kind": "SLA", "metric": "RESOLUTION", "agreement": "agreements/standard", "revision": 3,
            "objective": "p"}], "losers": []}),
        start,
        start,
        2,
    );
    let facts = [opened(start), governed].into_iter().chain(facts).collect();
    Extract { facts, agreements: vec![promise], ..Extract::default() }
}

#[test]
fn an_excuse_counts_from_when_it_was_approved_until_it_was_revoked() {
    let start = at(START);
    let clock = "RESOLUTION/SLA/agreements/standard/p/1";
    let decided =
        |kind, payload, after, position| fact(kind, payload, hours(start, after), hours(start, after), position);
    let interval = json!({"start": hours(start, 1), "end": hours(start, 3)});
    let excused = json!({"clock": clock, "reason": "FORCE_MAJEURE", "evidence": "flood", "interval": interval});
    let extract = promised(
        start,
        vec![
            moved("RESOLVED", hours(start, 5), hours(start, 5), 3),
            decided("ticket.clock_excluded.v1", excused, 20, 4),
            decided("ticket.clock_exclusion_revoked.v1", json!({"clock": clock, "comment": "no"}), 30, 5),
            decided(
                "ticket.clock_excluded.v1",
                json!({"clock": clock, "reason": "DATA_ERROR", "evidence": "test ticket"}),
                40,
                6,
            ),
        ],
    );
    let read = |after| {
        let inputs = extract.inputs(hours(start, after)).unwrap();
        let clock = inputs.tickets[0].clocks[0].clone();
        assert_eq!((clock.state, clock.settled_at), (State::Breached, Some(hours(start, 4))), "raw stays raw");
        clock.excuse
    };
    let met = ExcuseRow::Adjusted { state: State::Met, settled_at: Some(hours(start, 5)) };
    assert_eq!([19, 20, 30, 40].map(read), [None, Some(met), None, Some(ExcuseRow::LeftOut)]);
}

#[test]
fn clocks_are_read_at_the_as_of_with_the_promise_that_the_ticket_pins() {
    let start = at(START);
    let extract = promised(start, Vec::new());
    let state = |after| {
        let inputs = extract.inputs(hours(start, after)).unwrap();
        let clock = &inputs.tickets[0].clocks[0];
        (clock.state, clock.settled_at, inputs.agreement(&clock.agreement, clock.revision).map(|row| row.illustrative))
    };
    assert_eq!(state(3), (State::Running, None, Some(true)));
    assert_eq!(state(5), (State::Breached, Some(hours(start, 4)), Some(true)), "nobody has closed it");
}

#[test]
fn registers_are_taken_as_recorded_then_or_as_first_recorded() {
    let start = at(START);
    let change = hours(start, 10);
    let extract = Extract {
        registers: Registers {
            services: vec![
                register("services/a", start, Some(change), "A then"),
                register("services/a", change, None, "A now"),
                register("services/b", change, None, "B first"),
                register("services/c", start, Some(change), "C, deleted later"),
            ],
            ..Registers::default()
        },
        ..Extract::default()
    };
    let names = |at| -> Vec<String> {
        let inputs = extract.inputs(at).unwrap();
        inputs.services.values().map(|service| service.display_name.clone()).collect()
    };
    assert_eq!(names(hours(start, 1)), ["A then", "B first", "C, deleted later"]);
    assert_eq!(names(hours(start, 11)), ["A now", "B first"]);
    assert_eq!(names(hours(start, -1)), ["A then", "B first", "C, deleted later"], "shown as first recorded");
}

#[test]
fn the_hash_holds_the_content_and_not_what_servers_gave() {
    let inputs = estate();
    let mut elsewhere = inputs.clone();
    for (index, ticket) in elsewhere.tickets.iter_mut().enumerate() {
        ticket.name = format!("tickets/INC-{:06}", 5000 + index);
    }
    elsewhere.horizon = Horizon { catalog: 1, operations: 2, supplier: 3 };
    assert_eq!(inputs.data_hash(), elsewhere.data_hash());
    let mut zones = inputs.clone();
    zones.time_zone_database = "2030z".to_owned();
    let mut resolved = inputs.clone();
    resolved.tickets[0].resolved_at = None;
    let mut billed = inputs.clone();
    billed.costs.pop();
    for changed in [zones, resolved, billed] {
        assert_ne!(inputs.data_hash(), changed.data_hash());
    }
}

#[test]
fn inputs_survive_being_kept() {
    let inputs = estate();
    let kept: Inputs = serde_json::from_str(&serde_json::to_string(&inputs).unwrap()).unwrap();
    assert_eq!(kept, inputs);
    assert_eq!(kept.data_hash(), inputs.data_hash());
}
