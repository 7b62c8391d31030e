//! The journal: one order without gaps, whole changes, and nothing for strangers.

use std::collections::HashMap;
use std::time::Duration;

use proto::journal::v1 as pb;
use servicekit::auth::Authenticator;
use servicekit::error;
use servicekit::journal::{self, Audience, NewFact};
use tokio::task::JoinSet;
use tonic_types::StatusExt;

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn the_order_is_dense_and_keeps_changes_whole_and_subjects_in_order() {
    let fixture = Fixture::new().await;
    let running = run(&fixture, &config::Server::insecure(0)).await;
    let mut tasks = JoinSet::new();
    for writer in 0..8 {
        let kit = fixture.kit.clone();
        tasks.spawn(async move {
            let subject = format!("widgets/{writer}");
            for version in 1..=30 {
                let facts: Vec<NewFact> = (0..3).map(|_| fact(&subject, version, "", Audience::Internal)).collect();
                let id = kit.clock.id();
                let work = async |connection: &mut Connection| journal::append(connection, id, &facts).await;
                kit.write("note", &Scope::Everything, false, work).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    fixture.until_in_order(8 * 30 * 3).await;

    let entries = all(&mut running.journal(), "").await;
    assert_eq!(entries.iter().map(|entry| entry.seq).collect::<Vec<_>>(), (1..=720).collect::<Vec<_>>());
    for change in entries.chunks(3) {
        assert!(change.iter().all(|entry| entry.change_id == change[0].change_id));
        assert_eq!(change.iter().map(|entry| entry.last_of_change).collect::<Vec<_>>(), [false, false, true]);
    }
    let mut versions: HashMap<&str, i64> = HashMap::new();
    for entry in &entries {
        let version = versions.entry(&entry.subject).or_default();
        assert!(entry.subject_version >= *version, "{} runs back", entry.subject);
        *version = entry.subject_version;
    }
}

/// Lists all entries, in pages of seven.
async fn all(client: &mut JournalServiceClient<Channel>, filter: &str) -> Vec<pb::JournalEntry> {
    let mut entries = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListJournalEntriesRequest { filter: filter.to_owned(), page_size: 7, page_token };
        let page = client.list_journal_entries(request).await.unwrap().into_inner();
        entries.extend(page.journal_entries);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return entries;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recorded_time_never_runs_back_even_when_the_clock_does() {
    let fixture = Fixture::new().await;
    let _running = run(&fixture, &config::Server::insecure(0)).await;
    fixture.append(&[fact("widgets/a", 1, "", Audience::Public)]).await;
    fixture.until_in_order(1).await;
    fixture.clock.set("2024-01-01T00:00:00Z".parse().unwrap());
    fixture.append(&[fact("widgets/a", 2, "", Audience::Public)]).await;
    fixture.until_in_order(2).await;
    assert_eq!(fixture.number("SELECT count(DISTINCT recorded_at) FROM journal_order").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_that_resumes_misses_nothing_and_sees_nothing_twice() {
    let fixture = Fixture::new().await;
    let running = run(&fixture, &config::Server::insecure(0)).await;
    let writer = {
        let kit = fixture.kit.clone();
        tokio::spawn(async move {
            for version in 1..=60 {
                let facts = [
                    fact("widgets/a", version, "", Audience::Public),
                    fact("widgets/b", version, "", Audience::Public),
                ];
                let id = kit.clock.id();
                let work = async |connection: &mut Connection| journal::append(connection, id, &facts).await;
                kit.write("note", &Scope::Everything, false, work).await.unwrap();
            }
        })
    };
    let mut seen = Vec::new();
    let mut token = String::new();
    while seen.len() < 60 {
        let request = pb::WatchJournalRequest {
            filter: "subject = \"widgets/b\"".to_owned(),
            from_start: token.is_empty(),
            resume_token: token.clone(),
        };
        let mut stream = running.journal().watch_journal(request).await.unwrap().into_inner();
        // Hangs up after a few messages, wherever that is.
        for _ in 0..3 {
            let message = stream.message().await.unwrap().unwrap();
            seen.extend(message.entries.iter().map(|entry| entry.subject_version));
            token = message.resume_token;
            if seen.len() == 60 {
                break;
            }
        }
    }
    writer.await.unwrap();
    assert_eq!(seen, (1..=60).collect::<Vec<_>>());
}

fn with_token<T>(message: T) -> tonic::Request<T> {
    let mut request = tonic::Request::new(message);
    request.metadata_mut().insert("authorization", "Bearer 0123456789abcdef".parse().unwrap());
    request
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_caller_sees_the_public_facts_of_its_customer_only() {
    let fixture = Fixture::new().await;
    let scratch = testkit::Scratch::new();
    let tokens = scratch.join("tokens");
    std::fs::write(&tokens, "0123456789abcdef people/bob customer=customers/acme\n").unwrap();
    assert!(Authenticator::from_file(&tokens).is_ok());
    let config = config::Server { insecure: false, tokens_file: Some(tokens), ..config::Server::insecure(0) };
    let running = run(&fixture, &config).await;
    fixture
        .append(&[
            fact("widgets/a", 1, "customers/acme", Audience::Public),
            fact("widgets/b", 1, "customers/acme", Audience::Internal),
            fact("widgets/c", 1, "customers/other", Audience::Public),
            fact("widgets/d", 1, "", Audience::Public),
        ])
        .await;
    fixture.until_in_order(4).await;

    let refusal = running.journal().list_journal_entries(pb::ListJournalEntriesRequest::default()).await.unwrap_err();
    assert_eq!(refusal.get_details_error_info().unwrap().reason, error::UNAUTHENTICATED.name);
    let request = with_token(pb::ListJournalEntriesRequest::default());
    let page = running.journal().list_journal_entries(request).await.unwrap().into_inner();
    let subjects = |entries: &[pb::JournalEntry]| entries.iter().map(|e| e.subject.clone()).collect::<Vec<_>>();
    assert_eq!(subjects(&page.journal_entries), ["widgets/a"]);
    let request = with_token(pb::WatchJournalRequest { from_start: true, ..Default::default() });
    let mut stream = running.journal().watch_journal(request).await.unwrap().into_inner();
    assert_eq!(subjects(&stream.message().await.unwrap().unwrap().entries), ["widgets/a"]);
    assert!(stream.message().await.unwrap().unwrap().entries.is_empty(), "then a bookmark");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_lets_streams_end_and_is_gone_in_time() {
    let fixture = Fixture::new().await;
    let running = run(&fixture, &config::Server::insecure(0)).await;
    let mut stream = running.journal().watch_journal(pb::WatchJournalRequest::default()).await.unwrap().into_inner();
    running.stop.cancel();
    let end = tokio::time::timeout(Duration::from_secs(5), stream.message()).await.unwrap().unwrap_err();
    assert_eq!(end.get_details_error_info().unwrap().reason, error::SERVER_STOPPING.name);
    drop((stream, running.channel));
    tokio::time::timeout(Duration::from_secs(5), running.server).await.unwrap().unwrap().unwrap();
}

#[tokio::test]
async fn a_partition_is_there_before_it_is_needed() {
    let fixture = Fixture::new().await;
    let owner = tokio_postgres::connect(&fixture.database.url().unwrap(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(owner.1);
    owner.0.batch_execute("SELECT setval('widgets.journal_position', 29999998)").await.unwrap();
    assert_eq!(fixture.number("SELECT journal_ensure_partitions()::bigint").await, 2);
    assert_eq!(fixture.number("SELECT journal_ensure_partitions()::bigint").await, 0);
    let facts: Vec<NewFact> = (1..=5).map(|version| fact("widgets/a", version, "", Audience::Public)).collect();
    fixture.append(&facts).await;
    assert_eq!(fixture.number("SELECT count(*) FROM journal").await, 5);
}
