//! The command line: what can be typed, and which module does it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;
use jiff::civil::Date;

use crate::client::{self, Trust};
use crate::import::Problem;
use crate::journal;

/// The service-management backbone: catalog, operations and supplier management over gRPC, and their report.
#[derive(Debug, Parser)]
#[command(name = "itsm", version, about, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What is logged and how.
    #[command(flatten)]
    pub log: servicekit::config::Log,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  itsm demo                                  everything with real data; open http://127.0.0.1:7100
  itsm up --insecure                         an empty suite on this machine
  itsm import tickets log.csv --mapping servicenow-log --dry-run
  itsm export --out catalog && itsm apply catalog --plan
  itsm report --period 2016-03..2016-05 --as-of 2016-06-01 --out report
  itsm explain tickets/INC-000042
  itsm docs --out handbook
  itsm token new --actor systems/import --roles tickets.importer --expires 90d
  itsm verify                                whether the journals are what was sealed
  itsm doctor                                what is wrong here, and the way out

Every flag that names an environment variable can be given by it. `itsm help COMMAND` has more.";

const UP_EXAMPLES: &str = "Examples:
  itsm up --insecure                                      for yourself, on an embedded Postgres
  itsm up --tokens-file tokens --bind 0.0.0.0             for others, on every address of this machine
  itsm up --tokens-file tokens --database-url postgres://itsm@db/itsm --database-password-file password";

const SERVE_EXAMPLES: &str = "Examples:
  itsm serve catalog --database-url postgres://itsm:secret@db/itsm --tokens-file tokens
  itsm serve operations --listen 0.0.0.0:7102 --tokens-file tokens --metrics-listen 0.0.0.0:9102
  ITSM_DATABASE_URL=postgres://itsm@db/itsm ITSM_DATABASE_PASSWORD_FILE=/run/secrets/password itsm serve supplier --insecure";

const DASHBOARD_EXAMPLES: &str = "Examples:
  itsm serve dashboard --catalog catalog:7101 --operations operations:7102 --supplier supplier:7103 \\
      --reports /var/lib/itsm/reports --listen 0.0.0.0:7100
  itsm serve dashboard --insecure                         on loopback, beside services that are insecure too";

const CHECK_EXAMPLES: &str = "Examples:
  itsm check                                              the operations service on this machine
  itsm check 127.0.0.1:7100                               the dashboard";

const FILL_EXAMPLES: &str = "Examples:
  itsm fill --catalog catalog:7101 --operations operations:7102 --supplier supplier:7103 --token-file token \\
      --database-url postgres://itsm@db/itsm --out /var/lib/itsm/reports";

const APPLY_EXAMPLES: &str = "Examples:
  itsm apply catalog/ --plan                              what differs, resource by resource and field by field
  itsm apply catalog/ --yes                               and makes it so
  itsm apply catalog/ --prune                             and deletes what is no longer in the files";

const EXPORT_EXAMPLES: &str = "Examples:
  itsm export --out catalog/                              a file for each kind
  itsm export --kind Agreement,Calendar --out promises.yaml";

const DOCTOR_EXAMPLES: &str = "Examples:
  itsm doctor                                             before the first `itsm up`
  itsm doctor --database-url postgres://itsm:secret@db/itsm --tokens-file tokens";

const DOCS_EXAMPLES: &str = "Examples:
  itsm docs --out handbook                                from the suite on this machine
  itsm docs --out handbook --catalog catalog:7101 --token-file token --as-of 2026-03-31";

const BENCH_EXAMPLES: &str = "Examples:
  itsm bench create --streams 64 --seconds 10
  itsm bench mixed --watch server=4711 --watch postgres=4712 --json";

const VERIFY_EXAMPLES: &str = "Examples:
  itsm verify --database-url postgres://itsm@db/itsm      exits 0 when intact, 1 on damage, 2 when it cannot be verified
  itsm verify --head HASH                                 and whether the journal still has the seal with this hash
  itsm verify --file journal.ndjson                       what `itsm journal export` wrote";

const JOURNAL_EXPORT_EXAMPLES: &str = "Examples:
  itsm journal export --out journal.ndjson";

