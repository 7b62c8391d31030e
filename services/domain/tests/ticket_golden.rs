//! What facts look like when they are stored, for ever: one file per kind and version.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use domain::agreement::{Kind, Metric};
use domain::approval::Policy;
use domain::clock::{DutyStep, Entity, Exclusion, ExclusionReason, Interval, Regulation, Report, Step};
use domain::priority::Override;
use domain::process::{Category, PendingReason, Practice};
use domain::selection::{Loser, Loss, Pinned, Selection};
use domain::ticket::{
    Asked, Assigned, Changes, Decided, Decision, Delegated, Details, Digest, Erased, ExclusionRevoked, Fact, Field,
    Imported, ImportedRow, IncidentDetails, Lapsed, Link, LinkType, Major, MajorDeclared, MajorUpdated, Nonconforming,
    Noted, Opened, Patch, Prioritised, Resolution, Rule, Side, ThresholdReached, ThresholdWithdrawn, Transitioned,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn golden(kind: &str) -> Value {
    let path = folder().join(format!("{kind}.json"));
    let text = fs::read_to_string(&path)
        .unwrap_or_else(|_| panic!("{} is missing: every kind has one, for ever", path.display()));
    serde_json::from_str(&text).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn text(text: &str) -> Patch<String> {
    Patch::Set(text.to_owned())
}

/// A value for every field.
fn every_field() -> Changes {
    Changes {
        title: text("No mail"),
        description: text("Since this morning."),
        category_path: Patch::Set(vec!["Software".into(), "Mail".into()]),
        channel: text("phone"),
        location: text("Hall 3"),
        tags: Patch::Set(vec!["vip".into()]),
        custom_fields: Patch::Set(BTreeMap::from([("symptom".to_owned(), json!("slow"))])),
        confidential: Patch::Set(true),
        customer: text("customers/acme"),
        requester: text("people/ann"),
        reported_by: text("people/bob"),
        affected_user: text("people/cid"),
        watchers: Patch::Set(vec!["people/dan".into()]),
        service: text("services/email"),
        offering: text("services/email/offerings/mailbox"),
        configuration_items: Patch::Set(vec!["configurationItems/mx1".into()]),
        impact: Patch::Set(2),
        urgency: Patch::Set(1),
        priority_override: Patch::Set(by_hand()),
        group: text("groups/mail"),
        person: text("people/eve"),
        contract: text("contracts/4711"),
        pending_reason: Patch::Set(PendingReason::Supplier),
        resume_at: Patch::Set(at("2026-03-03T08:00:00Z")),
        awaited_party: text("suppliers/hoster"),
        resolution_code: text("fixed"),
        resolution_text: text("Queue emptied."),
        resolution_cause: text("Disk full."),
        cancel_reason: text("Raised twice."),
        source_system: text("servicenow"),
        source_id: text("INC0000045"),
        external_references: Patch::Set(vec!["hoster:77".into()]),
        opened_at: Patch::Set(at("2026-03-02T08:00:00Z")),
        resolved_at: Patch::Set(at("2026-03-02T12:00:00.123456Z")),
        closed_at: Patch::Set(at("2026-03-07T12:00:00Z")),
        requested_at: Patch::Set(at("2026-03-04T12:00:00Z")),
        reopen_count: Patch::Set(1),
        reassignment_count: Patch::Set(2),
        source_sla_met: Patch::Set(true),
        details: Patch::Set(Details::Incident(IncidentDetails {
            major: Some(Box::new(Major {
                declared_at: at("2026-03-02T08:30:00Z"),
                commander: Some("people/fay".into()),
                update_cadence: Some(SignedDuration::from_mins(30)),
                users_affected: Some(1200),
                stood_down_at: None,
                review_due_at: None,
            })),
        })),
    }
}

fn by_hand() -> Override {
    Override { value: 1, reason: "Board meeting.".into(), actor: "people/bob".into() }
}

fn pinned(agreement: &str) -> Pinned {
    Pinned {
        kind: Kind::Sla,
        metric: Metric::Resolution,
        agreement: agreement.into(),
        revision: 3,
        objective: "p1-resolution".into(),
    }
}

fn link() -> Link {
    Link { kind: LinkType::Problem, ticket: "tickets/PRB-000007".into() }
}

/// One of each kind, with everything that it can say.
fn examples() -> Vec<Fact> {
    vec![
        Fact::Opened(Box::new(Opened {
            name: "tickets/INC-000042".into(),
            practice: Practice::parse("incident").unwrap(),
            process: "processes/incident".into(),
            process_revision: 4,
            state: "new".into(),
            category: Category::New,
            by: Side::Customer,
            fields: Changes { title: text("No mail"), impact: Patch::Set(2), ..Changes::default() },
            matrix_priority: Some(3),
        })),
        Fact::Transitioned(Box::new(Transitioned {
            transition: Some("hold".into()),
            from_state: "in_progress".into(),
            state: "pending".into(),
            category: Category::Pending,
            by: Side::Provider,
            fields: Changes { pending_reason: Patch::Set(PendingReason::Customer), ..Changes::default() },
        })),
        Fact::Assigned(Box::new(Assigned {
            group: text("groups/mail"),
            person: Patch::Clear,
            contract: text("contracts/4711"),
            reassignment_count: 2,
        })),
        Fact::Reopened { reopen_count: 1 },
        Fact::Prioritised(Box::new(Prioritised {
            impact: Patch::Set(1),
            urgency: Patch::Clear,
            priority_override: Patch::Set(by_hand()),
            matrix_priority: None,
            priority: Some(1),
        })),
        Fact::Updated(Box::new(every_field())),
        Fact::Noted(Noted { by: Side::Provider, text: "We look into it.".into() }),
        Fact::Linked(link()),
        Fact::Unlinked(link()),
        Fact::Resolved(Resolution {
            code: Some("fixed".into()),
            text: Some("Queue emptied.".into()),
            cause: Some("Disk full.".into()),
        }),
        Fact::SourceMeasured { source_sla_met: Some(false) },
        Fact::Governed(Box::new(Selection {
            winners: vec![pinned("agreements/gold")],
            losers: vec![Loser {
                pinned: pinned("agreements/standard"),
                reason: Loss::LessSpecificCustomer,
                to: "agreements/gold/p1-resolution".into(),
            }],
        })),
        Fact::Nonconforming(Nonconforming {
            rule: Rule::NoTransition,
            detail: "no transition from closed to in_progress".into(),
        }),
        Fact::Conforming { rule: Rule::StartsAtState },
        Fact::Imported(Box::new(Imported {
            shown: vec![vec!["title".into(), "state".into(), "links.PROBLEM".into()]],
            conditional: vec![Changes {
                resolved_at: Patch::Set(at("2026-03-02T12:00:00Z")),
                closed_at: Patch::Clear,
                ..Changes::default()
            }],
            rows: vec![ImportedRow {
                digest: Digest(0x9f00_0000_0000_0abc),
                occurred_at: at("2026-03-02T08:00:00Z"),
                source_sequence: 17,
                source_recorded_at: None,
                shown: 0,
                conditional: 0,
            }],
        })),
        Fact::ThresholdReached(Box::new(ThresholdReached {
            clock: "RESOLUTION/SLA/agreements/gold/p1-resolution/1".into(),
            pinned: pinned("agreements/gold"),
            cycle: 1,
            target: SignedDuration::from_hours(4),
            percent: 75,
        })),
        Fact::ThresholdWithdrawn(ThresholdWithdrawn {
            clock: "RESOLUTION/SLA/agreements/gold/p1-resolution/1".into(),
            revision: 3,
            percent: 75,
        }),
        Fact::ClockExcluded(Exclusion {
            clock: "RESOLUTION/SLA/agreements/gold/p1-resolution/1".into(),
            reason: ExclusionReason::ForceMajeure,
            evidence: "Flood of the data centre, report 77.".into(),
            interval: Some(Interval { start: at("2026-03-02T09:00:00Z"), end: at("2026-03-02T11:30:00Z") }),
        }),
        Fact::ClockExclusionRevoked(ExclusionRevoked {
            clock: "RESOLUTION/SLA/agreements/gold/p1-resolution/1".into(),
            comment: "The pumps were ours.".into(),
        }),
        Fact::DutyRecorded(DutyStep {
            regulation: Regulation::EuDora2025301,
            step: Step::Aware { entity: Entity::CreditInstitution, calendar: "calendars/vienna".into() },
        }),
        Fact::ApprovalRequested(Box::new(Asked {
            approval: "change-1".into(),
            rule: "change".into(),
            policy: Policy {
                roles: vec!["change-approver".into()],
                groups: vec!["groups/cab".into()],
                people: vec!["people/ann".into()],
                quorum: 2,
            },
            fields: BTreeMap::from([(
                "change.risk".to_owned(),
                "a0d6e4ac4b4ba1e2f0c6d2d5a8a3f9c4d5f5b1f6f0d7f8d1a7e1d9b3c2a1f0e9".to_owned(),
            )]),
            asked_by: "people/bob".into(),
        })),
        Fact::ApprovalDecided(Box::new(Decided {
            approval: "change-1".into(),
            approver: "people/ann".into(),
            delegate: Some("people/dan".into()),
            capacities: vec!["groups/cab".into(), "people/ann".into()],
            decision: Decision::Reject,
            comment: "No way back.".into(),
        })),
        Fact::ApprovalDelegated(Box::new(Delegated {
            approval: "change-1".into(),
            delegator: "people/ann".into(),
            capacities: vec!["groups/cab".into(), "people/ann".into()],
            delegate: "people/dan".into(),
            comment: "On leave.".into(),
        })),
        Fact::ApprovalLapsed(Lapsed { approval: "change-1".into(), fields: vec!["change.risk".into()] }),
        Fact::MajorDeclared(MajorDeclared {
            commander: Some("people/fay".into()),
            update_cadence: Some(SignedDuration::from_mins(30)),
            users_affected: Some(1200),
        }),
        Fact::MajorUpdated(MajorUpdated {
            commander: Patch::Clear,
            update_cadence: Patch::Set(SignedDuration::from_hours(1)),
            users_affected: Patch::Set(1500),
            review_due_at: Patch::Set(at("2026-03-09T08:00:00Z")),
        }),
        Fact::MajorStoodDown { review_due_at: Some(at("2026-03-09T08:00:00Z")) },
        Fact::Erased(Erased {
            reason: "Asked for erasure.".into(),
            tokens: vec![format!("text:{}", "0".repeat(64)), format!("person:{}", "1".repeat(64))],
        }),
    ]
}

#[test]
fn every_kind_has_a_golden_fixture_and_is_written_exactly_like_it() {
    let examples = examples();
    let kinds: Vec<&str> = examples.iter().map(Fact::kind).collect();
    assert_eq!(kinds, Fact::KINDS, "one example of each kind, in order");
    for fact in examples {
        assert_eq!(fact.payload(), golden(fact.kind()), "{}", fact.kind());
    }
}

#[test]
fn every_golden_fixture_can_still_be_read() {
    let mut read = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let fact = Fact::decode(&kind, golden(&kind)).unwrap();
        // A fixture of the newest version also comes back as it was.
        if fact.kind() == kind {
            assert_eq!(fact.payload(), golden(&kind), "{kind}");
        }
        read.insert(kind);
    }
    assert!(Fact::KINDS.iter().all(|kind| read.contains(*kind)));
}

#[test]
fn the_fixture_of_changed_fields_has_every_field_by_its_path() {
    let golden = golden("ticket.updated.v1");
    let paths: BTreeSet<&str> = golden.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(paths, Field::ALL.into_iter().map(Field::path).collect());
}

#[test]
fn every_step_of_a_duty_is_written_as_the_contract_names_it() {
    let step = |step| Fact::DutyRecorded(DutyStep { regulation: Regulation::EuNis220222555, step }).payload();
    let submitted = Step::Submitted { report: Report::EarlyWarning, reference: "CSIRT-1".into() };
    assert_eq!(step(Step::Classified), json!({"regulation": "EU_NIS2_2022_2555", "step": "CLASSIFIED"}));
    assert_eq!(step(Step::Handled)["step"], json!("HANDLED"));
    assert_eq!(step(submitted)["step"], json!({"SUBMITTED": {"report": "EARLY_WARNING", "reference": "CSIRT-1"}}));
}

#[test]
fn a_cleared_field_is_null_and_a_kept_one_is_absent() {
    let changes = Changes { service: Patch::Clear, ..Changes::default() };
    let payload = Fact::Updated(Box::new(changes.clone())).payload();
    assert_eq!(payload, json!({"service": null}));
    assert_eq!(Fact::decode("ticket.updated.v1", payload), Ok(Fact::Updated(Box::new(changes))));
}

#[test]
fn a_field_that_does_not_exist_is_refused_rather_than_lost() {
    assert!(Fact::decode("ticket.updated.v1", json!({"colour": "red"})).is_err());
}
