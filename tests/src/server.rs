//! One throw-away Postgres server for a test run, however many processes the run has.

use std::{
    env,
    fs::{self, DirBuilder, File},
    os::unix::{
        fs::{DirBuilderExt, MetadataExt},
        net::UnixStream,
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use itsm::postgres::Cluster;
use rustix::{
    fs::{FlockOperation, flock},
    process::{Pid, geteuid, getppid},
};

const KEEPER: &str = include_str!("keeper.sh");
/// The data is thrown away, so nothing need survive a crash of the machine; commits wait as they do in earnest.
const SETTINGS: [(&str, &str); 4] =
    [("fsync", "off"), ("full_page_writes", "off"), ("max_connections", "300"), ("shared_buffers", "128MB")];

/// The Postgres server of this test run.
#[derive(Debug)]
pub struct Server {
    url: String,
}

impl Server {
    /// The server named by `TEST_DATABASE_URL`, else one started for this run.
    ///
    /// A run is whatever started this process: `cargo test`, `cargo nextest`, a shell. All processes
    /// with the same parent share a server, which is stopped and removed when the parent ends.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Server> = OnceLock::new();
        SHARED.get_or_init(|| match env::var("TEST_DATABASE_URL") {
            Ok(url) if !url.is_empty() => {
                assert!(is_url(&url), "TEST_DATABASE_URL is {url:?}: write it as postgres://user@host/database");
                Self { url }
            }
            _ => Self { url: started() },
        })
    }

    /// Where to connect to the database of this name.
    pub fn url(&self, database: &str) -> String {
        with_database(&self.url, database)
    }

    /// Where to connect to create other databases.
    pub(crate) fn maintenance_url(&self) -> &str {
        &self.url
    }
}

/// The URL of the run's own server, which the first process that asks starts.
fn started() -> String {
    let runner = getppid().map_or(0, Pid::as_raw_pid);
    let folder = env::temp_dir().join(format!("itsm-test-{}-{runner}", geteuid().as_raw()));
    create(&folder);
    let lock = File::create(folder.join("lock")).expect("cannot create a lock for the test server");
    flock(&lock, FlockOperation::LockExclusive).expect("cannot lock the test server");

    let note = folder.join("server");
    if let Some(url) = running(&note) {
        return url;
    }
    // An earlier run whose parent had the same id, on a machine that went down.
    let _ = fs::remove_dir_all(folder.join("postgres"));
    let cluster = Cluster::start_with(&folder, &SETTINGS).unwrap_or_else(|error| panic!("{error}"));
    let url = cluster.url("postgres");
    fs::write(&note, format!("{}\n{url}", cluster.socket().display())).expect("cannot note the test server");
    keep(cluster, runner, &folder);
    url
}

/// The URL noted by the process that started the server, if the server answers.
fn running(note: &Path) -> Option<String> {
    let text = fs::read_to_string(note).ok()?;
    let (socket, url) = text.split_once('\n')?;
    UnixStream::connect(PathBuf::from(socket)).ok()?;
    Some(url.to_owned())
}

/// A folder that others may pass through, for the account that runs the server, but not read.
fn create(folder: &Path) {
    if DirBuilder::new().mode(0o711).create(folder).is_ok() {
        return;
    }
    let ours = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir() && found.uid() == geteuid().as_raw());
    assert!(ours, "cannot use {}: set TMPDIR to a folder of your own", folder.display());
}

/// Leaves the server to a process that outlives this one.
#[allow(clippy::zombie_processes, reason = "it ends after this process")]
fn keep(cluster: Cluster, runner: i32, folder: &Path) {
    let lifeline = cluster.into_lifeline().expect("a running server has a lifeline");
    Command::new("/bin/sh")
        .args(["-c", KEEPER, "itsm-test-keeper", &runner.to_string()])
        .arg(folder)
        .current_dir("/")
        // An interrupt from the terminal ends the run first, then the server.
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(lifeline)
        .stderr(Stdio::null())
        .spawn()
        .expect("cannot run /bin/sh");
}

fn is_url(text: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| text.starts_with(scheme))
}

/// The same URL with another database.
fn with_database(url: &str, database: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    let (address, query) = rest.split_once('?').map_or((rest, None), |(address, query)| (address, Some(query)));
    let host = address.split_once('/').map_or(address, |(host, _)| host);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{scheme}://{host}/{database}{query}")
}

#[cfg(test)]
mod tests {
    use super::{is_url, with_database};

    #[test]
    fn only_the_database_of_a_url_changes() {
        let changed = |url| with_database(url, "new");
        assert_eq!(
            changed("postgres://u:p@host:5432/old?sslmode=require"),
            "postgres://u:p@host:5432/new?sslmode=require"
        );
        assert_eq!(changed("postgresql://host"), "postgresql://host/new");
        assert_eq!(changed("postgres://u@/old?host=/tmp/a/b"), "postgres://u@/new?host=/tmp/a/b");
        assert!(!is_url("host=localhost dbname=old"));
    }
}
