//! Settings of a server: flags, each also by environment. Passwords and tokens are in no output.
//! Command lines flatten these `Args` into their own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;

use crate::auth::Authenticator;
use crate::error::{self, Error};

/// Where the database is and how it is used.
#[derive(Clone, clap::Args)]
pub struct Database {
    /// URL of the Postgres database: postgres://user:password@host:port/database, or ?host=/folder/of/the/socket
    #[arg(long, env = "ITSM_DATABASE_URL", hide_env_values = true, value_name = "URL")]
    pub database_url: Option<String>,
    /// File that holds the password of the database's user, when the URL does not
    #[arg(long, env = "ITSM_DATABASE_PASSWORD_FILE", value_name = "FILE")]
    pub database_password_file: Option<PathBuf>,
    /// Connections that one service opens at most
    #[arg(long, env = "ITSM_POOL_SIZE", default_value_t = 10, value_name = "N")]
    pub pool_size: usize,
    /// Seconds after which the database gives up on a statement
    #[arg(long, env = "ITSM_STATEMENT_TIMEOUT", default_value_t = 30, value_name = "SECONDS")]
    pub statement_timeout: u64,
}

impl Database {
    /// A database by its URL, everything else as by default.
    pub fn at(url: impl Into<String>) -> Self {
        Self { database_url: Some(url.into()), database_password_file: None, pool_size: 10, statement_timeout: 30 }
    }

    /// The URL with its password, or what to do without one.
    pub fn url(&self) -> Result<String, Error> {
        let refuse = |message: String| Error::refused(error::CONFIGURATION_INVALID, "", message);
        let url = self
            .database_url
            .clone()
            .ok_or_else(|| refuse("no database is named: set --database-url or ITSM_DATABASE_URL".to_owned()))?;
        let Some(path) = &self.database_password_file else { return Ok(url) };
        let password = std::fs::read_to_string(path)
            .map_err(|cause| refuse(format!("the password file {} cannot be read: {cause}", path.display())))?;
        let separator = if url.contains('?') { '&' } else { '?' };
        Ok(format!("{url}{separator}password={}", escaped(password.trim_end_matches(['\r', '\n']))))
    }

    /// How long a statement may take.
    pub fn statement_timeout(&self) -> Duration {
        Duration::from_secs(self.statement_timeout)
    }
}

/// Text as a URL carries it.
fn escaped(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Database")
            .field("database_url", &self.database_url.as_ref().map(|_| "…"))
            .field("database_password_file", &self.database_password_file)
            .field("pool_size", &self.pool_size)
            .field("statement_timeout", &self.statement_timeout)
            .finish()
    }
}

/// Whose signed tokens are accepted.
#[derive(Debug, Clone, clap::Args)]
pub struct Oidc {
    /// Issuer of OpenID Connect tokens that are accepted, exactly as their claim `iss` has it
    #[arg(
        id = "oidc_issuer",
        long = "oidc-issuer",
        env = "ITSM_OIDC_ISSUER",
        value_name = "URL",
        requires = "oidc_audience",
        conflicts_with = "insecure"
    )]
    pub issuer: Option<String>,
    /// Audience that a token must be made for: what the issuer calls this installation
    #[arg(id = "oidc_audience", long = "oidc-audience", env = "ITSM_OIDC_AUDIENCE", value_name = "NAME")]
    pub audience: Option<String>,
    /// Keys of the issuer: a file or a URL; by default what its discovery document names
    #[arg(id = "oidc_jwks", long = "oidc-jwks", env = "ITSM_OIDC_JWKS", value_name = "FILE|URL")]
    pub jwks: Option<String>,
    /// Claim with the roles, a path with dots where it is nested: realm_access.roles
    #[arg(
        id = "oidc_roles_claim",
        long = "oidc-roles-claim",
        env = "ITSM_OIDC_ROLES_CLAIM",
        default_value = ROLES_CLAIM,
        value_name = "CLAIM"
    )]
    pub roles_claim: String,
    /// Claim with the customer that the caller is bound to
    #[arg(
        id = "oidc_customer_claim",
        long = "oidc-customer-claim",
        env = "ITSM_OIDC_CUSTOMER_CLAIM",
        default_value = CUSTOMER_CLAIM,
        value_name = "CLAIM"
    )]
    pub customer_claim: String,
}

const ROLES_CLAIM: &str = "roles";
const CUSTOMER_CLAIM: &str = "customer";

impl Default for Oidc {
    /// No issuer.
    fn default() -> Self {
        Self {
            issuer: None,
            audience: None,
            jwks: None,
            roles_claim: ROLES_CLAIM.to_owned(),
            customer_claim: CUSTOMER_CLAIM.to_owned(),
        }
    }
}

