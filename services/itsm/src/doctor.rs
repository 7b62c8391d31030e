//! `itsm doctor`: looks at everything that the suite needs here, and says what is wrong with the way out.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use clap::CommandFactory as _;
use jiff::Timestamp;
use servicekit::auth::Authenticator;
use servicekit::clock::{Clock as _, System};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::cli::{Cli, DoctorArgs};
use crate::client::Trust;
use crate::import::Problem;
use crate::postgres;
use crate::run;
use crate::suite::{data_dir_or_default, problem};

/// How long anything may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The oldest Postgres that runs the product, as `server_version_num` has it.
const OLDEST_POSTGRES: i32 = 150_000;
/// How far the clocks of database and machine may be apart, in seconds.
const SKEW: f64 = 2.0;
/// Room below which a disk is too full, in bytes.
const ROOM: u64 = 1 << 30;
/// Settings that are read elsewhere than from the command line.
const OTHER_SETTINGS: [&str; 1] = ["ITSM_PG_BIN"];

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Whether it is as it must be.
    pub well: bool,
    /// What was found; when it is wrong, with the way out.
    pub sentence: String,
}

impl Finding {
    fn well(sentence: impl Into<String>) -> Self {
        Self { well: true, sentence: sentence.into() }
    }

    fn wrong(sentence: impl Into<String>) -> Self {
        Self { well: false, sentence: sentence.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}  {}", if self.well { "ok   " } else { "wrong" }, self.sentence)
    }
}

/// Looks at everything and prints it; fails when something is wrong.
pub async fn run(args: &DoctorArgs) -> Result<(), Problem> {
    let findings = examine(args).await;
    for finding in &findings {
        println!("{finding}");
    }
    match findings.iter().filter(|finding| !finding.well).count() {
        0 => Ok(()),
        1 => Err(Problem::new("one thing is wrong")),
        wrong => Err(Problem::new(format!("{wrong} things are wrong"))),
    }
}

/// Everything that was looked at, in the order in which it would be mended.
pub async fn examine(args: &DoctorArgs) -> Vec<Finding> {
    let mut findings = vec![settings(std::env::vars_os().map(|(name, _)| name))];
    if args.database.database_url.is_some() {
        findings.extend(database(args).await);
    } else {
        findings.extend(embedded(args));
    }
    if let Some(path) = &args.tokens_file {
        findings.push(tokens(path));
    }
    for (name, address) in args.addresses() {
        findings.push(server(name, address, &args.trust).await);
    }
    findings
}

/// Names of settings in the environment that nothing reads.
pub fn unknown_settings(names: impl Iterator<Item = OsString>) -> Vec<String> {
    let mut known: BTreeSet<String> = OTHER_SETTINGS.map(str::to_owned).into();
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        known.extend(command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned())));
        commands.extend(command.get_subcommands().cloned());
    }
    let mut unknown: Vec<String> = names
        .filter_map(|name| name.into_string().ok())
        .filter(|name| name.starts_with("ITSM_") && !known.contains(name))
        .collect();
    unknown.sort();
    unknown
}

fn settings(names: impl Iterator<Item = OsString>) -> Finding {
    match unknown_settings(names).as_slice() {
        [] => Finding::well("every ITSM_… variable of the environment is a setting"),
        unknown => Finding::wrong(format!(
            "nothing reads {}: unset it, or see `itsm help COMMAND` for how the setting is called",
            unknown.join(", ")
        )),
    }
}

