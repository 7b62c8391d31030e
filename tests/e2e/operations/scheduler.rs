//! Thresholds fire once each, at their instant or late, whoever runs, stops, is killed or has a wrong clock.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proto::catalog::v1 as catalog_pb;
use proto::catalog::v1::agreement_service_client::AgreementServiceClient;
use proto::journal::v1 as journal_pb;
use proto::journal::v1::journal_service_client::JournalServiceClient;
use servicekit::clock::{Clock as _, Manual, System};
use servicekit::{Kit, wire};
use tokio_stream::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::*;

/// A Monday.
const START: &str = "2026-03-02T09:00:00Z";
const REACHED: &str = "ticket.threshold_reached.v1";
const WITHDRAWN: &str = "ticket.threshold_withdrawn.v1";

/// Catalog and operations on a clock that stands still until a test moves it.
pub(super) struct World {
    pub(super) clock: Arc<Manual>,
    agreements: AgreementServiceClient<Channel>,
    pub(super) operations: Operations,
    channel: Channel,
}

impl World {
    /// With an agreement that has these objectives for everybody.
    pub(super) async fn new(objectives: Vec<catalog_pb::Objective>) -> Self {
        Self::at(START.parse().unwrap(), objectives).await
    }

    async fn at(start: Timestamp, objectives: Vec<catalog_pb::Objective>) -> Self {
        let database = TestDatabase::new().await;
        let clock = Arc::new(Manual::at(start));
        // Publishes the processes that ship.
        catalog::build(&config::Database::at(database.url())).await.unwrap();
        let kit = open(&database, &catalog::SERVICE, &clock).await;
        let channel = Running::insecure(catalog::server(kit)).await.channel().await;
        let agreements = AgreementServiceClient::new(channel);
        publish_calendar(agreements.clone(), None, Vec::new()).await;
        publish_agreement(agreements.clone(), objectives).await;
        let server = operations::server(open(&database, &operations::SERVICE, &clock).await).await;
        let channel = Running::insecure(server).await.channel().await;
        let operations = Operations { client: TicketServiceClient::new(channel.clone()), database };
        Self { clock, agreements, operations, channel }
    }

    /// Operations on another clock, or on the same one: a replica.
    pub(super) async fn server(&self, clock: &Arc<Manual>) -> servicekit::serve::Server {
        operations::server(open(&self.operations.database, &operations::SERVICE, clock).await).await.unwrap()
    }

    /// Moves the clock to so many minutes after the start.
    pub(super) fn pass(&self, minute: i64) {
        self.clock.set(self.minute(minute));
    }

    pub(super) fn minute(&self, minute: i64) -> Timestamp {
        START.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minute)
    }

    /// Facts of a kind of a ticket, in the order in which they happened.
    pub(super) async fn facts(&self, ticket: &str, kind: &str) -> Vec<journal_pb::JournalEntry> {
        let request = pb::ListFactsRequest { name: ticket.to_owned(), page_size: 1000, ..Default::default() };
        let facts = self.operations.client().list_facts(request).await.unwrap().into_inner().facts;
        facts.into_iter().filter(|fact| fact.kind == kind).collect()
    }

    /// Percent and minute of the thresholds on record of a ticket.
    async fn reached(&self, ticket: &str) -> Vec<(i64, i64)> {
        let facts = self.facts(ticket, REACHED).await;
        let start = START.parse::<Timestamp>().unwrap().as_second();
        facts.iter().map(|fact| (percent(fact), (fact.occur_time.unwrap().seconds - start) / 60)).collect()
    }

    /// Waits until that many facts of a kind are in order.
    pub(super) async fn until(&self, kind: &str, facts: i64) {
        let query = format!("SELECT count(*) FROM journal JOIN journal_order USING (position) WHERE kind = '{kind}'");
        until(&self.operations, &query, facts).await;
    }
}

async fn open(database: &TestDatabase, service: &'static servicekit::Service, clock: &Arc<Manual>) -> Kit {
    Kit::open(&config::Database::at(database.url()), service, clock.clone()).await.unwrap()
}

