//! Reports and tickets in a browser. The dashboard has no rights of its own: it shows what the services
//! answer to the viewer's token, and renders on the server without script.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Form, FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use maud::{Markup, html};
use pb::ticket_service_client::TicketServiceClient;
use proto::operations::v1 as pb;
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::client::{self, Channel, sentence};
use crate::import::Problem;

mod page;
mod reports;
mod ticket;
mod tickets;
mod timeline;

/// Name of the cookie that holds the viewer's token.
const COOKIE: &str = "itsm_token";

/// What the dashboard needs to know.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address of the operations service.
    pub operations: String,
    /// Folder of the reports: one folder a report.
    pub reports: PathBuf,
    /// Whether everybody is let in without a token.
    pub insecure: bool,
}

/// A dashboard that listens and is ready to serve.
pub struct Dashboard {
    listener: TcpListener,
    config: Arc<Config>,
}

/// Takes an address for the dashboard; port 0 takes a free port.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, Problem> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => Problem::new(format!(
            "{address} is in use: stop what listens there, or choose another port with --port-base"
        )),
        _ => Problem::new(format!("the dashboard cannot listen on {address}: {error}")),
    })
}

impl Dashboard {
    /// A dashboard on an address that was taken.
    pub fn new(listener: TcpListener, config: Config) -> Result<Self, Problem> {
        let dashboard = Self { listener, config: Arc::new(config) };
        let address = dashboard.address()?;
        if dashboard.config.insecure && !address.ip().is_loopback() {
            return Err(Problem::new(format!("--insecure listens on loopback only, not on {address}")));
        }
        Ok(dashboard)
    }

    /// Address it listens on.
    pub fn address(&self) -> Result<SocketAddr, Problem> {
        self.listener.local_addr().map_err(|error| Problem::new(format!("the dashboard has no address: {error}")))
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
            .fallback(|| async { Refusal::not_found("there is no such page") })
            .with_state(self.config);
        axum::serve(self.listener, router)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await
            .map_err(|error| Problem::new(format!("the dashboard stopped: {error}")))
    }
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
            return Err(Redirect::to(&sign_in_path(&parts.uri)).into_response());
        }
        let channel = client::connect(&config.operations, &token)
            .await
            .map_err(|problem| Refusal::new(StatusCode::BAD_GATEWAY, problem.to_string()).into_response())?;
        let tickets = TicketServiceClient::new(channel).max_decoding_message_size(16 << 20);
        Ok(Self { tickets, signed_in: !config.insecure })
    }
}

impl Viewer {
    /// Refuses a token that the services do not know; for pages that ask no service.
    async fn verify(&mut self) -> Result<(), Refusal> {
        let request = pb::ListTicketsRequest { page_size: 1, ..Default::default() };
        self.tickets.list_tickets(request).await.map(drop).map_err(Refusal::from)
    }
}

fn sign_in_path(uri: &Uri) -> String {
    let next = uri.path_and_query().map_or("/", |path| path.as_str());
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", next).finish();
    format!("/sign-in?{query}")
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
}

impl SignIn {
    /// Where to go next: only to a page of this dashboard.
    fn next(&self) -> &str {
        if self.next.starts_with('/') && !self.next.starts_with("//") { &self.next } else { "/" }
    }
}

async fn sign_in_page(axum::extract::Query(form): axum::extract::Query<SignIn>) -> Markup {
    sign_in_form(form.next(), "")
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
            p.note { "The token is the one your operator gave you for the services (ITSM_TOKENS_FILE)." }
        },
    )
}

async fn sign_in(State(config): State<Arc<Config>>, Form(form): Form<SignIn>) -> Response {
    let token = form.token.trim();
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b',');
    let accepted = plain
        && match client::connect(&config.operations, token).await {
            Ok(channel) => {
                let mut viewer = Viewer { tickets: TicketServiceClient::new(channel), signed_in: true };
                viewer.verify().await.is_ok()
            }
            Err(_) => false,
        };
    if !accepted {
        let form = sign_in_form(form.next(), "The services do not accept this token.");
        return (StatusCode::UNAUTHORIZED, form).into_response();
    }
    let cookie = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict");
    ([(header::SET_COOKIE, cookie)], Redirect::to(form.next())).into_response()
}

async fn sign_out() -> Response {
    let cookie = format!("{COOKIE}=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0");
    ([(header::SET_COOKIE, cookie)], Redirect::to("/sign-in")).into_response()
}

/// A page that says why something cannot be shown.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
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
        Self::new(code, sentence(&status))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.status == StatusCode::UNAUTHORIZED {
            return Redirect::to("/sign-in").into_response();
        }
        let body = page::page(
            "Cannot be shown",
            true,
            &html! {
                h1 { "This cannot be shown" }
                p { (self.message) }
                p { a href="/" { "Back to the reports" } }
            },
        );
        (self.status, body).into_response()
    }
}
