//! One function for each command.

use std::path::Path;
use std::time::Duration;

use servicekit::clock::{self, Clock as _};
use servicekit::serve::{Server, shutdown_signal};
use servicekit::{config, telemetry};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::cli::{
    BenchArgs, Cli, Command, DashboardArgs, DocsArgs, ExplainArgs, Import, IssuerAction, IssuerArgs, Journal, NewToken,
    ReportArgs, Serve, ServeArgs, SuiteArgs, Token,
};
use crate::client::{self, Trust};
use crate::dashboard::{self, Dashboard};
use crate::import::mapping::Mapping;
use crate::import::{Input, Problem, Summary, contracts, costs, tickets};
use crate::suite::{Suite, data_dir_or_default, migrate, problem};
use crate::{apply, bench, demo, doctor, explain, handbook, issuer, journal, report, token};

/// Starts telemetry, does what the command says, and sends what telemetry still holds. Needs a multi-thread runtime.
pub async fn start(cli: Cli) -> Result<(), Problem> {
    let telemetry = telemetry::init(&cli.log, cli.command.log_level(), cli.command.service_name()).map_err(problem)?;
    for name in doctor::unknown_settings(std::env::vars_os().map(|(name, _)| name)) {
        tracing::warn!("nothing reads {name}: unset it, or see `itsm help COMMAND` for how the setting is called");
    }
    let outcome = run(cli.command).await;
    tokio::task::block_in_place(|| telemetry.finish());
    outcome
}

/// Does what the command says.
async fn run(command: Command) -> Result<(), Problem> {
    match command {
        Command::Demo(args) => demo::run(&args).await,
        Command::Fill(args) => demo::fill_running(&args).await,
        Command::Up(args) => up(&args).await,
        Command::Serve(Serve::Catalog(args)) => serve(&args, catalog::build(&args.database).await).await,
        Command::Serve(Serve::Operations(args)) => serve(&args, operations::build(&args.database).await).await,
        Command::Serve(Serve::Supplier(args)) => serve(&args, supplier::build(&args.database).await).await,
        Command::Serve(Serve::Dashboard(args)) => serve_dashboard(args).await,
        Command::Migrate(database) => run_migrations(&database).await,
        Command::Check { address, trust } => check(&address, &trust).await,
        Command::Import(import) => run_import(import).await,
        Command::Apply(args) => apply::run(&args).await,
        Command::Export(args) => apply::run_export(&args).await,
        Command::Report(args) => run_report(&args).await,
        Command::Explain(args) => run_explain(&args).await,
        Command::Docs(args) => run_docs(&args).await,
        Command::Bench(args) => run_bench(&args).await,
        Command::Token(Token::New(args)) => new_token(&args),
        Command::Issuer(args) => run_issuer(&args).await,
        Command::Journal(Journal::Export(args)) => journal::run_export(&args).await,
        Command::Verify(args) => journal::run(&args).await,
        Command::Doctor(args) => doctor::run(&args).await,
    }
}

async fn run_bench(args: &BenchArgs) -> Result<(), Problem> {
    let plan = bench::Plan {
        kind: args.kind,
        streams: args.streams.into(),
        connections: args.connections.into(),
        time: Duration::from_secs(args.seconds),
        warm_up: Duration::from_secs(args.warm_up),
        watched: args.watch.clone(),
    };
    let measured = bench::run(&args.operations, &args.token.read()?, &args.trust, &plan).await?;
    if args.json {
        println!("{}", measured.json());
    } else {
        print!("{measured}");
    }
    Ok(())
}

async fn up(args: &SuiteArgs) -> Result<(), Problem> {
    let reports = data_dir_or_default(args.data_dir.as_deref())?.join("reports");
    let suite = Suite::start(args, reports, shutdown_signal().map_err(problem)?).await?;
    println!("{}", serde_json::to_string(&suite.addresses).map_err(|error| Problem::new(error.to_string()))?);
    suite.wait().await
}

async fn serve(args: &ServeArgs, server: Result<Server, servicekit::Error>) -> Result<(), Problem> {
    let stop = shutdown_signal().map_err(problem)?;
    let bound = server.and_then(|server| server.bind(&args.server)).map_err(problem)?;
    println!("{}", serde_json::json!({ "address": bound.address() }));
    bound.run(stop).await.map_err(problem)
}

async fn serve_dashboard(args: DashboardArgs) -> Result<(), Problem> {
    let stop = shutdown_signal().map_err(problem)?;
    let tls = config::Tls { certificate: args.tls_cert, key: args.tls_key, client_ca: None };
    let listener = dashboard::listen(args.listen, &tls)?;
    let config = dashboard::Config {
        catalog: args.catalog,
        operations: args.operations,
        supplier: args.supplier,
        trust: Trust { ca: args.ca, ..Trust::default() },
        reports: args.reports,
        insecure: args.insecure,
        secure: tls.is_on(),
        deadline: dashboard::DEADLINE,
    };
    let dashboard = Dashboard::new(listener, config)?;
    println!("{}", serde_json::json!({ "address": dashboard.address()? }));
    dashboard.serve(stop).await
}

async fn run_migrations(database: &config::Database) -> Result<(), Problem> {
    match migrate(database).await? {
        0 => println!("the database is up to date"),
        1 => println!("1 migration applied"),
        ran => println!("{ran} migrations applied"),
    }
    Ok(())
}

async fn check(address: &str, trust: &Trust) -> Result<(), Problem> {
    if !serves(address, trust).await? {
        return Err(Problem::new(format!("{address} answers, but does not serve: its log says why")));
    }
    println!("{address} serves");
    Ok(())
}