/// What the program does.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts everything on an embedded Postgres, brings real data in through gRPC and makes two reports
    Demo(DemoArgs),
    /// Brings the demo's data into services that run, and makes its two reports
    #[command(after_help = FILL_EXAMPLES)]
    Fill(FillArgs),
    /// Runs the whole suite in one process, on an embedded Postgres or on the one that --database-url names
    #[command(after_help = UP_EXAMPLES)]
    Up(SuiteArgs),
    /// Runs one service
    #[command(subcommand)]
    Serve(Serve),
    /// Brings the database to the newest schema
    Migrate(servicekit::config::Database),
    /// Asks a server for its health; exits 0 when it serves
    #[command(after_help = CHECK_EXAMPLES)]
    Check {
        /// Address of the server
        #[arg(default_value = "127.0.0.1:7102", value_name = "ADDRESS")]
        address: String,
        /// Which certificates are trusted.
        #[command(flatten)]
        trust: Trust,
    },
    /// Brings files in through the public API
    #[command(subcommand)]
    Import(Import),
    /// Makes what is there what files say: shows the plan, then carries it out
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(ApplyArgs),
    /// Writes what is there as files that apply reads
    #[command(after_help = EXPORT_EXAMPLES)]
    Export(ExportArgs),
    /// Makes the Service Value Report
    Report(ReportArgs),
    /// Prints the time line of a ticket's clocks
    Explain(ExplainArgs),
    /// Writes the process handbook as HTML, from the revisions that are published
    #[command(after_help = DOCS_EXAMPLES)]
    Docs(DocsArgs),
    /// API tokens for machines
    #[command(subcommand)]
    Token(Token),
    /// Signs OpenID Connect tokens for development, on loopback only, until real sign-on is at hand
    Issuer(IssuerArgs),
    /// Puts load on the operations service and measures it; it writes tickets, so not where they count
    #[command(after_help = BENCH_EXAMPLES)]
    Bench(BenchArgs),
    /// The journals of facts
    #[command(subcommand)]
    Journal(Journal),
    /// Says whether the journals are what was sealed, and where not
    #[command(after_help = VERIFY_EXAMPLES)]
    Verify(VerifyArgs),
    /// Says what is wrong here, with the way out; exits 1 if anything is
    #[command(after_help = DOCTOR_EXAMPLES)]
    Doctor(DoctorArgs),
}

impl Command {
    /// How much is logged unless the caller says otherwise: servers tell what they do, other commands what is wrong.
    pub fn log_level(&self) -> &'static str {
        match self {
            Self::Up(_) | Self::Serve(_) | Self::Issuer(IssuerArgs { action: None, .. }) => "info",
            _ => "error",
        }
    }

    /// The name of the process in traces.
    pub fn service_name(&self) -> &'static str {
        match self {
            Self::Serve(Serve::Catalog(_)) => catalog::SERVICE.name,
            Self::Serve(Serve::Operations(_)) => operations::SERVICE.name,
            Self::Serve(Serve::Supplier(_)) => supplier::SERVICE.name,
            Self::Serve(Serve::Dashboard(_)) => "dashboard",
            _ => "itsm",
        }
    }
}

/// One service.
#[derive(Debug, Subcommand)]
pub enum Serve {
    /// What is delivered, to whom, what was promised, how work is done and what it costs (port 7101)
    #[command(after_help = SERVE_EXAMPLES)]
    Catalog(ServeArgs),
    /// What happens: tickets, their facts and clocks (port 7102)
    #[command(after_help = SERVE_EXAMPLES)]
    Operations(ServeArgs),
    /// Whom the services depend on (port 7103)
    #[command(after_help = SERVE_EXAMPLES)]
    Supplier(ServeArgs),
    /// What needs attention, tickets, services, customers, suppliers and reports in a browser (port 7100)
    #[command(after_help = DASHBOARD_EXAMPLES)]
    Dashboard(DashboardArgs),
}

/// Settings of one service.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// The database.
    #[command(flatten)]
    pub database: servicekit::config::Database,
    /// The server.
    #[command(flatten)]
    pub server: servicekit::config::Server,
}

