//! Imports: whole tickets, each row once, whatever is interrupted, repeated or wrong.

use proto::operations::v1 as pb;
use testkit::reason;
use tokio_stream::StreamExt as _;

use super::{Operations, instant, replay_agrees, told};

/// The history of an incident as its source shows it, row by row.
fn history(id: &str) -> Vec<pb::TicketSnapshot> {
    let row = |minute: u32, state: &str, group: &str, moved: i32| pb::TicketSnapshot {
        source_system: "desk".to_owned(),
        source_id: id.to_owned(),
        observe_time: Some(instant(&format!("2016-03-01T09:{minute:02}:00Z"))),
        source_sequence: i64::from(minute),
        process: "processes/incident".to_owned(),
        state: Some(state.to_owned()),
        open_time: Some(instant("2016-03-01T09:00:00Z")),
        resolve_time: Some(instant("2016-03-01T09:40:00Z")),
        title: Some(format!("incident {id}")),
        customer: Some("customers/log-organisation".to_owned()),
        impact: Some(2),
        urgency: Some(2),
        priority: Some(3),
        group: Some(group.to_owned()),
        reassignment_count: Some(moved),
        reopen_count: Some(0),
        source_sla_met: Some(minute < 50),
        ..Default::default()
    };
    let pending = pb::TicketSnapshot {
        pending_reason: Some(pb::PendingReason::Customer.into()),
        ..row(20, "pending", "groups/b", 1)
    };
    vec![
        row(0, "new", "groups/a", 0),
        row(5, "in_progress", "groups/a", 0),
        row(10, "in_progress", "groups/b", 1),
        pending,
        row(30, "in_progress", "groups/b", 1),
        row(40, "resolved", "groups/b", 1),
        row(55, "closed", "groups/b", 1),
    ]
}

fn numbered(import_id: &str, rows: Vec<pb::TicketSnapshot>) -> Vec<pb::ImportTicketsRequest> {
    let requests = rows.into_iter().zip(1..).map(|(snapshot, sequence)| pb::ImportTicketsRequest {
        import_id: import_id.to_owned(),
        sequence,
        row: Some(pb::import_tickets_request::Row::Snapshot(snapshot)),
    });
    requests.collect()
}

impl Operations {
    async fn batch(&self, requests: Vec<pb::ImportTicketsRequest>) -> pb::ImportTicketsResponse {
        let request = pb::BatchImportTicketsRequest { requests };
        self.client().batch_import_tickets(request).await.unwrap().into_inner()
    }

    async fn stream(&self, requests: Vec<pb::ImportTicketsRequest>) -> Vec<pb::ImportTicketsResponse> {
        let answers = self.client().import_tickets(tokio_stream::iter(requests)).await.unwrap().into_inner();
        answers.map(Result::unwrap).collect().await
    }

    async fn tickets(&self) -> Vec<pb::Ticket> {
        let request = pb::ListTicketsRequest {
            page_size: 1000,
            view: proto::common::v1::ResourceView::Full.into(),
            ..Default::default()
        };
        self.client().list_tickets(request).await.unwrap().into_inner().tickets
    }
}

