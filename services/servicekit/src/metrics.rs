//! What a server counts, in the OpenMetrics text format: calls as OpenTelemetry's conventions name them, the pool,
//! the writers and the journal. One registry for each kit, so that several servers in one process stay apart.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use prost_reflect::DescriptorPool;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::Code;

use crate::db::{Connection, Database};
use crate::error::Error;
use crate::migrate::Service;
use crate::sql::Sql;

/// Bounds of the durations of calls in seconds, as OpenTelemetry's conventions advise.
const SECONDS: [f64; 14] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];
/// Bounds of the sizes of batches in jobs.
const JOBS: [f64; 8] = [1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0];
/// How often the journal is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// The method of a call to something that is not served here.
const OTHER: &str = "_OTHER";
/// What a scraper is told about the text.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

type Histograms<L> = Family<L, Histogram, fn() -> Histogram>;

/// The metrics of one server; cheap to clone.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    database: Database,
    calls: Histograms<CallLabels>,
    serving: Gauge,
    connections: Family<ConnectionLabels, Gauge>,
    connections_wanted: Gauge,
    queued: Family<WriterLabels, Gauge>,
    batches: Histograms<WriterLabels>,
    pending: Gauge,
    sequence: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
#[allow(clippy::struct_field_names, reason = "fields are labels, which OpenTelemetry names")]
struct CallLabels {
    rpc_system_name: &'static str,
    rpc_method: Arc<String>,
    rpc_response_status_code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ConnectionLabels {
    db_client_connection_state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct WriterLabels {
    writer: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BuildLabels {
    service: &'static str,
    version: &'static str,
    schema_version: String,
}

impl Metrics {
    /// Metrics of the service on its pool, all at zero.
    pub(crate) fn new(service: &'static Service, database: Database) -> Result<Self, Error> {
        let mut registry = Registry::default();
        let build = BuildLabels { service: service.name, version: service.version, schema_version: service.newest()? };
        registry.register("itsm_build", "The program and the schema that it works on", Info::new(build));

        let calls = Histograms::new_with_constructor(|| Histogram::new(SECONDS));
        let help = "Time from the arrival of a call to the end of its answer";
        registry.register_with_unit("rpc_server_call_duration", help, Unit::Seconds, calls.clone());

        let serving = Gauge::default();
        registry.register("itsm_serving", "1 while health answers SERVING, else 0", serving.clone());

        let connections = Family::<ConnectionLabels, Gauge>::default();
        let help = "Connections of the pool by their state";
        registry.register("db_client_connection_count", help, connections.clone());
        let most: Gauge = Gauge::default();
        most.set(count(database.usage().most));
        registry.register("db_client_connection_max", "Connections that the pool may open", most);
        let connections_wanted = Gauge::default();
        let help = "Requests that wait for a connection of the pool";
        registry.register("db_client_connection_pending_requests", help, connections_wanted.clone());

        let queued = Family::<WriterLabels, Gauge>::default();
        registry.register("itsm_writer_queued_jobs", "Writes that wait for their statement", queued.clone());
        let batches = Histograms::new_with_constructor(|| Histogram::new(JOBS));
        registry.register("itsm_writer_batch_jobs", "Writes that shared a statement", batches.clone());

        let pending = Gauge::default();
        let help = "Changes that are committed and not yet in the order of the journal, up to 100,000";
        registry.register("itsm_journal_pending_changes", help, pending.clone());
        let sequence = Gauge::default();
        registry.register("itsm_journal_sequence", "Newest number in the order of the journal", sequence.clone());

        Ok(Self(Arc::new(Inner {
            registry,
            database,
            calls,
            serving,
            connections,
            connections_wanted,
            queued,
            batches,
            pending,
            sequence,
        })))
    }

    /// Everything as OpenMetrics text.
    pub fn render(&self) -> Result<String, Error> {
        let pool = self.0.database.usage();
        for (state, number) in [("idle", pool.idle), ("used", pool.used)] {
            let labels = ConnectionLabels { db_client_connection_state: state };
            self.0.connections.get_or_create(&labels).set(count(number));
        }
        self.0.connections_wanted.set(count(pool.waiting));
        let mut text = String::new();
        encode(&mut text, &self.0.registry).map_err(Error::internal)?;
        Ok(text)
    }

    /// Whether health answers SERVING.
    pub(crate) fn serves(&self, serving: bool) {
        self.0.serving.set(i64::from(serving));
    }

    /// The load of a writer, by its name.
    pub(crate) fn writer(&self, writer: &'static str) -> Load {
        let labels = WriterLabels { writer };
        Load {
            queued: self.0.queued.get_or_create_owned(&labels),
            batches: self.0.batches.get_or_create_owned(&labels),
        }
    }

    /// Counts the calls of the gRPC services that are named; everything else goes together, so that strangers cannot
    /// make more of it.
    pub(crate) fn calls(&self, services: &[&str]) -> Calls {
        let sets = [
            proto::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut methods = HashMap::new();
        for pool in sets.into_iter().filter_map(|set| DescriptorPool::decode(set).ok()) {
            for service in pool.services().filter(|service| services.contains(&service.full_name())) {
                for method in service.methods() {
                    let name = format!("{}/{}", service.full_name(), method.name());
                    methods.insert(format!("/{name}"), Arc::new(name));
                }
            }
        }
        Calls { durations: self.0.calls.clone(), methods: Arc::new(methods), other: Arc::new(OTHER.to_owned()) }
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// How long calls took, by method and status.
#[derive(Clone)]
pub(crate) struct Calls {
    durations: Histograms<CallLabels>,
    methods: Arc<HashMap<String, Arc<String>>>,
    other: Arc<String>,
}

#[cfg(test)]
impl Default for Calls {
    /// Counts everything together, for nobody.
    fn default() -> Self {
        Self {
            durations: Histograms::new_with_constructor(|| Histogram::new(SECONDS)),
            methods: Arc::default(),
            other: Arc::new(OTHER.to_owned()),
        }
    }
}

impl Calls {
    /// A call to the path ended with this code after this time.
    pub(crate) fn ended(&self, path: &str, code: Code, elapsed: Duration) {
        let labels = CallLabels {
            rpc_system_name: "grpc",
            rpc_method: self.methods.get(path).unwrap_or(&self.other).clone(),
            rpc_response_status_code: code_name(code),
        };
        self.durations.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }
}

/// How busy a writer is.
#[derive(Clone)]
pub(crate) struct Load {
    queued: Gauge,
    batches: Histogram,
}

impl Default for Load {
    fn default() -> Self {
        Self { queued: Gauge::default(), batches: Histogram::new(JOBS) }
    }
}

impl Load {
    /// A job was queued.
    pub(crate) fn queue(&self) {
        self.queued.inc();
    }

    /// That many jobs left the queue and were not written.
    pub(crate) fn drop(&self, jobs: usize) {
        self.queued.dec_by(count(jobs));
    }

    /// That many jobs left the queue together.
    pub(crate) fn take(&self, jobs: usize) {
        self.queued.dec_by(count(jobs));
        self.batches.observe(f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)));
    }
}

/// The name of a status code in the contract: `DEADLINE_EXCEEDED`.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Answers `/metrics` until the server stops.
pub(crate) async fn serve(listener: TcpListener, metrics: Metrics, stop: CancellationToken) {
    let answer = move || {
        let metrics = metrics.clone();
        async move {
            match metrics.render() {
                Ok(text) => Ok(([(CONTENT_TYPE, OPENMETRICS)], text)),
                Err(error) => {
                    tracing::error!("metrics cannot be written: {}", error.for_operator());
                    Err(axum::http::StatusCode::INTERNAL_SERVER_ERROR)
                }
            }
        }
    };
    let router = axum::Router::new().route("/metrics", get(answer));
    if let Err(cause) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%cause, "metrics are no longer served");
    }
}

#[derive(QueryableByName)]
struct Journal {
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    sequence: i64,
}

/// Looks at the journal every two seconds until the server stops. What cannot be seen stays as it was.
pub(crate) async fn follow_journal(database: Database, metrics: Metrics, stop: CancellationToken) {
    let mut connection = None;
    loop {
        match tokio::time::timeout(LOOK, look(&database, &mut connection)).await {
            Ok(Ok(Journal { pending, sequence })) => {
                metrics.0.pending.set(pending);
                metrics.0.sequence.set(sequence);
            }
            _ => connection = None,
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Looks through a connection of its own, which a pool in which all are busy does not hold up.
async fn look(database: &Database, connection: &mut Option<Connection>) -> Result<Journal, Error> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(database.dedicated().await?),
    };
    let mut sql = Sql::new("SELECT (SELECT count(*) FROM (SELECT FROM journal_pending LIMIT 100000) p) AS pending, ");
    sql.push("coalesce((SELECT max(seq) FROM journal_order), 0) AS sequence");
    Ok(sql.get_result(connection).await?)
}