/// Settings of the dashboard.
#[derive(Debug, Args)]
pub struct DashboardArgs {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "ITSM_LISTEN", default_value = "127.0.0.1:7100", value_name = "ADDRESS")]
    pub listen: SocketAddr,
    /// Address of the catalog service
    #[arg(long, env = "ITSM_CATALOG", default_value = "127.0.0.1:7101", value_name = "ADDRESS")]
    pub catalog: String,
    /// Address of the operations service
    #[arg(long, env = "ITSM_OPERATIONS", default_value = "127.0.0.1:7102", value_name = "ADDRESS")]
    pub operations: String,
    /// Address of the supplier service
    #[arg(long, env = "ITSM_SUPPLIER", default_value = "127.0.0.1:7103", value_name = "ADDRESS")]
    pub supplier: String,
    /// Certificates that https addresses are verified with, PEM; those of the machine unless given
    #[arg(long, env = "ITSM_CA", value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// Certificate to answer with, its chain after it, PEM; turns TLS on
    #[arg(long, env = "ITSM_TLS_CERT", value_name = "FILE", requires = "tls_key")]
    pub tls_cert: Option<PathBuf>,
    /// Private key of the certificate, PEM
    #[arg(long, env = "ITSM_TLS_KEY", value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Folder of the reports
    #[arg(long, env = "ITSM_REPORTS", default_value = "reports", value_name = "FOLDER")]
    pub reports: PathBuf,
    /// Lets everybody in without a token; listens on loopback addresses only
    #[arg(long, env = "ITSM_INSECURE")]
    pub insecure: bool,
}

/// Settings of the whole suite.
#[derive(Debug, Clone, Args)]
pub struct SuiteArgs {
    /// The database; without a URL an embedded one is started.
    #[command(flatten)]
    pub database: servicekit::config::Database,
    /// Folder of the embedded Postgres and of the reports
    #[arg(long, env = "ITSM_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Dashboard here, catalog, operations and supplier on the three ports after it; 0 takes free ones
    #[arg(long, env = "ITSM_PORT_BASE", default_value_t = 7100, value_name = "PORT")]
    pub port_base: u16,
    /// Port of the dashboard
    #[arg(long, env = "ITSM_DASHBOARD_PORT", value_name = "PORT")]
    pub dashboard_port: Option<u16>,
    /// Port of the catalog service
    #[arg(long, env = "ITSM_CATALOG_PORT", value_name = "PORT")]
    pub catalog_port: Option<u16>,
    /// Port of the operations service
    #[arg(long, env = "ITSM_OPERATIONS_PORT", value_name = "PORT")]
    pub operations_port: Option<u16>,
    /// Port of the supplier service
    #[arg(long, env = "ITSM_SUPPLIER_PORT", value_name = "PORT")]
    pub supplier_port: Option<u16>,
    /// OpenMetrics of catalog, operations and supplier on this port and the two after it; none unless given
    #[arg(long, env = "ITSM_METRICS_PORT_BASE", value_name = "PORT")]
    pub metrics_port_base: Option<u16>,
    /// Address that all four listen on
    #[arg(long, env = "ITSM_BIND", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "IP")]
    pub bind: IpAddr,
    /// File with one caller a line: `token actor [customer=customers/x] [roles=a,b] [expires=2027-01-01]`
    #[arg(long, env = "ITSM_TOKENS_FILE", value_name = "FILE", conflicts_with = "insecure")]
    pub tokens_file: Option<PathBuf>,
    /// Whose signed tokens are accepted.
    #[command(flatten)]
    pub oidc: servicekit::config::Oidc,
    /// Certificates of all four ports.
    #[command(flatten)]
    pub tls: servicekit::config::Tls,
    /// Lets everybody in with every role; listens on loopback addresses only
    #[arg(long, env = "ITSM_INSECURE")]
    pub insecure: bool,
    /// Seconds that requests get to finish when the suite stops
    #[arg(long, env = "ITSM_DRAIN_SECONDS", default_value_t = 10, value_name = "SECONDS")]
    pub drain_seconds: u64,
    /// How much one caller may ask of a service.
    #[command(flatten)]
    pub limits: servicekit::config::Limits,
    /// Deliveries of webhooks.
    #[command(flatten)]
    pub webhooks: servicekit::config::Webhooks,
}