fn histories(count: usize) -> Vec<pb::TicketSnapshot> {
    (0..count).flat_map(|n| history(&format!("D{n:05}"))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_become_the_ticket_that_the_source_shows() {
    let operations = Operations::new().await;
    let answer = operations.batch(numbered("one", history("D1"))).await;
    assert_eq!((answer.created_count, answer.unchanged_count, answer.committed_through), (7, 0, 7));
    assert_eq!(answer.failures, []);
    let ticket = operations.tickets().await.remove(0);
    assert_eq!((ticket.state.as_str(), ticket.priority, ticket.reassignment_count), ("closed", 3, 1));
    assert_eq!(ticket.open_time, Some(instant("2016-03-01T09:00:00Z")));
    assert_eq!(ticket.resolve_time, Some(instant("2016-03-01T09:40:00Z")));
    assert_eq!(ticket.source_sla_met, Some(false));
    assert_eq!(ticket.nonconformance_count, 0);
    replay_agrees(&operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_rows_again_change_nothing() {
    let operations = Operations::new().await;
    let rows = numbered("again", histories(20));
    operations.batch(rows.clone()).await;
    let before = operations.tickets().await;
    let facts = operations.number("SELECT count(*) FROM journal").await;
    let answer = operations.batch(rows).await;
    assert_eq!((answer.created_count, answer.unchanged_count, answer.failures.len()), (0, 140, 0));
    assert_eq!(operations.tickets().await, before);
    assert_eq!(operations.number("SELECT count(*) FROM journal").await, facts);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_split_anywhere_gives_the_same_tickets() {
    let whole = Operations::new().await;
    let rows = numbered("whole", history("D1"));
    whole.batch(rows.clone()).await;
    let expected = told(&whole.tickets().await);
    for at in 1..rows.len() {
        let split = Operations::new().await;
        split.batch(rows[..at].to_vec()).await;
        split.batch(rows[at..].to_vec()).await;
        assert_eq!(told(&split.tickets().await), expected, "split before row {}", at + 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_is_answered_by_batches_of_whole_tickets() {
    let operations = Operations::new().await;
    let rows = numbered("stream", histories(400));
    let answers = operations.stream(rows.clone()).await;
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| answer.committed_through % 7 == 0), "tickets are never split");
    assert_eq!(answers.iter().map(|answer| answer.created_count).sum::<i64>(), 2_800);
    assert_eq!(operations.count("state = \"closed\"").await, 400);
    let import = operations.client().get_import(pb::GetImportRequest { import_id: "stream".to_owned() }).await;
    let import = import.unwrap().into_inner();
    assert_eq!((import.committed_through, import.created_count, import.failed_count), (2_800, 2_800, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_of_one_ticket_that_come_apart_from_each_other_find_their_ticket() {
    let operations = Operations::new().await;
    // As a log by time would have them: the first row of each ticket, then the second of each, and so on.
    let mut rows: Vec<_> = histories(300);
    rows.sort_by_key(|row| row.source_sequence);
    let answers = operations.stream(numbered("by-time", rows)).await;
    assert_eq!(answers.iter().map(|answer| answer.failures.len()).sum::<usize>(), 0);
    let by_ticket = Operations::new().await;
    by_ticket.stream(numbered("by-ticket", histories(300))).await;
    assert_eq!(told(&operations.tickets().await), told(&by_ticket.tickets().await));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_row_among_sixty_four_is_reported_and_stops_nothing() {
    let operations = Operations::new().await;
    let mut rows: Vec<_> = (0..64).map(|n| history(&format!("D{n}")).remove(0)).collect();
    rows[31].state = Some("on_the_moon".to_owned());
    let answer = operations.batch(numbered("bad", rows.clone())).await;
    let failures: Vec<_> = answer
        .failures
        .iter()
        .map(|failure| (failure.sequence, failure.reason.as_str(), failure.field.as_str()))
        .collect();
    assert_eq!((answer.created_count, failures), (63, vec![(32, "STATE_UNKNOWN", "state")]));
    assert_eq!(answer.committed_through, 64);
    rows[31].state = Some("new".to_owned());
    let mended = operations.batch(numbered("bad", rows)).await;
    assert_eq!((mended.created_count, mended.unchanged_count, mended.failures.len()), (1, 63, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_row_that_cannot_be_read_says_why() {
    let operations = Operations::new().await;
    let good = || history("D1").remove(0);
    let rows = vec![
        pb::TicketSnapshot { observe_time: None, ..good() },
        pb::TicketSnapshot { source_id: String::new(), ..good() },
        pb::TicketSnapshot { customer: Some("somebody".to_owned()), ..good() },
        pb::TicketSnapshot { title: Some("a\0b".to_owned()), ..good() },
        pb::TicketSnapshot { process: "processes/none".to_owned(), source_id: "D2".to_owned(), ..good() },
        pb::TicketSnapshot { process: String::new(), source_id: "D3".to_owned(), ..good() },
        pb::TicketSnapshot { impact: Some(9), source_id: "D4".to_owned(), ..good() },
        good(),
    ];
    let answer = operations.batch(numbered("unreadable", rows)).await;
    let reasons: Vec<_> =
        answer.failures.iter().map(|failure| (failure.reason.as_str(), failure.field.as_str())).collect();
    assert_eq!(
        reasons,
        [
            ("ROW_INVALID", "observe_time"),
            ("ROW_INVALID", "source_id"),
            ("ROW_INVALID", "customer"),
            ("ROW_INVALID", "title"),
            ("PROCESS_UNKNOWN", "process"),
            ("PROCESS_UNKNOWN", "process"),
            ("FIELD_INVALID", "impact"),
        ]
    );
    assert_eq!((answer.created_count, answer.committed_through), (1, 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_that_do_not_rise_are_refused() {
    let operations = Operations::new().await;
    let mut rows = numbered("order", history("D1"));
    rows.swap(2, 3);
    let refusal =
        operations.client().batch_import_tickets(pb::BatchImportTicketsRequest { requests: rows }).await.unwrap_err();
    assert_eq!(reason(&refusal), "SEQUENCE_NOT_RISING");
    let mut rows = numbered("order", history("D1"));
    rows[3].import_id = "another".to_owned();
    let request = pb::BatchImportTicketsRequest { requests: rows };
    assert_eq!(reason(&operations.client().batch_import_tickets(request).await.unwrap_err()), "SEQUENCE_NOT_RISING");
    assert_eq!(operations.count("").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn related_tickets_are_created_once_and_know_each_other() {
    let operations = Operations::new().await;
    let link = |process: &str, source_id: &str, kind: pb::LinkType| pb::SourceLink {
        r#type: kind.into(),
        source_id: source_id.to_owned(),
        process: process.to_owned(),
    };
    let problem = link("processes/problem", "P7", pb::LinkType::Problem);
    let linked = |id: &str| -> Vec<_> {
        let rows = history(id).into_iter();
        rows.map(|row| pb::TicketSnapshot { links: vec![problem.clone()], ..row }).collect()
    };
    let rows = [linked("D1"), linked("D2")].concat();
    operations.batch(numbered("links", rows)).await;
    operations.batch(numbered("more", linked("D3"))).await;
    let lookup = |id: &str| {
        let request = pb::LookupTicketRequest {
            source_system: "desk".to_owned(),
            source_id: id.to_owned(),
            ..Default::default()
        };
        let mut client = operations.client();
        async move { client.lookup_ticket(request).await.unwrap().into_inner() }
    };
    let stub = lookup("P7").await;
    assert_eq!((stub.practice.as_str(), stub.title.as_str(), stub.links.len()), ("problem", "", 3));
    assert!(stub.links.iter().all(|link| link.r#type() == pb::LinkType::Incident));
    let incident = lookup("D1").await;
    assert_eq!(incident.links, [pb::TicketLink { r#type: pb::LinkType::Problem.into(), ticket: stub.name.clone() }]);

    // The problem itself comes later, with a history of its own; and one incident turns out to be another's.
    let row = pb::TicketSnapshot {
        title: Some("the problem".to_owned()),
        process: "processes/problem".to_owned(),
        ..history("P7").remove(0)
    };
    operations.batch(numbered("problems", vec![row])).await;
    let other = link("processes/problem", "P8", pb::LinkType::Problem);
    let moved = pb::TicketSnapshot {
        observe_time: Some(instant("2016-03-02T00:00:00Z")),
        links: vec![other],
        ..history("D1").remove(6)
    };
    operations.batch(numbered("moved", vec![moved])).await;
    let problem = lookup("P7").await;
    assert_eq!((problem.name, problem.title.as_str(), problem.links.len()), (stub.name, "the problem", 2));
    assert_eq!(lookup("P8").await.links.len(), 1);
    assert_eq!(operations.count("").await, 5);
    replay_agrees(&operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_import_that_was_cut_off_goes_on_where_it_was() {
    let operations = Operations::new().await;
    let rows = numbered("cut", histories(600));
    let (sender, receiver) = tokio::sync::mpsc::channel(1);
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    let mut client = operations.client();
    let answering = tokio::spawn(async move { client.import_tickets(stream).await.unwrap().into_inner().next().await });
    for row in &rows[..2_500] {
        sender.send(row.clone()).await.unwrap();
    }
    // The first answer has come; the client goes away in the middle of a ticket, without an end of its rows.
    let first = answering.await.unwrap().unwrap().unwrap();
    assert_eq!(first.committed_through % 7, 0);

    let resumed = Operations { client: operations.another_server().await, database: operations.database };
    let import = resumed.client().get_import(pb::GetImportRequest { import_id: "cut".to_owned() }).await;
    let through = import.unwrap().into_inner().committed_through;
    assert!(through >= first.committed_through && through % 7 == 0, "{through}");
    let rest = rows.iter().filter(|row| row.sequence > through).cloned().collect();
    resumed.stream(rest).await;
    assert_eq!(resumed.count("state = \"closed\"").await, 600);
    let again = resumed.stream(rows).await;
    assert_eq!(again.iter().map(|answer| answer.unchanged_count).sum::<i64>(), 4_200);

    let whole = Operations::new().await;
    whole.stream(numbered("whole", histories(600))).await;
    assert_eq!(told(&resumed.tickets().await), told(&whole.tickets().await));
    drop(sender);
}

#[tokio::test(flavor = "multi_thread")]
async fn precise_facts_are_taken_like_snapshots() {
    use pb::imported_fact::Fact;
    let operations = Operations::new().await;
    let fact = |sequence: i64, at: &str, fact: Fact| pb::ImportTicketsRequest {
        import_id: "facts".to_owned(),
        sequence,
        row: Some(pb::import_tickets_request::Row::Fact(pb::ImportedFact {
            source_system: "desk".to_owned(),
            source_id: "F1".to_owned(),
            occur_time: Some(instant(at)),
            source_sequence: sequence,
            fact: Some(fact),
            ..Default::default()
        })),
    };
    let opened = pb::TicketSnapshot {
        process: "processes/incident".to_owned(),
        title: Some("by facts".to_owned()),
        ..Default::default()
    };
    let moved =
        |state: &str| Fact::Transitioned(pb::ImportedTransition { state: state.to_owned(), ..Default::default() });
    let note = pb::Note {
        audience: proto::journal::v1::Audience::Public.into(),
        text: "looking".to_owned(),
        ..Default::default()
    };
    let group = pb::Assignment { group: "groups/a".to_owned(), ..Default::default() };
    let fixed = pb::Resolution { code: "fixed".to_owned(), ..Default::default() };
    let rows = vec![
        fact(1, "2016-03-01T09:00:00Z", Fact::Opened(opened)),
        fact(2, "2016-03-01T09:05:00Z", Fact::Assigned(group)),
        fact(3, "2016-03-01T09:10:00Z", moved("in_progress")),
        fact(4, "2016-03-01T09:20:00Z", Fact::Noted(note)),
        fact(5, "2016-03-01T09:30:00Z", moved("resolved")),
        fact(6, "2016-03-01T09:30:00Z", Fact::Resolved(fixed)),
    ];
    let answer = operations.batch(rows).await;
    assert_eq!((answer.created_count, answer.failures), (6, Vec::new()));
    let ticket = operations.tickets().await.remove(0);
    assert_eq!((ticket.state.as_str(), ticket.resolve_time), ("resolved", Some(instant("2016-03-01T09:30:00Z"))));
    assert_eq!(ticket.resolution.unwrap().code, "fixed");
    let notes = pb::ListNotesRequest { parent: ticket.name, ..Default::default() };
    assert_eq!(operations.client().list_notes(notes).await.unwrap().into_inner().notes[0].text, "looking");
    replay_agrees(&operations).await;
}
