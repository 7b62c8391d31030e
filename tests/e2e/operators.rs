//! What operators rely on: metrics, health, the doctor, settings from the environment.

use std::time::Duration;

use itsm::client::Trust;
use proto::catalog::v1 as pb;
use proto::catalog::v1::portfolio_service_client::PortfolioServiceClient;
use proto::supplier::v1::supplier_service_client::SupplierServiceClient;
use proto::supplier::v1::{ListContractsRequest, ListSuppliersRequest};
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// The answer to a GET, headers included.
async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// The number that the metrics hold for this line's beginning.
fn value(metrics: &str, beginning: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(beginning)?.trim().parse().ok())
}

/// The metrics as soon as they say what is waited for.
async fn metrics_with(server: Running, wanted: impl Fn(&str) -> bool) -> String {
    let mut answer = String::new();
    for _ in 0..200 {
        answer = get(server.metrics().unwrap(), "/metrics").await;
        if wanted(&answer) {
            return answer;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the metrics never say so:\n{answer}");
}

fn calls(method: &str, code: &str) -> String {
    format!(
        "rpc_server_call_duration_seconds_count{{rpc_system_name=\"grpc\",rpc_method=\"{method}\",\
         rpc_response_status_code=\"{code}\"}}"
    )
}

async fn measured_catalog(database: &TestDatabase) -> Running {
    let config = config::Server { metrics_listen: Some(([127, 0, 0, 1], 0).into()), ..config::Server::insecure(0) };
    Running::start(catalog::build(&config::Database::at(database.url())).await, &config).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_call_is_counted_with_its_status_and_strangers_all_together() {
    let database = TestDatabase::new().await;
    let server = measured_catalog(&database).await;
    let mut portfolio = PortfolioServiceClient::new(server.channel().await);
    portfolio.list_services(pb::ListServicesRequest::default()).await.unwrap();
    portfolio.list_services(pb::ListServicesRequest::default()).await.unwrap();
    let missing = pb::GetServiceRequest { name: "services/none".to_owned() };
    portfolio.get_service(missing).await.unwrap_err();
    // Methods of another server, which this one does not have.
    let mut elsewhere = SupplierServiceClient::new(server.channel().await);
    elsewhere.list_suppliers(ListSuppliersRequest::default()).await.unwrap_err();
    elsewhere.list_contracts(ListContractsRequest::default()).await.unwrap_err();
    let list = calls("itsm.catalog.v1.PortfolioService/ListServices", "OK");
    let metrics = metrics_with(server, |metrics| value(metrics, &list) == Some(2.0)).await;
    assert_eq!(value(&metrics, &calls("itsm.catalog.v1.PortfolioService/GetService", "NOT_FOUND")), Some(1.0));
    assert_eq!(value(&metrics, &calls("_OTHER", "UNIMPLEMENTED")), Some(2.0));
    assert!(!metrics.contains("ListSuppliers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_openmetrics_and_tell_of_pool_journal_and_program() {
    let database = TestDatabase::new().await;
    let server = measured_catalog(&database).await;
    let metrics = metrics_with(server, |metrics| value(metrics, "itsm_serving ") == Some(1.0)).await;
    assert!(metrics.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"));
    assert!(metrics.trim_end().ends_with("# EOF"));
    assert!(metrics.contains("itsm_build_info{service=\"catalog\",version=\""));
    assert_eq!(value(&metrics, "db_client_connection_max "), Some(10.0));
    for name in [
        "db_client_connection_count{db_client_connection_state=\"idle\"} ",
        "db_client_connection_count{db_client_connection_state=\"used\"} ",
        "db_client_connection_pending_requests ",
        "itsm_journal_pending_changes ",
    ] {
        assert!(value(&metrics, name).is_some(), "{name} is missing:\n{metrics}");
    }
    // The shipped processes were published when the catalog was built.
    metrics_with(server, |metrics| value(metrics, "itsm_journal_sequence ").is_some_and(|seq| seq > 0.0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watch_is_counted_when_it_ends_and_not_before() {
    use proto::journal::v1::journal_service_client::JournalServiceClient;
    let database = TestDatabase::new().await;
    let server = measured_catalog(&database).await;
    let request = proto::journal::v1::WatchJournalRequest { from_start: true, ..Default::default() };
    let mut stream =
        JournalServiceClient::new(server.channel().await).watch_journal(request).await.unwrap().into_inner();
    stream.message().await.unwrap().expect("the shipped processes are facts");
    let cancelled = calls("itsm.journal.v1.JournalService/WatchJournal", "CANCELLED");
    let before = get(server.metrics().unwrap(), "/metrics").await;
    assert!(!before.contains("WatchJournal"), "{before}");
    drop(stream);
    metrics_with(server, |metrics| value(metrics, &cancelled) == Some(1.0)).await;
}

/// A dashboard on a free port, before services that there are not.
fn dashboard(folder: &std::path::Path) -> itsm::dashboard::Dashboard {
    let port = itsm::dashboard::listen(([127, 0, 0, 1], 0).into(), &config::Tls::default()).unwrap();
    let config = itsm::dashboard::Config {
        catalog: "127.0.0.1:1".to_owned(),
        operations: "127.0.0.1:1".to_owned(),
        supplier: "127.0.0.1:1".to_owned(),
        trust: Trust::default(),
        reports: folder.join("r"),
        insecure: true,
        secure: false,
        deadline: itsm::dashboard::DEADLINE,
    };
    itsm::dashboard::Dashboard::new(port, config).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_tells_its_health_as_the_services_do() {
    let folder = Scratch::new();
    let dashboard = dashboard(&folder);
    let address = dashboard.address().unwrap();
    tokio::spawn(dashboard.serve(CancellationToken::new()));
    assert!(itsm::run::serves(&address.to_string(), &Trust::default()).await.unwrap());
    assert!(get(address, "/health").await.ends_with("ok\n"));
}

#[tokio::test]
async fn a_server_that_is_no_suite_has_no_health() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.write_all(b"SSH-2.0-not-this\r\n").await;
        }
    });
    assert!(itsm::run::serves(&address.to_string(), &Trust::default()).await.is_err());
}

mod doctor {
    use clap::Parser as _;
    use itsm::cli::{Cli, Command, DoctorArgs};
    use itsm::doctor::{Finding, examine};

    use super::*;

    fn args(more: &[&str]) -> DoctorArgs {
        // Port 1 of an address that belongs to nobody else's test.
        let line = ["itsm", "doctor", "--bind", "127.77.0.1"].iter().chain(more);
        match Cli::try_parse_from(line).unwrap().command {
            Command::Doctor(args) => args,
            other => panic!("{other:?}"),
        }
    }

    fn wrong(findings: &[Finding]) -> Vec<&str> {
        let mine = findings.iter().filter(|finding| !finding.well && !finding.sentence.starts_with("nothing reads"));
        mine.map(|finding| finding.sentence.as_str()).collect()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_migrated_database_with_a_token_file_is_well() {
        let database = TestDatabase::new().await;
        let folder = Scratch::new();
        let tokens = folder.join("tokens");
        std::fs::write(&tokens, "0123456789abcdef people/ann roles=*\n").unwrap();
        let url = database.url();
        let found = examine(&args(&["--database-url", &url, "--tokens-file", tokens.to_str().unwrap()])).await;
        let not_durable = "the database may lose what it has committed: turn on fsync and synchronous_commit";
        // Tests run without fsync, which the doctor must not overlook.
        assert_eq!(wrong(&found), [not_durable], "{found:#?}");
        assert!(found.iter().any(|finding| finding.sentence == "the operations schema is as this program needs it"));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_schema_that_lacks_a_migration_is_named_with_the_way_out() {
        let database = TestDatabase::new().await;
        let client = database.connect().await;
        let newest = "(SELECT max(version) FROM catalog.__diesel_schema_migrations)";
        let forget = format!("DELETE FROM catalog.__diesel_schema_migrations WHERE version = {newest}");
        client.batch_execute(&forget).await.unwrap();
        let found = examine(&args(&["--database-url", &database.url()])).await;
        let lacks = "the catalog schema lacks 1 of this program's migrations: run itsm migrate";
        assert!(wrong(&found).contains(&lacks), "{found:#?}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_is_not_there_and_a_broken_token_file_are_both_told() {
        let folder = Scratch::new();
        let tokens = folder.join("tokens");
        std::fs::write(&tokens, "short people/ann\n").unwrap();
        let url = format!("postgres:///itsm?host={}&user=ann", folder.join("nowhere").display());
        let found = examine(&args(&["--database-url", &url, "--tokens-file", tokens.to_str().unwrap()])).await;
        let sentences = wrong(&found);
        assert_eq!(sentences.len(), 2, "{found:#?}");
        assert!(sentences[0].starts_with("the database cannot be reached"), "{}", sentences[0]);
        assert!(sentences[1].contains("line 1"), "{}", sentences[1]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_port_that_another_program_has_is_wrong_and_one_that_serves_is_well() {
        let folder = Scratch::new();
        let dashboard = super::dashboard(&folder);
        let port = dashboard.address().unwrap().port();
        let _other = TcpListener::bind(("127.0.0.1", port + 1)).await;
        tokio::spawn(dashboard.serve(CancellationToken::new()));
        let data = folder.join("data");
        let (base, data) = (port.to_string(), data.to_str().unwrap().to_owned());
        let line = ["itsm", "doctor", "--port-base", &base, "--data-dir", &data];
        let Command::Doctor(args) = Cli::try_parse_from(line).unwrap().command else { panic!("another command") };
        let found = examine(&args).await;
        let of = |name: &str| found.iter().find(|finding| finding.sentence.starts_with(name)).unwrap();
        assert!(of("dashboard:").well, "{found:#?}");
        assert!(!of("catalog:").well, "{found:#?}");
        assert!(found.iter().any(|finding| finding.sentence.starts_with("the data folder")), "{found:#?}");
    }
}