/// The programs, the folder and the disk of the embedded Postgres.
fn embedded(args: &DoctorArgs) -> Vec<Finding> {
    let data_dir = match data_dir_or_default(args.data_dir.as_deref()) {
        Ok(folder) => folder,
        Err(problem) => return vec![Finding::wrong(problem.to_string())],
    };
    let mut findings = Vec::new();
    match postgres::examine(&data_dir) {
        Ok(found) => {
            let (major, dir) = (found.binaries.major(), found.binaries.dir().display());
            findings.push(Finding::well(format!("the embedded Postgres is PostgreSQL {major} of {dir}")));
            findings.push(Finding::well(match (found.version, found.user) {
                (None, _) => format!("the data folder {} is empty: the first start fills it", data_dir.display()),
                (Some(_), None) => format!("the data folder {} is free", data_dir.display()),
                (Some(_), Some(pid)) => format!("the data folder {} is in use by process {pid}", data_dir.display()),
            }));
        }
        Err(error) => findings.push(Finding::wrong(error.to_string())),
    }
    findings.push(room(&data_dir));
    findings
}

/// The disk that holds the folder, or will.
fn room(folder: &Path) -> Finding {
    let Some(existing) = folder.ancestors().find(|folder| folder.exists()) else {
        return Finding::wrong(format!("{} cannot be looked at: choose another data folder", folder.display()));
    };
    match rustix::fs::statvfs(existing) {
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let sentence = format!("the disk of {} has {:.1} GiB free", existing.display(), gibibytes(free));
            if free < ROOM {
                Finding::wrong(format!("{sentence}: make room, or choose another data folder"))
            } else {
                Finding::well(sentence)
            }
        }
        Err(cause) => Finding::wrong(format!("the disk of {} cannot be looked at: {cause}", existing.display())),
    }
}

#[allow(clippy::cast_precision_loss, reason = "one digit is shown")]
fn gibibytes(bytes: u64) -> f64 {
    bytes as f64 / (1_u64 << 30) as f64
}

/// The database that the URL names: reachable, new enough, in step with the clock, migrated, with roles.
async fn database(args: &DoctorArgs) -> Vec<Finding> {
    let opened = servicekit::db::Database::open(&args.database, "public", None);
    let client = match async { opened?.raw().await }.await {
        Ok(client) => client,
        Err(error) => {
            return vec![Finding::wrong(format!("{}: is the URL right, and Postgres started?", problem(error)))];
        }
    };
    let mut findings = Vec::new();
    match timeout(PATIENCE, client.query_one(ABOUT, &[])).await {
        Ok(Ok(row)) => {
            findings.push(postgres_version(row.get("number"), row.get("version")));
            findings.push(skew(row.get("now"), System.now()));
            findings.push(durability(row.get("durable")));
        }
        Ok(Err(cause)) => findings.push(Finding::wrong(format!("the database does not say what it is: {cause}"))),
        Err(_) => findings.push(Finding::wrong("the database did not answer within 5 seconds: see what it is doing")),
    }
    for service in [&catalog::SERVICE, &operations::SERVICE, &supplier::SERVICE] {
        match schema(args, service).await {
            Ok(()) => {
                findings.push(Finding::well(format!("the {} schema is as this program needs it", service.name)));
                let seen = client.query_one(&ROLE.replace("{service}", service.name), &[]).await;
                findings.push(match seen {
                    Ok(row) => role(service.name, row.get("role"), row.get("held"), row.get("may_create_roles")),
                    Err(cause) => Finding::wrong(format!("the role of {} cannot be looked up: {cause}", service.name)),
                });
            }
            Err(error) => findings.push(Finding::wrong(problem(error).to_string())),
        }
    }
    findings
}

/// Fails unless the schema is as this program migrates it.
async fn schema(args: &DoctorArgs, service: &servicekit::Service) -> Result<(), servicekit::Error> {
    let database = servicekit::db::Database::open(&args.database, service.name, None)?;
    servicekit::migrate::check(&mut database.dedicated().await?, service).await
}

/// The role that a migration gave the service, and whether this login may act as it.
const ROLE: &str = "SELECT role_name AS role, \
     EXISTS (SELECT FROM pg_roles WHERE rolname = role_name AND pg_has_role(oid, 'MEMBER')) AS held, \
     (SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS may_create_roles \
     FROM {service}.server_secret";

