//! Changes of tickets: each has its single effect, also when many come at once.

use std::collections::BTreeSet;

use futures::future::join_all;
use proto::journal::v1::Audience;
use proto::operations::v1 as pb;
use testkit::reason;
use tonic::Code;
use uuid::Uuid;

use super::{Operations, assign, covered, incident, note, replay_agrees, resolve, step};

#[tokio::test(flavor = "multi_thread")]
async fn changes_that_race_on_one_ticket_all_have_their_effect() {
    let operations = Operations::new().await;
    let ticket = operations.open(incident("everybody wants it")).await.unwrap().name;
    let texts: Vec<String> = (0..24).map(|n| format!("note {n}")).collect();
    let servers = [operations.client(), operations.another_server().await];
    let writing = texts.iter().zip(servers.iter().cycle());
    let writing = writing.map(|(text, server)| note(server.clone(), &ticket, Audience::Internal, text));
    let answers = join_all(writing).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let written = i64::try_from(texts.len()).unwrap();
    assert_eq!(operations.get(&ticket).await.etag, format!("\"{}\"", written + 1));
    assert_eq!(operations.number("SELECT count(*) FROM journal WHERE kind = 'ticket.noted.v1'").await, written);
    replay_agrees(&operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_moves_that_race_one_is_refused() {
    let operations = Operations::new().await;
    let (mut one, mut two) = (operations.client(), operations.another_server().await);
    for _ in 0..20 {
        let ticket = operations.open(incident("two agents")).await.unwrap().name;
        let answers =
            tokio::join!(one.transition_ticket(step(&ticket, "start")), two.transition_ticket(step(&ticket, "start")),);
        let refused: Vec<_> = [answers.0, answers.1].into_iter().filter_map(Result::err).collect();
        assert_eq!(refused.iter().map(reason).collect::<Vec<_>>(), ["TRANSITION_NOT_ALLOWED"]);
        assert_eq!(operations.get(&ticket).await.etag, "\"2\"");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_request_id_sent_many_times_at_once_has_one_effect_and_one_answer() {
    let operations = Operations::new().await;
    let request = pb::CreateTicketRequest {
        ticket: Some(covered("once", 2)),
        request_id: Uuid::from_u128(7).to_string(),
        ..Default::default()
    };
    let servers = [operations.client(), operations.another_server().await];
    let answers = join_all((0..12).map(|n| {
        let (mut client, request) = (servers[n % 2].clone(), request.clone());
        async move { client.create_ticket(request).await.unwrap().into_inner() }
    }))
    .await;
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(operations.count("").await, 1);

    let another = pb::CreateTicketRequest { ticket: Some(incident("another")), ..request };
    let refusal = operations.client().create_ticket(another).await.unwrap_err();
    assert_eq!(reason(&refusal), "REQUEST_ID_REUSED");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_is_answered_as_the_first_time_although_the_ticket_went_on() {
    let operations = Operations::new().await;
    let ticket = operations.open(covered("goes on", 2)).await.unwrap().name;
    let request_id = Uuid::from_u128(8).to_string();
    let start = pb::TransitionTicketRequest { request_id, ..step(&ticket, "start") };
    let first = operations.client().transition_ticket(start.clone()).await.unwrap().into_inner();
    operations.client().transition_ticket(resolve(&ticket)).await.unwrap();
    let again = operations.client().transition_ticket(start).await.unwrap().into_inner();
    assert_eq!(again, first);
    assert_eq!(operations.get(&ticket).await.state, "resolved");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_ticket_among_sixty_four_fails_alone() {
    let operations = Operations::new().await;
    let from = |id: &str| pb::Ticket {
        source_system: "old-desk".to_owned(),
        source_id: id.to_owned(),
        ..incident("from elsewhere")
    };
    operations.open(from("taken")).await.unwrap();
    let ids: Vec<String> = (0..64).map(|n| if n == 31 { "taken".to_owned() } else { format!("T{n}") }).collect();
    let answers = join_all(ids.iter().map(|id| operations.open(from(id)))).await;
    let refused: Vec<_> =
        answers.iter().enumerate().filter_map(|(n, answer)| Some((n, answer.as_ref().err()?))).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert_eq!((refused[0].0, refused[0].1.code()), (31, Code::AlreadyExists));
    let names: BTreeSet<_> = answers.iter().flatten().map(|ticket| &ticket.name).collect();
    assert_eq!(names.len(), 63);
    assert_eq!(operations.count("").await, 64);
}

#[tokio::test(flavor = "multi_thread")]
async fn facts_fold_to_the_stored_row_whatever_was_done() {
    let operations = Operations::new().await;
    let ticket = operations.open(covered("a long story", 3)).await.unwrap().name;
    let cause = operations.open(incident("its cause")).await.unwrap().name;
    let mut client = operations.client();
    client.assign_ticket(assign(&ticket, "groups/desk")).await.unwrap();
    client.transition_ticket(step(&ticket, "start")).await.unwrap();
    let waiting = pb::TransitionFields { pending_reason: pb::PendingReason::Customer.into(), ..Default::default() };
    client
        .transition_ticket(pb::TransitionTicketRequest { fields: Some(waiting), ..step(&ticket, "hold") })
        .await
        .unwrap();
    let update = pb::Ticket {
        name: ticket.clone(),
        impact: 1,
        urgency: 1,
        tags: vec!["vip".to_owned()],
        custom_fields: Some(servicekit::wire::json_struct(serde_json::json!({"floor": 3}))),
        ..Default::default()
    };
    let updated = client
        .update_ticket(pb::UpdateTicketRequest { ticket: Some(update), ..Default::default() })
        .await
        .unwrap()
        .into_inner();
    assert_eq!((updated.priority, updated.title.as_str()), (1, "a long story"));
    let link = pb::TicketLink { r#type: pb::LinkType::CausedBy.into(), ticket: cause.clone() };
    client
        .link_tickets(pb::LinkTicketsRequest { name: ticket.clone(), link: Some(link), ..Default::default() })
        .await
        .unwrap();
    assert_eq!(
        operations.get(&cause).await.links,
        [pb::TicketLink { r#type: pb::LinkType::Causes.into(), ticket: ticket.clone() }]
    );
    client.transition_ticket(step(&ticket, "resume")).await.unwrap();
    client.assign_ticket(assign(&ticket, "groups/network")).await.unwrap();
    client.transition_ticket(resolve(&ticket)).await.unwrap();
    client.transition_ticket(step(&ticket, "reopen")).await.unwrap();
    client.transition_ticket(resolve(&ticket)).await.unwrap();
    let closed = client.transition_ticket(step(&ticket, "close")).await.unwrap().into_inner();
    assert_eq!((closed.reopen_count, closed.reassignment_count), (1, 1));
    replay_agrees(&operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_move_names_those_that_are_allowed() {
    let operations = Operations::new().await;
    let ticket = operations.open(incident("new")).await.unwrap().name;
    let refusal = operations.client().transition_ticket(step(&ticket, "close")).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "TRANSITION_NOT_ALLOWED"));
    let allowed = tonic_types::StatusExt::get_details_error_info(&refusal).unwrap().metadata["allowed"].clone();
    assert_eq!(allowed, "start,hold,resolve,cancel");
    let request = pb::ListAllowedTransitionsRequest { name: ticket };
    let listed = operations.client().list_allowed_transitions(request).await.unwrap().into_inner();
    let ids = listed.allowed_transitions.iter().filter_map(|allowed| Some(allowed.transition.as_ref()?.id.clone()));
    assert_eq!(ids.collect::<Vec<_>>().join(","), allowed);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trial_changes_nothing() {
    let operations = Operations::new().await;
    let ticket = operations.open(incident("tried")).await.unwrap();
    let facts = operations.number("SELECT count(*) FROM journal").await;
    let moved = pb::TransitionTicketRequest { validate_only: true, ..step(&ticket.name, "start") };
    assert_eq!(operations.client().transition_ticket(moved).await.unwrap().into_inner().state, "in_progress");
    let opened = pb::CreateTicketRequest { ticket: Some(incident("dry")), validate_only: true, ..Default::default() };
    assert_eq!(operations.client().create_ticket(opened).await.unwrap().into_inner().name, "");
    assert_eq!(operations.get(&ticket.name).await, ticket);
    assert_eq!(operations.number("SELECT count(*) FROM journal").await, facts);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mask_says_what_is_written_and_an_etag_on_what() {
    let operations = Operations::new().await;
    let ticket = pb::Ticket { tags: vec!["a".to_owned()], description: "long".to_owned(), ..covered("masked", 2) };
    let ticket = operations.open(ticket).await.unwrap();
    let update = |patch: pb::Ticket, paths: &[&str]| {
        let update_mask = prost_types::FieldMask { paths: paths.iter().map(|&path| path.to_owned()).collect() };
        let request = pb::UpdateTicketRequest {
            ticket: Some(pb::Ticket { name: ticket.name.clone(), ..patch }),
            update_mask: Some(update_mask),
            ..Default::default()
        };
        let mut client = operations.client();
        async move { client.update_ticket(request).await.map(tonic::Response::into_inner) }
    };
    let cleared = update(pb::Ticket { title: "other".to_owned(), ..Default::default() }, &["title", "tags"]).await;
    let cleared = cleared.unwrap();
    assert_eq!((cleared.title.as_str(), cleared.tags.len(), cleared.description.as_str()), ("other", 0, "long"));
    let state = pb::Ticket { state: "closed".to_owned(), ..Default::default() };
    assert_eq!(update(state, &["state"]).await.unwrap().state, "new");
    let refusal = update(pb::Ticket::default(), &["colour"]).await.unwrap_err();
    assert_eq!(reason(&refusal), "FIELD_INVALID");
    let stale = pb::Ticket { etag: ticket.etag.clone(), title: "late".to_owned(), ..Default::default() };
    assert_eq!(reason(&update(stale, &[]).await.unwrap_err()), "ETAG_MISMATCH");
    let replaced = update(pb::Ticket { title: "bare".to_owned(), ..Default::default() }, &["*"]).await.unwrap();
    assert_eq!((replaced.priority, replaced.customer.as_str()), (0, ""));
}
