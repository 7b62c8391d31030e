//! One message of every resource with every field set, for the tests of the conversions.

use std::fmt::Debug;

use proto::catalog::v1 as pb;
use proto::common::v1 as common;
use servicekit::standard::{self, Declared};

use crate::store;

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn amount(value: &str) -> Option<common::Amount> {
    let value = Some(common::Decimal { value: value.to_owned() });
    Some(common::Amount { currency_code: "EUR".to_owned(), value })
}

fn money(minor_units: i64) -> Option<common::Money> {
    Some(common::Money { currency_code: "EUR".to_owned(), minor_units })
}

fn instant(seconds: i64) -> Option<prost_types::Timestamp> {
    Some(prost_types::Timestamp { seconds, nanos: 1_000 })
}

fn form() -> Option<prost_types::Struct> {
    let property = serde_json::json!({"type": "object", "properties": {"seats": {"type": "integer"}}});
    Some(servicekit::wire::json_struct(property))
}

pub fn service() -> pb::Service {
    pb::Service {
        display_name: "E-mail".to_owned(),
        description: "Mailboxes\nand lists".to_owned(),
        line: "workplace".to_owned(),
        owner: "people/ann".to_owned(),
        criticality: pb::Criticality::High.into(),
        utility: "send and receive".to_owned(),
        warranty: "99.9 %".to_owned(),
        depends_on: texts(&["services/network"]),
        objectives: texts(&["objectives/reduce-downtime"]),
        state: pb::ServiceState::Pipeline.into(),
        illustrative: true,
        ..pb::Service::default()
    }
}

pub fn offering() -> pb::Offering {
    pb::Offering {
        display_name: "New mailbox".to_owned(),
        description: "A mailbox of 50 GB".to_owned(),
        request_form: form(),
        fulfilment_process: "processes/service-request".to_owned(),
        unit_price: amount("3.5"),
        approval_policy: policy(),
        ..pb::Offering::default()
    }
}

fn policy() -> Option<proto::common::v1::ApprovalPolicy> {
    Some(proto::common::v1::ApprovalPolicy {
        roles: texts(&["approver"]),
        groups: texts(&["groups/board"]),
        people: texts(&["people/ann"]),
        quorum: 2,
    })
}

pub fn customer() -> pb::Customer {
    pb::Customer {
        display_name: "Acme".to_owned(),
        parent: "customers/group".to_owned(),
        business_unit: "Sales".to_owned(),
        lei: "5493000000000000AB75".to_owned(),
        illustrative: true,
        ..pb::Customer::default()
    }
}

fn intervals() -> Vec<pb::LocalInterval> {
    vec![pb::LocalInterval { open_at: "09:00".to_owned(), close_at: "24:00".to_owned() }]
}

pub fn calendar() -> pb::Calendar {
    let date = |day| Some(common::Date { year: 2026, month: 12, day });
    pb::Calendar {
        display_name: "Office hours".to_owned(),
        time_zone: "Europe/Paris".to_owned(),
        weekly_hours: vec![
            pb::DayHours { day: pb::DayOfWeek::Monday.into(), intervals: intervals() },
            pb::DayHours { day: pb::DayOfWeek::Sunday.into(), intervals: intervals() },
        ],
        exceptions: vec![
            pb::CalendarException {
                display_name: "Christmas".to_owned(),
                start_date: date(24),
                end_date: date(26),
                yearly: true,
                intervals: intervals(),
            },
            pb::CalendarException {
                display_name: "Stock-taking".to_owned(),
                start_date: date(30),
                ..pb::CalendarException::default()
            },
        ],
        ..pb::Calendar::default()
    }
}

