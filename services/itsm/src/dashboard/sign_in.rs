//! Signing in with a token that the services accept, and out.

use std::sync::Arc;

use axum::extract::{Form, Query, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use serde::Deserialize;
use tonic::Code;

use super::page;
use super::site::Site;
use super::viewer::{COOKIE, Ended, Viewer};

/// Longest token that browsers keep: cookies have 4,096 bytes with their attributes (RFC 6265 section 6.1).
const LONGEST_TOKEN: usize = 4_000;
const NOT_ACCEPTED: &str = "The services do not accept this token.";

/// The sign-in page that leads back to where somebody was.
pub(super) fn sign_in_path(uri: &Uri, ended: Option<Ended>) -> String {
    let next = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", next);
    if let Some(ended) = ended {
        query.append_pair("ended", ended.word());
    }
    format!("/sign-in?{}", query.finish())
}

/// Leads whoever was signed in and no longer is to the sign-in page, which says why, and back to where they were.
pub(super) async fn again(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let uri = request.uri().clone();
    let response = next.run(request).await;
    let Some(ended) = response.extensions().get::<Ended>() else { return response };
    let forget = [(header::SET_COOKIE, site.cookie(COOKIE, "", "; Max-Age=0"))];
    (forget, Redirect::to(&sign_in_path(&uri, Some(*ended)))).into_response()
}

#[derive(Debug, Deserialize)]
pub(super) struct SignIn {
    #[serde(default)]
    token: String,
    #[serde(default)]
    next: String,
    #[serde(default)]
    ended: String,
}

impl SignIn {
    /// Where to go next: only to a page of this dashboard. Browsers read a backslash as a slash.
    fn next(&self) -> &str {
        let inside = self.next.starts_with('/') && !self.next.starts_with("//") && !self.next.contains('\\');
        if inside { &self.next } else { "/" }
    }
}

pub(super) async fn show(Query(form): Query<SignIn>) -> Markup {
    sign_in_form(form.next(), Ended::sentence(&form.ended))
}

fn sign_in_form(next: &str, refused: &str) -> Markup {
    page::bare(
        "Sign in",
        &html! {
            h1 { "Sign in" }
            @if !refused.is_empty() { p.refused #refused role="alert" { (refused) } }
            form.sign-in method="post" action="/sign-in" {
                input type="hidden" name="next" value=(next);
                label for="token" { "Token" }
                input #token type="password" name="token" autocomplete="current-password" required autofocus
                    aria-describedby=[(!refused.is_empty()).then_some("refused")];
                button.primary { "Sign in" }
            }
            p.note { "The token is the one that the services take from you: from your operator, or signed by your issuer." }
        },
    )
}

pub(super) async fn sign_in(State(site): State<Arc<Site>>, Form(form): Form<SignIn>) -> Response {
    let token = form.token.trim();
    let plain = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';' && byte != b',');
    let refused = match plain {
        false => Some(NOT_ACCEPTED.to_owned()),
        true if token.len() > LONGEST_TOKEN => Some("This token is longer than a browser keeps.".to_owned()),
        true => refused(&site, token).await,
    };
    if let Some(sentence) = refused {
        return (StatusCode::UNAUTHORIZED, sign_in_form(form.next(), &sentence)).into_response();
    }
    ([(header::SET_COOKIE, site.cookie(COOKIE, token, ""))], Redirect::to(form.next())).into_response()
}

/// Why nobody can sign in with this token; nothing when it is good.
async fn refused(site: &Arc<Site>, token: &str) -> Option<String> {
    let Ok(viewer) = Viewer::with(site.clone(), token) else { return Some(NOT_ACCEPTED.to_owned()) };
    let lack = viewer.known().await.err()?;
    Some(match (lack.code, lack.ended) {
        (_, Some(Ended::Expired)) => "This token has expired.".to_owned(),
        (Code::Unauthenticated, _) => NOT_ACCEPTED.to_owned(),
        _ => lack.sentence,
    })
}

pub(super) async fn sign_out(State(site): State<Arc<Site>>) -> Response {
    ([(header::SET_COOKIE, site.cookie(COOKIE, "", "; Max-Age=0"))], Redirect::to("/sign-in")).into_response()
}

impl Site {
    /// A cookie that no script reads and no other site sends.
    pub(super) fn cookie(&self, name: &str, value: &str, more: &str) -> String {
        let secure = if self.config.secure { "; Secure" } else { "" };
        format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}")
    }
}
