//! What a server keeps on disk: its data, its log, its socket, and a lock that says who uses them.

use std::{
    env,
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    hash::{DefaultHasher, Hash, Hasher},
    io::{Read, Seek, SeekFrom, Write},
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, chown},
    },
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use rustix::{
    fs::{FlockOperation, flock},
    io::Errno,
    process::{Pid, test_kill_process},
};

use super::{
    account::Account,
    error::{Context, Error},
};

/// The name of the socket file, which Postgres derives from its port.
pub(super) const SOCKET: &str = ".s.PGSQL.5432";
/// The longest path of a socket: 104 bytes with the closing zero on macOS, 108 on Linux.
const LONGEST_SOCKET: usize = 103;
/// How long a folder may stay locked after the process that had it has died.
const RELEASE: Duration = Duration::from_mins(1);
const STEP: Duration = Duration::from_millis(20);

/// Where data is kept unless the caller says otherwise: the system's state folder for root, else the user's data folder.
pub fn default_data_dir() -> Result<PathBuf, Error> {
    if rustix::process::geteuid().is_root() {
        return Ok("/var/lib/itsm".into());
    }
    user_dir("XDG_DATA_HOME", ".local/share").ok_or(Error::NoHome)
}

/// Where downloads are kept; nowhere when there is no home folder.
pub(super) fn cache_dir() -> Option<PathBuf> {
    if rustix::process::geteuid().is_root() {
        return Some("/var/cache/itsm".into());
    }
    user_dir("XDG_CACHE_HOME", ".cache")
}

fn user_dir(variable: &str, below_home: &str) -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    Some(absolute(variable).or_else(|| Some(absolute("HOME")?.join(below_home)))?.join("itsm"))
}

/// The folder `postgres` in a data folder.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// Everything below is in here: 0700, owned by the account that runs the server.
    pub(super) root: PathBuf,
    /// The server's own folder (PGDATA).
    pub(super) data: PathBuf,
    /// The server's log.
    pub(super) log: PathBuf,
    /// The folder of the socket; a short one elsewhere when the path would be too long for a socket.
    pub(super) socket: PathBuf,
}

impl Folder {
    /// The layout in `data_dir`; touches nothing.
    pub(super) fn at(data_dir: &Path, account: &Account) -> Result<Self, Error> {
        let root = std::path::absolute(data_dir).context("resolve", data_dir)?.join("postgres");
        let (data, log) = (root.join("data"), root.join("server.log"));
        let beside = root.join("socket");
        let length = beside.join(SOCKET).as_os_str().len();
        // A comma separates hosts in a connection string, so it cannot stand in the path of one.
        let usable = length <= LONGEST_SOCKET && !beside.as_os_str().as_bytes().contains(&b',');
        let socket = if usable { beside } else { short_socket_dir(&root, account) };
        Ok(Self { root, data, log, socket })
    }

