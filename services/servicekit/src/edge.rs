//! The edge of a server: request id, span, caller, role, deadline, observation, in one layer that is boxed once. Nothing
//! of a request is looked at before its caller is known and may use the method (AIP-211).
//! Every refusal leaves with a reason, also those that the transport makes by itself.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use tower::Service;
use tracing::{Instrument, Span};

use crate::auth::{Authenticator, Caller};
use crate::clock;
use crate::error::{self, DOMAIN, Error, Reason};
use crate::limit::{Limits, Stream};
use crate::metrics::Calls;
use crate::telemetry;
use crate::tls::Peer;

/// Header with the id of a request, in both directions.
const REQUEST_ID: &str = "x-request-id";
/// What answers without credentials.
const OPEN: [&str; 2] = ["/grpc.health.v1.Health/", "/grpc.reflection."];

tokio::task_local! {
    static DEADLINE: Option<Instant>;
}

/// When the caller of the request at hand stops waiting for its answer. None: never, or there is no request.
pub(crate) fn deadline() -> Option<Instant> {
    DEADLINE.try_with(|deadline| *deadline).ok().flatten()
}

/// All methods of a server behind its edge.
#[derive(Clone)]
pub(crate) struct Edge {
    pub(crate) routes: Routes,
    pub(crate) authenticator: Arc<Authenticator>,
    /// The role that each method takes, by its full name.
    pub(crate) roles: Arc<HashMap<&'static str, &'static str>>,
    /// The methods whose answer is a stream.
    pub(crate) streaming: Arc<HashSet<String>>,
    pub(crate) limits: Limits,
    pub(crate) clock: clock::Shared,
    pub(crate) calls: Calls,
}

type Answer = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

impl Service<Request<Body>> for Edge {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Answer;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<Request<Body>>::poll_ready(&mut self.routes, context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Answer {
        let method = request.uri().path().to_owned();
        let request_id = request_id(request.headers());
        let span = tracing::info_span!(
            "request",
            method,
            request_id,
            actor = tracing::field::Empty,
            otel.name = tracing::field::Empty,
            otel.kind = tracing::field::Empty,
        );
        telemetry::begin_call(&span, &method, request.headers());
        let mut call = Call::begin(self.calls.clone(), method.clone(), span.clone());
        // Made here, before the transport's own timer, so that ours is the one that answers.
        let sleep = timeout(request.headers()).map(tokio::time::sleep);
        let deadline = sleep.as_ref().map(tokio::time::Sleep::deadline);
        let mut this = self.clone();
        let answer = async move {
            let inner = async {
                match this.admit(&method, &mut request).await {
                    Ok(stream) => {
                        call.stream = stream;
                        this.routes.call(request).await
                    }
                    Err(error) => Ok(Status::from(error).into_http()),
                }
            };
            let inner = DEADLINE.scope(deadline, inner);
            let mut response = match sleep {
                None => inner.await?,
                Some(sleep) => tokio::select! {
                    biased;
                    response = inner => response?,
                    () = sleep => too_late().into_http(),
                },
            };
            let code = give_reason(response.headers_mut());
            if let Ok(value) = HeaderValue::from_str(&request_id) {
                response.headers_mut().insert(REQUEST_ID, value);
            }
            tracing::debug!(?code, elapsed = ?call.began.elapsed(), "answered");
            if response.headers().contains_key(Status::GRPC_STATUS) {
                call.end(code);
                return Ok(response);
            }
            Ok(response.map(|body| Body::new(Answered { body, call: Some(call) })))
        };
        Box::pin(answer.instrument(span))
    }
}

impl Edge {
    /// Puts the caller into the request, if it may use the method: first who it is, then whether it asks for too much,
    /// then what it may do. Answers the stream that begins, if there is one and they are counted.
    async fn admit(&self, method: &str, request: &mut Request<Body>) -> Result<Option<Stream>, Error> {
        if OPEN.iter().any(|prefix| method.starts_with(prefix)) {
            return Ok(None);
        }
        let credentials =
            request.headers().get(http::header::AUTHORIZATION).map(|value| value.to_str().unwrap_or_default());
        let peer = request.extensions().get::<Peer>();
        let caller = self.authenticator.authenticate(credentials, peer, self.clock.now()).await?;
        tracing::Span::current().record("actor", &caller.actor);
        let now = Instant::now();
        self.limits.call(&caller, now)?;
        // A method that is not in the table does not exist: see `Server::bind`.
        let name = method.trim_start_matches('/');
        if let Some(role) = self.roles.get(name).filter(|role| !role.is_empty()) {
            caller.require(role)?;
        }
        let stream = if self.streaming.contains(name) { self.limits.stream(&caller, now)? } else { None };
        request.extensions_mut().insert::<Arc<Caller>>(caller);
        Ok(stream)
    }
}

/// A call under way. It ends once: with its status, or cancelled when the client goes away.
struct Call {
    calls: Calls,
    path: String,
    began: Instant,
    code: Code,
    span: Span,
    /// Counted as long as the call is under way.
    stream: Option<Stream>,
}

impl Call {
    fn begin(calls: Calls, path: String, span: Span) -> Self {
        Self { calls, path, began: Instant::now(), code: Code::Cancelled, span, stream: None }
    }