/// Certificates of a port.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Tls {
    /// Certificate to answer with, its chain after it, PEM; turns TLS on
    #[arg(id = "tls_cert", long = "tls-cert", env = "ITSM_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub certificate: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(id = "tls_key", long = "tls-key", env = "ITSM_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub key: Option<PathBuf>,
    /// Certificates of clients signed by these, PEM, stand for the callers that the token file lists by their names
    #[arg(
        id = "tls_client_ca",
        long = "tls-client-ca",
        env = "ITSM_TLS_CLIENT_CA",
        value_name = "FILE",
        requires_all = ["tls_cert", "tokens_file"]
    )]
    pub client_ca: Option<PathBuf>,
}

impl Tls {
    /// Whether the port speaks TLS.
    pub fn is_on(&self) -> bool {
        self.certificate.is_some() && self.key.is_some()
    }
}

/// How a server listens, whom it lets in and how it stops.
#[derive(Debug, Clone, clap::Args)]
pub struct Server {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "ITSM_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<SocketAddr>,
    /// Address that answers /metrics in the OpenMetrics format, to everybody who can reach it; none unless given
    #[arg(long, env = "ITSM_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,
    /// File with one caller a line: `token actor [customer=customers/x] [roles=a,b] [expires=2027-01-01]`
    #[arg(long, env = "ITSM_TOKENS_FILE", value_name = "FILE", conflicts_with = "insecure")]
    pub tokens_file: Option<PathBuf>,
    /// Whose signed tokens are accepted.
    #[command(flatten)]
    pub oidc: Oidc,
    /// Certificates of the port.
    #[command(flatten)]
    pub tls: Tls,
    /// Lets everybody in with every role; listens on loopback addresses only
    #[arg(long, env = "ITSM_INSECURE")]
    pub insecure: bool,
    /// Seconds that requests get to finish when the server stops
    #[arg(long, env = "ITSM_DRAIN_SECONDS", default_value_t = 10, value_name = "SECONDS")]
    pub drain_seconds: u64,
    /// How much one caller may ask for.
    #[command(flatten)]
    pub limits: Limits,
    /// Deliveries of webhooks.
    #[command(flatten)]
    pub webhooks: Webhooks,
}

impl Server {
    /// On loopback without credentials, on the given port (0: a free one): for tests and demonstrations.
    pub fn insecure(port: u16) -> Self {
        let loopback = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port);
        Self {
            listen: Some(loopback),
            metrics_listen: None,
            tokens_file: None,
            oidc: Oidc::default(),
            tls: Tls::default(),
            insecure: true,
            drain_seconds: 10,
            limits: Limits::default(),
            webhooks: Webhooks::default(),
        }
    }

    /// The address to listen on: the given one, or loopback with the service's own port.
    pub fn address(&self, default_port: u16) -> SocketAddr {
        self.listen.unwrap_or_else(|| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), default_port))
    }

    /// How callers are recognised; refuses to be insecure on an address that others can reach.
    pub fn authenticator(&self, address: SocketAddr) -> Result<Authenticator, Error> {
        if !self.insecure || self.tokens_file.is_some() {
            return Authenticator::new(self.tokens_file.as_deref(), &self.oidc, self.tls.client_ca.is_some());
        }
        if !address.ip().is_loopback() {
            let message = format!("--insecure listens on loopback only, not on {address}: use --tokens-file");
            return Err(Error::refused(error::CONFIGURATION_INVALID, "", message));
        }
        tracing::warn!(%address, "insecure: everybody on this machine may do everything");
        Ok(Authenticator::insecure())
    }

    /// How long requests get to finish when the server stops.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds)
    }
}

/// How much one caller may ask of a server.
#[derive(Debug, Clone, clap::Args)]
pub struct Limits {
    /// Calls a second that each caller may make, those of ten seconds at once; 0: as many as it likes
    #[arg(long, env = "ITSM_CALLER_RATE", default_value_t = 0, value_name = "N")]
    pub caller_rate: u32,
    /// Streams that each caller may have open at once, such as WatchJournal; 0: as many as it likes
    #[arg(long, env = "ITSM_CALLER_STREAMS", default_value_t = CALLER_STREAMS, value_name = "N")]
    pub caller_streams: usize,
}

/// Streams of one caller unless told otherwise: half of the watchers that a server has.
pub const CALLER_STREAMS: usize = 50;

impl Default for Limits {
    fn default() -> Self {
        Self { caller_rate: 0, caller_streams: CALLER_STREAMS }
    }
}

/// Which endpoints webhooks may reach, and how long and how often they are tried.
#[derive(Debug, Clone, clap::Args)]
pub struct Webhooks {
    /// Networks that are not public and that webhooks may reach all the same, also by plain http: 10.1.0.0/16,::1/128
    #[arg(long, env = "ITSM_WEBHOOK_ALLOW", value_delimiter = ',', value_name = "CIDR")]
    pub webhook_allow: Vec<IpNet>,
    /// Attempts to deliver a fact before it is set aside as a dead letter
    #[arg(long, env = "ITSM_WEBHOOK_ATTEMPTS", default_value_t = 12, value_name = "N")]
    pub webhook_attempts: u32,
    /// Seconds within which an endpoint has to answer
    #[arg(long, env = "ITSM_WEBHOOK_TIMEOUT", default_value_t = 10, value_name = "SECONDS")]
    pub webhook_timeout: u64,
}