/// What the database says about itself.
const ABOUT: &str = "SELECT current_setting('server_version_num')::int AS number, \
     current_setting('server_version') AS version, \
     extract(epoch FROM clock_timestamp())::float8 AS now, \
     current_setting('synchronous_commit') <> 'off' AND current_setting('fsync') = 'on' AS durable";

fn postgres_version(number: i32, version: String) -> Finding {
    if number < OLDEST_POSTGRES {
        return Finding::wrong(format!("the database is PostgreSQL {version}: upgrade it to 15 or newer"));
    }
    Finding::well(format!("the database is PostgreSQL {version}"))
}

fn skew(database: f64, here: Timestamp) -> Finding {
    let apart = database - here.as_duration().as_secs_f64();
    if apart.abs() > SKEW {
        return Finding::wrong(format!(
            "the clock of the database is {apart:+.1} s off that of this machine: let both follow the same time server"
        ));
    }
    Finding::well(format!("the clocks of the database and of this machine are {:.1} s apart", apart.abs()))
}

fn durability(durable: bool) -> Finding {
    if durable {
        return Finding::well("the database keeps what it has committed");
    }
    Finding::wrong("the database may lose what it has committed: turn on fsync and synchronous_commit")
}

fn role(service: &str, role: String, held: bool, may_create_roles: bool) -> Finding {
    if held {
        return Finding::well(format!("{service} acts as {role}, a role that owns nothing"));
    }
    if may_create_roles {
        return Finding::wrong(format!("{service} has no role of its own: run itsm migrate"));
    }
    Finding::well(format!("{service} acts as the login of the URL, which may not create roles and take on another"))
}

fn tokens(path: &Path) -> Finding {
    match Authenticator::from_file(path) {
        Ok(_) => Finding::well(format!("the token file {} can be read", path.display())),
        Err(error) => Finding::wrong(problem(error).to_string()),
    }
}

/// The port of a server: free, or taken by a server of the suite that serves.
async fn server(name: &str, address: SocketAddr, trust: &Trust) -> Finding {
    if !matches!(timeout(PATIENCE, TcpStream::connect(address)).await, Ok(Ok(_))) {
        return match TcpListener::bind(address).await {
            Ok(_) => Finding::well(format!("{name}: nothing listens at {address} yet")),
            Err(cause) => Finding::wrong(format!("{name}: {address} cannot be listened on ({cause}): choose another")),
        };
    }
    match run::serves(&address.to_string(), trust).await {
        Ok(true) => Finding::well(format!("{name}: {address} serves")),
        Ok(false) => Finding::wrong(format!("{name}: {address} answers, but does not serve: its log says why")),
        Err(_) => Finding::wrong(format!(
            "{name}: what listens at {address} is not the suite, or speaks TLS: stop it, choose other ports with \
             --port-base, or name its certificates with --ca"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_nothing_reads_is_named() {
        let names = ["ITSM_LISTEN", "ITSM_DATABSE_URL", "ITSM_PG_BIN", "HOME"].map(OsString::from);
        let finding = settings(names.into_iter());
        assert!(!finding.well);
        assert!(finding.sentence.starts_with("nothing reads ITSM_DATABSE_URL:"), "{finding}");
    }

    #[test]
    fn clocks_may_be_two_seconds_apart() {
        let here = Timestamp::from_second(1_000).unwrap();
        assert!(skew(1_001.9, here).well);
        assert!(!skew(997.0, here).well);
        assert!(skew(997.0, here).sentence.contains("-3.0 s"));
    }

    #[test]
    fn an_old_postgres_is_refused() {
        assert!(postgres_version(150_018, "15.18".to_owned()).well);
        assert!(!postgres_version(140_010, "14.10".to_owned()).well);
    }

    #[test]
    fn a_missing_role_is_wrong_only_where_a_migration_would_make_it() {
        let name = || "itsm_catalog".to_owned();
        assert!(!role("catalog", name(), false, true).well);
        assert!(role("catalog", name(), false, false).well);
        assert!(role("catalog", name(), true, true).well);
    }
}
