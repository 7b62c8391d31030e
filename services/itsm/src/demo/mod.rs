//! The demo: everything started, real data brought in through gRPC, two reports made.

use std::path::Path;
use std::time::{Duration, Instant};

use pb::ticket_service_client::TicketServiceClient;
use proto::operations::v1 as pb;
use servicekit::serve::shutdown_signal;

use crate::apply::Remote;
use crate::cli::{DemoArgs, FillArgs, Format, ReportArgs, Servers, TokenArgs};
use crate::client::{self, Trust, sentence};
use crate::import::mapping::Mapping;
use crate::import::{Input, Problem, Summary, contracts, costs, tickets};
use crate::report;
use crate::run::{describe, print_failures};
use crate::suite::{Suite, data_dir_or_default, problem};

pub mod overlay;

/// A report that the demo makes.
struct Wanted {
    folder: &'static str,
    title: &'static str,
    period: &'static str,
    as_of: Option<&'static str>,
}

/// The one to look at first comes first: it has open tickets, and months that the extract's end does not touch.
const REPORTS: [Wanted; 2] = [
    Wanted {
        folder: "2016-spring",
        title: "March to May 2016, as of 1 June",
        period: "2016-03..2016-05",
        as_of: Some("2016-06-01"),
    },
    Wanted {
        folder: "whole-log",
        title: "the whole log, February 2016 to February 2017",
        period: "2016-02..2017-02",
        as_of: None,
    },
];

macro_rules! shipped {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../../demo/data/", $name)).as_slice())
    };
}

/// Runs the demo until it is told to stop, or once.
pub async fn run(args: &DemoArgs) -> Result<(), Problem> {
    if args.suite.tokens_file.is_some() || args.suite.oidc.issuer.is_some() || args.suite.tls.is_on() {
        return Err(Problem::new("the demo lets everybody on this machine in: for tokens and TLS use `itsm up`"));
    }
    let began = Instant::now();
    let mut suite_args = args.suite.clone();
    suite_args.insecure = true;
    // A folder of its own: trying the demo never touches an installation.
    let data_dir = match &args.suite.data_dir {
        Some(folder) => data_dir_or_default(Some(folder))?,
        None => data_dir_or_default(None)?.join("demo"),
    };
    suite_args.data_dir = Some(data_dir.clone());
    let out = match &args.out {
        Some(out) => std::path::absolute(out).map_err(|error| Problem::new(format!("{}: {error}", out.display())))?,
        None => data_dir.join("reports"),
    };

    let stop = shutdown_signal().map_err(problem)?;
    let suite = Suite::start(&suite_args, out.clone(), stop.clone()).await?;
    let addresses = suite.addresses.clone();
    println!("started in {}: embedded Postgres in {}", seconds(began.elapsed()), data_dir.display());

    let everything = FillArgs {
        servers: Servers {
            catalog: addresses.catalog.to_string(),
            operations: addresses.operations.to_string(),
            supplier: addresses.supplier.to_string(),
            token: TokenArgs { token: String::new(), token_file: None },
            trust: Trust::default(),
        },
        out,
        database: suite.database.clone(),
    };
    let filled = tokio::select! {
        filled = fill(&everything) => filled,
        () = stop.cancelled() => Err(Problem::new("stopped before the demo was complete: start it again, it goes on where it was")),
    };
    if let Err(problem) = filled {
        suite.stop().await?;
        return Err(problem);
    }
    println!("\ncomplete in {}", seconds(began.elapsed()));
    if args.once {
        return suite.stop().await;
    }
    println!("\n  dashboard   http://{}", addresses.dashboard);
    println!("  catalog     {}", addresses.catalog);
    println!("  operations  {}", addresses.operations);
    println!("  supplier    {}", addresses.supplier);
    println!(
        "\nOpen the dashboard in a browser, or call a service with any gRPC client (reflection is on). Stop with ctrl-c."
    );
    suite.wait().await
}

/// Fills services that run already, and makes the reports.
pub async fn fill_running(args: &FillArgs) -> Result<(), Problem> {
    args.database.url().map_err(problem)?;
    fill(args).await
}

/// Brings the data in and makes the reports. What is there already stays as it is.
async fn fill(args: &FillArgs) -> Result<(), Problem> {
    let Servers { catalog, operations, supplier, token, trust } = &args.servers;
    let token = token.read()?;
    let catalog = client::connect_with(catalog, &token, trust).await?;
    let operations = client::connect_with(operations, &token, trust).await?;
    let supplier = client::connect_with(supplier, &token, trust).await?;

    let remote = Remote::default()
        .reaching("catalog", catalog.clone())
        .reaching("operations", operations.clone())
        .reaching("supplier", supplier.clone());
    let created = overlay::add(&remote).await?;
    println!("\nbrought in through gRPC");
    println!("  overlay     {created} resources created (ILLUSTRATIVE: the log names no services and no promises)");

    let (name, bytes) = shipped!("servicenow_incident_event_log.csv.xz");
    let began = Instant::now();
    let summary =
        tickets::import_from(operations.clone(), Input::of(name, bytes)?, Mapping::load("servicenow-log")?, false)
            .await?;
    let count = pb::CountTicketsRequest { filter: "practice = \"incident\"".to_owned(), ..Default::default() };
    let incidents = TicketServiceClient::new(operations)
        .count_tickets(count)
        .await
        .map_err(|status| Problem::new(sentence(&status)))?
        .into_inner()
        .total_count;
    print_import("events", &summary, began);
    println!("              {incidents} incidents");
    let mut recorded = created > 0 || summary.created > 0;

    let (name, bytes) = shipped!("act_contracts_2025.csv");
    let began = Instant::now();
    let summary = contracts::import_from(supplier, Input::of(name, bytes)?, "AUD").await?;
    print_import("contracts", &summary, began);
    recorded |= summary.created > 0;

    let (name, bytes) = shipped!("focus_1.0_sample_1000.csv");
    let began = Instant::now();
    let summary = costs::import_focus_from(catalog, Input::of(name, bytes)?).await?;
    print_import("cloud bill", &summary, began);
    recorded |= summary.created > 0;

    println!("\nreports");
    for wanted in &REPORTS {
        let folder = args.out.join(wanted.folder);
        if !recorded && is_current(&folder) {
            println!("  {} (as made before)\n    {}", wanted.title, folder.join("report.html").display());
            continue;
        }
        let began = Instant::now();
        let report = ReportArgs {
            period: wanted.period.to_owned(),
            as_of: wanted.as_of.map(str::to_owned),
            out: folder,
            formats: Vec::<Format>::new(),
            database: args.database.clone(),
            data_dir: None,
        };
        let made = report::make(&report).await?;
        println!("  {} (in {})", wanted.title, seconds(began.elapsed()));
        println!("    {}", made.headline);
        for file in ["report.html", "report.json"] {
            println!("    {}", report.out.join(file).display());
        }
    }
    Ok(())
}

/// Whether the folder holds a whole report that this very program made.
fn is_current(folder: &Path) -> bool {
    let changed = |path: &Path| path.metadata().and_then(|metadata| metadata.modified());
    let made = changed(&folder.join(report::INPUTS));
    let built = std::env::current_exe().and_then(|program| changed(&program));
    matches!((made, built), (Ok(made), Ok(built)) if made > built)
}

fn print_import(what: &str, summary: &Summary, began: Instant) {
    print_failures(summary);
    println!("  {what:<11} {} (in {})", describe(summary), seconds(began.elapsed()));
}

fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