pub fn agreement() -> pb::Agreement {
    let objective = pb::Objective {
        id: "p1-resolution".to_owned(),
        metric: pb::Metric::Resolution.into(),
        practices: texts(&["incident"]),
        priorities: vec![1, 2],
        offerings: texts(&["services/email/offerings/new-mailbox"]),
        target: Some(prost_types::Duration { seconds: 14_400, nanos: 0 }),
        calendar: "calendars/office-hours".to_owned(),
        threshold_percents: vec![80, 100],
        pause: Some(pb::PausePolicy {
            never: false,
            states: texts(&["waiting_for_parts"]),
            pending_reasons: texts(&["CUSTOMER"]),
            categories: texts(&["PENDING"]),
        }),
        rebase_on_upgrade: pb::RebasePolicy::RestartAtChange.into(),
        rebase_on_downgrade: pb::RebasePolicy::KeepElapsed.into(),
        reopen: pb::ReopenPolicy::NewCycle.into(),
        visit: pb::VisitPolicy::PerVisit.into(),
        news: pb::NewsPolicy::OnRequest.into(),
        target_months: 0,
        escalations: vec![pb::Escalation { percent: 80, group: "groups/duty".to_owned(), priority: 1 }],
    };
    let months = pb::Objective {
        id: "report".to_owned(),
        target: None,
        target_months: 1,
        calendar: String::new(),
        pause: Some(pb::PausePolicy { never: true, ..pb::PausePolicy::default() }),
        ..objective.clone()
    };
    pb::Agreement {
        display_name: "Gold".to_owned(),
        kind: pb::AgreementKind::Ola.into(),
        customers: texts(&["customers/acme"]),
        services: texts(&["services/email"]),
        lines: texts(&["workplace"]),
        provider: "groups/network".to_owned(),
        order: 3,
        objectives: vec![objective, months],
        attainment_goal_percent: Some(common::Decimal { value: "97.5".to_owned() }),
        monthly_charge: money(100_000),
        service_hours: "calendars/office".to_owned(),
        credit_bands: vec![
            pb::CreditBand {
                below_percent: Some(common::Decimal { value: "95".to_owned() }),
                charge_percent: Some(common::Decimal { value: "2.5".to_owned() }),
                amount: None,
            },
            pb::CreditBand {
                below_percent: Some(common::Decimal { value: "80".to_owned() }),
                charge_percent: None,
                amount: money(25_000),
            },
        ],
        illustrative: true,
        ..pb::Agreement::default()
    }
}

pub fn process() -> pb::Process {
    let state = |id: &str, category: pb::StateCategory| pb::ProcessState {
        id: id.to_owned(),
        display_name: id.to_uppercase(),
        category: category.into(),
    };
    pb::Process {
        display_name: "Access request".to_owned(),
        practice: "access_request".to_owned(),
        purpose: "Let the right people in".to_owned(),
        scope: "Everything with a door".to_owned(),
        ticket_prefix: "ACC".to_owned(),
        states: vec![state("new", pb::StateCategory::New), state("closed", pb::StateCategory::Closed)],
        initial_state: "new".to_owned(),
        transitions: vec![pb::ProcessTransition {
            id: "close".to_owned(),
            display_name: "Close".to_owned(),
            source_states: texts(&["new"]),
            target_state: "closed".to_owned(),
            required_role: "resolver".to_owned(),
            required_fields: texts(&["resolution.code"]),
            required_approvals: texts(&["access"]),
        }],
        priority_matrix: vec![pb::PriorityRule { impact: 1, urgency: 2, priority: 1 }],
        auto_close_days: 5,
        reply_when_resolved: pb::ReplyPolicy::Reopen.into(),
        approvals: vec![pb::ProcessApproval {
            id: "access".to_owned(),
            display_name: "Access".to_owned(),
            states: texts(&["new"]),
            change_types: texts(&["EMERGENCY"]),
            policy: policy(),
            fields: texts(&["title"]),
            on_approval: "close".to_owned(),
            on_rejection: "close".to_owned(),
        }],
        change_templates: vec![pb::ChangeTemplate {
            id: "patch".to_owned(),
            display_name: "Patch".to_owned(),
            risk: "low".to_owned(),
            implementation_plan: "Install".to_owned(),
            test_plan: "Look".to_owned(),
            back_out_plan: "Restore".to_owned(),
        }],
        custom_fields: form(),
        owner_role: "roles/access-owner".to_owned(),
        inputs: texts(&["a wish"]),
        outputs: texts(&["a key"]),
        activities: vec![
            pb::ProcessActivity { id: "grant".to_owned(), display_name: "Grant".to_owned(), ..Default::default() },
            pb::ProcessActivity {
                id: "close".to_owned(),
                display_name: "Close".to_owned(),
                description: "See that the right people got in".to_owned(),
                transitions: texts(&["close"]),
                approves: texts(&["grant"]),
            },
        ],
        measures: vec![pb::ProcessMeasure {
            id: "sla.attainment".to_owned(),
            description: "how often on time".to_owned(),
            target: Some(common::Decimal { value: "0.95".to_owned() }),
            unit: "ratio".to_owned(),
            direction: pb::TargetDirection::AtLeast.into(),
        }],
        ..pb::Process::default()
    }
}

pub fn objective() -> pb::BusinessObjective {
    pb::BusinessObjective {
        display_name: "Less downtime".to_owned(),
        description: "Every hour costs".to_owned(),
        measure: "hours lost in a year".to_owned(),
        unit: "hours".to_owned(),
        target: Some(common::Decimal { value: "40.5".to_owned() }),
        target_date: Some(common::Date { year: 2027, month: 12, day: 31 }),
        owner: "people/ann".to_owned(),
        parent: "objectives/resilience".to_owned(),
        illustrative: true,
        ..pb::BusinessObjective::default()
    }
}