/// Settings of the demo.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Does everything, prints a summary and stops
    #[arg(long)]
    pub once: bool,
    /// Folder for the two reports; the data folder's `reports` unless given
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// The suite.
    #[command(flatten)]
    pub suite: SuiteArgs,
}

/// Which services the demo's data goes to, and where its reports go.
#[derive(Debug, Args)]
pub struct FillArgs {
    /// The services.
    #[command(flatten)]
    pub servers: Servers,
    /// Folder for the two reports: the one that the dashboard shows
    #[arg(long, env = "ITSM_REPORTS", default_value = "reports", value_name = "FOLDER")]
    pub out: PathBuf,
    /// The database that the services work on: reports are read from it.
    #[command(flatten)]
    pub database: servicekit::config::Database,
}

/// Where the three services are, and as whom they are called.
#[derive(Debug, Clone, Args)]
pub struct Servers {
    /// Address of the catalog service
    #[arg(long, env = "ITSM_CATALOG", default_value = "127.0.0.1:7101", value_name = "HOST:PORT")]
    pub catalog: String,
    /// Address of the operations service
    #[arg(long, env = "ITSM_OPERATIONS", default_value = "127.0.0.1:7102", value_name = "HOST:PORT")]
    pub operations: String,
    /// Address of the supplier service
    #[arg(long, env = "ITSM_SUPPLIER", default_value = "127.0.0.1:7103", value_name = "HOST:PORT")]
    pub supplier: String,
    /// The caller.
    #[command(flatten)]
    pub token: TokenArgs,
    /// Which certificates are trusted and shown.
    #[command(flatten)]
    pub trust: Trust,
}

impl Servers {
    /// The address of a service by its name.
    pub fn address_of(&self, server: &str) -> &str {
        match server {
            "catalog" => &self.catalog,
            "supplier" => &self.supplier,
            _ => &self.operations,
        }
    }
}

/// What to apply, and how.
#[derive(Debug, Args)]
pub struct ApplyArgs {
    /// Files, and folders of .yaml files
    #[arg(required = true, value_name = "FILE|FOLDER")]
    pub files: Vec<PathBuf>,
    /// Shows what would be done, and does nothing
    #[arg(long)]
    pub plan: bool,
    /// Deletes what an earlier run made of these files and they no longer state
    #[arg(long)]
    pub prune: bool,
    /// Asks nothing
    #[arg(long, short)]
    pub yes: bool,
    /// Where it is kept what was made of these files; .applied.json in the folder, if one folder is given
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// The services.
    #[command(flatten)]
    pub servers: Servers,
}

/// What to export, and where to.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Kinds to export: Service, Agreement; all unless given
    #[arg(long = "kind", value_delimiter = ',', value_name = "KIND,…")]
    pub kinds: Vec<String>,
    /// A file that ends in .yaml, or a folder that gets a file for each kind; printed unless given
    #[arg(long, value_name = "FILE|FOLDER")]
    pub out: Option<PathBuf>,
    /// The services.
    #[command(flatten)]
    pub servers: Servers,
}

/// As whom a client calls.
#[derive(Debug, Clone, Args)]
pub struct TokenArgs {
    /// Token to call with
    #[arg(long, env = "ITSM_TOKEN", hide_env_values = true, default_value = "", value_name = "TOKEN")]
    pub token: String,
    /// File that holds the token to call with
    #[arg(long, env = "ITSM_TOKEN_FILE", value_name = "FILE", conflicts_with = "token")]
    pub token_file: Option<PathBuf>,
}

impl TokenArgs {
    /// The token. Empty: none.
    pub fn read(&self) -> Result<String, Problem> {
        let Some(path) = &self.token_file else { return Ok(self.token.clone()) };
        let text = std::fs::read_to_string(path)
            .map_err(|error| Problem::new(format!("the token file {} cannot be read: {error}", path.display())))?;
        Ok(text.trim().to_owned())
    }
}