impl Webhooks {
    /// How long an endpoint has to answer.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.webhook_timeout)
    }
}

impl Default for Webhooks {
    fn default() -> Self {
        Self { webhook_allow: Vec::new(), webhook_attempts: 12, webhook_timeout: 10 }
    }
}

/// What the process tells about itself.
#[derive(Debug, Clone, clap::Args)]
pub struct Log {
    /// What is logged: error, warn, info, debug, trace, or a list such as info,operations=debug; servers log info
    #[arg(long, env = "ITSM_LOG", value_name = "FILTER", global = true)]
    pub log: Option<String>,
    /// Form of the log; auto is text on a terminal and JSON otherwise
    #[arg(long, env = "ITSM_LOG_FORMAT", value_enum, default_value = "auto", global = true)]
    pub log_format: LogFormat,
    /// OpenTelemetry collector that traces are sent to over gRPC: http://127.0.0.1:4317; none unless given
    #[arg(long, env = "ITSM_OTLP_ENDPOINT", value_name = "URL", global = true)]
    pub otlp_endpoint: Option<String>,
}

/// Form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Text on a terminal, JSON otherwise.
    Auto,
    /// For people.
    Text,
    /// One object a line.
    Json,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_url_is_never_printed() {
        let shown = format!("{:?}", Database::at("postgres://ann:secret@host/db"));
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[test]
    fn a_password_comes_from_its_file_whatever_it_holds() {
        let path = std::env::temp_dir().join(format!("itsm-password-{}", std::process::id()));
        std::fs::write(&path, "p&ss w=rd%/é\n").unwrap();
        for (url, database) in [("postgres://ann@host/db", "db"), ("postgres:///db?host=/run/itsm&user=ann", "db")] {
            let config = Database { database_password_file: Some(path.clone()), ..Database::at(url) };
            let read: tokio_postgres::Config = config.url().unwrap().parse().unwrap();
            assert_eq!(read.get_password(), Some("p&ss w=rd%/é".as_bytes()));
            assert_eq!((read.get_user(), read.get_dbname()), (Some("ann"), Some(database)));
        }
        std::fs::remove_file(&path).unwrap();
        let missing = Database { database_password_file: Some(path), ..Database::at("postgres://ann@host/db") };
        assert!(missing.url().unwrap_err().to_string().contains("cannot be read"));
    }

    #[test]
    fn insecure_is_refused_where_others_can_reach_it() {
        let open = Server { listen: Some(([0, 0, 0, 0], 7101).into()), ..Server::insecure(0) };
        let refusal = open.authenticator(open.address(7101)).unwrap_err();
        assert!(refusal.to_string().contains("loopback"), "{refusal}");
        let local = Server::insecure(0);
        assert!(local.authenticator(local.address(7101)).is_ok());
    }

    #[test]
    fn without_tokens_nobody_is_let_in() {
        let config = Server { insecure: false, ..Server::insecure(0) };
        assert!(config.authenticator(config.address(7101)).is_err());
    }

    #[test]
    fn a_file_that_names_nobody_is_refused() {
        let path = std::env::temp_dir().join(format!("itsm-nobody-{}", std::process::id()));
        std::fs::write(&path, "# nobody\n").unwrap();
        let config = Server { insecure: false, tokens_file: Some(path.clone()), ..Server::insecure(0) };
        let refusal = config.authenticator(config.address(7101)).unwrap_err();
        std::fs::remove_file(path).unwrap();
        assert!(refusal.to_string().contains("names no caller"), "{refusal}");
    }

    #[test]
    fn an_issuer_needs_an_audience() {
        let oidc = Oidc { issuer: Some("https://id.example".to_owned()), ..Oidc::default() };
        let config = Server { insecure: false, oidc, ..Server::insecure(0) };
        assert!(config.authenticator(config.address(7101)).unwrap_err().to_string().contains("--oidc-audience"));
    }

    #[test]
    fn client_certificates_need_callers_that_they_stand_for() {
        let path = std::env::temp_dir().join(format!("itsm-no-certificate-{}", std::process::id()));
        std::fs::write(&path, "0123456789abcdef people/ann\n").unwrap();
        let tls = Tls { client_ca: Some("ca.pem".into()), ..Tls::default() };
        let config = Server { insecure: false, tokens_file: Some(path.clone()), tls, ..Server::insecure(0) };
        let refusal = config.authenticator(config.address(7101)).unwrap_err();
        std::fs::remove_file(path).unwrap();
        assert!(refusal.to_string().contains("certificate="), "{refusal}");
    }
}