pub fn role() -> pb::Role {
    pb::Role {
        display_name: "Change manager".to_owned(),
        purpose: "Changes succeed".to_owned(),
        tasks: texts(&["Keep the calendar of changes"]),
        authorities: texts(&["Send a change back"]),
        illustrative: true,
        ..pb::Role::default()
    }
}

pub fn role_assignment() -> pb::RoleAssignment {
    let date = |month| Some(common::Date { year: 2026, month, day: 1 });
    pb::RoleAssignment {
        display_name: "Ann for e-mail".to_owned(),
        role: "roles/change-manager".to_owned(),
        member: "people/ann".to_owned(),
        service: "services/email".to_owned(),
        customer: "customers/acme".to_owned(),
        start_date: date(3),
        end_date: date(9),
        illustrative: true,
        ..pb::RoleAssignment::default()
    }
}

pub fn responsibility() -> pb::Responsibility {
    pb::Responsibility {
        display_name: "Who authorises".to_owned(),
        process: "processes/change".to_owned(),
        activity: "authorise".to_owned(),
        service: "services/email".to_owned(),
        responsible: texts(&["roles/change-approver"]),
        accountable: texts(&["roles/change-manager"]),
        consulted: texts(&["roles/service-owner"]),
        informed: texts(&["roles/service-desk"]),
        proposed: true,
        illustrative: true,
        ..pb::Responsibility::default()
    }
}

pub fn cost_entry() -> pb::CostEntry {
    pb::CostEntry {
        display_name: "Compute".to_owned(),
        pool: "cloud".to_owned(),
        start_time: instant(1_700_000_000),
        end_time: instant(1_700_003_600),
        billed_cost: amount("-0.00000080001"),
        effective_cost: amount("12"),
        vendor: "Example Inc.".to_owned(),
        provider: "Example".to_owned(),
        provider_service: "Virtual machines".to_owned(),
        charge_category: "Usage".to_owned(),
        description: "per hour".to_owned(),
        account: "main".to_owned(),
        region: "north".to_owned(),
        service: "services/email".to_owned(),
        source: "bill.csv".to_owned(),
        source_id: "7".to_owned(),
        billing_start_time: instant(1_698_796_800),
        billing_end_time: instant(1_701_388_800),
        tags: [("team".to_owned(), "red".to_owned())].into(),
        illustrative: true,
        ..pb::CostEntry::default()
    }
}

fn day(month: i32, day: i32) -> Option<common::Date> {
    Some(common::Date { year: 2026, month, day })
}

pub fn budget() -> pb::Budget {
    pb::Budget {
        display_name: "Cloud 2026".to_owned(),
        pool: "cloud".to_owned(),
        service: String::new(),
        start_date: day(1, 1),
        end_date: day(12, 31),
        amount: money(12_000_000),
        owner: "people/ann".to_owned(),
        illustrative: true,
        ..pb::Budget::default()
    }
}

pub fn benefit() -> pb::Benefit {
    pb::Benefit {
        display_name: "Fewer calls".to_owned(),
        description: "Mailboxes\nthat people set up themselves".to_owned(),
        objective: "objectives/fewer-calls".to_owned(),
        service: "services/email".to_owned(),
        start_date: day(1, 1),
        end_date: day(12, 31),
        planned: Some(pb::Estimate { low: money(-5), likely: money(0), high: money(7) }),
        realised: money(0),
        evidence: "calls of the desk\nbefore and after".to_owned(),
        evidence_link: "https://example.org/calls".to_owned(),
        owner: "people/ann".to_owned(),
        illustrative: true,
        ..pb::Benefit::default()
    }
}

pub fn allocation_rule() -> pb::AllocationRule {
    let share = |value: &str| Some(common::Decimal { value: value.to_owned() });
    let service = "services/email".to_owned();
    let customer = "customers/acme".to_owned();
    pb::AllocationRule {
        display_name: "Cloud by use".to_owned(),
        pool: "cloud".to_owned(),
        service: String::new(),
        targets: vec![
            pb::AllocationTarget { service, share: share("0.333333333333333333"), ..Default::default() },
            pb::AllocationTarget { customer, share: share("0.5"), ..Default::default() },
        ],
        driver: "machines\nby tag".to_owned(),
        start_date: day(1, 1),
        end_date: day(6, 30),
        order: -2,
        illustrative: true,
        ..pb::AllocationRule::default()
    }
}

/// A message comes out of the domain as it went in, and what comes out can be written again without a change.
fn survives<R: Declared + Debug>(name: &str, message: &R::Message)
where
    R::Message: Debug + PartialEq,
{
    survives_without::<R>(name, message, &[]);
}

