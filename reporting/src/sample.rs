//! A small estate for tests: a dozen incidents, two promises, a bill in two currencies, four contracts.

use std::collections::BTreeMap;

use domain::agreement::{CreditTerms, Kind, Metric};
use domain::amount::{Amount, Currency, Decimal, Money};
use domain::clock::{Activity, State};
use domain::process::Category;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::inputs::{
    AgreementRow, Attribution, ClockRow, ContractRow, CostRow, Estate, Horizon, INCIDENT, Inputs, ServiceRow, Span,
    TicketRow,
};

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn hours(from: Timestamp, hours: i64) -> Timestamp {
    from + SignedDuration::from_hours(hours)
}

/// An incident that is still open at the as-of.
pub(crate) fn open(id: u32, priority: u8, opened_at: Timestamp) -> TicketRow {
    TicketRow {
        name: format!("tickets/INC-{id:06}"),
        source: "desk".to_owned(),
        source_id: format!("D{id:04}"),
        practice: INCIDENT.to_owned(),
        service: if id.is_multiple_of(3) { String::new() } else { "services/email".to_owned() },
        group: "groups/desk".to_owned(),
        customer: "customers/estate".to_owned(),
        priority: Some(priority),
        category: Category::Active,
        opened_at,
        resolved_at: None,
        closed_at: None,
        was_resolved: false,
        open: vec![Span { from: opened_at, until: None }],
        state_since: opened_at,
        reopened_at: Vec::new(),
        reassigned_at: Vec::new(),
        major: None,
        source_sla_met: None,
        nonconformities: 0,
        clocks: Vec::new(),
    }
}

/// An incident that was resolved after so many hours and closed.
pub(crate) fn resolved(id: u32, priority: u8, opened_at: Timestamp, after: i64) -> TicketRow {
    let end = hours(opened_at, after);
    TicketRow {
        category: Category::Closed,
        resolved_at: Some(end),
        closed_at: Some(end),
        was_resolved: true,
        open: vec![Span { from: opened_at, until: Some(end) }],
        state_since: end,
        source_sla_met: Some(after <= 8),
        clocks: vec![
            clock(Metric::Resolution, opened_at, 8, Some(end)),
            clock(Metric::Response, opened_at, 1, Some(opened_at)),
        ],
        ..open(id, priority, opened_at)
    }
}

/// A clock around the clock that stopped at `end`, or is going on long before it is due.
pub(crate) fn clock(metric: Metric, from: Timestamp, target: i64, end: Option<Timestamp>) -> ClockRow {
    let due = hours(from, target);
    let (state, settled_at) = match end {
        Some(end) if end <= due => (State::Met, Some(end)),
        Some(_) => (State::Breached, Some(due)),
        None => (State::Running, None),
    };
    ClockRow {
        kind: Kind::Sla,
        metric,
        agreement: "agreements/standard".to_owned(),
        revision: 1,
        objective: format!("{}-{target}h", metric.as_str().to_lowercase()),
        target_us: target * 3_600_000_000,
        elapsed_us: 0,
        calendar: None,
        state,
        activity: if end.is_some() { Activity::Stopped } else { Activity::Running },
        settled_at,
        excuse: None,
        due_at: end.is_none().then_some(due),
    }
}

pub(crate) fn cost(id: u32, value: &str, currency: &str, provider: &str) -> CostRow {
    CostRow {
        name: format!("costEntries/bill-{id}"),
        source: "bill.csv".to_owned(),
        source_id: id.to_string(),
        billed: Amount::new(Decimal::parse(value).unwrap(), Currency::parse(currency).unwrap()),
        start_at: at("2024-09-01T00:00:00Z"),
        end_at: at("2024-09-02T00:00:00Z"),
        service: String::new(),
        pool: "cloud".to_owned(),
        illustrative: false,
        provider: provider.to_owned(),
        provider_service: format!("Compute {}", id % 2),
        late: false,
    }
}

