//! A running server: started when it is needed, stopped with whoever started it.

use std::{
    fmt::Write as _,
    fs,
    io::{self, Write as _},
    os::unix::{ffi::OsStrExt, net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Stdio},
    thread::sleep,
    time::Duration,
};

use tokio_postgres::NoTls;

use super::{
    account::Account,
    binaries::{Binaries, Places},
    error::{Context, Error},
    folder::{Folder, SOCKET, is_alive},
};

/// The role that owns everything in the server; only the account that can open the socket's folder gets in.
const OWNER: &str = "postgres";
const SUPERVISOR: &str = include_str!("supervisor.sh");
/// How long a start may take, the recovery after a crash included.
const START: Duration = Duration::from_mins(2);
/// How long a fast shutdown may take before an immediate one.
const STOP: Duration = Duration::from_secs(30);
const STEP: Duration = Duration::from_millis(10);
/// A log longer than this is put aside at the next start, in bytes.
const LONG_LOG: u64 = 10 << 20;

/// Sized for a laptop that does other work as well; durability is left at its default, which is on.
const SETTINGS: [(&str, &str); 10] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("max_connections", "100"),
    ("shared_buffers", "256MB"),
    ("work_mem", "16MB"),
    ("maintenance_work_mem", "128MB"),
    ("max_wal_size", "2GB"),
    ("checkpoint_timeout", "15min"),
    ("log_checkpoints", "off"),
    // Compiling a query costs more than any query here takes.
    ("jit", "off"),
];

/// What a start in a data folder would find.
#[derive(Debug)]
pub struct Found {
    /// The programs that would run.
    pub binaries: Binaries,
    /// The major version that wrote the data; none before the first start.
    pub version: Option<u32>,
    /// The process that uses the data; none: nobody does.
    pub user: Option<i32>,
}

/// Looks at a data folder and for the programs that fit it, or says why no server could be started on it.
///
/// Changes nothing, and downloads nothing.
pub fn examine(data_dir: &Path) -> Result<Found, Error> {
    let account = Account::of_this_process()?;
    let folder = Folder::at(data_dir, &account)?;
    let user = folder.user(&account)?;
    let places = Places { npm: None, ..Places::of_this_machine() };
    let version = folder.version();
    Ok(Found { binaries: places.find_for(&account, version)?, version, user })
}

/// A private server. It runs until this value is dropped or its process ends, however it ends.
#[derive(Debug)]
pub struct Cluster {
    folder: Folder,
    supervisor: Child,
    /// The supervisor stops the server when nobody holds this any more.
    lifeline: Option<ChildStdin>,
}

impl Cluster {
    /// Starts the server whose data is in `data_dir`/postgres, making it first if there is none.
    ///
    /// Blocks: about a second the first time, 50 ms later on. Refused while another process uses the folder.
    pub fn start(data_dir: &Path) -> Result<Self, Error> {
        Self::start_with(data_dir, &[])
    }

    /// The same with settings of Postgres that win over the built-in ones, such as `("fsync", "off")`.
    pub fn start_with(data_dir: &Path, settings: &[(&str, &str)]) -> Result<Self, Error> {
        let account = Account::of_this_process()?;
        let folder = Folder::at(data_dir, &account)?;
        let binaries = Places::of_this_machine().find_for(&account, folder.version())?;
        let lock = folder.lock(&account)?;
        if folder.version().is_none() {
            let durable = !settings.contains(&("fsync", "off"));
            initialise(&folder, &account, &binaries, durable)?;
        }
        let stale = stale_pid(&folder)?;
        let log_length = begin_log(&folder)?;

        let mut command = account.command("/bin/sh");
        command.args(["-c", SUPERVISOR, "itsm-postgres"]).arg(&folder.log).arg(binaries.program("postgres"));
        command.arg("-D").arg(&folder.data).arg("-k").arg(&folder.socket);
        for (name, value) in SETTINGS.iter().chain(settings) {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        if let Some(pid) = stale {
            // Postgres never takes this process for another server, even if the id is in use again.
            command.env("PG_GRANDPARENT_PID", pid.to_string());
        }
        // A group of its own: an interrupt from the terminal must reach our services before their database.
        command.process_group(0).stdin(Stdio::piped()).stdout(lock).stderr(Stdio::null());
        let mut supervisor = command.spawn().context("run", "/bin/sh")?;
        let lifeline = supervisor.stdin.take();
        let mut cluster = Self { folder, supervisor, lifeline };
        cluster.wait_until_ready(log_length)?;
        Ok(cluster)
    }

    /// Where to connect to `database` as the owner of everything: a URL that libpq and tokio-postgres understand.
    pub fn url(&self, database: &str) -> String {
        let socket = escaped(self.folder.socket.as_os_str().as_bytes());
        format!("postgres://{OWNER}@/{}?host={socket}", escaped(database.as_bytes()))
    }

    /// The socket the server listens on.
    pub fn socket(&self) -> PathBuf {
        self.folder.socket.join(SOCKET)
    }

    /// Makes a database unless it is there.
    pub async fn ensure_database(&self, database: &str) -> Result<(), Error> {
        let failed = |source| Error::Sql { action: format!("create the database {database}"), source };
        let (client, connection) = tokio_postgres::connect(&self.url("postgres"), NoTls).await.map_err(failed)?;
        let connection = tokio::spawn(connection);
        let there =
            client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&database]).await.map_err(failed)?;
        if there.is_none() {
            let name = database.replace('"', "\"\"");
            client.batch_execute(&format!("CREATE DATABASE \"{name}\"")).await.map_err(failed)?;
        }
        drop(client);
        let _ = connection.await;
        Ok(())
    }

    /// Whether the server runs; it may have been killed from outside.
    pub fn is_running(&mut self) -> bool {
        matches!(self.supervisor.try_wait(), Ok(None))
    }

    /// Stops the server: open transactions are rolled back, connections closed, everything written. Blocks.
    pub fn stop(mut self) -> Result<(), Error> {
        self.shut_down()
    }

    /// Lets the server go on for as long as any process holds the handle, after this one too.
    pub fn into_lifeline(mut self) -> Option<ChildStdin> {
        self.lifeline.take()
    }

    fn wait_until_ready(&mut self, log_length: u64) -> Result<(), Error> {
        let failed = |folder: &Folder| Error::Program { program: "postgres", message: folder.last_words(log_length) };
        let mut waited = Duration::ZERO;
        loop {
            if !self.is_running() {
                self.lifeline = None;
                return Err(failed(&self.folder));
            }
            // A connection proves that this server wrote the file, which a crash can leave behind.
            if UnixStream::connect(self.socket()).is_ok() && pid_file(&self.folder).is_some_and(|file| file.ready) {
                return Ok(());
            }
            if waited >= START {
                return Err(failed(&self.folder));
            }
            sleep(STEP);
            waited += STEP;
        }
    }

    fn shut_down(&mut self) -> Result<(), Error> {
        let Some(mut lifeline) = self.lifeline.take() else { return Ok(()) };
        for signal in ["INT", "QUIT"] {
            // A supervisor that has gone cannot be written to; the wait below notices that.
            let _ = writeln!(lifeline, "{signal}");
            let mut waited = Duration::ZERO;
            while waited < STOP {
                if !self.is_running() {
                    return Ok(());
                }
                sleep(STEP);
                waited += STEP;
            }
        }
        Err(Error::Program { program: "postgres", message: "it does not stop".to_owned() })
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Err(error) = self.shut_down() {
            tracing::error!(%error, "the database server was left behind");
        }
    }
}