    fn end(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.calls.ended(&self.path, self.code, self.began.elapsed());
        telemetry::end_call(&self.span, self.code);
    }
}

/// The body of an answer, whose trailers carry the status of the call.
struct Answered {
    body: Body,
    call: Option<Call>,
}

impl http_body::Body for Answered {
    type Data = <Body as http_body::Body>::Data;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Self::Data>, Status>>> {
        let polled = Pin::new(&mut self.body).poll_frame(context);
        let code = match &polled {
            Poll::Pending => None,
            Poll::Ready(None) => Some(Code::Ok),
            Poll::Ready(Some(Err(status))) => Some(status.code()),
            Poll::Ready(Some(Ok(frame))) => {
                frame.trailers_ref().map(|trailers| Status::from_header_map(trailers).map_or(Code::Ok, |s| s.code()))
            }
        };
        if let Some(code) = code
            && let Some(call) = self.call.take()
        {
            call.end(code);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// The id that the client sent, if it is short and plain, or a fresh one.
fn request_id(headers: &HeaderMap) -> String {
    headers
        .get(REQUEST_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()))
        .map_or_else(clock::reference, str::to_owned)
}

/// The `grpc-timeout` of a request: at most eight digits and a unit.
fn timeout(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("grpc-timeout")?.to_str().ok()?;
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    if digits.len() > 8 {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3_600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

fn too_late() -> Status {
    let message = "the deadline passed: a write may have happened, repeat it with the same request id";
    Error::refused(error::DEADLINE_EXCEEDED, "", message).into()
}

/// Adds a reason to an error that has none: those that the transport made. Answers the code.
fn give_reason(headers: &mut HeaderMap) -> Code {
    let Some(status) = Status::from_header_map(headers) else { return Code::Ok };
    let code = status.code();
    if code == Code::Ok || !status.details().is_empty() {
        return code;
    }
    let Reason { name, .. } = match code {
        Code::Unimplemented => error::METHOD_UNKNOWN,
        Code::OutOfRange | Code::ResourceExhausted => error::MESSAGE_TOO_LARGE,
        Code::DeadlineExceeded | Code::Cancelled => error::DEADLINE_EXCEEDED,
        _ => error::MESSAGE_MALFORMED,
    };
    let message = match (code, status.message()) {
        (Code::Unimplemented, "") => "this server has no such method: ask its reflection service for the list",
        (_, message) => message,
    };
    let details = ErrorDetails::with_error_info(name, DOMAIN, std::collections::HashMap::new());
    let with_reason = Status::with_error_details(code, message, details);
    for name in ["grpc-status", "grpc-message", "grpc-status-details-bin"] {
        headers.remove(name);
    }
    if with_reason.add_header(headers).is_err() {
        tracing::debug!("a status could not be written");
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(http::HeaderName::from_static(name), HeaderValue::from_str(value).unwrap())])
    }

    fn edge() -> Edge {
        let callers = crate::auth::tests::callers("0123456789abcdef people/ann roles=waiter");
        Edge {
            routes: Routes::default(),
            authenticator: Arc::new(callers),
            roles: Arc::new([("itsm.x.v1.Slow/Wait", "waiter"), ("itsm.x.v1.Slow/Haste", "runner")].into()),
            streaming: Arc::default(),
            limits: Limits::default(),
            clock: Arc::new(clock::System),
            calls: Calls::default(),
        }
    }

    async fn status(edge: &mut Edge, request: Request<Body>) -> Status {
        let response = edge.call(request).await.unwrap();
        assert!(response.headers().contains_key(REQUEST_ID));
        Status::from_header_map(response.headers()).unwrap()
    }

    #[tokio::test]
    async fn a_stranger_is_refused_before_anything_else() {
        let request = Request::builder().uri("/itsm.x.v1.X/Get").body(Body::empty()).unwrap();
        let status = status(&mut edge(), request).await;
        assert_eq!(status.code(), Code::Unauthenticated);
        assert_eq!(status.get_details_error_info().unwrap().reason, "UNAUTHENTICATED");
    }

    #[tokio::test]
    async fn an_unknown_method_has_a_reason_too() {
        let request = Request::builder()
            .uri("/itsm.x.v1.X/Get")
            .header("authorization", "Bearer 0123456789abcdef")
            .body(Body::empty())
            .unwrap();
        let status = status(&mut edge(), request).await;
        assert_eq!(status.code(), Code::Unimplemented);
        assert_eq!(status.get_details_error_info().unwrap().reason, "METHOD_UNKNOWN");
    }

    /// Answers after a while.
    #[derive(Clone)]
    struct Slow;

    impl tonic::server::NamedService for Slow {
        const NAME: &'static str = "itsm.x.v1.Slow";
    }

    impl Service<Request<Body>> for Slow {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Answer;

        fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _request: Request<Body>) -> Answer {
            Box::pin(async {
                tokio::time::sleep(Duration::from_millis(200)).await;
                Ok(Status::ok("").into_http())
            })
        }
    }

    #[tokio::test]
    async fn a_deadline_that_passes_is_answered_with_its_reason() {
        let mut edge = Edge { routes: Routes::new(Slow), ..edge() };
        let request = |timeout: &str| {
            Request::builder()
                .uri("/itsm.x.v1.Slow/Wait")
                .header("authorization", "Bearer 0123456789abcdef")
                .header("grpc-timeout", timeout)
                .body(Body::empty())
                .unwrap()
        };
        let status_of_late = status(&mut edge, request("20m")).await;
        assert_eq!(status_of_late.get_details_error_info().unwrap().reason, "DEADLINE_EXCEEDED");
        assert_eq!(status(&mut edge, request("2M")).await.code(), Code::Ok);
    }

    #[tokio::test]
    async fn a_caller_without_the_role_does_not_reach_the_method() {
        let mut edge = Edge { routes: Routes::new(Slow), ..edge() };
        let request = |token: &str| {
            let builder =
                Request::builder().uri("/itsm.x.v1.Slow/Haste").header("authorization", format!("Bearer {token}"));
            builder.body(Body::empty()).unwrap()
        };
        let refusal = status(&mut edge, request("0123456789abcdef")).await;
        assert_eq!(refusal.code(), Code::PermissionDenied);
        assert_eq!(refusal.get_details_error_info().unwrap().reason, "PERMISSION_DENIED");
        assert_eq!(status(&mut edge, request("0123456789abcdeg")).await.code(), Code::Unauthenticated);
    }

    #[tokio::test]
    async fn health_and_reflection_are_open() {
        for uri in ["/grpc.health.v1.Health/Check", "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"] {
            let request = Request::builder().uri(uri).body(Body::empty()).unwrap();
            assert_eq!(status(&mut edge(), request).await.code(), Code::Unimplemented, "{uri}");
        }
    }

    #[test]
    fn deadlines_are_read_with_their_unit() {
        assert_eq!(timeout(&headers("grpc-timeout", "250m")), Some(Duration::from_millis(250)));
        assert_eq!(timeout(&headers("grpc-timeout", "2S")), Some(Duration::from_secs(2)));
        for wrong in ["", "m", "1x", "123456789S", "-1S", "é"] {
            let Ok(value) = HeaderValue::from_str(wrong) else { continue };
            assert_eq!(timeout(&HeaderMap::from_iter([(http::HeaderName::from_static("grpc-timeout"), value)])), None);
        }
    }

    #[test]
    fn a_request_id_is_kept_when_it_is_plain() {
        assert_eq!(request_id(&headers(REQUEST_ID, "abc-1")), "abc-1");
        assert_ne!(request_id(&headers(REQUEST_ID, "a b")), "a b");
        assert!(!request_id(&HeaderMap::new()).is_empty());
    }
}