/// Where a client calls and as whom.
#[derive(Debug, Clone, Args)]
pub struct ClientArgs {
    /// Address of the service, https://… where it speaks TLS; by default the suite on this machine
    #[arg(long, env = "ITSM_ADDRESS", value_name = "ADDRESS")]
    pub address: Option<String>,
    /// The caller.
    #[command(flatten)]
    pub token: TokenArgs,
    /// Which certificates are trusted and shown.
    #[command(flatten)]
    pub trust: Trust,
}

impl ClientArgs {
    /// Connects to the address, or to the service on its own port of this machine.
    pub async fn connect(&self, port: u16) -> Result<client::Channel, Problem> {
        let address = self.address.clone().unwrap_or_else(|| format!("127.0.0.1:{port}"));
        client::connect_with(&address, &self.token.read()?, &self.trust).await
    }
}

/// API tokens.
#[derive(Debug, Subcommand)]
pub enum Token {
    /// Makes a token: prints it, once, and the line for the token file, which holds only its digest
    New(NewToken),
}

/// Whom a token stands for.
#[derive(Debug, Args)]
pub struct NewToken {
    /// Who calls with it: systems/import
    #[arg(long, value_name = "ACTOR")]
    pub actor: String,
    /// Roles of the caller; * stands for all
    #[arg(long, value_delimiter = ',', value_name = "ROLE,…")]
    pub roles: Vec<String>,
    /// The one customer that the caller sees
    #[arg(long, value_name = "CUSTOMER")]
    pub customer: Option<String>,
    /// Until when it is good: after so many days, or up to the start of a day in UTC
    #[arg(long, value_name = "90d|2027-01-01")]
    pub expires: Option<String>,
}

/// Settings of the issuer for development.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct IssuerArgs {
    /// What to do instead of serving.
    #[command(subcommand)]
    pub action: Option<IssuerAction>,
    /// Where it answers.
    #[command(flatten)]
    pub identity: IssuerIdentity,
}

/// What the issuer is called and signs with.
#[derive(Debug, Args)]
pub struct IssuerIdentity {
    /// Port on 127.0.0.1
    #[arg(long, env = "ITSM_ISSUER_PORT", default_value_t = crate::issuer::PORT, value_name = "PORT")]
    pub port: u16,
    /// Private key, made when it is not there; issuer.pem in the data folder unless given
    #[arg(long, env = "ITSM_ISSUER_KEY", value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// What the issuer does besides serving.
#[derive(Debug, Subcommand)]
pub enum IssuerAction {
    /// Prints a signed token
    Token(IssuedToken),
}

/// What a signed token says.
#[derive(Debug, Args)]
pub struct IssuedToken {
    /// Subject: ann becomes people/ann
    #[arg(long, value_name = "NAME")]
    pub sub: String,
    /// Roles of the caller; * stands for all
    #[arg(long, value_delimiter = ',', value_name = "ROLE,…")]
    pub roles: Vec<String>,
    /// The one customer that the caller sees
    #[arg(long, value_name = "CUSTOMER")]
    pub customer: Option<String>,
    /// Audience: what the servers were given with --oidc-audience
    #[arg(long, default_value = "itsm", value_name = "NAME")]
    pub audience: String,
    /// Minutes until it expires
    #[arg(long, default_value_t = 60, value_name = "MINUTES")]
    pub minutes: u32,
    /// The issuer that signs.
    #[command(flatten)]
    pub identity: IssuerIdentity,
}

/// What to bring in.
#[derive(Debug, Subcommand)]
pub enum Import {
    /// Tickets from a CSV file, by a mapping; .xz and .gz are read too
    Tickets {
        /// The file
        file: PathBuf,
        /// A mapping that ships (servicenow-log, jira-csv) or a mapping file
        #[arg(long, value_name = "MAPPING")]
        mapping: String,
        /// Time zone of times that name none, instead of the mapping's: Europe/Berlin
        #[arg(long, value_name = "ZONE")]
        time_zone: Option<String>,
        /// Maps every row, sends none and prints the values that nothing maps
        #[arg(long)]
        dry_run: bool,
        /// Sends also the rows that an earlier run committed; they change nothing
        #[arg(long)]
        again: bool,
        /// The operations service.
        #[command(flatten)]
        client: ClientArgs,
    },
    /// A contracts register as CSV
    Contracts {
        /// The file
        file: PathBuf,
        /// Currency of its amounts
        #[arg(long, default_value = "AUD", value_name = "CODE")]
        currency: String,
        /// The supplier service.
        #[command(flatten)]
        client: ClientArgs,
    },
    /// A cloud bill in FOCUS form
    Focus {
        /// The file
        file: PathBuf,
        /// The catalog service.
        #[command(flatten)]
        client: ClientArgs,
    },
}

/// What to report on.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Months or days, both inclusive: 2016-03..2016-05, 2016-03, 2016-03-01..2016-03-15
    #[arg(long, value_name = "A..B")]
    pub period: String,
    /// Reports what was known at this instant or at the start of this day; by default the end of the period
    #[arg(long, value_name = "TIME")]
    pub as_of: Option<String>,
    /// Folder to write to
    #[arg(long, default_value = "report", value_name = "FOLDER")]
    pub out: PathBuf,
    /// Formats to write; all unless given
    #[arg(long = "format", value_enum, value_delimiter = ',', value_name = "FORMAT")]
    pub formats: Vec<Format>,
    /// The database; without a URL the embedded one of the data folder is used.
    #[command(flatten)]
    pub database: servicekit::config::Database,
    /// Folder of the embedded Postgres
    #[arg(long, env = "ITSM_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

/// A format of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A self-contained page that prints well
    Html,
    /// The pages on paper, tagged
    Pdf,
    /// Every measure, its definition and its source, as a workbook
    Xlsx,
    /// Every measure, for machines
    Json,
    /// Every measure as a table
    Csv,
    /// The charts as vector images
    Svg,
    /// The charts as pixel images
    Png,
}

