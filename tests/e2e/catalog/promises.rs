//! Promises that can be checked before they are broken: differences in words, lint, feasibility, what-if.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::Duration;

use itsm::import::{Input, tickets};
use pb::agreement_service_client::AgreementServiceClient;
use proto::common::v1::{Decimal, Money};
use proto::operations::v1 as ops;
use proto::operations::v1::ticket_service_client::TicketServiceClient;

use super::*;

fn instant(text: &str) -> prost_types::Timestamp {
    servicekit::wire::timestamp(text.parse().unwrap())
}

fn hours(hours: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds: hours * 3_600, nanos: 0 })
}

/// Monday to Friday from nine to five, UTC.
fn office() -> pb::Calendar {
    let intervals = vec![pb::LocalInterval { open_at: "09:00".to_owned(), close_at: "17:00".to_owned() }];
    let days = (1..=5).map(|day| pb::DayHours { day, intervals: intervals.clone() });
    pb::Calendar {
        display_name: "Office hours".to_owned(),
        time_zone: "UTC".to_owned(),
        weekly_hours: days.collect(),
        ..pb::Calendar::default()
    }
}

fn restoring(target: i64, calendar: &str) -> pb::Objective {
    pb::Objective {
        id: "p1-resolution".to_owned(),
        metric: pb::Metric::Resolution.into(),
        priorities: vec![1],
        target: hours(target),
        calendar: calendar.to_owned(),
        ..pb::Objective::default()
    }
}

fn sla(objectives: Vec<pb::Objective>) -> pb::Agreement {
    pb::Agreement {
        display_name: "Gold".to_owned(),
        kind: pb::AgreementKind::Sla.into(),
        objectives,
        ..pb::Agreement::default()
    }
}

fn supplier(objectives: Vec<pb::Objective>) -> pb::Agreement {
    pb::Agreement {
        kind: pb::AgreementKind::Underpinning.into(),
        provider: "contracts/4711".to_owned(),
        ..sla(objectives)
    }
}

impl Catalog {
    async fn calendar(&self, id: &str, calendar: pb::Calendar) {
        let request =
            pb::CreateCalendarRequest { calendar_id: id.to_owned(), calendar: Some(calendar), ..Default::default() };
        self.agreements().create_calendar(ann(request)).await.unwrap();
    }

    async fn publish_calendar(&self, id: &str) {
        let request = pb::PublishCalendarRequest { name: format!("calendars/{id}"), ..Default::default() };
        self.agreements().publish_calendar(ann(request)).await.unwrap();
    }

    async fn agreement(&self, id: &str, agreement: pb::Agreement) {
        let request = pb::CreateAgreementRequest {
            agreement_id: id.to_owned(),
            agreement: Some(agreement),
            ..Default::default()
        };
        self.agreements().create_agreement(ann(request)).await.unwrap();
    }

    async fn publish_agreement(&self, id: &str, effective: Option<&str>) -> Result<pb::AgreementRevision, Status> {
        let request = pb::PublishAgreementRequest {
            name: format!("agreements/{id}"),
            effective_time: effective.map(instant),
            ..Default::default()
        };
        Ok(self.agreements().publish_agreement(ann(request)).await?.into_inner())
    }

    async fn compare(&self, id: &str, base: i32, compared: i32) -> Result<Vec<pb::Difference>, Status> {
        let request = pb::CompareAgreementRevisionsRequest {
            name: format!("agreements/{id}"),
            base_revision: base,
            compared_revision: compared,
        };
        Ok(self.agreements().compare_agreement_revisions(by(EVERYTHING, request)).await?.into_inner().differences)
    }

    async fn check(&self, id: &str) -> Vec<(String, String)> {
        let request = pb::CheckAgreementRequest { name: format!("agreements/{id}") };
        let findings = self.agreements().check_agreement(ann(request)).await.unwrap().into_inner().findings;
        findings.into_iter().map(|finding| (finding.field, finding.reason)).collect()
    }
}

