//! The frame of every page: one stylesheet, light and dark, phone width, keyboard.

use maud::{DOCTYPE, Markup, PreEscaped, html};

/// A page with its title; `frame` shows the navigation.
pub(super) fn page(title: &str, frame: bool, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                link rel="icon" href="data:,";
                title { (title) " · itsm" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                @if frame {
                    header {
                        nav aria-label="Main" {
                            a.brand href="/" { "itsm" }
                            a href="/" { "Reports" }
                            a href="/tickets?order_by=priority%2C+open_time" { "Tickets" }
                        }
                    }
                }
                main #content { (content) }
            }
        }
    }
}

/// A link to the tickets that a filter selects.
pub(super) fn tickets_link(filter: &str, order_by: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !filter.is_empty() {
        query.append_pair("filter", filter);
    }
    if !order_by.is_empty() {
        query.append_pair("order_by", order_by);
    }
    format!("/tickets?{}", query.finish())
}

/// An instant as people read it, to the minute in UTC: `2016-03-01 09:52`.
pub(super) fn minute(at: Option<&prost_types::Timestamp>) -> String {
    at.and_then(|at| jiff::Timestamp::new(at.seconds, at.nanos).ok())
        .map_or_else(String::new, |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

const STYLE: &str = "
:root{--ink:#1b1f24;--soft:#57606a;--line:#d8dee4;--ground:#fff;--raised:#f6f8fa;--link:#0b57a4;--bad:#a40e26;
--run:#0072b2;--pause:#e69f00;--shut:#d0d7de;--stop:#eaeef2}
@media(prefers-color-scheme:dark){:root{--ink:#e6edf3;--soft:#9da7b3;--line:#30363d;--ground:#0d1117;--raised:#161b22;
--link:#79b8ff;--bad:#ff8f9c;--run:#56b4e9;--pause:#e69f00;--shut:#3b434d;--stop:#21262d}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
a{color:var(--link);text-underline-offset:.15em}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.skip{position:absolute;left:-99em}.skip:focus{left:.5em;top:.5em}
header{border-bottom:1px solid var(--line);background:var(--raised)}
nav{max-width:75rem;margin:auto;padding:.6rem 1rem;display:flex;gap:1.25rem;align-items:baseline}
nav a{text-decoration:none}.brand{font-weight:700;color:var(--ink)}
main{max-width:75rem;margin:0 auto;padding:1.25rem 1rem 4rem}
h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 1rem}h2{font-size:1.15rem;margin:2rem 0 .5rem}
.note,.soft{color:var(--soft)}.note{font-size:.9rem;max-width:60rem}
.refused{color:var(--bad);font-weight:600}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600;color:var(--soft);font-size:.85rem;white-space:nowrap}
td.num,th.num{text-align:right}td.when{white-space:nowrap}
tbody tr:hover{background:var(--raised)}
form.filter{display:flex;gap:.5rem;flex-wrap:wrap;margin:0 0 1rem}
form.filter input{flex:1 1 24rem}
input,button{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--line);border-radius:.35rem;padding:.4rem .6rem}
button{background:var(--raised);cursor:pointer}
form.instants{display:flex;gap:.75rem;flex-wrap:wrap;align-items:center;font-size:.9rem;margin:.25rem 0 1rem}
form.sign-in{display:grid;gap:.5rem;max-width:22rem}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:0}
dl.facts dt{color:var(--soft)}dl.facts dd{margin:0}
.cards{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));padding:0;list-style:none}
.cards>li{border:1px solid var(--line);border-radius:.5rem;padding:1rem;background:var(--raised)}
.cards h2{margin:0 0 .25rem}
.clock{margin:1.25rem 0}.clock h3{font-size:1rem;margin:0}
.verdict{font-weight:600}.verdict.bad{color:var(--bad)}
svg.line{width:100%;height:3.4rem;display:block;margin:.4rem 0}
svg.line text{font-size:11px;fill:var(--soft)}
.key{display:flex;gap:1rem;flex-wrap:wrap;font-size:.85rem;color:var(--soft);padding:0;list-style:none;margin:.25rem 0}
.key svg{width:1.2rem;height:.8rem;vertical-align:-.05rem;margin-right:.3rem}
details{margin:.4rem 0}summary{cursor:pointer;color:var(--link)}
.pages{display:flex;gap:1rem;margin:1rem 0}
@media(max-width:40rem){dl.facts{grid-template-columns:1fr}dl.facts dt{margin-top:.4rem}}
@media print{header,form,.pages,.skip{display:none}}
";
