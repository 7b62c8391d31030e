//! `report.html`: the pages in one file that needs nothing else, for screens of any width, for paper, for screen
//! readers and for the keyboard.

mod blocks;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::charts::{FONT, Ink};
use crate::Error;
use crate::report::{Page, Report, text};

/// Colours on a dark screen, in the order of [`Ink::ALL`].
const DARK: [&str; 13] = [
    "#E9EBEE", "#A3AAB5", "#727A86", "#2B3038", "#14171B", "#1C2026", "#C6CBD3", "#6A717C", "#5BA9E2", "#F0834A",
    "#F2B632", "#35C79B", "#E3A3C7",
];

/// The report as one page.
///
/// With `rows`, the address under which a server lists the rows behind a number, numbers are links to
/// `{rows}?measure=…&priority=…`, one pair per dimension of the scope. Without it nothing links out of the file.
pub fn page(report: &Report, rows: Option<&str>) -> Result<String, Error> {
    let pages = report
        .pages
        .iter()
        .enumerate()
        .map(|(index, page)| section(report, index, page, rows))
        .collect::<Result<Vec<Markup>, Error>>()?;
    let heading = format!("{}, {}", report.title, report.period.label());
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (heading) }
                style { (PreEscaped(style(report))) }
            }
            body {
                a.skip href="#answer" { "To the answer" }
                header.cover {
                    p.title { (report.title) }
                    h1 { (report.period.label()) }
                    p.asof { "As known on " (text::instant(report.as_of)) }
                }
                nav aria-label="Pages" {
                    ol {
                        @for page in &report.pages {
                            li { a href={ "#" (page.id) } { (page.name) } }
                        }
                    }
                }
                main { @for page in &pages { (page) } }
                footer {
                    p {
                        "Data "
                        code title="Hash of everything that was read" { (report.data_hash.get(..16).unwrap_or_default()) }
                        ", journals up to catalog " (report.horizon.catalog)
                        ", operations " (report.horizon.operations)
                        ", supplier " (report.horizon.supplier)
                        ". The same state, period and as-of give the same bytes. Font: Inter, SIL Open Font License 1.1."
                    }
                }
            }
        }
    };
    Ok(markup.into_string())
}

fn section(report: &Report, index: usize, page: &Page, rows: Option<&str>) -> Result<Markup, Error> {
    let title = format!("{}-title", page.id);
    let blocks =
        page.blocks.iter().map(|block| blocks::block(report, block, rows)).collect::<Result<Vec<Markup>, Error>>()?;
    Ok(html! {
        section id=(page.id) aria-labelledby=(title) {
            p.name {
                span.ordinal { (index + 1) } (page.name)
                @if page.illustrative { (blocks::illustrative()) }
            }
            h2 id=(title) { (page.finding) }
            @for block in &blocks { (block) }
        }
    })
}

/// The bundled font as CSS that needs no other file.
pub fn faces() -> String {
    let face = |weight: &str, bytes: &[u8]| {
        format!(
            "@font-face{{font-family:{FONT};font-weight:{weight};font-display:swap;src:url(data:font/woff2;base64,{}) format('woff2')}}",
            STANDARD.encode(bytes)
        )
    };
    let regular = face("400 500", include_bytes!("../../../assets/inter-regular.woff2"));
    let bold = face("600 700", include_bytes!("../../../assets/inter-semibold.woff2"));
    [regular, bold].concat()
}

fn style(report: &Report) -> String {
    let colours = |of: &dyn Fn(usize, Ink) -> String| -> String {
        let inks = Ink::ALL.into_iter().enumerate();
        inks.map(|(index, ink)| [ink.variable(), ":", &of(index, ink), ";"].concat()).collect()
    };
    let light = colours(&|_, ink| ink.hex());
    let dark = colours(&|index, _| DARK[index].to_owned());
    include_str!("style.css")
        .replace("/*faces*/", &faces())
        .replace("/*light*/", &light)
        .replace("/*dark*/", &dark)
        .replace("/*foot*/", &report.line().replace(['"', '\\'], ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ink_has_a_colour_of_its_own_in_the_dark() {
        let mut colours = DARK.to_vec();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), Ink::ALL.len());
    }
}
