//! What is private in facts is taken out of them, and comes back as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod ticket_support;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use domain::privacy::{ERASED, Kind, Private, tokens};
use domain::ticket::{
    Audience, ChangeDetails, ChangeType, Changes, Details, Fact, NewFact, Noted, Patch, ProblemDetails,
    ServiceRequestDetails, Side, fold, hide, names_of_concern,
};
use serde_json::{Value, json};
use ticket_support::{at, live};

fn salts() -> impl FnMut() -> String {
    let mut number = 0_u32;
    move || {
        number += 1;
        format!("{number:032x}")
    }
}

fn fact(fact: Fact) -> NewFact {
    NewFact {
        fact,
        occurred_at: at(0),
        source_recorded_at: None,
        source_sequence: 0,
        actor: "people/ann".to_owned(),
        audience: Audience::Public,
    }
}

/// The fact as it is stored, and what stands beside it.
fn hidden(mut fact: NewFact) -> (String, Value, Private) {
    let private = hide(&mut fact, &mut salts());
    (fact.actor, fact.fact.payload(), private)
}

/// The golden fixtures hold one payload of every kind with everything that it can say.
fn every_kind() -> Vec<Fact> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files
        .map(|path| {
            let kind = path.file_stem().unwrap().to_str().unwrap();
            Fact::decode(kind, serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap()).unwrap()
        })
        .collect()
}

fn updated(changes: Changes) -> Fact {
    Fact::Updated(Box::new(changes))
}

fn details() -> Vec<Fact> {
    let request = ServiceRequestDetails {
        form_answers: BTreeMap::from([
            ("phone".to_owned(), json!(5_550_123)),
            ("seats".to_owned(), json!([{"name": "Ann", "floor": 1.5}])),
            ("agreed".to_owned(), json!(true)),
        ]),
    };
    let problem = ProblemDetails { workaround: "ring Ann".into(), known_error: true, root_cause: "Ann".into() };
    let change = ChangeDetails {
        kind: ChangeType::Normal,
        template: String::new(),
        planned_start_at: Some(at(1)),
        planned_end_at: None,
        actual_start_at: None,
        actual_end_at: None,
        risk: "low".into(),
        implementation_plan: "Ann does it".into(),
        test_plan: "Ann tests it".into(),
        back_out_plan: "Ann goes home".into(),
        outcome: None,
    };
    [Details::ServiceRequest(request), Details::Problem(problem), Details::Change(Box::new(change))]
        .map(|details| updated(Changes { details: Patch::Set(details), ..Changes::default() }))
        .into()
}

#[test]
fn every_fact_comes_back_as_it_was() {
    for known in every_kind().into_iter().chain(details()) {
        let (actor, payload, private) = hidden(fact(known.clone()));
        assert_eq!(private.name(&actor), "people/ann");
        let read = domain::stored::private_fact_from_json(known.kind(), &payload.to_string(), &private);
        assert_eq!(read, Ok(known), "{payload}");
    }
}

#[test]
fn nothing_private_stands_in_a_fact() {
    // Of every fixture; what is not in here says what it is about, and not what somebody wrote.
    let private = [
        "people/",
        "No mail",
        "Since this morning",
        "Hall 3",
        "vip",
        "slow",
        "Board meeting",
        "Queue emptied",
        "Disk full",
        "Raised twice",
        "hoster:77",
        "We look into it",
        "Flood",
        "pumps",
        "No way back",
        "On leave",
        "a0d6e4ac",
        "Ann",
        "5550123",
        "floor",
        "1.5",
    ];
    let kinds = every_kind();
    assert_eq!(kinds.len(), Fact::KINDS.len());
    for known in kinds.into_iter().chain(details()) {
        let (actor, payload, _) = hidden(fact(known));
        let text = format!("{actor} {payload}");
        assert!(private.iter().all(|private| !text.contains(private)), "{text}");
    }
}

#[test]
fn what_reports_and_clocks_read_stays_readable() {
    let known = every_kind().into_iter().find(|known| known.kind() == "ticket.updated.v1").unwrap();
    let (_, payload, _) = hidden(fact(known.clone()));
    let was = known.payload();
    for open in [
        "category_path",
        "channel",
        "confidential",
        "customer",
        "service",
        "offering",
        "configuration_items",
        "impact",
        "urgency",
        "assignment.group",
        "assignment.contract",
        "pending_reason",
        "awaited_party",
        "resolution.code",
        "source_system",
        "source_id",
        "opened_at",
        "resolved_at",
        "source_sla_met",
        "reopen_count",
    ] {
        assert_eq!(payload[open], was[open], "{open}");
    }
    let mut found = Vec::new();
    tokens(&payload, &mut found);
    assert_eq!(found.len(), 17, "{payload}");
}

#[test]
fn programs_are_not_people() {
    let noted = Fact::Noted(Noted { by: Side::Provider, text: String::new() });
    let (actor, payload, private) = hidden(NewFact { actor: "systems/scheduler".into(), ..fact(noted) });
    assert_eq!((actor.as_str(), payload["text"].as_str(), private.is_empty()), ("systems/scheduler", Some(""), true));
}

#[test]
fn a_text_that_looks_like_a_token_is_a_text() {
    let lookalike = format!("~text:{}", "0".repeat(64));
    let changes = Changes {
        title: Patch::Set(lookalike.clone()),
        channel: Patch::Set(lookalike.clone()),
        source_id: Patch::Set(lookalike.clone()),
        category_path: Patch::Set(vec![lookalike.clone()]),
        ..Changes::default()
    };
    let known = updated(changes);
    let (_, payload, private) = hidden(fact(known.clone()));
    assert!(!payload.to_string().contains(&lookalike));
    assert_eq!(domain::stored::private_fact_from_json(known.kind(), &payload.to_string(), &private), Ok(known));
}

#[test]
fn every_fact_can_be_read_after_everything_was_erased() {
    for known in every_kind().into_iter().chain(details()) {
        let (actor, payload, _) = hidden(fact(known.clone()));
        assert_eq!(Private::default().name(&actor), ERASED);
        let read = domain::stored::fact_from_json(known.kind(), &payload.to_string()).unwrap();
        let left = read.payload();
        assert!(!left.to_string().contains("~text") && !left.to_string().contains("~value"), "{left}");
        assert_eq!(read.kind(), known.kind());
        if let Fact::Opened(_) = read {
            assert!(fold(&[live(read, at(0), 1)]).unwrap().title.is_empty());
        }
    }
}

#[test]
fn a_ticket_is_about_those_who_ask_report_or_are_affected() {
    let known = every_kind();
    let named = |kind: &str| {
        let fact = known.iter().find(|fact| fact.kind() == kind).unwrap();
        names_of_concern(fact).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(named("ticket.updated.v1"), ["people/ann", "people/bob", "people/cid"]);
    assert_eq!(named("ticket.assigned.v1"), [""; 0]);
    assert_eq!(Kind::of("~value:"), None);
}