/// Makes the server's folder; what is there afterwards is complete or absent.
fn initialise(folder: &Folder, account: &Account, binaries: &Binaries, durable: bool) -> Result<(), Error> {
    let part = folder.root.join("data.new");
    let mut message = String::new();
    // Text sorts by code point everywhere; C.UTF-8 also knows the letters beyond ASCII, but not every system has it.
    for locale in ["C.UTF-8", "C"] {
        if part.exists() {
            fs::remove_dir_all(&part).context("remove", &part)?;
        }
        let mut command = account.command(binaries.program("initdb"));
        command.args(["--username", OWNER, "--auth", "trust", "--encoding", "UTF8", "--locale", locale]);
        command.args(["--data-checksums", "--no-instructions"]);
        if !durable {
            command.arg("--no-sync");
        }
        let output = command.arg("-D").arg(&part).output().context("run", binaries.program("initdb"))?;
        if output.status.success() {
            return fs::rename(&part, &folder.data).context("move", &part);
        }
        let text = String::from_utf8_lossy(&output.stderr);
        let line = text.lines().find_map(|line| line.split_once("error: "));
        line.map_or_else(|| text.lines().next_back().unwrap_or_default(), |(_, rest)| rest).clone_into(&mut message);
    }
    Err(Error::Program { program: "initdb", message })
}

/// What a server says about itself while it runs.
struct PidFile {
    pid: i32,
    ready: bool,
}

fn pid_file(folder: &Folder) -> Option<PidFile> {
    let text = fs::read_to_string(folder.data.join("postmaster.pid")).ok()?;
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    Some(PidFile { pid, ready: lines.nth(6).is_some_and(|status| status.trim() == "ready") })
}

/// The id that a server which died without cleaning up has left in its folder; another process may have it now.
///
/// The caller holds the lock of the folder, so a server that does run there was started by somebody
/// else, or has lost its supervisor and is stopping.
fn stale_pid(folder: &Folder) -> Result<Option<i32>, Error> {
    let Some(PidFile { pid, .. }) = pid_file(folder) else { return Ok(None) };
    let mut waited = Duration::ZERO;
    while is_alive(pid) && pid_file(folder).is_some() {
        // A server works in its data folder. Systems without this link are taken at their word.
        match fs::read_link(format!("/proc/{pid}/cwd")) {
            Ok(cwd) if fs::canonicalize(&folder.data).is_ok_and(|data| data != cwd) => break,
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            _ if waited >= STOP => return Err(Error::InUse { folder: folder.root.clone(), pid }),
            _ => {}
        }
        sleep(STEP);
        waited += STEP;
    }
    Ok(Some(pid))
}

/// Puts a long log aside; the length of the one that goes on.
fn begin_log(folder: &Folder) -> Result<u64, Error> {
    let length = fs::metadata(&folder.log).map_or(0, |found| found.len());
    if length < LONG_LOG {
        return Ok(length);
    }
    fs::rename(&folder.log, folder.log.with_extension("log.old")).context("move", &folder.log)?;
    Ok(0)
}

/// The bytes as they may stand in a URL.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-_.~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}