    /// The major version that wrote the data; none before the first start.
    pub(super) fn version(&self) -> Option<u32> {
        fs::read_to_string(self.data.join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Makes the folders that are missing and takes the lock, or says who has it.
    ///
    /// The lock lasts as long as a copy of the file is open anywhere. When its owner has died its
    /// server is still shutting down, so this waits for it.
    pub(super) fn lock(&self, account: &Account) -> Result<File, Error> {
        self.create(account)?;
        let path = self.root.join("lock");
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .context("open", &path)?;
        chown(&path, Some(account.ids.0), Some(account.ids.1)).context("hand over", &path)?;
        let mut waited = Duration::ZERO;
        while let Err(error) = flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            if error != Errno::WOULDBLOCK {
                return Err(error).context("lock", &path);
            }
            let pid = fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            if is_alive(pid) || waited >= RELEASE {
                return Err(Error::InUse { folder: self.root.clone(), pid });
            }
            sleep(STEP);
            waited += STEP;
        }
        lock.set_len(0).context("write", &path)?;
        write!(lock, "{}", std::process::id()).context("write", &path)?;
        Ok(lock)
    }

    /// The living process that has the lock; none when nobody has, or nothing is there yet.
    pub(super) fn user(&self, account: &Account) -> Result<Option<i32>, Error> {
        let owner = fs::symlink_metadata(&self.root).map_or(account.ids.0, |found| found.uid());
        if owner != account.ids.0 && !(account.stepped_down && owner == 0) {
            return Err(Error::Foreign { path: self.root.clone(), owner, account: account.name.clone() });
        }
        let noted = fs::read_to_string(self.root.join("lock")).ok().and_then(|text| text.trim().parse().ok());
        Ok(noted.filter(|pid| is_alive(*pid)))
    }

    fn create(&self, account: &Account) -> Result<(), Error> {
        let missing: Vec<_> = self.root.ancestors().skip(1).take_while(|path| !path.exists()).collect();
        let existing = self.root.ancestors().nth(missing.len() + 1).unwrap_or(Path::new("/"));
        if account.stepped_down && !account.can_enter(existing) {
            return Err(Error::Unreachable { account: account.name.clone(), path: existing.into() });
        }
        for path in missing.into_iter().rev() {
            fs::create_dir(path).context("create", path)?;
            let mode = if account.stepped_down { 0o755 } else { 0o700 };
            fs::set_permissions(path, Permissions::from_mode(mode)).context("open up", path)?;
        }
        private_dir(&self.root, account)?;
        private_dir(&self.socket, account)
    }

    /// What the server has written to its log since it was `from` bytes long: the last fatal line, else the last line.
    pub(super) fn last_words(&self, from: u64) -> String {
        let mut bytes = Vec::new();
        if let Ok(mut log) = File::open(&self.log) {
            let _ = log.seek(SeekFrom::Start(from)).and_then(|_| log.read_to_end(&mut bytes));
        }
        let text = String::from_utf8_lossy(&bytes);
        let fatal = text.lines().rev().find_map(|line| Some(line.split_once("FATAL:")?.1.trim()));
        fatal.or(text.lines().next_back()).unwrap_or("it said nothing").to_owned()
    }
}

/// Whether a process with this id runs, whoever owns it. One that has ended and waits for its parent does not.
pub(super) fn is_alive(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let ended = stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
    !ended && Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(Errno::SRCH))
}

/// A folder only `account` can open: made if missing, refused if it is somebody else's.
fn private_dir(path: &Path, account: &Account) -> Result<(), Error> {
    if let Err(error) = DirBuilder::new().mode(0o700).create(path) {
        if error.kind() != std::io::ErrorKind::AlreadyExists {
            return Err(error).context("create", path);
        }
        // Not through a link: in a folder open to everybody it could be anybody's.
        let found = fs::symlink_metadata(path).context("read", path)?;
        let left_by_us =
            account.stepped_down && found.uid() == 0 && fs::read_dir(path).is_ok_and(|mut all| all.next().is_none());
        if !found.is_dir() || (found.uid() != account.ids.0 && !left_by_us) {
            return Err(Error::Foreign { path: path.into(), owner: found.uid(), account: account.name.clone() });
        }
    }
    if account.stepped_down {
        chown(path, Some(account.ids.0), Some(account.ids.1)).context("hand over", path)?;
    }
    fs::set_permissions(path, Permissions::from_mode(0o700)).context("close", path)
}

/// A folder with a short path, the same one each time for the same data.
fn short_socket_dir(root: &Path, account: &Account) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    root.hash(&mut hasher);
    let name = format!("itsm-{}-{:016x}", account.ids.0, hasher.finish());
    let runtime =
        env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir() && !account.stepped_down);
    let short =
        runtime.map(|path| path.join(&name)).filter(|path| path.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET);
    short.unwrap_or_else(|| Path::new("/tmp").join(name))
}