#[tokio::test]
async fn two_revisions_of_an_agreement_are_compared_in_words() {
    let catalog = Catalog::new().await;
    catalog.agreement("gold", sla(vec![restoring(4, "")])).await;
    catalog.publish_agreement("gold", Some("2026-01-01T00:00:00Z")).await.unwrap();
    assert_eq!(catalog.compare("gold", 1, 0).await.unwrap(), [], "the working copy is as published");
    let changed = pb::Agreement {
        name: "agreements/gold".to_owned(),
        display_name: "Gold plus".to_owned(),
        objectives: vec![restoring(2, "")],
        ..Default::default()
    };
    let request = pb::UpdateAgreementRequest { agreement: Some(changed), ..Default::default() };
    catalog.agreements().update_agreement(ann(request)).await.unwrap();
    let found = catalog.compare("gold", 1, 0).await.unwrap();
    let sentences: Vec<&str> = found.iter().map(|difference| difference.sentence.as_str()).collect();
    assert_eq!(sentences, ["name Gold becomes Gold plus", "p1-resolution: target 4 h becomes 2 h"]);
    assert_eq!(found[1].path, "objectives[p1-resolution].target");
    assert_eq!((found[1].before.as_str(), found[1].after.as_str()), ("4 h", "2 h"));

    catalog.publish_agreement("gold", None).await.unwrap();
    assert_eq!(catalog.compare("gold", 1, 2).await.unwrap(), found);
    let back = catalog.compare("gold", 2, 1).await.unwrap();
    assert_eq!(back[1].sentence, "p1-resolution: target 2 h becomes 4 h");
    let missing = catalog.compare("gold", 1, 3).await.unwrap_err();
    assert_eq!((missing.code(), missing.message()), (Code::NotFound, "agreements/gold@3 does not exist"));
    let request = pb::CompareAgreementRevisionsRequest { name: "agreements/gold".to_owned(), ..Default::default() };
    let refused = catalog.agreements().compare_agreement_revisions(by(ACME, request)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}

#[tokio::test]
async fn two_revisions_of_a_calendar_and_of_a_process_are_compared_in_words() {
    let catalog = Catalog::new().await;
    catalog.calendar("office", office()).await;
    catalog.publish_calendar("office").await;
    let eve = pb::CalendarException {
        display_name: "Christmas Eve".to_owned(),
        start_date: Some(proto::common::v1::Date { year: 2026, month: 12, day: 24 }),
        ..Default::default()
    };
    let closed = pb::Calendar { name: "calendars/office".to_owned(), exceptions: vec![eve], ..Default::default() };
    let request = pb::UpdateCalendarRequest { calendar: Some(closed), ..Default::default() };
    catalog.agreements().update_calendar(ann(request)).await.unwrap();
    let request = pb::CompareCalendarRevisionsRequest {
        name: "calendars/office".to_owned(),
        base_revision: 1,
        compared_revision: 0,
    };
    let found = catalog.agreements().compare_calendar_revisions(by(READER, request)).await.unwrap().into_inner();
    assert_eq!(found.differences.len(), 1);
    assert_eq!(found.differences[0].sentence, "24 Dec 2026 is closed (Christmas Eve), was 09:00 to 17:00");

    let mine = pb::Process { name: "processes/incident".to_owned(), auto_close_days: 14, ..Default::default() };
    let request = pb::UpdateProcessRequest { process: Some(mine), ..Default::default() };
    catalog.governance().update_process(ann(request)).await.unwrap();
    let request = pb::CompareProcessRevisionsRequest {
        name: "processes/incident".to_owned(),
        base_revision: 1,
        compared_revision: 0,
    };
    let found = catalog.governance().compare_process_revisions(by(READER, request)).await.unwrap().into_inner();
    assert_eq!(found.differences.len(), 1);
    assert_eq!(found.differences[0].path, "auto_close_days");
    assert_eq!(found.differences[0].after, "14");
}

#[tokio::test]
async fn whatever_is_doubtful_in_an_agreement_is_found_with_field_and_reason() {
    let catalog = Catalog::new().await;
    let never = pb::Calendar { weekly_hours: Vec::new(), ..office() };
    catalog.calendar("never", never).await;
    catalog.publish_calendar("never").await;
    catalog.calendar("office", office()).await;
    catalog.publish_calendar("office").await;
    let empty = vec![pb::LocalInterval { open_at: "09:00".to_owned(), close_at: "09:00".to_owned() }];
    let weekly_hours = vec![pb::DayHours { day: pb::DayOfWeek::Monday.into(), intervals: empty }];
    catalog.calendar("draft", pb::Calendar { weekly_hours, ..office() }).await;

    let objective = |id: &str, change: &dyn Fn(&mut pb::Objective)| {
        let mut objective = pb::Objective { id: id.to_owned(), ..restoring(4, "") };
        change(&mut objective);
        objective
    };
    let doubtful = vec![
        objective("always-closed", &|o| o.calendar = "calendars/never".to_owned()),
        objective("overlaps", &|_| ()),
        objective("opens-when-it-closes", &|o| {
            o.metric = pb::Metric::Response.into();
            o.priorities = Vec::new();
            o.calendar = "calendars/draft".to_owned();
        }),
        objective("beyond-a-day", &|o| {
            o.metric = pb::Metric::Fulfilment.into();
            o.priorities = Vec::new();
            o.target = hours(9);
            o.calendar = "calendars/office".to_owned();
        }),
        objective("fires-at-once", &|o| {
            o.metric = pb::Metric::Update.into();
            o.priorities = Vec::new();
            o.threshold_percents = vec![0, 100];
            o.pause = Some(pb::PausePolicy { pending_reasons: vec!["SUPPLIER".to_owned()], ..Default::default() });
        }),
    ];
    catalog.agreement("other", sla(vec![objective("same", &|_| ())])).await;
    catalog.publish_agreement("other", None).await.unwrap();
    catalog.agreement("gold", sla(doubtful)).await;
    let found = catalog.check("gold").await;
    for (field, reason) in [
        ("objectives[0].calendar", "CALENDAR_NEVER_OPEN"),
        ("objectives[1]", "OBJECTIVES_OVERLAP"),
        ("objectives[2].calendar", "CALENDAR_UNKNOWN"),
        ("objectives[2].calendar", "HOURS_EMPTY"),
        ("objectives[3].target", "TARGET_BEYOND_A_DAY"),
        ("objectives[4].threshold_percents[0]", "THRESHOLD_UNREACHABLE"),
        ("objectives[4].pause", "PAUSES_FOR_OURSELVES"),
        ("objectives", "PRIORITY_UNCOVERED"),
        ("objectives[0]", "AGREEMENTS_TIE"),
    ] {
        assert!(found.contains(&(field.to_owned(), reason.to_owned())), "{field} {reason} is not in {found:?}");
    }
    assert_eq!(catalog.check("other").await, [("objectives".to_owned(), "PRIORITY_UNCOVERED".to_owned())]);
}

#[tokio::test]
async fn a_supplier_from_nine_to_five_cannot_keep_four_hours_around_the_clock() {
    let catalog = Catalog::new().await;
    catalog.calendar("office", office()).await;
    catalog.publish_calendar("office").await;
    catalog.agreement("carrier", supplier(vec![restoring(4, "calendars/office")])).await;
    let response =
        pb::Objective { id: "p1-response".to_owned(), metric: pb::Metric::Response.into(), ..restoring(1, "") };
    catalog.agreement("gold", sla(vec![response, restoring(4, "")])).await;
    let check = async |revision: i32| {
        let request = pb::CheckFeasibilityRequest {
            name: "agreements/gold".to_owned(),
            revision,
            start_time: Some(instant("2027-06-07T09:00:00Z")),
        };
        catalog.agreements().check_feasibility(ann(request)).await
    };
    let nothing_behind = check(0).await.unwrap().into_inner();
    assert!(nothing_behind.promises.iter().all(|promise| promise.state() == pb::FeasibilityState::Unsupported));
    assert_eq!(check(1).await.unwrap_err().code(), Code::NotFound);

    catalog.publish_agreement("carrier", None).await.unwrap();
    let found = check(0).await.unwrap().into_inner();
    assert_eq!(found.end_time, Some(instant("2028-06-07T09:00:00Z")));
    let ids: Vec<_> = found.promises.iter().map(|promise| (promise.objective.as_str(), promise.state())).collect();
    assert_eq!(
        ids,
        [("p1-resolution", pb::FeasibilityState::Infeasible), ("p1-response", pb::FeasibilityState::Unsupported)]
    );
    let [chain] = found.promises[0].chains.as_slice() else { panic!("one chain: {found:?}") };
    let support = pb::ChainSupport {
        agreement: "agreements/carrier".to_owned(),
        revision: 1,
        objective: "p1-resolution".to_owned(),
    };
    assert_eq!(chain.links[0].supports, [support]);
    // 366 days from a Monday at nine to a Wednesday at nine: 52 weeks of four nights of 20 hours (from 13:00, the last
    // start that the supplier can finish by 17:00, to 09:00) and a weekend of 68, and the nights to Tuesday and Wednesday.
    assert_eq!(chain.gaps.len(), 52 * 5 + 2);
    let infeasible = (52 * (4 * 20 + 68) + 2 * 20) * 3_600 * 1_000_000 - i64::from(52 * 5 + 2);
    let duration = chain.infeasible_duration.unwrap();
    assert_eq!(duration.seconds * 1_000_000 + i64::from(duration.nanos / 1_000), infeasible);
    assert_eq!(chain.open_duration, hours(366 * 24));
    assert!((chain.infeasible_ratio - 7_736.0 / 8_784.0).abs() < 1e-6, "{}", chain.infeasible_ratio);
    let worst = &chain.gaps[0];
    assert_eq!(worst.start_time, Some(instant("2027-06-11T13:00:00.000001Z")));
    assert_eq!(worst.end_time, Some(instant("2027-06-14T09:00:00Z")));
    assert_eq!(worst.worst_start_time, worst.start_time);
    assert_eq!(worst.promise_time, Some(instant("2027-06-11T17:00:00.000001Z")));
    assert_eq!(worst.handover_times, [instant("2027-06-14T09:00:00.000001Z")]);
    assert_eq!(worst.delay, hours(64));
}

/// The catalog and operations on one database, open to everybody.
struct Desk {
    database: TestDatabase,
    agreements: AgreementServiceClient<Channel>,
    tickets: TicketServiceClient<Channel>,
    catalog: Channel,
    operations: Channel,
}

impl Desk {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let catalog = Running::insecure(catalog::build(&at).await).await.channel().await;
        let operations = Running::insecure(operations::build(&at).await).await.channel().await;
        Self {
            agreements: AgreementServiceClient::new(catalog.clone()),
            tickets: TicketServiceClient::new(operations.clone()),
            database,
            catalog,
            operations,
        }
    }

    async fn demo(&self) {
        itsm::demo::overlay::add(&itsm::apply::Remote::default().reaching("catalog", self.catalog.clone()))
            .await
            .unwrap();
    }

    /// Imports the first rows of the demo's log, and waits until their facts are in order.
    async fn import(&self) {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/data/servicenow_incident_event_log.csv.xz");
        let log = BufReader::new(liblzma::read::XzDecoder::new(std::fs::File::open(path).unwrap()));
        let slice: Vec<String> = log.lines().take(2_501).map(Result::unwrap).collect();
        let input = Input::of("slice.csv", slice.join("\n").as_bytes()).unwrap();
        tickets::import_from(
            self.operations.clone(),
            input,
            itsm::import::mapping::Mapping::load("servicenow-log").unwrap(),
            false,
        )
        .await
        .unwrap();
        let client = self.database.connect().await;
        let pending = "SELECT count(*) FROM operations.journal_pending";
        while client.query_one(pending, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn tickets(&self) -> Vec<ops::Ticket> {
        let mut tickets = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = ops::ListTicketsRequest { page_size: 1_000, page_token, ..Default::default() };
            let page = self.tickets.clone().list_tickets(request).await.unwrap().into_inner();
            tickets.extend(page.tickets);
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return tickets;
            }
        }
    }

    /// The states of the clocks with a verdict of each ticket, read one by one, by its id in the log and metric.
    async fn verdicts(&self, read_time: prost_types::Timestamp) -> BTreeMap<String, (i32, Vec<(i32, String)>)> {
        let mut verdicts = BTreeMap::new();
        for ticket in self.tickets().await {
            let request = ops::ExplainClocksRequest { name: ticket.name, read_time: Some(read_time), known_time: None };
            let clocks = self.tickets.clone().explain_clocks(request).await.unwrap().into_inner().clocks;
            let clocks = clocks.into_iter().filter_map(|explained| explained.clock);
            let clocks = clocks.filter(|clock| clock.agreement == STANDARD);
            let settled =
                clocks.filter(|clock| matches!(clock.state(), ops::ClockState::Met | ops::ClockState::Breached));
            let settled = settled.map(|clock| (clock.metric, clock.state().as_str_name().replace("CLOCK_STATE_", "")));
            verdicts.insert(ticket.source_id, (ticket.priority, settled.collect()));
        }
        verdicts
    }

    async fn simulate(&self, request: pb::SimulateAgreementRequest) -> pb::SimulateAgreementResponse {
        self.agreements.clone().simulate_agreement(request).await.unwrap().into_inner()
    }
}

