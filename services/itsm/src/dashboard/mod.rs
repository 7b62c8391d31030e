//! Reports and tickets in a browser. The dashboard has no rights of its own: it shows what the services
//! answer to the viewer's token, and renders on the server without script.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use pb::ticket_service_client::TicketServiceClient;
use proto::operations::v1 as pb;
use serde::Deserialize;
use servicekit::tls::{Listener, Protocol, Stream};
use servicekit::{config, error};
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::HealthServer;
use tonic_health::server::{HealthReporter, HealthService};
use tonic_types::StatusExt as _;

use crate::client::{self, Channel, Trust, sentence};
use crate::import::Problem;
use crate::suite::problem;

mod page;
mod reports;
mod ticket;
mod tickets;
mod timeline;

/// Name of the cookie that holds the viewer's token.
const COOKIE: &str = "itsm_token";
/// Longest token that browsers keep: cookies have 4,096 bytes with their attributes (RFC 6265 section 6.1).
const LONGEST_TOKEN: usize = 4_000;

/// What the dashboard needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the operations service.
    pub operations: String,
    /// How it is verified.
    pub trust: Trust,
    /// Folder of the reports: one folder a report.
    pub reports: PathBuf,
    /// Whether everybody is let in without a token.
    pub insecure: bool,
    /// Whether the port speaks TLS: browsers then keep the token to such ports.
    pub secure: bool,
}

/// A dashboard that listens and is ready to serve.
pub struct Dashboard {
    port: Port,
    config: Arc<Config>,
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
        let dashboard = Self { port, config: Arc::new(config) };
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
        let router = Router::new()
            .route("/", get(reports::index))
            .route("/reports/{report}", get(reports::numbers))
            .route("/reports/{report}/{*file}", get(reports::file))
            .route("/tickets", get(tickets::list))
            .route("/tickets/{ticket}", get(ticket::show))
            .route("/sign-in", get(sign_in_page).post(sign_in))
            .route("/sign-out", get(sign_out))
            .route("/health", get(|| async { "ok\n" }))
            .route_service("/grpc.health.v1.Health/{method}", health().await)
            .fallback(|| async { Refusal::not_found("there is no such page") })
            .layer(axum::middleware::from_fn_with_state(self.config.clone(), sign_in_again))
            .with_state(self.config);
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

/// Somebody who is let in, with a client that speaks for them.
struct Viewer {
    tickets: TicketServiceClient<Channel>,
    signed_in: bool,
}

impl FromRequestParts<Arc<Config>> for Viewer {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, config: &Arc<Config>) -> Result<Self, Response> {
        let token = if config.insecure { String::new() } else { token(&parts.headers).unwrap_or_default() };
        if token.is_empty() && !config.insecure {
            return Err(Redirect::to(&sign_in_path(&parts.uri, None)).into_response());
        }
        let channel = client::connect_with(&config.operations, &token, &config.trust)
            .await
            .map_err(|problem| Refusal::new(StatusCode::BAD_GATEWAY, problem.to_string()).into_response())?;
        let tickets = TicketServiceClient::new(channel).max_decoding_message_size(16 << 20);
        Ok(Self { tickets, signed_in: !config.insecure })
    }
}

impl Viewer {
    /// Refuses a token that the services do not know; for pages that ask no service.
    async fn verify(&mut self) -> Result<(), Refusal> {
        self.look().await.map_err(Refusal::from)
    }

    async fn look(&mut self) -> Result<(), Status> {
        let request = pb::ListTicketsRequest { page_size: 1, ..Default::default() };
        self.tickets.list_tickets(request).await.map(drop)
    }
}

fn sign_in_path(uri: &Uri, ended: Option<Ended>) -> String {
    let next = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", next);
    if let Some(ended) = ended {
        query.append_pair("ended", ended.word());
    }
    format!("/sign-in?{}", query.finish())
}

/// Why somebody who was signed in has to sign in again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// The token has expired.
    Expired,
    /// The services accept the token no longer.
    Refused,
}

impl Ended {
    fn of(status: &Status) -> Self {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        if reason == error::TOKEN_EXPIRED.name { Self::Expired } else { Self::Refused }
    }

    /// As the address of the sign-in page has it: a word, so that no link can put a text of its own on the page.
    fn word(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }

    fn sentence(word: &str) -> &'static str {
        match word {
            "expired" => "Your token has expired: sign in with a new one.",
            "refused" => "The services do not accept your token any more: sign in with another one.",
            _ => "",
        }
    }
}

/// Leads whoever was signed in and no longer is to the sign-in page, which says why, and back to where they were.
async fn sign_in_again(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let Some(ended) = response.extensions().get::<Ended>() else { return response };
    let forget = [(header::SET_COOKIE, config.cookie("", "; Max-Age=0"))];
    (forget, Redirect::to(&sign_in_path(&uri, Some(*ended)))).into_response()
}

fn token(headers: &HeaderMap) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, value)| value.to_owned())
}

#[derive(Debug, Deserialize)]
struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    ended: String,
}

impl SignIn {
    /// Where to go next: only to a page of this dashboard.
    fn next(&self) -> &str {
        if self.next.starts_with('/') && !self.next.starts_with("//") { &self.next } else { "/" }
    }
}

async fn sign_in_page(axum::extract::Query(form): axum::extract::Query<SignIn>) -> Markup {
    sign_in_form(form.next(), Ended::sentence(&form.ended))
}

fn sign_in_form(next: &str, refused: &str) -> Markup {
    page::page(
        "Sign in",
        false,
        &html! {
            h1 { "Sign in" }
            @if !refused.is_empty() { p.refused role="alert" { (refused) } }
            form.sign-in method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token type="password" name="token" autocomplete="current-password" required autofocus;
                button { "Sign in" }
            }
            p.note { "The token is the one that the services take from you: from your operator, or signed by your issuer." }
        },
    )
}

async fn sign_in(State(config): State<Arc<Config>>, Form(form): Form<SignIn>) -> Response {
    let token = form.token.trim();
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b',');
    let refused = match plain {
        false => Some(NOT_ACCEPTED.to_owned()),
        true if token.len() > LONGEST_TOKEN => Some("This token is longer than a browser keeps.".to_owned()),
        true => refused(&config, token).await,
    };
    if let Some(sentence) = refused {
        return (StatusCode::UNAUTHORIZED, sign_in_form(form.next(), &sentence)).into_response();
    }
    ([(header::SET_COOKIE, config.cookie(token, ""))], Redirect::to(form.next())).into_response()
}

const NOT_ACCEPTED: &str = "The services do not accept this token.";

/// Why nobody can sign in with this token; nothing when it is good.
async fn refused(config: &Config, token: &str) -> Option<String> {
    let channel = match client::connect_with(&config.operations, token, &config.trust).await {
        Ok(channel) => channel,
        Err(problem) => return Some(problem.to_string()),
    };
    let mut viewer = Viewer { tickets: TicketServiceClient::new(channel), signed_in: true };
    let status = viewer.look().await.err()?;
    Some(match status.code() {
        Code::Unauthenticated if Ended::of(&status) == Ended::Expired => "This token has expired.".to_owned(),
        Code::Unauthenticated => NOT_ACCEPTED.to_owned(),
        _ => sentence(&status),
    })
}

async fn sign_out(State(config): State<Arc<Config>>) -> Response {
    ([(header::SET_COOKIE, config.cookie("", "; Max-Age=0"))], Redirect::to("/sign-in")).into_response()
}

impl Config {
    /// The cookie with the viewer's token; no script reads it and no other site sends it.
    fn cookie(&self, token: &str, more: &str) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{more}")
    }
}

/// A page that says why something cannot be shown.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    message: String,
    ended: Option<Ended>,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), ended: None }
    }

    fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let code = match status.code() {
            Code::NotFound => StatusCode::NOT_FOUND,
            Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            _ => StatusCode::BAD_GATEWAY,
        };
        let ended = (code == StatusCode::UNAUTHORIZED).then(|| Ended::of(&status));
        Self { ended, ..Self::new(code, sentence(&status)) }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = page::page(
            "Cannot be shown",
            true,
            &html! {
                h1 { "This cannot be shown" }
                p { (self.message) }
                p { a href="/" { "Back to the reports" } }
            },
        );
        let mut response = (self.status, body).into_response();
        if let Some(ended) = self.ended {
            response.extensions_mut().insert(ended);
        }
        response
    }
}
