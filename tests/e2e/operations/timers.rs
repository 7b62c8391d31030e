//! What happens to a ticket by itself: waiting that ends, closing, and what a reply of the customer does.

use jiff::{SignedDuration, Timestamp};
use proto::catalog::v1::StateCategory;
use servicekit::wire;
use testkit::{Running, reason};

use super::scheduler::{World, until};
use super::{Audience, incident, pb, replay_agrees, resolve, step};

const MOVED: &str = "ticket.transitioned.v1";
const DAY: i64 = 24 * 60;

async fn state(world: &World, name: &str) -> String {
    world.operations.get(name).await.state
}

fn wait_until(name: &str, at: Timestamp) -> pb::TransitionTicketRequest {
    let fields = pb::TransitionFields {
        pending_reason: pb::PendingReason::Scheduled.into(),
        resume_time: Some(wire::timestamp(at)),
        ..Default::default()
    };
    pb::TransitionTicketRequest { fields: Some(fields), ..step(name, "hold") }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resolved_ticket_closes_by_itself_once_at_its_instant_over_several_servers() {
    let world = World::new(Vec::new()).await;
    for _ in 0..2 {
        Running::insecure(Ok(world.server(&world.clock).await)).await;
    }
    let mut names = Vec::new();
    for n in 0..20 {
        let name = world.operations.open(incident(&format!("number {n}"))).await.unwrap().name;
        world.operations.client().transition_ticket(resolve(&name)).await.unwrap();
        names.push(name);
    }
    // Nobody disputes but one.
    world.operations.client().transition_ticket(step(&names[0], "reopen")).await.unwrap();
    world.pass(5 * DAY - 1);
    world.operations.note(&names[0], Audience::Internal, "looked at").await.unwrap();
    assert_eq!(world.operations.count("state_category = RESOLVED").await, 19);
    world.pass(7 * DAY);
    until(&world.operations, "SELECT count(*) FROM tickets WHERE category_state = 'CLOSED'", 19).await;
    world.until(MOVED, 20 + 1 + 19).await;
    assert_eq!(state(&world, &names[0]).await, "in_progress");
    let closed = world.operations.get(&names[1]).await;
    assert_eq!(closed.close_time, Some(wire::timestamp(world.minute(5 * DAY))), "when it was due, though seen late");
    let moves = world.facts(&names[1], MOVED).await;
    assert_eq!(moves.len(), 2);
    assert_eq!(
        (moves[1].actor.as_str(), moves[1].record_time),
        ("systems/scheduler", Some(wire::timestamp(world.minute(7 * DAY))))
    );
    assert_eq!(world.operations.number("SELECT count(next_fire_at) FROM tickets").await, 0);
    replay_agrees(&world.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn waiting_ends_at_its_time_and_the_clock_goes_on_from_there() {
    let world = World::new(vec![super::scheduler::restore("fix", 24 * 60)]).await;
    let name = world.operations.open(incident("comes back")).await.unwrap().name;
    let mut client = world.operations.client();
    client.transition_ticket(wait_until(&name, world.minute(60))).await.unwrap();
    world.pass(59);
    world.operations.note(&name, Audience::Internal, "still away").await.unwrap();
    assert_eq!(state(&world, &name).await, "pending");
    world.pass(90);
    world.until(MOVED, 2).await;
    let moves = world.facts(&name, MOVED).await;
    assert_eq!(moves[1].occur_time, Some(wire::timestamp(world.minute(60))));
    assert_eq!(state(&world, &name).await, "in_progress");
    // A time that is put off holds; one that was lifted never comes.
    client.transition_ticket(wait_until(&name, world.minute(120))).await.unwrap();
    let ticket =
        pb::Ticket { name: name.clone(), resume_time: Some(wire::timestamp(world.minute(600))), ..Default::default() };
    client.update_ticket(pb::UpdateTicketRequest { ticket: Some(ticket), ..Default::default() }).await.unwrap();
    world.pass(300);
    world.operations.note(&name, Audience::Internal, "put off").await.unwrap();
    assert_eq!(state(&world, &name).await, "pending");
    world.pass(601);
    world.until(MOVED, 4).await;
    replay_agrees(&world.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_waits_for_its_window_is_begun_by_people_only() {
    let world = World::new(Vec::new()).await;
    let details = pb::ChangeDetails {
        r#type: pb::ChangeType::Emergency.into(),
        risk: "low".to_owned(),
        implementation_plan: "do it".to_owned(),
        test_plan: "look".to_owned(),
        back_out_plan: "undo it".to_owned(),
        planned_start_time: Some(wire::timestamp(world.minute(60))),
        planned_end_time: Some(wire::timestamp(world.minute(90))),
        ..Default::default()
    };
    let ticket = pb::Ticket {
        process: "processes/change".to_owned(),
        details: Some(pb::ticket::Details::Change(details)),
        ..incident("in its window")
    };
    let name = world.operations.open(ticket).await.unwrap().name;
    let mut client = world.operations.client();
    for transition in ["assess", "submit"] {
        client.transition_ticket(step(&name, transition)).await.unwrap();
    }
    let schedule = wait_until(&name, world.minute(60));
    client
        .transition_ticket(pb::TransitionTicketRequest { transition: "approve".to_owned(), ..schedule })
        .await
        .unwrap();
    assert_eq!(world.operations.number("SELECT count(next_fire_at) FROM tickets").await, 0, "nothing to wake up for");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_that_is_imported_does_not_close_by_itself_and_what_is_resolved_live_does() {
    let world = World::new(Vec::new()).await;
    let row = |id: &str, minute: i64, state: &str| pb::TicketSnapshot {
        source_system: "desk".to_owned(),
        source_id: id.to_owned(),
        observe_time: Some(wire::timestamp(world.minute(minute))),
        process: "processes/incident".to_owned(),
        open_time: Some(wire::timestamp(world.minute(minute))),
        title: Some(id.to_owned()),
        state: Some(state.to_owned()),
        ..Default::default()
    };
    let rows = [row("old", -9 * DAY, "resolved"), row("open", -9 * DAY, "in_progress")];
    let requests = rows.into_iter().zip(1..).map(|(snapshot, sequence)| pb::ImportTicketsRequest {
        import_id: "history".to_owned(),
        sequence,
        row: Some(pb::import_tickets_request::Row::Snapshot(snapshot)),
    });
    let request = pb::BatchImportTicketsRequest { requests: requests.collect() };
    let answer = world.operations.client().batch_import_tickets(request).await.unwrap().into_inner();
    assert_eq!((answer.created_count, answer.failures), (2, Vec::new()));
    let named = |id: &str| {
        let request = pb::LookupTicketRequest {
            source_system: "desk".to_owned(),
            source_id: id.to_owned(),
            ..Default::default()
        };
        let mut client = world.operations.client();
        async move { client.lookup_ticket(request).await.unwrap().into_inner().name }
    };
    let (old, open) = (named("old").await, named("open").await);
    world.operations.client().transition_ticket(resolve(&open)).await.unwrap();
    world.pass(6 * DAY);
    until(&world.operations, "SELECT count(*) FROM tickets WHERE category_state = 'CLOSED'", 1).await;
    assert_eq!((state(&world, &old).await, state(&world, &open).await), ("resolved".to_owned(), "closed".to_owned()));
    assert_eq!(world.operations.number("SELECT count(next_fire_at) FROM tickets").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_of_whoever_asks_resumes_what_waits_and_disputes_what_is_resolved() {
    let world = World::new(Vec::new()).await;
    // Everybody here is people/local.
    let ours = |process: &str| pb::Ticket {
        process: format!("processes/{process}"),
        requester: "people/local".to_owned(),
        ..incident("mine")
    };
    let mut client = world.operations.client();
    let name = world.operations.open(ours("incident")).await.unwrap().name;
    let fields = pb::TransitionFields { pending_reason: pb::PendingReason::Customer.into(), ..Default::default() };
    let hold = pb::TransitionTicketRequest { fields: Some(fields), ..step(&name, "hold") };
    client.transition_ticket(hold).await.unwrap();
    world.operations.note(&name, Audience::Public, "here it is").await.unwrap();
    assert_eq!(state(&world, &name).await, "in_progress");
    client.transition_ticket(resolve(&name)).await.unwrap();
    world.operations.note(&name, Audience::Internal, "between us").await.unwrap();
    assert_eq!(state(&world, &name).await, "resolved");
    world.operations.note(&name, Audience::Public, "it is not").await.unwrap();
    let reopened = world.operations.get(&name).await;
    assert_eq!((reopened.state_category(), reopened.reopen_count), (StateCategory::Active, 1));

    // The process of problems lets them stay.
    let problem = world.operations.open(ours("problem")).await.unwrap().name;
    for transition in ["assess", "investigate"] {
        let moved = client.transition_ticket(step(&problem, transition)).await;
        assert!(moved.is_ok() || reason(&moved.unwrap_err()) == "FIELD_REQUIRED");
    }
    client.transition_ticket(resolve(&problem)).await.unwrap();
    world.operations.note(&problem, Audience::Public, "it is not").await.unwrap();
    assert_eq!(state(&world, &problem).await, "resolved");
    let other = pb::Ticket { requester: "people/eve".to_owned(), ..incident("not mine") };
    let other = world.operations.open(other).await.unwrap().name;
    client.transition_ticket(resolve(&other)).await.unwrap();
    world.operations.note(&other, Audience::Public, "we have resolved it").await.unwrap();
    assert_eq!(state(&world, &other).await, "resolved");
    replay_agrees(&world.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tickets_of_an_older_schema_are_looked_at_after_the_migration() {
    let world = World::new(Vec::new()).await;
    let name = world.operations.open(incident("resolved long ago")).await.unwrap().name;
    world.operations.client().transition_ticket(resolve(&name)).await.unwrap();
    // As the migration leaves them: to be looked at, and only looked at.
    let database = world.operations.connect().await;
    let marked = "UPDATE tickets SET next_fire_at = '2020-01-01T00:00:00Z'";
    assert_eq!(database.execute(marked, &[]).await.unwrap(), 1);
    world.operations.note(&name, Audience::Internal, "the journal moves").await.unwrap();
    let due = world.minute(0) + SignedDuration::from_hours(5 * 24);
    until(&world.operations, &format!("SELECT count(*) FROM tickets WHERE next_fire_at = '{due}'"), 1).await;
    assert_eq!(world.facts(&name, MOVED).await.len(), 1);
}