/// Waits until the query gives the number, and not more.
pub(super) async fn until(operations: &Operations, query: &str, expected: i64) {
    let database = operations.connect().await;
    let mut found = 0;
    for _ in 0..3_000 {
        found = database.query_one(query, &[]).await.unwrap().get::<_, i64>(0);
        if found == expected {
            return;
        }
        assert!(found < expected, "{found} of {expected}: {query}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{found} of {expected} after a minute: {query}");
}

fn percent(fact: &journal_pb::JournalEntry) -> i64 {
    let percent = &fact.payload.as_ref().unwrap().fields["percent"];
    let Some(prost_types::value::Kind::NumberValue(percent)) = percent.kind else { panic!("{percent:?}") };
    percent as i64
}

/// Restores service within so many minutes.
pub(super) fn restore(id: &str, minutes: i64) -> catalog_pb::Objective {
    catalog_pb::Objective {
        id: id.to_owned(),
        metric: catalog_pb::Metric::Resolution.into(),
        target: Some(prost_types::Duration { seconds: minutes * 60, nanos: 0 }),
        ..Default::default()
    }
}

async fn publish_agreement(mut client: AgreementServiceClient<Channel>, objectives: Vec<catalog_pb::Objective>) {
    let agreement = catalog_pb::Agreement {
        display_name: "For everybody".to_owned(),
        kind: catalog_pb::AgreementKind::Sla.into(),
        objectives,
        ..Default::default()
    };
    let request = catalog_pb::CreateAgreementRequest {
        agreement_id: "all".to_owned(),
        agreement: Some(agreement),
        ..Default::default()
    };
    client.create_agreement(request).await.unwrap();
    let request = catalog_pb::PublishAgreementRequest {
        name: "agreements/all".to_owned(),
        effective_time: Some(instant("2016-01-01T00:00:00Z")),
        ..Default::default()
    };
    client.publish_agreement(request).await.unwrap();
}

/// Monday to Friday, 9 to 17, with these days closed.
async fn publish_calendar(
    mut client: AgreementServiceClient<Channel>,
    from: Option<Timestamp>,
    closed: Vec<(i32, i32, i32)>,
) {
    use catalog_pb::DayOfWeek::{Friday, Monday, Thursday, Tuesday, Wednesday};
    let name = "calendars/office".to_owned();
    let hours = catalog_pb::LocalInterval { open_at: "09:00".to_owned(), close_at: "17:00".to_owned() };
    let days = [Monday, Tuesday, Wednesday, Thursday, Friday];
    let closed = closed.into_iter().map(|(year, month, day)| catalog_pb::CalendarException {
        display_name: "Closed".to_owned(),
        start_date: Some(proto::common::v1::Date { year, month, day }),
        ..Default::default()
    });
    let calendar = catalog_pb::Calendar {
        name: name.clone(),
        display_name: "Office hours".to_owned(),
        time_zone: "UTC".to_owned(),
        weekly_hours: days.map(|day| catalog_pb::DayHours { day: day.into(), intervals: vec![hours.clone()] }).into(),
        exceptions: closed.collect(),
        ..Default::default()
    };
    if from.is_none() {
        let request = catalog_pb::CreateCalendarRequest {
            calendar_id: "office".to_owned(),
            calendar: Some(catalog_pb::Calendar { name: String::new(), ..calendar }),
            ..Default::default()
        };
        client.create_calendar(request).await.unwrap();
    } else {
        let request = catalog_pb::UpdateCalendarRequest { calendar: Some(calendar), ..Default::default() };
        client.update_calendar(request).await.unwrap();
    }
    let effective_time = from.map_or_else(|| instant("2016-01-01T00:00:00Z"), wire::timestamp);
    let request =
        catalog_pb::PublishCalendarRequest { name, effective_time: Some(effective_time), ..Default::default() };
    client.publish_calendar(request).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_threshold_is_a_fact_at_its_instant_and_a_late_one_shows_both_times() {
    let world = World::new(vec![restore("fix", 60)]).await;
    let ticket = world.operations.open(incident("an hour")).await.unwrap();
    let watch = journal_pb::WatchJournalRequest {
        filter: format!("kind = \"{REACHED}\""),
        from_start: true,
        ..Default::default()
    };
    let mut journal = JournalServiceClient::new(world.channel.clone());
    let mut watched = journal.watch_journal(watch).await.unwrap().into_inner();

    world.pass(30);
    world.until(REACHED, 1).await;
    // Nobody looks for two hours.
    world.pass(180);
    world.until(REACHED, 4).await;
    assert_eq!(world.reached(&ticket.name).await, [(50, 30), (75, 45), (90, 54), (100, 60)]);
    let recorded: Vec<_> =
        world.facts(&ticket.name, REACHED).await.iter().map(|fact| fact.record_time.unwrap()).collect();
    let late = wire::timestamp(world.minute(180));
    assert_eq!(recorded, [wire::timestamp(world.minute(30)), late, late, late]);

    let mut streamed = Vec::new();
    while streamed.len() < 4 {
        let entries = watched.next().await.unwrap().unwrap().entries;
        streamed.extend(entries.iter().map(percent));
    }
    assert_eq!(streamed, [50, 75, 90, 100]);

    let after = world.operations.get(&ticket.name).await;
    assert_eq!(after.clock_state(), pb::ClockState::Breached);
    assert_eq!(after.clocks[0].breach_time, Some(wire::timestamp(world.minute(60))));
    assert_eq!((&after.etag, after.update_time), (&ticket.etag, ticket.update_time), "nobody's edit is lost to it");
    let request = pb::ExplainClocksRequest { name: ticket.name.clone(), ..Default::default() };
    let explained = world.operations.client().explain_clocks(request.clone()).await.unwrap().into_inner();
    let recorded: Vec<_> = explained.clocks[0].thresholds.iter().map(|threshold| threshold.record_time).collect();
    assert_eq!(recorded, [Some(wire::timestamp(world.minute(30))), Some(late), Some(late), Some(late)]);
    let text = itsm::explain::render(&ticket.name, None, &explained);
    assert!(text.contains("50 % 2026-03-02T09:30:00Z, recorded 2026-03-02T09:30:00Z"), "{text}");
    assert!(text.contains("100 % 2026-03-02T10:00:00Z, recorded 2026-03-02T12:00:00Z"), "{text}");
    replay_agrees(&world.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_decided_before_a_threshold_fired_is_taken_after_it() {
    let world = World::new(vec![restore("fix", 60)]).await;
    let ticket = world.operations.open(incident("a form is open")).await.unwrap();
    world.pass(30);
    world.until(REACHED, 1).await;
    let start = pb::TransitionTicketRequest { etag: ticket.etag.clone(), ..step(&ticket.name, "start") };
    let request_id = uuid::Uuid::from_u128(9).to_string();
    let start = pb::TransitionTicketRequest { request_id, ..start };
    let started = world.operations.client().transition_ticket(start.clone()).await.unwrap().into_inner();
    assert_ne!(started.etag, ticket.etag);
    world.pass(50);
    world.until(REACHED, 2).await;
    let again = world.operations.client().transition_ticket(start).await.unwrap().into_inner();
    assert_eq!(again, started, "a repeated request is answered as the first time");
    let stale = pb::TransitionTicketRequest { etag: ticket.etag, ..step(&ticket.name, "resolve") };
    let refusal = world.operations.client().transition_ticket(stale).await.unwrap_err();
    assert_eq!(testkit::reason(&refusal), "ETAG_MISMATCH");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fell_due_while_no_server_ran_fires_when_one_starts() {
    let world = World::new(vec![restore("fix", 60)]).await;
    let ticket = world.operations.open(incident("left alone")).await.unwrap().name;
    // A world of its own clock: the first server stays where it is in time, and sees nothing.
    let later = Arc::new(Manual::at(world.minute(50)));
    let stop = CancellationToken::new();
    let bound = world.server(&later).await.bind(&config::Server::insecure(0)).unwrap();
    let running = tokio::spawn(bound.run(stop.clone()));
    world.until(REACHED, 2).await;
    stop.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(world.reached(&ticket).await, [(50, 30), (75, 45)]);
    later.set(world.minute(600));
    Running::insecure(Ok(world.server(&later).await)).await;
    world.until(REACHED, 4).await;
    assert_eq!(world.reached(&ticket).await, [(50, 30), (75, 45), (90, 54), (100, 60)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_that_look_at_once_fire_each_threshold_once() {
    let world = World::new(vec![restore("fix", 60)]).await;
    for _ in 0..2 {
        Running::insecure(Ok(world.server(&world.clock).await)).await;
    }
    for n in 0..60 {
        world.operations.open(incident(&format!("number {n}"))).await.unwrap();
    }
    for (minute, percents) in [(30, 1), (45, 2), (100, 4)] {
        world.pass(minute);
        world.until(REACHED, 60 * percents).await;
    }
    let distinct = "SELECT count(*) FROM (SELECT DISTINCT subject, payload -> 'percent' FROM journal \
                    WHERE kind = 'ticket.threshold_reached.v1') AS once";
    assert_eq!(world.operations.number(distinct).await, 240);
    assert_eq!(world.operations.number("SELECT count(next_fire_at) FROM tickets").await, 0);
    replay_agrees(&world.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_of_the_machine_that_is_set_back_unsays_nothing() {
    let world = World::new(vec![restore("fix", 60)]).await;
    let ticket = world.operations.open(incident("time runs back")).await.unwrap().name;
    world.pass(50);
    world.until(REACHED, 2).await;
    world.pass(-600);
    world.operations.note(&ticket, Audience::Internal, "looked at").await.unwrap();
    world.pass(45);
    world.operations.note(&ticket, Audience::Internal, "looked at again").await.unwrap();
    world.pass(60);
    world.until(REACHED, 4).await;
    assert_eq!(world.reached(&ticket).await, [(50, 30), (75, 45), (90, 54), (100, 60)]);
    assert_eq!(world.facts(&ticket, WITHDRAWN).await.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backdated_pause_takes_back_what_it_refutes_and_the_record_of_that_day_stays() {
    let world = World::new(vec![restore("fix", 60)]).await;
    let ticket = world.operations.open(incident("waited all along")).await.unwrap().name;
    let mut client = world.operations.client();
    client.transition_ticket(step(&ticket, "start")).await.unwrap();
    // What is known of a day is what was put in order on it.
    world.until("ticket.transitioned.v1", 1).await;
    world.pass(50);
    world.until(REACHED, 2).await;
    let fields = pb::TransitionFields { pending_reason: pb::PendingReason::Customer.into(), ..Default::default() };
    let hold = pb::TransitionTicketRequest {
        fields: Some(fields),
        occur_time: Some(wire::timestamp(world.minute(20))),
        comment: "the customer was away".to_owned(),
        ..step(&ticket, "hold")
    };
    client.transition_ticket(hold).await.unwrap();
    let withdrawn = world.facts(&ticket, WITHDRAWN).await;
    assert_eq!(withdrawn.iter().map(percent).collect::<Vec<_>>(), [50, 75]);
    world.pass(60);
    client.transition_ticket(step(&ticket, "resume")).await.unwrap();
    world.pass(70);
    world.until(REACHED, 3).await;
    assert_eq!(world.reached(&ticket).await, [(50, 30), (75, 45), (50, 70)]);
    let explain = |known: Option<i64>| {
        let known_time = known.map(|minute| wire::timestamp(world.minute(minute)));
        let read_time = Some(wire::timestamp(world.minute(50)));
        let request = pb::ExplainClocksRequest { name: ticket.clone(), read_time, known_time };
        let mut client = world.operations.client();
        async move { client.explain_clocks(request).await.unwrap().into_inner().clocks.remove(0).thresholds }
    };
    let then = explain(Some(49)).await;
    assert!(then[0].reached && then[1].reached, "as known on the day");
    let now = explain(None).await;
    assert!(!now[0].reached && now[0].record_time.is_none());
    replay_agrees(&world.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn history_that_is_imported_fires_nothing_and_what_lies_ahead_of_it_does() {
    let world = World::new(vec![restore("fix", 60)]).await;
    let row = |id: &str, opened: i64, state: &str| pb::TicketSnapshot {
        source_system: "desk".to_owned(),
        source_id: id.to_owned(),
        observe_time: Some(wire::timestamp(world.minute(opened))),
        process: "processes/incident".to_owned(),
        open_time: Some(wire::timestamp(world.minute(opened))),
        title: Some(id.to_owned()),
        state: Some(state.to_owned()),
        ..Default::default()
    };
    let closed = pb::TicketSnapshot {
        observe_time: Some(wire::timestamp(world.minute(-10))),
        state: Some("closed".to_owned()),
        ..row("closed", -500, "new")
    };
    let rows = [row("old", -600, "in_progress"), row("fresh", -40, "in_progress"), row("closed", -500, "new"), closed];
    let requests = rows.into_iter().zip(1..).map(|(snapshot, sequence)| pb::ImportTicketsRequest {
        import_id: "history".to_owned(),
        sequence,
        row: Some(pb::import_tickets_request::Row::Snapshot(snapshot)),
    });
    let request = pb::BatchImportTicketsRequest { requests: requests.collect() };
    let answer = world.operations.client().batch_import_tickets(request).await.unwrap().into_inner();
    assert_eq!((answer.created_count, answer.failures), (4, Vec::new()));
    assert_eq!(world.operations.number("SELECT count(next_fire_at) FROM tickets").await, 1);
    world.pass(600);
    world.until(REACHED, 3).await;
    assert_eq!(world.operations.number("SELECT count(next_fire_at) FROM tickets").await, 0);
    let fresh = pb::LookupTicketRequest {
        source_system: "desk".to_owned(),
        source_id: "fresh".to_owned(),
        ..Default::default()
    };
    let fresh = world.operations.client().lookup_ticket(fresh).await.unwrap().into_inner().name;
    assert_eq!(world.reached(&fresh).await, [(75, 5), (90, 14), (100, 20)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_calendar_that_is_published_moves_what_lies_ahead_of_open_tickets() {
    let office = catalog_pb::Objective { calendar: "calendars/office".to_owned(), ..restore("fix", 12 * 60) };
    let world = World::new(vec![office]).await;
    let ticket = world.operations.open(incident("due on Tuesday")).await.unwrap();
    assert_eq!(ticket.due_time, Some(instant("2026-03-03T13:00:00Z")));
    let facts = world.operations.number("SELECT count(*) FROM journal").await;
    let from = "2026-03-02T20:00:00Z".parse().unwrap();
    publish_calendar(world.agreements.clone(), Some(from), vec![(2026, 3, 3)]).await;
    until(&world.operations, "SELECT count(*) FROM tickets WHERE due_at = '2026-03-04T13:00:00Z'", 1).await;
    let after = world.operations.get(&ticket.name).await;
    assert_eq!((after.etag, after.update_time), (ticket.etag, ticket.update_time));
    assert_eq!(world.operations.number("SELECT count(*) FROM journal").await, facts, "nothing has happened");
    replay_agrees(&world.operations).await;
    world.clock.set("2026-03-04T13:00:00Z".parse().unwrap());
    world.until(REACHED, 4).await;
    let breach = world.facts(&ticket.name, REACHED).await.pop().unwrap();
    assert_eq!(breach.occur_time, Some(instant("2026-03-04T13:00:00Z")));
}

/// An objective for one priority that lets something follow at half of its time.
fn escalating(priority: i32, minutes: i64, group: &str, to: i32) -> catalog_pb::Objective {
    let follows = catalog_pb::Escalation { percent: 60, group: group.to_owned(), priority: to };
    catalog_pb::Objective {
        priorities: vec![priority],
        escalations: vec![follows],
        threshold_percents: vec![80],
        ..restore(&format!("p{priority}"), minutes)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_escalation_assigns_and_raises_once_and_the_new_promise_is_judged_anew() {
    let world = World::new(vec![escalating(3, 100, "groups/duty", 2), escalating(2, 90, "groups/crisis", 1)]).await;
    let ticket = pb::Ticket { impact: 2, urgency: 2, ..incident("escalates") };
    let ticket = world.operations.open(ticket).await.unwrap();
    assert_eq!(ticket.priority, 3);
    world.pass(60);
    world.until(REACHED, 1).await;
    // The first promise has escalated; under the second 60 % of its 90 minutes had passed when it took over.
    world.pass(61);
    world.until(REACHED, 2).await;
    world.until("ticket.assigned.v1", 2).await;
    let after = world.operations.get(&ticket.name).await;
    assert_eq!((after.priority, after.assignment.as_ref().unwrap().group.as_str()), (1, "groups/crisis"));
    assert_ne!(after.etag, ticket.etag, "this is more than an observation");
    let by_hand = after.priority_override.unwrap();
    assert_eq!(by_hand.actor, "systems/scheduler");
    assert_eq!(by_hand.reason, "60 % of the time that p2 of agreements/all gives has passed");
    assert_eq!(world.reached(&ticket.name).await, [(60, 60), (60, 60)]);
    assert_eq!(world.facts(&ticket.name, WITHDRAWN).await.len(), 0, "both judgements stay on record");
    // No promise is left to escalate.
    world.pass(6_000);
    world.operations.note(&ticket.name, Audience::Internal, "still open").await.unwrap();
    let raised = world.facts(&ticket.name, "ticket.prioritised.v1").await;
    assert_eq!(raised.iter().filter(|fact| fact.actor == "systems/scheduler").count(), 2);
    assert_eq!(world.facts(&ticket.name, "ticket.assigned.v1").await.len(), 2);
    let changes = world.facts(&ticket.name, REACHED).await.into_iter().map(|fact| fact.change_id);
    assert_eq!(changes.collect::<Vec<_>>(), raised.into_iter().map(|fact| fact.change_id).collect::<Vec<_>>());
    replay_agrees(&world.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn promises_that_raise_each_other_come_to_an_end() {
    let chase =
        vec![escalating(3, 30, "groups/a", 1), escalating(2, 20, "groups/b", 1), escalating(1, 10, "groups/c", 2)];
    let world = World::new(chase).await;
    let ticket = pb::Ticket { impact: 2, urgency: 2, ..incident("chased") };
    let ticket = world.operations.open(ticket).await.unwrap().name;
    world.pass(600);
    // Late: 60, 80 and 100 percent of the first, and then of the one that the ticket was raised to.
    world.until(REACHED, 6).await;
    until(&world.operations, "SELECT count(*) FROM tickets WHERE next_fire_at IS NULL", 1).await;
    let after = world.operations.get(&ticket).await;
    assert_eq!((after.priority, after.assignment.unwrap().group.as_str()), (1, "groups/c"));
    assert_eq!(world.facts(&ticket, "ticket.prioritised.v1").await.len(), 1, "raised to 1, never lowered");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_whose_connections_break_goes_on() {
    let world = World::new(vec![restore("fix", 60)]).await;
    world.operations.open(incident("the database goes away")).await.unwrap();
    for (minute, facts) in [(30, 1), (45, 2), (60, 4)] {
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        assert!(world.operations.number(cut).await > 0);
        world.pass(minute);
        world.until(REACHED, facts).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_cannot_be_judged_waits_and_holds_up_nobody() {
    let world = World::new(vec![restore("fix", 60)]).await;
    for n in 0..8 {
        world.operations.open(incident(&format!("number {n}"))).await.unwrap();
    }
    let newer = "UPDATE journal SET kind = 'ticket.noted.v9' WHERE kind = 'ticket.governed.v1' \
                 AND subject = 'tickets/INC-000003'";
    world.operations.connect().await.execute(newer, &[]).await.unwrap();
    world.pass(30);
    world.until(REACHED, 7).await;
    let waits = "SELECT count(*) FROM tickets WHERE number = 3 AND next_fire_at = '2026-03-02T09:31:00Z'";
    until(&world.operations, waits, 1).await;
    let mended = "UPDATE journal SET kind = 'ticket.governed.v1' WHERE kind = 'ticket.noted.v9'";
    world.operations.connect().await.execute(mended, &[]).await.unwrap();
    world.pass(31);
    world.until(REACHED, 8).await;
}

/// Ends a replica that runs in a process of its own.
struct Replica(Child);

impl Replica {
    fn start(database: &TestDatabase) -> Self {
        let serve = ["serve", "operations", "--insecure", "--listen", "127.0.0.1:0", "--database-url", database.url()];
        let mut child = Command::new(env!("CARGO_BIN_EXE_itsm-under-test"))
            .args(serve)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("address"), "the replica ended");
        Self(child)
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        // SIGKILL: it has no time for anything.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Makes copies of the only ticket, with its facts, as if each had been opened like it.
const COPIES: &str = "
    WITH copy AS (SELECT n, 'tickets/INC-' || n AS name FROM generate_series(100001, 109999) AS n),
    facts AS (INSERT INTO journal (change_id, last_of_change, occurred_at, source_sequence, actor, customer_id, audience,
        subject, subject_version, kind, payload)
        SELECT md5(c.name)::uuid, j.last_of_change, j.occurred_at, j.source_sequence, j.actor, j.customer_id, j.audience,
            c.name, j.subject_version, j.kind,
            CASE WHEN j.payload ? 'name' THEN jsonb_set(j.payload, '{name}', to_jsonb(c.name)) ELSE j.payload END
        FROM journal j CROSS JOIN copy c ORDER BY c.n, j.position
        RETURNING change_id, position),
    pending AS (INSERT INTO journal_pending (change_id, last_position, positions)
        SELECT change_id, max(position), array_agg(position ORDER BY position) FROM facts GROUP BY change_id)
    INSERT INTO tickets (number, uid, version, edited_version, created_at, updated_at, body, clocks, clock_state, due_at,
        next_fire_at, calendars, nonconformance_count, absorbed)
    SELECT c.n, md5(c.name)::uuid, t.version, t.edited_version, t.created_at, t.updated_at,
        jsonb_set(t.body, '{name}', to_jsonb(c.name)), t.clocks, t.clock_state, t.due_at, t.next_fire_at, t.calendars,
        t.nonconformance_count, t.absorbed
    FROM tickets t CROSS JOIN copy c";

#[tokio::test(flavor = "multi_thread")]
async fn of_ten_thousand_clocks_that_fall_due_at_once_each_fires_once_although_a_replica_is_killed() {
    // The clock of the server that the test talks to stands still: it fires nothing.
    let six_seconds = prost_types::Duration { seconds: 6, nanos: 0 };
    let objective =
        catalog_pb::Objective { target: Some(six_seconds), threshold_percents: vec![50], ..restore("fix", 0) };
    let world = World::at(System.now(), vec![objective]).await;
    let killed = Replica::start(&world.operations.database);
    let _other = Replica::start(&world.operations.database);
    world.clock.set(System.now());
    world.operations.open(incident("one of many")).await.unwrap();
    assert_eq!(world.operations.connect().await.execute(COPIES, &[]).await.unwrap(), 9_999);

    let count = "SELECT count(*) FROM journal WHERE kind = 'ticket.threshold_reached.v1'";
    let database = world.operations.connect().await;
    let half_way = async {
        while database.query_one(count, &[]).await.unwrap().get::<_, i64>(0) < 6_000 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), half_way).await.unwrap();
    drop(killed);
    until(&world.operations, count, 20_000).await;
    until(&world.operations, "SELECT count(*) FROM tickets WHERE next_fire_at IS NULL", 10_000).await;
    let distinct = "SELECT count(*) FROM (SELECT DISTINCT subject, payload -> 'percent' FROM journal \
                    WHERE kind = 'ticket.threshold_reached.v1') AS once";
    assert_eq!(world.operations.number(distinct).await, 20_000);
    world.until(REACHED, 20_000).await;
}