/// Whether the server at the address says that it serves; fails when it does not answer, or not about its health.
pub async fn serves(address: &str, trust: &Trust) -> Result<bool, Problem> {
    let channel = client::connect_with(address, "", trust).await?;
    let mut health = HealthClient::new(channel);
    let asked = health.check(HealthCheckRequest::default());
    let answer = tokio::time::timeout(Duration::from_secs(5), asked)
        .await
        .map_err(|_| Problem::new(format!("{address} did not answer within 5 seconds")))?
        .map_err(|status| Problem::new(client::sentence(&status)))?;
    Ok(answer.into_inner().status() == ServingStatus::Serving)
}

async fn run_import(import: Import) -> Result<(), Problem> {
    let summary = match import {
        Import::Tickets { file, mapping, time_zone, dry_run, again, client } => {
            let mapping = Mapping::load(&mapping)?.in_zone(time_zone.as_deref());
            if dry_run {
                let summary = tickets::dry_run(&Input::open(&file)?, &mapping)?;
                print!("{}", describe_dry_run(&summary));
                return Ok(());
            }
            let input = Input::open(&file)?;
            let channel = client.connect(operations::SERVICE.port).await?;
            tickets::import_from(channel, input, mapping, again).await?
        }
        Import::Contracts { file, currency, client } => {
            let input = Input::open(&file)?;
            let channel = client.connect(supplier::SERVICE.port).await?;
            contracts::import_from(channel, input, &currency).await?
        }
        Import::Focus { file, client } => {
            let input = Input::open(&file)?;
            let channel = client.connect(catalog::SERVICE.port).await?;
            costs::import_focus_from(channel, input).await?
        }
    };
    print_failures(&summary);
    println!("{}", describe(&summary));
    match summary.failed_rows() {
        0 => Ok(()),
        failed => Err(Problem::new(format!("{failed} of {} rows were left out", summary.rows))),
    }
}

/// How many failures are printed before the rest is only counted.
const FAILURES_SHOWN: usize = 20;

/// Prints which rows were left out and why, to stderr.
pub fn print_failures(summary: &Summary) {
    for failure in summary.failures.iter().take(FAILURES_SHOWN) {
        eprintln!("{failure}");
    }
    if let Some(more) = summary.failures.len().checked_sub(FAILURES_SHOWN).filter(|more| *more > 0) {
        eprintln!("and {more} more");
    }
}

/// What an import did, in a line.
pub fn describe(summary: &Summary) -> String {
    let mut text = format!(
        "{} rows read, {} recorded something, {} changed nothing, {} left out",
        summary.rows,
        summary.created,
        summary.unchanged,
        summary.failed_rows()
    );
    if summary.skipped > 0 {
        text = format!("{text}; {} rows were committed by an earlier run and not sent again", summary.skipped);
    }
    text
}

fn describe_dry_run(summary: &Summary) -> String {
    use std::fmt::Write as _;
    let mut text = format!("{} rows read, {} can be mapped\n", summary.rows, summary.created);
    if summary.unmapped.is_empty() && summary.unnamed.is_empty() {
        text.push_str("every value is mapped\n");
    }
    let kinds = [
        ("values that nothing maps, whose rows are left out:", &summary.unmapped),
        ("values that the mapping skips, whose field stays empty:", &summary.unnamed),
    ];
    for (heading, values) in kinds.into_iter().filter(|(_, values)| !values.is_empty()) {
        let _ = writeln!(text, "{heading}");
        let mut values: Vec<_> = values.iter().collect();
        values.sort_by_key(|((field, _), count)| (field.clone(), std::cmp::Reverse(**count)));
        for ((field, value), count) in values {
            let _ = writeln!(text, "  {field:<20} {value:<32} {count:>9} rows");
        }
    }
    let others = summary.failures.iter().filter(|failure| !failure.message.contains("the mapping does not say"));
    for failure in others.take(FAILURES_SHOWN) {
        let _ = writeln!(text, "  {failure}");
    }
    text
}

async fn run_report(args: &ReportArgs) -> Result<(), Problem> {
    let made = report::make(args).await?;
    print_made(&made, &args.out);
    Ok(())
}

/// Prints where a report is.
pub fn print_made(made: &report::Made, out: &Path) {
    println!("{}", made.headline);
    println!("{} files in {}", made.files.len(), out.display());
}

async fn run_explain(args: &ExplainArgs) -> Result<(), Problem> {
    let channel = args.client.connect(operations::SERVICE.port).await?;
    print!("{}", explain::explain(channel, &args.ticket, args.at, args.known).await?);
    Ok(())
}

async fn run_docs(args: &DocsArgs) -> Result<(), Problem> {
    let channel = client::connect_with(&args.catalog, &args.token.read()?, &args.trust).await?;
    for path in handbook::write(channel, &args.out, args.as_of, clock::System.now()).await? {
        println!("{}", path.display());
    }
    Ok(())
}

fn new_token(args: &NewToken) -> Result<(), Problem> {
    let made = token::new(args, clock::System.now())?;
    eprintln!("the token, shown this once, and its line for the token file:");
    println!("{}\n{}", made.token, made.line);
    Ok(())
}

async fn run_issuer(args: &IssuerArgs) -> Result<(), Problem> {
    match &args.action {
        Some(IssuerAction::Token(asked)) => issuer::print_token(asked, clock::System.now()),
        None => issuer::run(&args.identity, shutdown_signal().map_err(problem)?).await,
    }
}
