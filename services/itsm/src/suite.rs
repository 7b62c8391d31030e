//! The whole suite in one process: an embedded Postgres unless one is given, the three services, the dashboard.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Serialize;
use servicekit::config;
use servicekit::serve::Bound;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cli::SuiteArgs;
use crate::client::Trust;
use crate::dashboard::{self, Dashboard};
use crate::import::Problem;
use crate::postgres::{self, Cluster};

/// Name of the database that an embedded Postgres holds.
const DATABASE: &str = "itsm";

/// Where the suite answers; printed as one JSON line when ports were chosen freely.
#[derive(Debug, Clone, Serialize)]
pub struct Addresses {
    /// The dashboard, over HTTP.
    pub dashboard: SocketAddr,
    /// The catalog service.
    pub catalog: SocketAddr,
    /// The operations service.
    pub operations: SocketAddr,
    /// The supplier service.
    pub supplier: SocketAddr,
}

/// A database to work on: the one that was named, or an embedded one that runs as long as this value lives.
pub struct Database {
    /// How services reach it.
    pub config: config::Database,
    cluster: Option<Cluster>,
}

impl Database {
    /// Uses the URL, or starts the embedded Postgres of the data folder.
    pub async fn open(config: &config::Database, data_dir: Option<&Path>) -> Result<Self, Problem> {
        if config.database_url.is_some() {
            return Ok(Self { config: config.clone(), cluster: None });
        }
        let data_dir = data_dir_or_default(data_dir)?;
        let cluster = tokio::task::spawn_blocking(move || Cluster::start(&data_dir))
            .await
            .map_err(|_| Problem::new("starting Postgres was interrupted"))?
            .map_err(|error| Problem::new(error.to_string()))?;
        cluster.ensure_database(DATABASE).await.map_err(|error| Problem::new(error.to_string()))?;
        let config = config::Database { database_url: Some(cluster.url(DATABASE)), ..config.clone() };
        Ok(Self { config, cluster: Some(cluster) })
    }

    /// Stops the embedded Postgres, if there is one.
    pub async fn close(self) -> Result<(), Problem> {
        let Some(cluster) = self.cluster else { return Ok(()) };
        tokio::task::spawn_blocking(move || cluster.stop())
            .await
            .map_err(|_| Problem::new("stopping Postgres was interrupted"))?
            .map_err(|error| Problem::new(error.to_string()))
    }
}

/// The data folder that was named, or the one of this account.
pub fn data_dir_or_default(data_dir: Option<&Path>) -> Result<PathBuf, Problem> {
    match data_dir {
        Some(folder) => std::path::absolute(folder)
            .map_err(|error| Problem::new(format!("the data folder {}: {error}", folder.display()))),
        None => postgres::default_data_dir().map_err(|error| Problem::new(error.to_string())),
    }
}

/// Brings every schema to the newest version. Returns how many migrations ran.
pub async fn migrate(config: &config::Database) -> Result<usize, Problem> {
    let mut ran = 0;
    for service in [&catalog::SERVICE, &supplier::SERVICE, &operations::SERVICE] {
        ran += servicekit::migrate::run(config, service).await.map_err(problem)?.len();
    }
    Ok(ran)
}

/// A refusal of the kit as the sentence for people.
pub fn problem(error: servicekit::Error) -> Problem {
    tracing::debug!(?error, "refused");
    Problem::new(error.for_operator())
}

/// A running suite.
pub struct Suite {
    /// Where it answers.
    pub addresses: Addresses,
    /// The database it works on.
    pub database: config::Database,
    /// Folder of the reports that the dashboard shows.
    pub reports: PathBuf,
    cluster: Database,
    tasks: JoinSet<Result<(), Problem>>,
    stop: CancellationToken,
}