/// The same for a message without fields that exclude others.
fn survives_without<R: Declared + Debug>(name: &str, message: &R::Message, without: &[&str])
where
    R::Message: Debug + PartialEq,
{
    assert_eq!(standard::unset::<R>(message), without, "{}: the sample holds every other field", R::MESSAGE);
    let body = standard::read::<R>(name, message).unwrap();
    assert_eq!(body.show(), *message);
    let json = serde_json::to_value(&body).unwrap();
    assert_eq!(R::deserialize(&json).unwrap(), body, "what is stored is what was read");
}

#[test]
fn every_field_of_every_resource_survives_the_way_through_the_domain() {
    survives::<store::Service>("services/email", &service());
    survives::<store::Offering>("services/email/offerings/new-mailbox", &offering());
    survives::<store::Customer>("customers/acme", &customer());
    survives::<store::Calendar>("calendars/office-hours", &calendar());
    survives::<store::Agreement>("agreements/gold", &agreement());
    survives::<store::Process>("processes/access", &process());
    survives::<store::Objective>("objectives/reduce-downtime", &objective());
    survives::<store::Role>("roles/change-manager", &role());
    survives::<store::RoleAssignment>("roleAssignments/ann", &role_assignment());
    survives::<store::Responsibility>("responsibilities/authorise", &responsibility());
    survives::<store::CostEntry>("costEntries/bill-7", &cost_entry());
    survives::<store::Benefit>("benefits/fewer-calls", &benefit());
    survives_without::<store::Budget>("budgets/cloud", &budget(), &["service"]);
    let network = || "services/network".to_owned();
    let of_service = pb::Budget { pool: String::new(), service: network(), ..budget() };
    survives_without::<store::Budget>("budgets/network", &of_service, &["pool"]);
    survives_without::<store::AllocationRule>("allocationRules/cloud", &allocation_rule(), &["service"]);
    let of_service = pb::AllocationRule { pool: String::new(), service: network(), ..allocation_rule() };
    survives_without::<store::AllocationRule>("allocationRules/network", &of_service, &["pool"]);
}

#[test]
fn shipped_processes_survive_the_way_through_their_messages() {
    for process in domain::process::shipped() {
        let process = store::Process(process);
        let name = process.0.name();
        assert_eq!(standard::read::<store::Process>(&name, &process.show()).unwrap(), process);
    }
}

fn objections<R: Declared>(message: &R::Message) -> Vec<String> {
    let found = standard::read::<R>("x/y", message).err().unwrap_or_default();
    found.into_iter().map(|violation| violation.field).collect()
}

#[test]
fn everything_wrong_with_a_message_is_named_at_once() {
    assert_eq!(
        objections::<store::Service>(&pb::Service { depends_on: texts(&["x"]), ..pb::Service::default() }),
        ["service.criticality", "service.display_name", "service.depends_on[0]"]
    );
    assert_eq!(
        objections::<store::CostEntry>(&pb::CostEntry { service: "email".to_owned(), ..pb::CostEntry::default() }),
        ["cost_entry.start_time", "cost_entry.end_time", "cost_entry.billed_cost", "cost_entry.service"]
    );
    assert_eq!(
        objections::<store::Process>(&pb::Process { auto_close_days: -1, ..process() }),
        ["process.auto_close_days"]
    );
    let objective = pb::Objective {
        metric: 42,
        target_months: 1,
        pause: Some(pb::PausePolicy { never: true, ..agreement().objectives[0].pause.clone().unwrap() }),
        priorities: vec![1, 300],
        ..agreement().objectives[0].clone()
    };
    assert_eq!(
        objections::<store::Agreement>(&pb::Agreement { objectives: vec![objective], ..agreement() }),
        [
            "agreement.objectives[0].metric",
            "agreement.objectives[0].target_months",
            "agreement.objectives[0].priorities",
            "agreement.objectives[0].pause.never",
        ]
    );
}

#[test]
fn a_day_that_is_named_twice_and_hours_that_are_none_are_refused() {
    let twice = pb::Calendar { weekly_hours: vec![calendar().weekly_hours[0].clone(); 2], ..calendar() };
    assert_eq!(objections::<store::Calendar>(&twice), ["calendar.weekly_hours[1].day"]);
    let mut wrong = calendar();
    wrong.weekly_hours[0].intervals[0].close_at = "25:00".to_owned();
    wrong.exceptions[0].start_date = None;
    assert_eq!(
        objections::<store::Calendar>(&wrong),
        ["calendar.weekly_hours[0].intervals[0].close_at", "calendar.exceptions[0].start_date"]
    );
}

#[test]
fn a_custom_field_keyword_that_is_not_enforced_is_refused() {
    let schema = serde_json::json!({"properties": {"a": {"type": "string", "minLength": 3}}});
    let custom_fields = Some(servicekit::wire::json_struct(schema));
    assert_eq!(objections::<store::Process>(&pb::Process { custom_fields, ..process() }), ["process.custom_fields"]);
}