impl Format {
    /// The format as the report knows it.
    pub fn rendered(self) -> reporting::render::Format {
        match self {
            Self::Html => reporting::render::Format::Html,
            Self::Pdf => reporting::render::Format::Pdf,
            Self::Xlsx => reporting::render::Format::Xlsx,
            Self::Json => reporting::render::Format::Json,
            Self::Csv => reporting::render::Format::Csv,
            Self::Svg => reporting::render::Format::Svg,
            Self::Png => reporting::render::Format::Png,
        }
    }
}

/// Which clocks to explain.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The ticket: tickets/INC-000042, or INC-000042
    pub ticket: String,
    /// Reads the clocks at this instant, past or future; now unless given
    #[arg(long, value_name = "TIME")]
    pub at: Option<Timestamp>,
    /// Reads only what was known at this instant; all that is known unless given
    #[arg(long, value_name = "TIME")]
    pub known: Option<Timestamp>,
    /// The operations service.
    #[command(flatten)]
    pub client: ClientArgs,
}

/// Where the handbook goes.
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// Folder for the handbook, made if it is missing
    #[arg(long, value_name = "FOLDER")]
    pub out: PathBuf,
    /// Day as of which it is written (UTC); today unless given
    #[arg(long, value_name = "DATE")]
    pub as_of: Option<Date>,
    /// Address of the catalog service
    #[arg(long, env = "ITSM_CATALOG", default_value = "127.0.0.1:7101", value_name = "HOST:PORT")]
    pub catalog: String,
    /// The caller.
    #[command(flatten)]
    pub token: TokenArgs,
    /// Which certificates are trusted and shown.
    #[command(flatten)]
    pub trust: Trust,
}

/// What load is put where.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// What is asked
    #[arg(value_enum)]
    pub kind: crate::bench::Kind,
    /// Requests under way at once
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub streams: u16,
    /// Connections that they share
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..), value_name = "N")]
    pub connections: u16,
    /// Seconds that are measured
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    pub seconds: u64,
    /// Seconds of the same load before
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(..=3600), value_name = "SECONDS")]
    pub warm_up: u64,
    /// Process of this machine whose processor time is told by request, as server=4711; can be given again
    #[arg(long, value_name = "NAME=PID")]
    pub watch: Vec<crate::bench::Watched>,
    /// Prints one line of JSON
    #[arg(long)]
    pub json: bool,
    /// Address of the operations service
    #[arg(long, env = "ITSM_OPERATIONS", default_value = "127.0.0.1:7102", value_name = "HOST:PORT")]
    pub operations: String,
    /// The caller.
    #[command(flatten)]
    pub token: TokenArgs,
    /// Which certificates are trusted and shown.
    #[command(flatten)]
    pub trust: Trust,
}