impl Suite {
    /// Starts everything; when it returns, every port answers. It stops when `stop` is cancelled.
    pub async fn start(args: &SuiteArgs, reports: PathBuf, stop: CancellationToken) -> Result<Self, Problem> {
        // Ports and callers first: what is wrong with them costs nothing to find.
        let server = |port: u16, metrics: u16| config::Server {
            listen: Some(SocketAddr::new(args.bind, port)),
            metrics_listen: args.metrics_port_base.map(|base| SocketAddr::new(args.bind, base.saturating_add(metrics))),
            tokens_file: args.tokens_file.clone(),
            oidc: args.oidc.clone(),
            tls: args.tls.clone(),
            insecure: args.insecure,
            drain_seconds: args.drain_seconds,
            limits: args.limits.clone(),
            webhooks: args.webhooks.clone(),
        };
        let port = |own: Option<u16>, offset: u16| -> Result<u16, Problem> {
            match (own, args.port_base) {
                (Some(port), _) => Ok(port),
                (None, 0) => Ok(0),
                (None, base) => base
                    .checked_add(offset)
                    .ok_or_else(|| Problem::new(format!("--port-base {base} leaves no room for four ports"))),
            }
        };
        let dashboard_address = SocketAddr::new(args.bind, port(args.dashboard_port, 0)?);
        server(0, 0).authenticator(dashboard_address).map_err(problem)?;
        let dashboard_listener = dashboard::listen(dashboard_address, &args.tls)?;

        let cluster = Database::open(&args.database, args.data_dir.as_deref()).await?;
        let database = cluster.config.clone();
        migrate(&database).await?;

        let mut tasks = JoinSet::new();
        let catalog = bind(catalog::build(&database).await, &server(port(args.catalog_port, 1)?, 0))?;
        let operations = bind(operations::build(&database).await, &server(port(args.operations_port, 2)?, 1))?;
        let supplier = bind(supplier::build(&database).await, &server(port(args.supplier_port, 3)?, 2))?;
        let config = dashboard::Config {
            catalog: reachable(catalog.address()).to_string(),
            operations: reachable(operations.address()).to_string(),
            supplier: reachable(supplier.address()).to_string(),
            trust: Trust { own: args.tls.certificate.clone(), ..Trust::default() },
            reports: reports.clone(),
            insecure: args.insecure,
            secure: args.tls.is_on(),
            deadline: dashboard::DEADLINE,
        };
        let dashboard = Dashboard::new(dashboard_listener, config)?;
        let addresses = Addresses {
            dashboard: dashboard.address()?,
            catalog: catalog.address(),
            operations: operations.address(),
            supplier: supplier.address(),
        };
        for bound in [catalog, operations, supplier] {
            let stop = stop.clone();
            tasks.spawn(async move { bound.run(stop).await.map_err(problem) });
        }
        tasks.spawn(dashboard.serve(stop.clone()));
        Ok(Self { addresses, database, reports, cluster, tasks, stop })
    }

    /// Waits until everything has stopped: because it was told to, or because one part failed.
    pub async fn wait(mut self) -> Result<(), Problem> {
        let mut outcome = Ok(());
        while let Some(ended) = self.tasks.join_next().await {
            let ended = ended.map_err(|_| Problem::new("a part of the suite stopped unexpectedly")).flatten();
            if let (Err(problem), Ok(())) = (ended, &outcome) {
                outcome = Err(problem);
            }
            // Together up, together down: a suite with a part missing would only look alive.
            self.stop.cancel();
        }
        outcome.and(self.cluster.close().await)
    }

    /// Stops everything and waits for it.
    pub async fn stop(self) -> Result<(), Problem> {
        self.stop.cancel();
        self.wait().await
    }
}

fn bind(
    server: Result<servicekit::serve::Server, servicekit::Error>,
    config: &config::Server,
) -> Result<Bound, Problem> {
    server.and_then(|server| server.bind(config)).map_err(problem)
}

/// An address that this machine can call: a server that listens on every address is called on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() { SocketAddr::new(Ipv4Addr::LOCALHOST.into(), address.port()) } else { address }
}
