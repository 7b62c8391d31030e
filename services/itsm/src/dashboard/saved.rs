//! Lists that somebody has given a name. They are kept by the browser, in a cookie: the dashboard has no database.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Redirect, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::site::Site;
use super::viewer::{Viewer, cookie};

/// Name of the cookie.
const COOKIE: &str = "itsm_lists";
/// Most lists that are kept, and most bytes of them: a cookie has 4,096 with its attributes (RFC 6265 section 6.1).
const MOST: usize = 20;
const LARGEST: usize = 3_800;
/// Longest name, in characters.
const LONGEST_NAME: usize = 40;

/// A list with its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Saved {
    /// Page it is a list of: `/tickets`.
    pub(super) path: String,
    pub(super) name: String,
    pub(super) filter: String,
    pub(super) order_by: String,
}

/// What the browser has kept; nothing where that cannot be read.
pub(super) fn read(headers: &HeaderMap) -> Vec<Saved> {
    cookie(headers, COOKIE)
        .and_then(|text| URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default()
}

#[derive(Debug, Deserialize)]
pub(super) struct Change {
    path: String,
    name: String,
    #[serde(default)]
    filter: String,
    #[serde(default)]
    order_by: String,
    /// Takes the list of that name out instead.
    #[serde(default)]
    remove: bool,
}

/// Keeps a list under a name, in place of the one that had it, or takes it out.
pub(super) async fn change(viewer: Viewer, State(site): State<Arc<Site>>, Form(change): Form<Change>) -> Response {
    let back = super::query::address(&change.path, &[("filter", &change.filter), ("order_by", &change.order_by)]);
    let inside = change.path.starts_with('/') && change.path[1..].bytes().all(|byte| byte.is_ascii_lowercase());
    let name: String = change.name.trim().chars().take(LONGEST_NAME).collect();
    if !inside {
        return Redirect::to("/").into_response();
    }
    let mut lists = viewer.saved;
    lists.retain(|list| (list.path.as_str(), list.name.as_str()) != (&change.path, &name));
    if !change.remove && !name.is_empty() {
        lists.push(Saved { path: change.path, name, filter: change.filter, order_by: change.order_by });
    }
    let mut value = encode(&lists);
    // The oldest give way to the newest.
    while lists.len() > MOST || value.len() > LARGEST && lists.len() > 1 {
        lists.remove(0);
        value = encode(&lists);
    }
    ([(header::SET_COOKIE, site.cookie(COOKIE, &value, "; Max-Age=31536000"))], Redirect::to(&back)).into_response()
}

fn encode(lists: &[Saved]) -> String {
    // A list of plain texts always becomes JSON.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(lists).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_read_again_and_what_cannot_be_read_is_nothing() {
        let lists = vec![Saved {
            path: "/tickets".to_owned(),
            name: "Düsseldorf; \"P1\"".to_owned(),
            filter: "priority = 1".to_owned(),
            order_by: String::new(),
        }];
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, format!("a=b; {COOKIE}={}", encode(&lists)).parse().unwrap());
        assert_eq!(read(&headers), lists);
        headers.insert(header::COOKIE, format!("{COOKIE}=%%%").parse().unwrap());
        assert_eq!(read(&headers), []);
    }
}
