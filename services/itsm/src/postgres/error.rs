//! Why there is no server: each a sentence that names the thing and the way out.

use std::{io, path::PathBuf};

/// Why a server could not be found, started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No usable programs anywhere; `passed_over` says what was found and refused, or is empty.
    #[error("no PostgreSQL 15 or newer on this machine{passed_over}: install it with `{install}`")]
    Missing {
        /// What was found and why it will not do, in brackets; empty when nothing was found.
        passed_over: String,
        /// The line that installs it here.
        install: &'static str,
    },
    /// `ITSM_PG_BIN` names a folder that will not do.
    #[error("ITSM_PG_BIN names {dir}, {why}: name the folder that holds initdb and postgres, or unset it")]
    NamedBinaries {
        /// The folder named.
        dir: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The data was written by a version of Postgres whose programs are not here.
    #[error(
        "the data was written by PostgreSQL {major}, and no programs of that version were found: install them or choose another data folder"
    )]
    OtherVersion {
        /// The major version that wrote it.
        major: u32,
    },
    /// Another process uses the data folder.
    #[error("the data folder {folder} is in use by process {pid}: stop that process or choose another data folder")]
    InUse {
        /// The folder that is taken.
        folder: PathBuf,
        /// Who has it.
        pid: i32,
    },
    /// The account that root hands the server to cannot get at a path.
    #[error(
        "PostgreSQL runs as `{account}` when started by root, and `{account}` cannot reach {path}: choose a folder open to it"
    )]
    Unreachable {
        /// The account that runs the server.
        account: String,
        /// What it cannot reach.
        path: PathBuf,
    },
    /// A folder that holds a server of another account.
    #[error(
        "{path} belongs to the account with id {owner}, not to `{account}`: run as its owner or choose another data folder"
    )]
    Foreign {
        /// The folder.
        path: PathBuf,
        /// Its owner's numeric id.
        owner: u32,
        /// The account that would run the server.
        account: String,
    },
    /// Root has nobody to hand the server to.
    #[error("PostgreSQL refuses to run as root, and there is neither an account `postgres` nor `nobody`: create one")]
    NoAccount,
    /// There is no home folder to keep data in.
    #[error("HOME is not set: say where to keep data with --data-dir")]
    NoHome,
    /// A program of Postgres failed.
    #[error("{program} failed: {message}")]
    Program {
        /// `initdb`, `postgres`, `npm`.
        program: &'static str,
        /// Its last words.
        message: String,
    },
    /// The operating system refused something.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The server refused a statement.
    #[error("cannot {action}: {source}")]
    Sql {
        /// What was tried.
        action: String,
        /// Why not.
        source: tokio_postgres::Error,
    },
}

/// Adds what was tried, and on what, to an error of the operating system.
pub(super) trait Context<T> {
    /// The same result with a sentence for an error.
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T, Error>;
}

impl<T, E: Into<io::Error>> Context<T> for Result<T, E> {
    fn context(self, action: &'static str, path: impl Into<PathBuf>) -> Result<T, Error> {
        self.map_err(|error| Error::Io { action, path: path.into(), source: error.into() })
    }
}