const STANDARD: &str = "agreements/standard-service-level";

/// The demo's agreement and calendar, stricter in one thing and more generous in another.
async fn changed(desk: &Desk) -> (pb::Agreement, pb::Calendar) {
    let get = pb::GetAgreementRequest { name: STANDARD.to_owned() };
    let mut agreement = desk.agreements.clone().get_agreement(get).await.unwrap().into_inner();
    for objective in &mut agreement.objectives {
        objective.target = match objective.id.as_str() {
            "p3-resolution" => hours(8),
            "p4-response" => hours(100),
            _ => objective.target,
        };
    }
    agreement.objectives.retain(|objective| objective.id != "p4-resolution");
    let get = pb::GetCalendarRequest { name: "calendars/working-hours".to_owned() };
    let mut calendar = desk.agreements.clone().get_calendar(get).await.unwrap().into_inner();
    calendar.weekly_hours.retain(|day| day.day() != pb::DayOfWeek::Friday);
    (agreement, calendar)
}

/// Publishes the changed agreement and calendar as the first of their names, in force from 2016 on.
async fn publish_changed(desk: &Desk, agreement: pb::Agreement, calendar: pb::Calendar) {
    let mut client = desk.agreements.clone();
    let from = Some(instant("2016-01-01T00:00:00Z"));
    let customer = pb::Customer { display_name: "The organisation".to_owned(), ..Default::default() };
    let request = pb::CreateCustomerRequest {
        customer_id: "log-organisation".to_owned(),
        customer: Some(customer),
        ..Default::default()
    };
    client.create_customer(request).await.unwrap();
    let name = calendar.name.clone();
    let request = pb::CreateCalendarRequest {
        calendar_id: "working-hours".to_owned(),
        calendar: Some(calendar),
        ..Default::default()
    };
    client.create_calendar(request).await.unwrap();
    let request = pb::PublishCalendarRequest { name, effective_time: from, ..Default::default() };
    client.publish_calendar(request).await.unwrap();
    let request = pb::CreateAgreementRequest {
        agreement_id: "standard-service-level".to_owned(),
        agreement: Some(agreement),
        ..Default::default()
    };
    client.create_agreement(request).await.unwrap();
    let request = pb::PublishAgreementRequest { name: STANDARD.to_owned(), effective_time: from, ..Default::default() };
    client.publish_agreement(request).await.unwrap();
}