pub(crate) fn contract(id: u32, end_on: &str, cents: i64) -> ContractRow {
    let end_on: Date = end_on.parse().unwrap();
    ContractRow {
        name: format!("contracts/c-{id}"),
        source: "register.csv".to_owned(),
        source_id: id.to_string(),
        display_name: format!("Contract\n{id}"),
        supplier: "Acme".to_owned(),
        owner_unit: "IT".to_owned(),
        start_on: Some("2016-03-01".parse().unwrap()),
        end_on: Some(end_on),
        deadline_on: Some(end_on),
        notice_stated: false,
        committed: Some(Money::new(cents, Currency::parse("AUD").unwrap())),
        illustrative: false,
        late: false,
    }
}

/// What is known on 1 April 2016 of March and what was left over from February.
pub(crate) fn estate() -> Inputs {
    let march = at("2016-03-07T08:00:00Z");
    let mut tickets: Vec<TicketRow> = (0_u32..9)
        .map(|id| resolved(id, u8::try_from(id % 2 + 2).unwrap(), hours(march, i64::from(id) * 30), i64::from(id) * 2))
        .collect();
    tickets.push(resolved(20, 1, at("2016-02-28T23:00:00Z"), 26));
    tickets.push(TicketRow {
        clocks: vec![clock(Metric::Resolution, at("2016-03-31T20:00:00Z"), 8, None)],
        ..open(30, 1, at("2016-03-31T20:00:00Z"))
    });
    tickets.push(open(31, 4, at("2016-03-01T00:00:00Z")));
    // Only a state says that it is resolved.
    let unsaid = resolved(40, 3, march, 5);
    tickets.push(TicketRow { resolved_at: None, source_sla_met: None, nonconformities: 1, ..unsaid });
    let cancelled = resolved(41, 3, march, 3);
    tickets.push(TicketRow {
        category: Category::Cancelled,
        resolved_at: None,
        was_resolved: false,
        clocks: Vec::new(),
        ..cancelled
    });
    tickets[3].reopened_at = vec![hours(tickets[3].opened_at, 1)];
    tickets[4].reassigned_at = vec![hours(tickets[4].opened_at, 1), hours(tickets[4].opened_at, 2)];
    // A stub of another practice: no measure counts it.
    tickets.push(TicketRow { practice: "problem".to_owned(), ..open(99, 1, march) });
    Inputs {
        as_of: at("2016-04-01T00:00:00Z"),
        latest: true,
        horizon: Horizon { catalog: 7, operations: 140, supplier: 9 },
        time_zone_database: "2026a".to_owned(),
        tickets,
        services: BTreeMap::from([(
            "services/email".to_owned(),
            ServiceRow {
                display_name: "E-mail".to_owned(),
                objectives: Vec::new(),
                line: String::new(),
                criticality: "HIGH".to_owned(),
                illustrative: true,
            },
        )]),
        agreements: vec![AgreementRow {
            name: "agreements/standard".to_owned(),
            revision: 1,
            display_name: "Standard".to_owned(),
            kind: Kind::Sla,
            goal_percent: Some(Decimal::parse("95").unwrap()),
            effective_from: at("2016-01-01T00:00:00Z"),
            services: Vec::new(),
            lines: Vec::new(),
            calendars: vec![None],
            credits: CreditTerms::default(),
            illustrative: true,
        }],
        costs: vec![cost(1, "0.1000000001", "USD", "A"), cost(2, "2.5", "USD", "B"), cost(3, "-0.05", "USD", "B")],
        budgets: Vec::new(),
        benefits: Vec::new(),
        rules: BTreeMap::new(),
        outages: Vec::new(),
        calendars: Vec::new(),
        contracts: vec![
            contract(1, "2016-05-31", 100_000),
            contract(2, "2016-06-30", 250_050),
            contract(3, "2018-01-01", 0),
        ],
        estate: Estate::default(),
        attributions: vec![Attribution {
            source: "desk".to_owned(),
            title: "A made-up desk".to_owned(),
            licence: "CC0".to_owned(),
            link: "https://example.org".to_owned(),
        }],
        rejected: BTreeMap::new(),
    }
}
