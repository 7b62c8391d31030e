//! Who runs the server: the caller, or the account that root hands it to.

use std::{env, os::unix::process::CommandExt, path::Path, process::Command};

use super::error::Error;

/// The account that runs Postgres, which refuses to run as root.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// For messages.
    pub(super) name: String,
    /// User and group.
    pub(super) ids: (u32, u32),
    /// Whether the caller is root and steps down to this account.
    pub(super) stepped_down: bool,
}

impl Account {
    /// The caller's own account; for root `postgres` if there is one, else `nobody`.
    pub(super) fn of_this_process() -> Result<Self, Error> {
        let (user, group) = (rustix::process::geteuid(), rustix::process::getegid());
        if !user.is_root() {
            let name = env::var("USER").unwrap_or_else(|_| user.to_string());
            return Ok(Self { name, ids: (user.as_raw(), group.as_raw()), stepped_down: false });
        }
        ["postgres", "nobody"].into_iter().find_map(Self::named).ok_or(Error::NoAccount)
    }

    /// Asks `id`, which knows directories beyond /etc/passwd too.
    fn named(name: &str) -> Option<Self> {
        let id = |which| {
            let output = Command::new("id").args([which, name]).output().ok()?;
            String::from_utf8(output.stdout).ok()?.trim().parse().ok()
        };
        Some(Self { name: name.to_owned(), ids: (id("-u")?, id("-g")?), stepped_down: true })
    }

    /// A command that runs as this account, in a folder open to everybody and without the caller's
    /// environment: PGPORT, PGDATA, TZ or a locale must not reach the server.
    pub(super) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.current_dir("/").env_clear().env("LC_ALL", "C").env("TZ", "UTC");
        command.env("PATH", env::var_os("PATH").unwrap_or_else(|| "/usr/bin:/bin".into()));
        if self.stepped_down {
            command.uid(self.ids.0).gid(self.ids.1);
        }
        command
    }

    /// Whether the account can pass through the folder `path`.
    pub(super) fn can_enter(&self, path: &Path) -> bool {
        self.command("/bin/sh")
            .args(["-c", "test -d \"$1\" && test -x \"$1\"", "sh"])
            .arg(path)
            .status()
            .is_ok_and(|status| status.success())
    }
}