/// Settled and met clocks by metric and priority, 0 for all.
fn counted(verdicts: &BTreeMap<String, (i32, Vec<(i32, String)>)>) -> BTreeMap<(i32, i32), (i64, i64)> {
    let mut counts: BTreeMap<(i32, i32), (i64, i64)> = BTreeMap::new();
    for (priority, clocks) in verdicts.values() {
        for (metric, state) in clocks {
            for priority in [0, *priority] {
                let count = counts.entry((*metric, priority)).or_default();
                count.0 += 1;
                count.1 += i64::from(state == "MET");
            }
        }
    }
    counts
}

fn shown(
    answer: &pb::SimulateAgreementResponse,
    side: fn(&pb::SimulatedAttainment) -> &Option<pb::AttainmentCount>,
) -> BTreeMap<(i32, i32), (i64, i64)> {
    let rows = answer.attainments.iter().map(|row| {
        let count = side(row).unwrap();
        assert_eq!(count.settled_count, count.met_count + count.breached_count);
        assert!(count.lower_bound <= count.ratio && count.ratio <= count.upper_bound);
        ((row.metric, row.priority), (count.settled_count, count.met_count))
    });
    rows.filter(|(_, count)| count.0 > 0).collect()
}

/// The verdict on each metric.
fn judged(clocks: &[(i32, String)]) -> BTreeMap<i32, pb::Verdict> {
    let mut judged = BTreeMap::new();
    for (metric, state) in clocks {
        let verdict = judged.entry(*metric).or_insert(pb::Verdict::Met);
        if state == "BREACHED" {
            *verdict = pb::Verdict::Breached;
        }
    }
    judged
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_finds_what_tickets_show_one_by_one_once_it_is_really_published() {
    let desk = Desk::new().await;
    desk.demo().await;
    desk.import().await;
    let (agreement, calendar) = changed(&desk).await;
    let proposal = pb::SimulateAgreementRequest {
        name: STANDARD.to_owned(),
        agreement: Some(agreement.clone()),
        calendars: vec![calendar.clone()],
        page_size: 1_000,
        ..Default::default()
    };
    let answer = desk.simulate(proposal.clone()).await;
    let read_time = answer.read_time.unwrap();

    let really = Desk::new().await;
    publish_changed(&really, agreement, calendar).await;
    really.demo().await;
    really.import().await;
    let (before, after) = (desk.verdicts(read_time).await, really.verdicts(read_time).await);
    assert!(before.len() > 300, "{}", before.len());
    assert_eq!(answer.ticket_count, i64::try_from(before.len()).unwrap());
    assert_eq!(shown(&answer, |row| &row.before), counted(&before));
    assert_eq!(shown(&answer, |row| &row.after), counted(&after));
    assert_ne!(counted(&before), counted(&after));

    let ids: BTreeMap<String, String> =
        desk.tickets().await.into_iter().map(|ticket| (ticket.name, ticket.source_id)).collect();
    let mut changes = answer.changes.clone();
    let mut request = pb::SimulateAgreementRequest { page_token: answer.next_page_token.clone(), ..proposal.clone() };
    while !request.page_token.is_empty() {
        let page = desk.simulate(request.clone()).await;
        changes.extend(page.changes);
        request.page_token = page.next_page_token;
    }
    assert_eq!(answer.change_count, i64::try_from(changes.len()).unwrap());
    let told: BTreeMap<(String, i32), (pb::Verdict, pb::Verdict)> = changes
        .iter()
        .map(|change| ((ids[&change.ticket].clone(), change.metric), (change.before(), change.after())))
        .collect();
    let mut expected = BTreeMap::new();
    for (id, (_, clocks)) in &before {
        let (was, is) = (judged(clocks), judged(&after[id].1));
        for metric in was.keys().chain(is.keys()) {
            let verdict = |side: &BTreeMap<i32, pb::Verdict>| side.get(metric).copied().unwrap_or(pb::Verdict::None);
            if verdict(&was) != verdict(&is) {
                expected.insert((id.clone(), *metric), (verdict(&was), verdict(&is)));
            }
        }
    }
    assert_eq!(told, expected);

    // In pages of seven the same sequence, and a token is for its own request.
    let mut paged = Vec::new();
    let mut request = pb::SimulateAgreementRequest { page_size: 7, ..proposal.clone() };
    while paged.len() < 30 {
        let page = desk.simulate(request.clone()).await;
        paged.extend(page.changes);
        request.page_token = page.next_page_token;
    }
    assert_eq!(paged[..], changes[..paged.len()]);
    let other = pb::SimulateAgreementRequest { calendars: Vec::new(), ..request };
    let refused = desk.agreements.clone().simulate_agreement(other).await.unwrap_err();
    assert_eq!(reason(&refused), "PAGE_TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_follows_the_journal_and_keeps_to_its_period() {
    let desk = Desk::new().await;
    desk.demo().await;
    desk.import().await;
    let request = pb::SimulateAgreementRequest { name: STANDARD.to_owned(), ..Default::default() };
    let all = desk.simulate(request.clone()).await;
    assert_eq!((all.change_count, all.changes.len()), (0, 0), "as it is it changes nothing");
    assert_eq!(shown(&all, |row| &row.before), shown(&all, |row| &row.after));

    let until = instant("2016-03-01T00:00:00Z");
    let early = pb::SimulateAgreementRequest { end_time: Some(until), ..request.clone() };
    let late = pb::SimulateAgreementRequest { start_time: Some(until), ..request.clone() };
    let (early, late) = (desk.simulate(early).await.ticket_count, desk.simulate(late).await.ticket_count);
    assert!(early > 0 && late > 0, "{early} and {late}");
    assert_eq!(early + late, all.ticket_count);

    let ticket = ops::Ticket {
        process: "processes/incident".to_owned(),
        title: "no mail".to_owned(),
        customer: "customers/log-organisation".to_owned(),
        impact: 1,
        urgency: 1,
        ..Default::default()
    };
    let create = ops::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
    let opened = desk.tickets.clone().create_ticket(create).await.unwrap().into_inner();
    let settled = |answer: &pb::SimulateAgreementResponse| {
        shown(answer, |row| &row.before).get(&(pb::Metric::Response.into(), 0)).copied().unwrap_or_default().0
    };
    loop {
        let answer = desk.simulate(request.clone()).await;
        assert_eq!(settled(&answer), settled(&all), "its clocks have no verdict yet");
        if answer.ticket_count == all.ticket_count + 1 {
            break;
        }
    }
    let step = ops::TransitionTicketRequest { name: opened.name, transition: "start".to_owned(), ..Default::default() };
    desk.tickets.clone().transition_ticket(step).await.unwrap();
    while settled(&desk.simulate(request.clone()).await) == settled(&all) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn credits_are_told_before_and_after() {
    let desk = Desk::new().await;
    desk.demo().await;
    desk.import().await;
    let (agreement, _) = changed(&desk).await;
    let band = |below: &str, minor_units| pb::CreditBand {
        below_percent: Some(Decimal { value: below.to_owned() }),
        charge_percent: None,
        amount: Some(Money { currency_code: "EUR".to_owned(), minor_units }),
    };
    let proposed = pb::Agreement { credit_bands: vec![band("100", 1_000)], ..agreement };
    let request = pb::SimulateAgreementRequest {
        name: STANDARD.to_owned(),
        agreement: Some(proposed.clone()),
        start_time: Some(instant("2016-03-01T00:00:00Z")),
        end_time: Some(instant("2016-04-01T00:00:00Z")),
        ..Default::default()
    };
    let answer = desk.simulate(request.clone()).await;
    let euro = |minor_units| Money { currency_code: "EUR".to_owned(), minor_units };
    assert_eq!(answer.before_credits, [euro(580_000)], "10 % of the charge, below 60 %");
    assert_eq!(answer.after_credits, [euro(1_000)], "one month, the largest of its metrics");

    let twice = pb::Agreement { credit_bands: vec![band("90", 1), band("90", 2)], ..proposed };
    let request = pb::SimulateAgreementRequest { agreement: Some(twice), ..request };
    let refused = desk.agreements.clone().simulate_agreement(request).await.unwrap_err();
    assert_eq!(reason(&refused), "DEFINITION_INVALID");
    assert!(fields(&refused).contains(&"credit_bands[1].below_percent".to_owned()), "{:?}", fields(&refused));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_revision_never_takes_effect_in_the_past_and_tickets_stay_with_theirs() {
    let desk = Desk::new().await;
    desk.demo().await;
    let open = async || {
        let ticket = ops::Ticket {
            process: "processes/incident".to_owned(),
            title: "no mail".to_owned(),
            customer: "customers/log-organisation".to_owned(),
            impact: 1,
            urgency: 1,
            ..Default::default()
        };
        let create = ops::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
        desk.tickets.clone().create_ticket(create).await.unwrap().into_inner()
    };
    let promises = async |name: &str| {
        let request = ops::ExplainClocksRequest { name: name.to_owned(), ..Default::default() };
        let clocks = desk.tickets.clone().explain_clocks(request).await.unwrap().into_inner().clocks;
        let clocks = clocks.into_iter().filter_map(|explained| explained.clock);
        let promises =
            clocks.map(|clock| (clock.objective, clock.agreement_revision, clock.target_duration, clock.due_time));
        promises.collect::<Vec<_>>()
    };
    let first = open().await;
    let before = promises(&first.name).await;
    assert!(!before.is_empty() && before.iter().all(|promise| promise.1 == 1), "{before:?}");

    let get = pb::GetAgreementRequest { name: STANDARD.to_owned() };
    let mut agreement = desk.agreements.clone().get_agreement(get).await.unwrap().into_inner();
    for objective in &mut agreement.objectives {
        objective.target = hours(1);
    }
    let request = pb::UpdateAgreementRequest { agreement: Some(agreement), ..Default::default() };
    desk.agreements.clone().update_agreement(request).await.unwrap();
    let publish = |effective_time| pb::PublishAgreementRequest {
        name: STANDARD.to_owned(),
        effective_time,
        ..Default::default()
    };
    let past = desk.agreements.clone().publish_agreement(publish(Some(instant("2026-01-01T00:00:00Z")))).await;
    assert_eq!(reason(&past.unwrap_err()), "REVISION_IN_THE_PAST");
    desk.agreements.clone().publish_agreement(publish(None)).await.unwrap();
    assert_eq!(promises(&first.name).await, before);
    let second = promises(&open().await.name).await;
    assert!(!second.is_empty() && second.iter().all(|promise| promise.1 == 2 && promise.2 == hours(1)), "{second:?}");
}
