//! Clocks that approvers excuse.

use proto::operations::v1 as pb;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::Code;

use super::{Client, Operations, covered, incident, resolve, violations};

fn clock_of(ticket: &pb::Ticket, metric: &str) -> pb::ClockSummary {
    ticket.clocks.iter().find(|clock| clock.id.starts_with(metric)).unwrap().clone()
}

fn exclude(ticket: &pb::Ticket) -> pb::ExcludeClockRequest {
    pb::ExcludeClockRequest {
        name: ticket.name.clone(),
        clock: clock_of(ticket, "RESOLUTION/SLA").id,
        reason: pb::ExclusionReason::ForceMajeure.into(),
        evidence: "Flood of the data centre, report 77.".to_owned(),
        ..Default::default()
    }
}

fn revoke(ticket: &pb::Ticket) -> pb::RevokeClockExclusionRequest {
    pb::RevokeClockExclusionRequest {
        name: ticket.name.clone(),
        clock: clock_of(ticket, "RESOLUTION/SLA").id,
        comment: "The pumps were ours.".to_owned(),
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_excuse_stands_on_the_clock_until_it_is_revoked_and_changes_nothing_else() {
    let operations = Operations::new().await;
    let mut client = operations.client();
    let ticket = operations.open(covered("flood", 2)).await.unwrap();
    let before = clock_of(&ticket, "RESOLUTION/SLA");
    let excused = client.exclude_clock(exclude(&ticket)).await.unwrap().into_inner();
    let clock = clock_of(&excused, "RESOLUTION/SLA");
    let exclusion = clock.exclusion.clone().unwrap();
    assert_eq!(exclusion.reason(), pb::ExclusionReason::ForceMajeure);
    assert_eq!((exclusion.evidence.as_str(), exclusion.interval), ("Flood of the data centre, report 77.", None));
    assert!(!exclusion.approver.is_empty() && exclusion.approve_time.is_some());
    assert_eq!((clock.state, clock.target_duration), (before.state, before.target_duration));
    assert_eq!(operations.get(&ticket.name).await.clocks, excused.clocks, "the stored reading shows it too");

    let again = client.exclude_clock(exclude(&ticket)).await.unwrap_err();
    assert_eq!((again.code(), reason(&again).as_str()), (Code::FailedPrecondition, "CLOCK_ALREADY_EXCLUDED"));
    let plain = client.revoke_clock_exclusion(revoke(&ticket)).await.unwrap().into_inner();
    assert_eq!(clock_of(&plain, "RESOLUTION/SLA").exclusion, None);
    let gone = client.revoke_clock_exclusion(revoke(&ticket)).await.unwrap_err();
    assert_eq!(reason(&gone), "CLOCK_NOT_EXCLUDED");
    client.exclude_clock(exclude(&ticket)).await.unwrap();
    super::replay_agrees(&operations).await;

    let request = pb::ListFactsRequest { name: ticket.name, ..Default::default() };
    let facts = client.list_facts(request).await.unwrap().into_inner().facts;
    let kinds: Vec<_> = facts.iter().map(|fact| fact.kind.as_str()).filter(|kind| kind.contains("clock")).collect();
    let (excluded, revoked) = ("ticket.clock_excluded.v1", "ticket.clock_exclusion_revoked.v1");
    assert_eq!(kinds, [excluded, revoked, excluded]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_is_refused_with_every_field_and_reason() {
    let operations = Operations::new().await;
    let mut client = operations.client();
    let ticket = operations.open(covered("refused", 2)).await.unwrap();
    let good = exclude(&ticket);
    let refused = |request: pb::ExcludeClockRequest| {
        let mut client = operations.client();
        async move { client.exclude_clock(request).await.unwrap_err() }
    };
    let nothing = refused(pb::ExcludeClockRequest { name: ticket.name.clone(), ..Default::default() }).await;
    let fields: Vec<String> = violations(&nothing);
    assert_eq!((nothing.code(), fields), (Code::InvalidArgument, vec!["reason".to_owned(), "clock".to_owned()]));
    let silent = refused(pb::ExcludeClockRequest { evidence: " ".to_owned(), ..good.clone() }).await;
    assert_eq!((reason(&silent).as_str(), violations(&silent)), ("FIELD_REQUIRED", vec!["evidence".to_owned()]));
    let unknown = refused(pb::ExcludeClockRequest { clock: "RESOLUTION/SLA/x/y/1".to_owned(), ..good.clone() }).await;
    assert_eq!(reason(&unknown), "CLOCK_UNKNOWN");
    let interval = |start: &str, end: &str| pb::ExcludeClockRequest {
        interval: Some(pb::ClockInterval {
            start_time: Some(super::instant(start)),
            end_time: Some(super::instant(end)),
        }),
        ..good.clone()
    };
    for (start, end) in [
        ("2026-01-01T10:00:00Z", "2026-01-01T10:00:00Z"),
        ("2026-01-01T10:00:00Z", "2026-01-01T09:00:00Z"),
        ("2026-01-01T10:00:00Z", "2199-01-01T10:00:00Z"),
    ] {
        let refusal = refused(interval(start, end)).await;
        assert_eq!(violations(&refusal), ["interval.end_time"], "{start} {end}");
    }
    let cancelled = pb::TransitionFields { cancel_reason: "raised twice".to_owned(), ..Default::default() };
    let cancel = pb::TransitionTicketRequest { fields: Some(cancelled), ..super::step(&ticket.name, "cancel") };
    client.transition_ticket(cancel).await.unwrap();
    assert_eq!(reason(&refused(good).await), "CLOCK_WITHOUT_VERDICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_excuses_the_clock_of_their_own_ticket_and_only_approvers_do() {
    let database = TestDatabase::new().await;
    let at = config::Database::at(database.url());
    let catalog = Running::insecure(catalog::build(&at).await).await;
    itsm::demo::overlay::add(&itsm::apply::Remote::default().reaching("catalog", catalog.channel().await))
        .await
        .unwrap();
    let folder = Scratch::new();
    let tokens = folder.join("tokens");
    let callers = "ann-token-00000001 people/ann roles=*\nbob-token-00000001 people/bob roles=clocks.approver\n\
                   cid-token-00000001 people/cid roles=tickets.agent,tickets.reader\n\
                   eve-token-00000001 people/eve customer=customers/log-organisation roles=tickets.reader\n";
    std::fs::write(&tokens, callers).unwrap();
    let config = config::Server { tokens_file: Some(tokens), insecure: false, ..config::Server::insecure(0) };
    let running = Running::start(operations::build(&at).await, &config).await;
    let client = async |token: &str| Client::new(running.channel_of(token).await);
    let (mut ann, mut bob) = (client("ann-token-00000001").await, client("bob-token-00000001").await);
    let (mut cid, mut eve) = (client("cid-token-00000001").await, client("eve-token-00000001").await);

    let request = pb::CreateTicketRequest { ticket: Some(covered("flood", 2)), ..Default::default() };
    let ticket = ann.create_ticket(request).await.unwrap().into_inner();
    let assignment = pb::Assignment { person: "people/ann".to_owned(), ..Default::default() };
    let assign =
        pb::AssignTicketRequest { name: ticket.name.clone(), assignment: Some(assignment), ..Default::default() };
    ann.assign_ticket(assign).await.unwrap();
    let own = ann.exclude_clock(exclude(&ticket)).await.unwrap_err();
    assert_eq!((own.code(), reason(&own).as_str()), (Code::PermissionDenied, "FOUR_EYES_REQUIRED"));
    assert_eq!(cid.exclude_clock(exclude(&ticket)).await.unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(cid.revoke_clock_exclusion(revoke(&ticket)).await.unwrap_err().code(), Code::PermissionDenied);
    let excused = bob.exclude_clock(exclude(&ticket)).await.unwrap().into_inner();
    assert_eq!(clock_of(&excused, "RESOLUTION/SLA").exclusion.unwrap().approver, "people/bob");

    // The customer sees that it is excused and why, not by whom or on what evidence.
    let get = pb::GetTicketRequest { name: ticket.name.clone(), ..Default::default() };
    let seen = clock_of(&eve.get_ticket(get).await.unwrap().into_inner(), "RESOLUTION/SLA").exclusion.unwrap();
    assert_eq!((seen.reason(), seen.evidence.as_str()), (pb::ExclusionReason::ForceMajeure, ""));
    let explain = pb::ExplainClocksRequest { name: ticket.name, ..Default::default() };
    let explained = eve.explain_clocks(explain).await.unwrap().into_inner().clocks;
    let seen = explained.into_iter().filter_map(|explanation| explanation.clock?.exclusion).next().unwrap();
    assert_eq!((seen.approver.as_str(), seen.evidence.as_str()), ("", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exclusion_is_known_from_the_day_on_which_it_was_approved() {
    let operations = Operations::new().await;
    let mut client = operations.client();
    let ticket = operations.open(covered("late excuse", 2)).await.unwrap();
    client.transition_ticket(resolve(&ticket.name)).await.unwrap();
    let other = operations.open(incident("uncovered")).await.unwrap();
    assert!(other.clocks.is_empty());
    let before = operations.recorded_through(&ticket.name).await;
    client.exclude_clock(exclude(&ticket)).await.unwrap();
    operations.recorded_through(&ticket.name).await;
    let excused = |known_time| {
        let request = pb::ExplainClocksRequest { name: ticket.name.clone(), read_time: None, known_time };
        let mut client = operations.client();
        async move {
            let clocks = client.explain_clocks(request).await.unwrap().into_inner().clocks;
            clocks.into_iter().filter_map(|explanation| explanation.clock?.exclusion).count()
        }
    };
    assert_eq!((excused(None).await, excused(Some(before)).await), (1, 0));
}
