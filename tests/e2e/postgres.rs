//! The embedded server: starts, stops, keeps its data, and never outlives its parent.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::{sleep, spawn},
    time::Duration,
};

use diesel_async::{AsyncConnection, AsyncPgConnection};
use itsm::postgres::{Cluster, Error, Places};
use rustix::process::{Pid, Signal, geteuid, kill_process, test_kill_process};
use testkit::Scratch;
use tokio_postgres::{Client, NoTls};

/// Tests of starting and stopping need not wait for the disk.
const FAST: [(&str, &str); 1] = [("fsync", "off")];

fn start(folder: &Path) -> Cluster {
    Cluster::start_with(folder, &FAST).unwrap()
}

async fn connect(cluster: &Cluster) -> Client {
    connect_to(&cluster.url("postgres")).await
}

async fn connect_to(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn setting(client: &Client, name: &str) -> String {
    client.query_one("SELECT current_setting($1)", &[&name]).await.unwrap().get(0)
}

fn pid_file(folder: &Path) -> PathBuf {
    folder.join("postgres/data/postmaster.pid")
}

/// The process of the server that runs in the folder.
fn server(folder: &Path) -> Pid {
    let text = fs::read_to_string(pid_file(folder)).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap()).unwrap()
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    for _ in 0..1500 {
        if holds() {
            return;
        }
        sleep(Duration::from_millis(20));
    }
    panic!("{what}: not after 30 s");
}

#[tokio::test]
async fn a_server_is_private_and_durable_unless_told_otherwise() {
    let folder = Scratch::new();
    let cluster = Cluster::start(&folder).unwrap();
    let client = connect(&cluster).await;
    for (name, value) in [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ] {
        assert_eq!(setting(&client, name).await, value, "{name}");
    }
    let root = fs::metadata(folder.join("postgres")).unwrap();
    assert_eq!(root.mode() & 0o777, 0o700);
}

#[tokio::test]
async fn a_stopped_server_is_gone_and_its_data_is_there_at_the_next_start() {
    let folder = Scratch::new();
    let cluster = start(&folder);
    let client = connect(&cluster).await;
    client.batch_execute("CREATE TABLE kept AS SELECT 42 AS answer").await.unwrap();
    let pid = server(&folder);
    cluster.stop().unwrap();
    assert!(test_kill_process(pid).is_err(), "the server runs on");
    assert!(!pid_file(&folder).exists());

    let cluster = start(&folder);
    let answer: i32 = connect(&cluster).await.query_one("SELECT answer FROM kept", &[]).await.unwrap().get(0);
    assert_eq!(answer, 42);
}

#[tokio::test]
async fn a_database_is_made_once_and_diesel_connects_to_it() {
    let folder = Scratch::new();
    let cluster = start(&folder);
    cluster.ensure_database("itsm").await.unwrap();
    cluster.ensure_database("itsm").await.unwrap();
    AsyncPgConnection::establish(&cluster.url("itsm")).await.map(drop).unwrap();
}

#[test]
fn a_second_instance_is_told_who_has_the_folder() {
    let folder = Scratch::new();
    let cluster = start(&folder);
    let refused = Cluster::start(&folder).unwrap_err().to_string();
    assert!(refused.contains(&format!("in use by process {}", std::process::id())), "{refused}");
    drop(cluster);
    start(&folder);
}

/// Runs this very test in another process, which starts a server and waits to be killed.
#[tokio::test]
async fn a_server_stops_cleanly_when_its_parent_is_killed() {
    const HOLD: &str = "ITSM_TEST_HOLD";
    if let Some(folder) = env::var_os(HOLD) {
        let _cluster = start(folder.as_ref());
        sleep(Duration::from_mins(2));
        return;
    }
    let folder = Scratch::new();
    let mut parent = Helper(
        Command::new(env::current_exe().unwrap())
            .args(["--exact", "postgres::a_server_stops_cleanly_when_its_parent_is_killed"])
            .env(HOLD, &*folder)
            .stdout(Stdio::null())
            .spawn()
            .unwrap(),
    );
    eventually("the server is ready", || {
        fs::read_to_string(pid_file(&folder)).is_ok_and(|text| text.lines().any(|line| line.trim() == "ready"))
    });
    // A connection that hangs makes the shutdown take its time: the next start has to wait for it.
    let client = connect_to(&format!("postgres://postgres@/postgres?host={}/postgres/socket", folder.display())).await;
    let backend: i32 = client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let backend = Pid::from_raw(backend).unwrap();
    kill_process(backend, Signal::STOP).unwrap();
    parent.0.kill().unwrap();
    if !cfg!(target_os = "linux") {
        parent.0.wait().unwrap();
    }
    // Linux tells a process that only waits for its parent from a living one, so here nobody waits for it.
    let resumed = spawn(move || {
        sleep(Duration::from_millis(500));
        kill_process(backend, Signal::CONT).unwrap();
    });
    start(&folder);
    resumed.join().unwrap();
    let log = fs::read_to_string(folder.join("postgres/server.log")).unwrap();
    assert_eq!(log.matches("received fast shutdown request").count(), 2, "{log}");
    assert!(!log.contains("was not properly shut down"), "{log}");
}

