//! The parts of a page as HTML.

use maud::{Markup, PreEscaped, html};

use super::super::charts::{self, Layout};
use crate::Error;
use crate::report::{Answer, Block, Cell, Column, Figure, Gap, Mark, Report, Row, Table};

/// The word that marks what rests on invented configuration.
pub(super) fn illustrative() -> Markup {
    html! { " " span.tag title="Rests on configuration invented for demonstration" { "ILLUSTRATIVE" } }
}

pub(super) fn block(report: &Report, block: &Block, rows: Option<&str>) -> Result<Markup, Error> {
    Ok(match block {
        Block::Text(text) => html! { p.text { (text) } },
        Block::Notes(notes) => self::notes(notes),
        Block::Answers(answers) => html! {
            div.answers { @for answer in answers { (self::answer(report, answer, rows)) } }
        },
        Block::Figure(figure) => self::figure(figure, rows)?,
        Block::Table(table) => self::folded(table, rows),
        Block::Gaps(gaps) => self::gaps(gaps),
    })
}

fn answer(report: &Report, answer: &Answer, rows: Option<&str>) -> Markup {
    let page = answer.page.and_then(|id| {
        let index = report.pages.iter().position(|page| page.id == id)?;
        Some((index + 1, &report.pages[index]))
    });
    html! {
        article class=(if answer.wide { "answer wide" } else { "answer" }) {
            h3 { (answer.question) @if answer.illustrative { (illustrative()) } }
            p.finding { (answer.finding) "." }
            @if let Some(shown) = &answer.table { (table(shown, rows)) }
            @if let Some((number, page)) = page {
                p.more { a href={ "#" (page.id) } { "Page " (number) ", " (page.name) } }
            }
        }
    }
}

fn figure(figure: &Figure, rows: Option<&str>) -> Result<Markup, Error> {
    let wide = charts::inline(figure, Layout::Wide, "wide")?;
    let narrow = charts::inline(figure, Layout::Narrow, "narrow")?;
    Ok(html! {
        figure id={ "figure-" (figure.id) } {
            figcaption { (figure.caption) }
            (PreEscaped(wide))
            (PreEscaped(narrow))
            (folded(&figure.table, rows))
            (notes(&figure.notes))
        }
    })
}

fn notes(notes: &[String]) -> Markup {
    html! {
        @if !notes.is_empty() {
            ul.notes { @for note in notes { li { (note) } } }
        }
    }
}

fn gaps(gaps: &[Gap]) -> Markup {
    html! {
        div.gaps {
            h3 { "No data yet" }
            dl {
                @for gap in gaps {
                    div { dt { (gap.what) } dd { "Would be filled by " (gap.needs) "." } }
                }
            }
        }
    }
}

/// A long table is folded; it opens with a click or a key.
fn folded(shown: &Table, rows: Option<&str>) -> Markup {
    html! {
        @if shown.long {
            details.long {
                summary { (shown.caption) " (" (shown.rows.len()) " rows)" }
                (table(shown, rows))
            }
        } @else {
            (table(shown, rows))
        }
    }
}

fn table(shown: &Table, rows: Option<&str>) -> Markup {
    html! {
        div.scroll role="region" aria-label=(shown.caption) tabindex="0" {
            table {
                caption { (shown.caption) }
                thead { tr { @for column in &shown.columns { (heading(column)) } } }
                tbody { @for row in &shown.rows { (table_row(shown, row, rows)) } }
            }
        }
    }
}

fn heading(column: &Column) -> Markup {
    html! {
        th scope="col" class=[column.numeric.then_some("number")] {
            (column.heading)
            @if !column.unit.is_empty() { " " span.unit { (column.unit) } }
        }
    }
}

fn table_row(shown: &Table, row: &Row, rows: Option<&str>) -> Markup {
    let class = match (row.total, row.edge) {
        (true, _) => Some("total"),
        (_, true) => Some("edge"),
        _ => None,
    };
    html! {
        tr class=[class] {
            @for (index, content) in row.cells.iter().enumerate() {
                @let numeric = shown.columns.get(index).is_some_and(|column| column.numeric);
                @if index == 0 {
                    th scope="row" { (cell(content, rows)) }
                } @else {
                    td class=[breaks(numeric, content)] { (cell(content, rows)) }
                }
            }
        }
    }
}

/// Numbers stand to the right; short texts, a date for one, are not broken.
fn breaks(numeric: bool, content: &Cell) -> Option<&'static str> {
    if numeric { Some("number") } else { (content.text.chars().count() <= 16).then_some("short") }
}

fn cell(cell: &Cell, rows: Option<&str>) -> Markup {
    let link = rows.zip(cell.measure.as_ref()).map(|(rows, (id, scope))| {
        let parts = scope.parts().map(|(name, part)| format!("&{name}={}", encoded(&part.to_string())));
        format!("{rows}?measure={}{}", encoded(id), parts.collect::<String>())
    });
    html! {
        @if let Some(mark) = cell.mark { (shape(mark)) " " }
        @if let Some(link) = link { a.rows href=(link) { (cell.text) } } @else { (cell.text) }
    }
}

/// The shape of a verdict; the word stands beside it.
fn shape(mark: Mark) -> Markup {
    let drawn = match mark {
        Mark::Met => r#"<circle cx="6" cy="6" r="4.5" fill="var(--blue)"/>"#,
        Mark::Missed => r#"<path d="M6 .5 11.5 6 6 11.5.5 6z" fill="var(--vermillion)"/>"#,
        Mark::Unsure => r#"<circle cx="6" cy="6" r="4" fill="none" stroke="var(--actual)" stroke-width="1.6"/>"#,
        Mark::NoGoal => r#"<path d="M1 6h10" stroke="var(--muted)" stroke-width="1.6"/>"#,
    };
    PreEscaped(format!(r#"<svg class="mark" viewBox="0 0 12 12" aria-hidden="true">{drawn}</svg>"#))
}

/// Percent-encoded for a query.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_survives_a_query() {
        assert_eq!(encoded("services/e mail&c"), "services%2Fe%20mail%26c");
    }
}
