//! The frame of every page: one stylesheet, light and dark, phone width, keyboard.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, html};
use sha2::{Digest, Sha256};

use super::viewer::Viewer;

const STYLE: &str = include_str!("assets/style.css");
const KEYS: &str = include_str!("assets/keys.js");

/// What belongs to this program's look, so that browsers keep it until another program runs.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    let digest = Sha256::new().chain_update(STYLE).chain_update(KEYS).finalize();
    hex::encode(&digest[..6])
});

/// The part of the dashboard that a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    Home,
    Tickets,
    Services,
    Customers,
    Suppliers,
    Reports,
}

/// The parts, with their name and address.
const SECTIONS: [(Section, &str, &str); 6] = [
    (Section::Home, "Attention", "/"),
    (Section::Tickets, "Tickets", "/tickets"),
    (Section::Services, "Services", "/services"),
    (Section::Customers, "Customers", "/customers"),
    (Section::Suppliers, "Suppliers", "/suppliers"),
    (Section::Reports, "Reports", "/reports"),
];

/// A page of a part, with its title.
pub(super) fn page(viewer: &Viewer, section: Section, title: &str, content: &Markup) -> Markup {
    frame(title, &navigation(Some(section), viewer.signed_in), content)
}

/// A page that belongs to no part.
pub(super) fn outside(title: &str, content: &Markup) -> Markup {
    frame(title, &navigation(None, false), content)
}

/// A page without a way to others.
pub(super) fn bare(title: &str, content: &Markup) -> Markup {
    frame(title, &html! {}, content)
}

fn frame(title: &str, navigation: &Markup, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                link rel="stylesheet" href={ "/assets/style.css?" (VERSION.as_str()) };
                script src={ "/assets/keys.js?" (VERSION.as_str()) } defer {}
                title { (title) " · itsm" }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                (navigation)
                main #content tabindex="-1" { (content) }
            }
        }
    }
}

fn navigation(current: Option<Section>, signed_in: bool) -> Markup {
    html! {
        header.bar {
            nav aria-label="Main" {
                a.brand href="/" { "itsm" }
                @for (section, name, address) in SECTIONS {
                    a href=(address) aria-current=[(Some(section) == current).then_some("page")] { (name) }
                }
            }
            @if signed_in { form method="post" action="/sign-out" { button.plain { "Sign out" } } }
        }
    }
}

/// The stylesheet and the script.
pub(super) async fn asset(Path(asset): Path<String>) -> Response {
    let (content_type, text) = match asset.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "keys.js" => ("text/javascript; charset=utf-8", KEYS),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers =
        [(header::CONTENT_TYPE, content_type), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, text).into_response()
}

/// An instant as people read it, to the minute in UTC: `2016-03-01 09:52`.
pub(super) fn minute(at: Option<&prost_types::Timestamp>) -> String {
    at.and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok())
        .map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

/// A sentence with its first letter large, unless it begins with a name such as `people/ann`.
pub(super) fn sentence_case(text: &str) -> String {
    if text.split(' ').next().is_some_and(|word| word.contains('/')) {
        return text.to_owned();
    }
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().collect::<String>()).unwrap_or_default();
    first + characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Contrast of two colours by WCAG 2.2.
    fn contrast(one: &str, other: &str) -> f64 {
        let luminance = |hex: &str| {
            let channel = |at: usize| {
                let value = f64::from(u8::from_str_radix(&hex[at..at + 2], 16).unwrap()) / 255.0;
                if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4)
        };
        let (a, b) = (luminance(one), luminance(other));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn colour<'a>(scheme: &'a str, name: &str) -> &'a str {
        let start = scheme.find(&format!("--{name}:#")).unwrap_or_else(|| panic!("no colour {name}")) + name.len() + 4;
        &scheme[start..start + 6]
    }

    #[test]
    fn every_text_stands_out_in_light_and_in_dark() {
        let (light, dark) = STYLE.split_once("prefers-color-scheme:dark").unwrap();
        for scheme in [light, dark] {
            for ground in ["ground", "raised"] {
                for text in ["ink", "soft", "link", "bad", "warn", "good"] {
                    let found = contrast(colour(scheme, text), colour(scheme, ground));
                    assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
                }
            }
            let found = contrast(colour(scheme, "on-accent"), colour(scheme, "accent"));
            assert!(found >= 4.5, "on-accent on accent: {found:.2}");
        }
    }

    #[test]
    fn nothing_comes_from_outside() {
        for text in [STYLE, KEYS] {
            assert!(!text.contains("http") && !text.contains("url(") && !text.contains("@import"));
        }
    }
}
