//! What a process tells about itself: the log to stderr, as text on terminals and as JSON otherwise, and traces to an
//! OpenTelemetry collector.

use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, Ordering};

use http::HeaderMap;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::{Status, TracerProvider as _};
use opentelemetry::{Context, KeyValue};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tonic::Code;
use tracing::level_filters::LevelFilter;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::filter::FilterFn;
use tracing_subscriber::layer::{Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use crate::config::{Log, LogFormat};
use crate::error::{self, Error};
use crate::metrics::code_name;

/// Whether traces leave the process: what only they need is not computed otherwise.
static TRACED: AtomicBool = AtomicBool::new(false);

/// Telemetry of the process; traces that wait are sent when it is finished.
#[must_use]
pub struct Telemetry(Option<SdkTracerProvider>);

impl Telemetry {
    /// Sends what waits. Blocks for up to five seconds, so that it needs a runtime with another thread.
    pub fn finish(self) {
        if let Some(Err(cause)) = self.0.map(|provider| provider.shutdown()) {
            tracing::warn!(%cause, "the last traces were not sent");
        }
    }
}

/// Starts logging for the process, at `default` unless the settings say otherwise, and traces under the name `service`
/// when there is somewhere to send them; a second call changes nothing. Needs a runtime.
pub fn init(config: &Log, default: &str, service: &'static str) -> Result<Telemetry, Error> {
    let wanted = config.log.as_deref().unwrap_or(default);
    let filter = EnvFilter::try_new(wanted).map_err(|cause| {
        let message = format!("--log {wanted:?} cannot be read ({cause}): try info or debug");
        Error::refused(error::CONFIGURATION_INVALID, "", message)
    })?;
    let json = match config.log_format {
        LogFormat::Auto => !std::io::stderr().is_terminal(),
        LogFormat::Text => false,
        LogFormat::Json => true,
    };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = if json {
        log.json().flatten_event(true).with_filter(filter).boxed()
    } else {
        log.with_target(false).compact().with_filter(filter).boxed()
    };
    let endpoint = config.otlp_endpoint.as_deref().filter(|endpoint| !endpoint.is_empty());
    let provider = endpoint.map(|endpoint| provider(endpoint, service)).transpose()?;
    let traces = provider.as_ref().map(traces::<Registry>);
    let started = Registry::default().with(traces).with(log).try_init();
    if started.is_err() {
        tracing::debug!("logging is set up already");
        return Ok(Telemetry(None));
    }
    TRACED.store(provider.is_some(), Ordering::Relaxed);
    Ok(Telemetry(provider))
}

fn provider(endpoint: &str, service: &'static str) -> Result<SdkTracerProvider, Error> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(endpoint).build().map_err(|cause| {
        let message = format!("--otlp-endpoint {endpoint:?} cannot be used ({cause}): try http://127.0.0.1:4317");
        Error::refused(error::CONFIGURATION_INVALID, "", message)
    })?;
    let resource = Resource::builder()
        .with_service_name(service)
        .with_attribute(KeyValue::new("service.namespace", "itsm"))
        .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
        .build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// Sends the suite's own spans: those of the libraries below say nothing that these do not.
fn traces<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    const OURS: [&str; 5] = ["servicekit", "catalog", "operations", "supplier", "itsm"];
    let ours = |target: &str| OURS.contains(&target.split("::").next().unwrap_or_default());
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("itsm"))
        .with_location(false)
        .with_threads(false)
        .with_filter(
            FilterFn::new(move |metadata| metadata.is_span() && ours(metadata.target()))
                .with_max_level_hint(LevelFilter::DEBUG),
        )
}

/// Headers as OpenTelemetry reads them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.to_str().ok()
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

/// Says on the span of a call what it is a call of, and makes it part of the caller's trace.
pub(crate) fn begin_call(span: &Span, path: &str, headers: &HeaderMap) {
    if !TRACED.load(Ordering::Relaxed) {
        return;
    }
    let parent = TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers));
    if let Err(cause) = span.set_parent(parent) {
        tracing::debug!(%cause, "a trace was not joined");
    }
    let method = path.trim_start_matches('/').to_owned();
    span.record("otel.name", &method);
    span.record("otel.kind", "server");
    span.set_attribute("rpc.system.name", "grpc");
    span.set_attribute("rpc.method", method);
}

/// Says on the span of a call how it ended.
pub(crate) fn end_call(span: &Span, code: Code) {
    if !TRACED.load(Ordering::Relaxed) {
        return;
    }
    span.set_attribute("rpc.response.status_code", code_name(code));
    // Other codes are the caller's affair, as OpenTelemetry's conventions have it.
    if matches!(
        code,
        Code::Unknown
            | Code::DeadlineExceeded
            | Code::Unimplemented
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss
    ) {
        span.set_attribute("error.type", code_name(code));
        span.set_status(Status::error(""));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use opentelemetry_sdk::error::OTelSdkResult;
    use opentelemetry_sdk::trace::{SpanData, SpanExporter};

    use super::*;

    /// Keeps what would leave the process.
    #[derive(Debug, Clone, Default)]
    struct Kept(Arc<Mutex<Vec<SpanData>>>);

    impl SpanExporter for Kept {
        async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
            self.0.lock().unwrap().extend(batch);
            Ok(())
        }
    }

    /// What leaves the process of a call that ends with this code, and of a span of a library within it.
    fn traced(code: Code) -> Vec<SpanData> {
        let kept = Kept::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(kept.clone()).build();
        TRACED.store(true, Ordering::Relaxed);
        tracing::subscriber::with_default(Registry::default().with(traces(&provider)), || {
            let empty = tracing::field::Empty;
            let span = tracing::info_span!("request", otel.name = empty, otel.kind = empty);
            let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
            let headers =
                HeaderMap::from_iter([(http::HeaderName::from_static("traceparent"), parent.parse().unwrap())]);
            begin_call(&span, "/itsm.x.v1.X/Get", &headers);
            span.in_scope(|| tracing::info_span!(target: "h2::codec", "frame").in_scope(|| {}));
            end_call(&span, code);
        });
        kept.0.lock().unwrap().clone()
    }

    #[test]
    fn a_call_joins_the_trace_of_its_caller_under_the_name_of_its_method() {
        let spans = traced(Code::NotFound);
        assert_eq!(spans.len(), 1, "spans of libraries stay here: {spans:?}");
        assert_eq!(spans[0].name, "itsm.x.v1.X/Get");
        assert_eq!(spans[0].span_context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(spans[0].parent_span_id.to_string(), "b7ad6b7169203331");
        assert_eq!(spans[0].span_kind, opentelemetry::trace::SpanKind::Server);
        let code = KeyValue::new("rpc.response.status_code", "NOT_FOUND");
        assert!(spans[0].attributes.contains(&code), "{spans:?}");
    }

    #[test]
    fn only_faults_of_the_server_are_errors_of_a_trace() {
        assert_eq!(traced(Code::NotFound)[0].status, Status::Unset);
        assert_ne!(traced(Code::Internal)[0].status, Status::Unset);
    }
}
