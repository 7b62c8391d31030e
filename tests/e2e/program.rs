//! The program as it is typed: what it prints, how it exits, and what is left when it is killed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use itsm::client;
use itsm::import::Input;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use serde::Deserialize;
use testkit::{Scratch, TestDatabase};

fn itsm(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_itsm-under-test"));
    command.args(arguments).stdin(Stdio::null());
    // What whoever runs the tests has set is not part of them.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ITSM_") && name != "ITSM_PG_BIN") {
        command.env_remove(name);
    }
    command
}

fn run(arguments: &[&str]) -> Output {
    itsm(arguments).output().unwrap()
}

/// What a run printed when it did what it was told to.
fn done(arguments: &[&str]) -> String {
    let output = run(arguments);
    let (told, wrong) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{arguments:?}: {told}{wrong}");
    told
}

/// The sentence of a run that failed: the one line on stderr, but for the log of a server that began to start.
fn refused(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
    sentence(&output)
}

fn sentence(output: &Output) -> String {
    let wrong = text(&output.stderr);
    let said: Vec<&str> = wrong.lines().filter(|line| !line.starts_with(r#"{"timestamp""#)).collect();
    let [sentence] = said[..] else { panic!("{wrong}") };
    sentence.strip_prefix("itsm: ").unwrap_or_else(|| panic!("{wrong}")).to_owned()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// `itsm up` on a data folder and free ports.
struct Up {
    child: Child,
    addresses: Addresses,
}

#[derive(Deserialize)]
struct Addresses {
    operations: SocketAddr,
}

impl Up {
    fn start(data_dir: &Path) -> Self {
        let data_dir = data_dir.to_str().unwrap();
        let mut child = itsm(&["up", "--insecure", "--port-base", "0", "--data-dir", data_dir])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let addresses = serde_json::from_str(&line).unwrap_or_else(|_| panic!("the suite did not start: {line}"));
        Self { child, addresses }
    }

    async fn tickets(&self) -> TicketServiceClient<client::Channel> {
        TicketServiceClient::new(client::connect(&self.addresses.operations.to_string(), "").await.unwrap())
    }

    /// Ends it at once, as a power cut would.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The first rows of the real log as a file, and how many of them each incident has.
fn log(folder: &Path, rows: usize) -> (PathBuf, BTreeMap<String, usize>) {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/data/servicenow_incident_event_log.csv.xz");
    let input = Input::open(Path::new(shipped)).unwrap();
    let mut reader = input.csv(',').unwrap();
    let path = folder.join("log.csv");
    let mut writer = csv::Writer::from_path(&path).unwrap();
    writer.write_record(reader.headers().unwrap()).unwrap();
    let mut incidents = BTreeMap::new();
    for row in reader.records().take(rows) {
        let row = row.unwrap();
        *incidents.entry(row[0].to_owned()).or_default() += 1;
        writer.write_record(&row).unwrap();
    }
    writer.flush().unwrap();
    (path, incidents)
}

async fn incidents(client: &mut TicketServiceClient<client::Channel>) -> Vec<pb::Ticket> {
    let mut all = Vec::new();
    let mut request =
        pb::ListTicketsRequest { page_size: 1_000, filter: "practice = \"incident\"".to_owned(), ..Default::default() };
    loop {
        let page = client.list_tickets(request.clone()).await.unwrap().into_inner();
        all.extend(page.tickets);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

/// Every file below a folder, with what is in it.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suite_killed_in_the_middle_of_an_import_loses_nothing_and_does_nothing_twice() {
    let folder = Scratch::new();
    let (file, expected) = log(&folder, 20_000);
    let file = file.to_str().unwrap();

    let up = Up::start(&folder);
    let address = up.addresses.operations.to_string();
    let import = ["import", "tickets", file, "--mapping", "servicenow-log", "--address", &address];
    let import = itsm(&import).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut client = up.tickets().await;
    let before = loop {
        let seen = incidents(&mut client).await.len();
        if seen > 300 {
            break seen;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    };
    up.kill();
    let cut = import.wait_with_output().unwrap();
    assert_eq!(cut.status.code(), Some(1), "{cut:?}");
    assert!(!sentence(&cut).is_empty());
    assert!(before < expected.len(), "the import was over before it was cut");

    let up = Up::start(&folder);
    let mut client = up.tickets().await;
    let after = incidents(&mut client).await.len();
    assert!(after >= before, "{before} incidents were there, {after} are left");
    let address = up.addresses.operations.to_string();
    let import = ["import", "tickets", file, "--mapping", "servicenow-log", "--address", &address];
    let told = done(&import);
    assert!(told.contains("committed by an earlier run"), "{told}");

    let found = incidents(&mut client).await;
    let sources: BTreeSet<_> = found.iter().map(|ticket| ticket.source_id.clone()).collect();
    assert_eq!(sources, expected.keys().cloned().collect());
    assert_eq!(found.len(), sources.len());
    let told = done(&[import.as_slice(), &["--again"]].concat());
    assert!(told.starts_with("20000 rows read, 0 recorded something, 20000 changed nothing, 0 left out"), "{told}");

    // Of what was committed a report can be made, and made again.
    let once = |out: &str| {
        let out = folder.join(out);
        let place = ["--data-dir", folder.to_str().unwrap(), "--out", out.to_str().unwrap()];
        done(&[&["report", "--period", "2016-03..2016-05", "--as-of", "2016-06-01"], place.as_slice()].concat());
        files(&out)
    };
    drop(up);
    let one = once("one");
    assert_eq!(one, once("two"));
    for kind in ["html", "json", "csv", "svg", "png"] {
        assert!(one.keys().any(|path| path.extension().is_some_and(|extension| extension == kind)), "{kind}");
    }
}

#[test]
fn what_cannot_be_done_is_one_sentence_and_exit_code_1() {
    let folder = Scratch::new();
    let nowhere = folder.join("nowhere.csv");
    let nowhere = nowhere.to_str().unwrap();
    let missing = refused(&["import", "tickets", nowhere, "--mapping", "servicenow-log"]);
    assert!(missing.contains("nowhere.csv"), "{missing}");

    let (file, _) = log(&folder, 3);
    let file = file.to_str().unwrap();
    let unknown = refused(&["import", "tickets", file, "--mapping", "no-such-mapping", "--dry-run"]);
    assert!(unknown.contains("no-such-mapping"), "{unknown}");

    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let data = folder.join("data");
    let up = ["up", "--insecure", "--port-base", "0", "--operations-port", &port, "--data-dir", data.to_str().unwrap()];
    let in_use = refused(&up);
    assert!(in_use.contains(&port) && in_use.contains("is in use"), "{in_use}");

    let nobody = refused(&["check", &format!("127.0.0.1:{port}")]);
    assert!(nobody.contains(&port), "{nobody}");
    let backwards = refused(&["report", "--period", "2016-05..2016-03", "--data-dir", data.to_str().unwrap()]);
    assert!(backwards.contains("2016-05..2016-03"), "{backwards}");
}

#[test]
fn what_was_typed_wrong_is_exit_code_2() {
    for arguments in [&["nonsense"][..], &["report"], &["import", "tickets"], &["up", "--port-base", "many"]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains("--help"), "{arguments:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_newer_than_the_program_is_refused_with_both_versions() {
    let database = TestDatabase::new().await;
    let newer = "INSERT INTO operations.__diesel_schema_migrations (version, run_on) VALUES ('9999', '2026-01-01')";
    database.connect().await.batch_execute(newer).await.unwrap();
    let url = database.url();
    let newer = refused(&["serve", "operations", "--insecure", "--listen", "127.0.0.1:0", "--database-url", url]);
    assert!(newer.contains("9999") && newer.contains("newer"), "{newer}");
}

#[test]
fn a_row_that_cannot_be_mapped_is_reported_with_its_line_and_the_value() {
    let folder = Scratch::new();
    let (file, _) = log(&folder, 10);
    let broken = fs::read_to_string(&file).unwrap().replacen(",Active,", ",Levitating,", 1) + "one,two\n";
    fs::write(&file, broken).unwrap();
    let told = done(&["import", "tickets", file.to_str().unwrap(), "--mapping", "servicenow-log", "--dry-run"]);
    assert!(told.starts_with("11 rows read, 9 can be mapped"), "{told}");
    assert!(told.contains("Levitating"), "{told}");
    assert!(told.contains("line 12"), "{told}");
}
