//! Back-up and restore: the very commands of `docs/backup.md`, into a fresh cluster, and what goes on there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use itsm::postgres::{Cluster, Places};
use proto::catalog::v1 as pb;
use proto::catalog::v1::agreement_service_client::AgreementServiceClient;
use proto::journal::v1::journal_service_client::JournalServiceClient;
use proto::journal::v1::{JournalEntry, WatchJournalRequest, WatchJournalResponse};
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tokio_postgres::NoTls;
use tonic::{Status, Streaming};

/// The commands in the document, one text for each block.
fn commands() -> Vec<String> {
    let document = include_str!("../../docs/backup.md");
    let blocks = document.split("```sh\n").skip(1);
    blocks.map(|block| block.split("```").next().unwrap().to_owned()).collect()
}

/// Runs commands as an operator would.
fn run(commands: &str, folder: &Path, variables: &[(&str, &str)]) {
    let binaries = Places::of_this_machine().find(None).unwrap();
    let script = format!("itsm() {{ '{}' \"$@\"; }}\n{commands}", env!("CARGO_BIN_EXE_itsm-under-test"));
    let path = format!("{}:{}", binaries.dir().display(), std::env::var("PATH").unwrap());
    let output = Command::new("/bin/sh")
        .args(["-euc", &script])
        .current_dir(folder)
        .envs(variables.iter().copied())
        .env("PATH", path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{commands}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What every table holds, but for the one that names roles and the seals, which a server makes beside: how many rows, and a digest of them.
async fn content(url: &str) -> BTreeMap<String, (i64, Option<String>)> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let tables = "SELECT format('%I.%I', nspname, relname) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
                  WHERE relkind IN ('r', 'p') AND nspname IN ('catalog', 'operations', 'supplier') \
                  AND relname NOT IN ('server_secret', 'journal_seal')";
    let mut content = BTreeMap::new();
    for row in client.query(tables, &[]).await.unwrap() {
        let table: String = row.get(0);
        let query = format!("SELECT count(*), md5(string_agg(t::text, ' ' ORDER BY t::text)) FROM {table} t");
        let row = client.query_one(&query, &[]).await.unwrap();
        content.insert(table, (row.get(0), row.get(1)));
    }
    content
}

/// The catalog on a database.
struct Catalog {
    server: Running,
}

impl Catalog {
    async fn start(url: &str) -> Self {
        Self { server: Running::insecure(catalog::build(&config::Database::at(url)).await).await }
    }

    async fn customer(&self, id: &str) {
        let customer = pb::Customer { display_name: id.to_owned(), ..pb::Customer::default() };
        let request = pb::CreateCustomerRequest {
            customer_id: id.to_owned(),
            customer: Some(customer),
            ..pb::CreateCustomerRequest::default()
        };
        AgreementServiceClient::new(self.server.channel().await).create_customer(request).await.unwrap();
    }

    async fn watch(&self, resume_token: &str) -> Result<Streaming<WatchJournalResponse>, Status> {
        let request = WatchJournalRequest {
            filter: "kind = \"customer.*\"".to_owned(),
            from_start: resume_token.is_empty(),
            resume_token: resume_token.to_owned(),
        };
        Ok(JournalServiceClient::new(self.server.channel().await).watch_journal(request).await?.into_inner())
    }
}

/// The next change with its token; what only says how far the feed has come is passed over.
async fn next(stream: &mut Streaming<WatchJournalResponse>) -> (JournalEntry, String) {
    loop {
        let message = stream.message().await.unwrap().unwrap();
        if let Some(entry) = message.entries.into_iter().next() {
            return (entry, message.resume_token);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_commands_restore_everything_and_the_feed_goes_on() {
    let old = TestDatabase::new().await;
    let catalog = Catalog::start(old.url()).await;
    for id in ["one", "two", "three"] {
        catalog.customer(id).await;
    }
    let mut stream = catalog.watch("").await.unwrap();
    let (first, token) = next(&mut stream).await;
    assert_eq!(first.subject, "customers/one");
    next(&mut stream).await;
    let (third, _) = next(&mut stream).await;

    let folder = Scratch::new();
    let commands = commands();
    let [dump, restore] = commands.as_slice() else { panic!("the document has two blocks of commands") };
    let before = content(old.url()).await;
    run(dump, &folder, &[("ITSM_DATABASE_URL", old.url())]);
    catalog.customer("after-the-backup").await;
    let (_, lost) = next(&mut stream).await;

    let data = Scratch::new();
    let cluster = Cluster::start_with(&data, &[("fsync", "off")]).unwrap();
    let (server, url) = (cluster.url("postgres"), cluster.url("itsm"));
    run(restore, &folder, &[("NEW_SERVER", &server), ("NEW_URL", &url)]);
    assert_eq!(content(&url).await, before);

    let restored = Catalog::start(&url).await;
    let mut stream = restored.watch(&token).await.unwrap();
    for subject in ["customers/two", "customers/three"] {
        assert_eq!(next(&mut stream).await.0.subject, subject);
    }
    assert_eq!(reason(&restored.watch(&lost).await.unwrap_err()), "RESUME_TOKEN_UNKNOWN");
    for id in ["four", "five"] {
        restored.customer(id).await;
    }
    let (fourth, _) = next(&mut stream).await;
    assert_eq!((fourth.subject.as_str(), fourth.seq), ("customers/four", third.seq + 1), "numbers continue");
    assert_eq!(next(&mut stream).await.0.subject, "customers/five");
    assert_eq!(reason(&restored.watch(&lost).await.unwrap_err()), "RESUME_TOKEN_UNKNOWN", "the place is another's now");
}