/// What is done with the journals.
#[derive(Debug, Subcommand)]
pub enum Journal {
    /// Writes the journals of the three services with their seals, a line for each fact
    #[command(after_help = JOURNAL_EXPORT_EXAMPLES)]
    Export(JournalExportArgs),
}

/// Where journals are read from and written to.
#[derive(Debug, Args)]
pub struct JournalExportArgs {
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The database; without a URL the embedded one of the data folder is used.
    #[command(flatten)]
    pub database: servicekit::config::Database,
    /// Folder of the embedded Postgres
    #[arg(long, env = "ITSM_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

/// What is verified.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Verifies this export instead of a database
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Hash of a seal that was noted earlier, elsewhere: it must still be there; may be given again
    #[arg(long = "head", value_name = "HASH", value_parser = journal::parse_hash)]
    pub heads: Vec<[u8; 32]>,
    /// The database; without a URL the embedded one of the data folder is used. It is only read.
    #[command(flatten)]
    pub database: servicekit::config::Database,
    /// Folder of the embedded Postgres
    #[arg(long, env = "ITSM_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
}

/// Where to look for what is wrong.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The database; without a URL the embedded one is looked at.
    #[command(flatten)]
    pub database: servicekit::config::Database,
    /// Folder of the embedded Postgres
    #[arg(long, env = "ITSM_DATA_DIR", value_name = "FOLDER")]
    pub data_dir: Option<PathBuf>,
    /// Dashboard here, catalog, operations and supplier on the three ports after it
    #[arg(long, env = "ITSM_PORT_BASE", default_value_t = 7100, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..65533))]
    pub port_base: u16,
    /// Address that all four listen on
    #[arg(long, env = "ITSM_BIND", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "IP")]
    pub bind: IpAddr,
    /// File with one caller a line
    #[arg(long, env = "ITSM_TOKENS_FILE", value_name = "FILE")]
    pub tokens_file: Option<PathBuf>,
    /// Which certificates are trusted, where the ports speak TLS.
    #[command(flatten)]
    pub trust: Trust,
}

impl DoctorArgs {
    /// Where the four servers are, or will be.
    pub fn addresses(&self) -> [(&'static str, SocketAddr); 4] {
        let at = |offset| SocketAddr::new(self.bind, self.port_base + offset);
        [("dashboard", at(0)), ("catalog", at(1)), ("operations", at(2)), ("supplier", at(3))]
    }
}

/// A value that the environment gave and that cannot be read, as a sentence that names the variable.
///
/// None when the value was typed, or when something else is wrong.
pub fn from_environment(error: &clap::Error, lookup: impl Fn(&str) -> Option<String>) -> Option<String> {
    if !matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation) {
        return None;
    }
    let text = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        _ => None,
    };
    let (shown, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let mut command = Cli::command();
    command.build(); // arguments can be shown only then
    let variable = variable_of(&command, shown)?;
    if lookup(&variable)? != value {
        return None;
    }
    let flag = shown.split_whitespace().next().unwrap_or(shown);
    let cause = match error.get(ContextKind::ValidValue) {
        _ if value.is_empty() => "unset it, or give it a value".to_owned(),
        Some(ContextValue::Strings(values)) => format!("it takes {}", values.join(" or ")),
        _ => std::error::Error::source(error).map_or_else(|| "it takes no such value".to_owned(), ToString::to_string),
    };
    Some(format!("{variable} holds {value:?}, which {flag} cannot be: {cause}"))
}

