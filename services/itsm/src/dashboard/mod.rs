//! The suite in a browser: what needs attention, and everything behind it. The dashboard has no rights and no database
//! of its own: it shows what the services answer to the viewer's token, and renders on the server.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use servicekit::config;
use servicekit::tls::{Listener, Protocol, Stream};
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};

use crate::client::Trust;
use crate::import::Problem;
use crate::suite::problem;

mod agreements;
mod approvals;
mod contracts;
mod customers;
mod facts;
mod home;
mod list;
mod page;
mod part;
mod query;
mod queue;
mod reports;
mod saved;
mod services;
mod sign_in;
mod site;
mod suppliers;
mod ticket;
mod tickets;
mod timeline;
mod viewer;

use site::Site;
use viewer::Refusal;

/// What the dashboard needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the catalog service.
    pub catalog: String,
    /// Address of the operations service.
    pub operations: String,
    /// Address of the supplier service.
    pub supplier: String,
    /// How they are verified.
    pub trust: Trust,
    /// Folder of the reports: one folder a report.
    pub reports: PathBuf,
    /// Whether everybody is let in without a token.
    pub insecure: bool,
    /// Whether the port speaks TLS: browsers then keep the token to such ports.
    pub secure: bool,
    /// How long a page waits for each answer of a service.
    pub deadline: Duration,
}

/// How long a page waits unless told otherwise.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// A dashboard that listens and is ready to serve.
pub struct Dashboard {
    port: Port,
    config: Config,
}

/// A port that a dashboard has taken.
pub struct Port(Listener);

/// Takes an address for the dashboard; port 0 takes a free port.
pub fn listen(address: SocketAddr, tls: &config::Tls) -> Result<Port, Problem> {
    Listener::bind(address, tls, Protocol::Http).map(Port).map_err(problem)
}

impl axum::serve::Listener for Port {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        self.0.accept().await
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.address()
    }
}

impl Dashboard {
    /// A dashboard on an address that was taken.
    pub fn new(port: Port, config: Config) -> Result<Self, Problem> {
        let dashboard = Self { port, config };
        let address = dashboard.address()?;
        if dashboard.config.insecure && !address.ip().is_loopback() {
            return Err(Problem::new(format!("--insecure listens on loopback only, not on {address}")));
        }
        Ok(dashboard)
    }

    /// Address it listens on.
    pub fn address(&self) -> Result<SocketAddr, Problem> {
        self.port.0.address().map_err(|error| Problem::new(format!("the dashboard has no address: {error}")))
    }

    /// Serves until told to stop.
    pub async fn serve(self, stop: CancellationToken) -> Result<(), Problem> {
        let site = Arc::new(Site::new(self.config));
        let router = Router::new()
            .route("/", get(home::show))
            .route("/find", get(tickets::find))
            .route("/approvals", get(approvals::list))
            .route("/tickets", get(tickets::list))
            .route("/tickets/{ticket}", get(ticket::show))
            .route("/services", get(services::list))
            .route("/services/{service}", get(services::show))
            .route("/customers", get(customers::list))
            .route("/customers/{customer}", get(customers::show))
            .route("/agreements", get(agreements::list))
            .route("/agreements/{agreement}", get(agreements::show))
            .route("/suppliers", get(suppliers::list))
            .route("/suppliers/{supplier}", get(suppliers::show))
            .route("/contracts", get(contracts::list))
            .route("/contracts/{contract}", get(contracts::show))
            .route("/reports", get(reports::index))
            .route("/reports/{report}", get(reports::numbers))
            .route("/reports/{report}/{*file}", get(reports::file))
            .route("/saved", post(saved::change))
            .route("/sign-in", get(sign_in::show).post(sign_in::sign_in))
            .route("/sign-out", post(sign_in::sign_out))
            .fallback(|| async { Refusal::not_found("there is no such page") })
            .layer(middleware::from_fn_with_state(site.clone(), sign_in::again))
            .route("/assets/{asset}", get(page::asset))
            .route("/health", get(|| async { "ok\n" }))
            .layer(middleware::from_fn(guarded))
            .route_service("/grpc.health.v1.Health/{method}", health().await)
            .with_state(site);
        axum::serve(self.port, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
            .map_err(|error| Problem::new(format!("the dashboard stopped: {error}")))
    }
}

/// The health of the dashboard as gRPC servers tell theirs, so that one command asks them all.
async fn health() -> HealthServer<HealthService> {
    let reporter = HealthReporter::new();
    reporter.set_service_status("", ServingStatus::Serving).await;
    HealthServer::new(HealthService::from_health_reporter(reporter))
}

/// What browsers may do with a page: its own stylesheet and script, forms to itself, in no frame. Nothing from outside,
/// and no text that was recorded can become a script.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// Puts the headers that guard a page on every answer that does not state its own.
async fn guarded(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