/// A helper process that does not outlive its test.
struct Helper(Child);

impl Drop for Helper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_server_that_was_killed_recovers_what_was_committed() {
    let folder = Scratch::new();
    let mut cluster = Cluster::start(&folder).unwrap();
    let client = connect(&cluster).await;
    client.batch_execute("CREATE TABLE kept AS SELECT 42 AS answer").await.unwrap();
    kill_process(server(&folder), Signal::KILL).unwrap();
    eventually("the loss is noticed", || pid_file(&folder).exists() && test_kill_process(server(&folder)).is_err());
    while cluster.is_running() {
        sleep(Duration::from_millis(10));
    }
    drop(cluster);

    let cluster = Cluster::start(&folder).unwrap();
    let answer: i32 = connect(&cluster).await.query_one("SELECT answer FROM kept", &[]).await.unwrap().get(0);
    assert_eq!(answer, 42);
}

/// Only Linux says where a process works, and so whether it is the server.
#[cfg(target_os = "linux")]
#[test]
fn a_lock_whose_process_id_is_in_use_again_does_not_stop_a_start() {
    let folder = Scratch::new();
    start(&folder).stop().unwrap();
    let account = fs::metadata(folder.join("postgres/data")).unwrap();
    let mut other = Command::new("sleep");
    let other = Helper(other.arg("60").uid(account.uid()).gid(account.gid()).spawn().unwrap());
    fs::write(pid_file(&folder), format!("{}\n{}\n1\n", other.0.id(), folder.display())).unwrap();
    chown(pid_file(&folder), Some(account.uid()), Some(account.gid())).unwrap();
    start(&folder);
}

#[test]
fn a_first_start_that_was_cut_short_is_done_again() {
    let folder = Scratch::new();
    start(&folder).stop().unwrap();
    fs::rename(folder.join("postgres/data"), folder.join("postgres/data.new")).unwrap();
    fs::remove_file(folder.join("postgres/data.new/PG_VERSION")).unwrap();
    start(&folder);
    assert!(!folder.join("postgres/data.new").exists());
}

#[tokio::test]
async fn a_folder_too_long_for_a_socket_works() {
    let folder = Scratch::new();
    let long = folder.join("a folder, with a long name; ".repeat(5));
    let cluster = start(&long);
    connect(&cluster).await;
    let socket = cluster.socket();
    cluster.stop().unwrap();
    fs::remove_dir(socket.parent().unwrap()).unwrap();
}

#[test]
fn a_server_that_cannot_start_says_why_in_one_sentence() {
    let folder = Scratch::new();
    let refused = Cluster::start_with(&folder, &[("shared_buffers", "plenty")]).unwrap_err().to_string();
    assert_eq!(refused, r#"postgres failed: invalid value for parameter "shared_buffers": "plenty""#);
}

#[test]
fn missing_programs_cost_one_sentence_with_the_line_that_installs_them() {
    let refused = Places::default().find(None).unwrap_err().to_string();
    assert!(refused.starts_with("no PostgreSQL 15 or newer on this machine: install it with `"), "{refused}");
    assert_eq!(refused.lines().count(), 1);
}

#[test]
fn programs_named_by_the_user_are_never_passed_over() {
    let folder = Scratch::new();
    let mut places = Places::of_this_machine();
    places.named = Some(folder.to_path_buf());
    let refused = places.find(None).unwrap_err().to_string();
    assert!(refused.starts_with(&format!("ITSM_PG_BIN names {}, which has no initdb", folder.display())), "{refused}");
}

#[test]
fn data_is_never_given_to_another_version() {
    let refused = Places { cache: None, ..Places::of_this_machine() }.find(Some(9)).unwrap_err();
    assert!(matches!(refused, Error::OtherVersion { major: 9 }), "{refused}");
}

#[tokio::test]
async fn root_steps_down_for_the_server_and_nobody_else_does() {
    let folder = Scratch::new();
    let cluster = start(&folder);
    let owner = fs::metadata(pid_file(&folder)).unwrap().uid();
    assert_eq!(owner == geteuid().as_raw(), !geteuid().is_root());
    // The account that started it still gets in.
    connect(&cluster).await;
}

#[test]
fn a_folder_that_root_cannot_hand_over_is_refused_and_left_as_it_was() {
    if !geteuid().is_root() {
        return;
    }
    let folder = Scratch::new();
    let closed = folder.join("closed");
    fs::create_dir(&closed).unwrap();
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).unwrap();
    let refused = Cluster::start(&closed.join("data")).unwrap_err().to_string();
    assert!(refused.contains(&format!("cannot reach {}", closed.display())), "{refused}");
    assert_eq!(fs::read_dir(&closed).unwrap().count(), 0);
}
