//! One caller cannot take what is everybody's.

use std::time::Duration;

use itsm::client::Channel;
use proto::common::v1::GetServerInfoRequest;
use proto::common::v1::server_service_client::ServerServiceClient;
use proto::journal::v1::WatchJournalRequest;
use proto::journal::v1::journal_service_client::JournalServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

const ANN: &str = "ann-token-00000001";
const BOB: &str = "bob-token-00000001";

async fn supplier(limits: config::Limits) -> (Running, TestDatabase) {
    let database = TestDatabase::new().await;
    let folder = Scratch::new();
    let tokens = folder.join("tokens");
    std::fs::write(&tokens, format!("{ANN} people/ann\n{BOB} people/bob\n")).unwrap();
    let insecure = config::Server::insecure(0);
    let config = config::Server { tokens_file: Some(tokens), insecure: false, limits, ..insecure };
    let built = supplier::build(&config::Database::at(database.url())).await;
    (Running::start(built, &config).await, database)
}

async fn ask(channel: &Channel) -> Result<(), Status> {
    ServerServiceClient::new(channel.clone()).get_server_info(GetServerInfoRequest {}).await.map(drop)
}

fn retry_after(status: &Status) -> Duration {
    status.get_details_retry_info().and_then(|info| info.retry_delay).expect("it says when to try again")
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_too_often_is_told_when_to_try_again() {
    let limits = config::Limits { caller_rate: 1, ..config::Limits::default() };
    let (running, _database) = supplier(limits).await;
    let (ann, bob) = (running.channel_of(ANN).await, running.channel_of(BOB).await);
    let mut answered = 0;
    let refusal = loop {
        match ask(&ann).await {
            Ok(()) => answered += 1,
            Err(refusal) => break refusal,
        }
        assert!(answered < 10_000, "no limit");
    };
    assert!(answered >= 10, "those of ten seconds may come at once: {answered}");
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::ResourceExhausted, "RATE_EXCEEDED"));
    assert!(retry_after(&refusal) <= Duration::from_secs(1));
    // It is the caller who is limited, over whatever connection, and nobody else.
    ask(&bob).await.unwrap();
    let again = running.channel_of(ANN).await;
    let outcomes = [ask(&again).await, ask(&again).await, ask(&again).await];
    assert!(outcomes.iter().any(Result::is_err));
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_are_limited_for_each_caller() {
    let limits = config::Limits { caller_streams: 2, ..config::Limits::default() };
    let (running, _database) = supplier(limits).await;
    let watch = async |token: &str| {
        let mut journal = JournalServiceClient::new(running.channel_of(token).await);
        journal.watch_journal(WatchJournalRequest::default()).await.map(tonic::Response::into_inner)
    };
    let first = watch(ANN).await.unwrap();
    let second = watch(ANN).await.unwrap();
    let refusal = watch(ANN).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::ResourceExhausted, "STREAMS_EXCEEDED"));
    assert!(retry_after(&refusal) > Duration::ZERO);
    let others = watch(BOB).await.unwrap();
    ask(&running.channel_of(ANN).await).await.unwrap();
    drop(first);
    // Until the server has seen that it is gone.
    while watch(ANN).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    drop((second, others));
}