/// The environment variable of the argument that is shown like this, in the command or one below it.
fn variable_of(command: &clap::Command, shown: &str) -> Option<String> {
    let own = command.get_arguments().find(|arg| arg.to_string() == shown);
    let found = own.and_then(|arg| arg.get_env()).map(|name| name.to_string_lossy().into_owned());
    found.or_else(|| command.get_subcommands().find_map(|below| variable_of(below, shown)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepts(line: &str) -> bool {
        Cli::try_parse_from(line.split_whitespace()).is_ok()
    }

    #[test]
    fn settings_that_need_each_other_come_together() {
        assert!(accepts("itsm up --oidc-issuer https://id.example --oidc-audience itsm"));
        assert!(!accepts("itsm up --oidc-issuer https://id.example"));
        assert!(!accepts("itsm up --insecure --oidc-issuer https://id.example --oidc-audience itsm"));
        for serve in ["up", "serve catalog", "serve operations", "serve supplier"] {
            assert!(
                accepts(&format!("itsm {serve} --tokens-file t --tls-cert c --tls-key k --tls-client-ca a")),
                "{serve}"
            );
            assert!(!accepts(&format!("itsm {serve} --tokens-file t --tls-cert c")), "{serve}");
            assert!(!accepts(&format!("itsm {serve} --tokens-file t --tls-client-ca a")), "{serve}");
            assert!(!accepts(&format!("itsm {serve} --tls-cert c --tls-key k --tls-client-ca a")), "{serve}");
        }
        assert!(!accepts("itsm explain INC-000001 --client-cert c"));
    }

    fn refusal(line: &[&str]) -> clap::Error {
        Cli::try_parse_from(line).unwrap_err()
    }

    #[test]
    fn a_value_that_the_environment_gave_is_refused_under_its_name() {
        let error = refusal(&["itsm", "serve", "catalog", "--listen", "everywhere"]);
        let set = |name: &str| (name == "ITSM_LISTEN").then(|| "everywhere".to_owned());
        assert_eq!(
            from_environment(&error, set).unwrap(),
            "ITSM_LISTEN holds \"everywhere\", which --listen cannot be: invalid socket address syntax"
        );
        let error = refusal(&["itsm", "check", "--log-format", "xml"]);
        let set = |name: &str| (name == "ITSM_LOG_FORMAT").then(|| "xml".to_owned());
        assert_eq!(
            from_environment(&error, set).unwrap(),
            "ITSM_LOG_FORMAT holds \"xml\", which --log-format cannot be: it takes auto or text or json"
        );
    }

    #[test]
    fn an_empty_value_is_not_the_same_as_none() {
        let error = refusal(&["itsm", "serve", "catalog", "--tokens-file", ""]);
        assert_eq!(
            from_environment(&error, |_| Some(String::new())).unwrap(),
            "ITSM_TOKENS_FILE holds \"\", which --tokens-file cannot be: unset it, or give it a value"
        );
    }

    #[test]
    fn a_value_that_was_typed_is_left_to_the_usage_message() {
        let error = refusal(&["itsm", "serve", "catalog", "--listen", "everywhere"]);
        assert_eq!(from_environment(&error, |_| None), None);
        assert_eq!(from_environment(&error, |_| Some("127.0.0.1:1".to_owned())), None);
        assert_eq!(from_environment(&refusal(&["itsm", "nonsense"]), |_| Some("nonsense".to_owned())), None);
    }

    #[test]
    fn the_command_line_is_sound_and_every_server_shows_examples() {
        Cli::command().debug_assert();
        for line in
            [["up", ""], ["serve", "catalog"], ["serve", "operations"], ["serve", "supplier"], ["serve", "dashboard"]]
        {
            let words = ["itsm"].into_iter().chain(line.into_iter().filter(|word| !word.is_empty())).chain(["--help"]);
            assert!(Cli::try_parse_from(words).unwrap_err().to_string().contains("Examples:"), "{line:?}");
        }
    }

    #[test]
    fn a_token_comes_from_its_file() {
        let path = std::env::temp_dir().join(format!("itsm-token-{}", std::process::id()));
        std::fs::write(&path, "0123456789abcdef\n").unwrap();
        let token = TokenArgs { token: String::new(), token_file: Some(path.clone()) };
        assert_eq!(token.read().unwrap(), "0123456789abcdef");
        std::fs::remove_file(&path).unwrap();
        assert!(token.read().unwrap_err().to_string().contains("cannot be read"));
    }
}
