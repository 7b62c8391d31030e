//! `report.pdf`: the pages on A4 landscape, tagged (PDF/UA-1), with their fonts. The layout is a template that reads
//! the model as data; what is folded on a screen is left to the data files.

use serde_json::{Value, json};

use super::charts;
use crate::Error;
use crate::report::{Answer, Block, Cell, Column, Figure, Gap, Page, Report, Row, Table, text};

const TEMPLATE: &str = include_str!("report.typ");
const REGULAR: &[u8] = include_bytes!("../../assets/inter-regular.ttf");
const SEMIBOLD: &[u8] = include_bytes!("../../assets/inter-semibold.ttf");

/// Characters beyond which a text asks for no more width.
const LONG: usize = 70;

/// Characters that stand for the space between columns.
const GAP: usize = 3;

/// The report as one document.
pub(super) fn document(report: &Report) -> Result<Vec<u8>, Error> {
    let failed = |problem: pdf::Error| Error::Typeset(problem.to_string());
    let mut document = pdf::Document::default().font(REGULAR).font(SEMIBOLD);
    for figure in super::figures(report) {
        let drawn = charts::plain(figure)?;
        document = document.file(&picture(figure), drawn.into_bytes()).map_err(failed)?;
    }
    let data = json!({
        "title": report.title,
        "period": report.period.label(),
        "as_of": text::instant(report.as_of),
        "foot": report.line(),
        "data": format!(
            "Data {}, journals up to catalog {}, operations {}, supplier {}. The same state, period and as-of give the same bytes. Font: Inter, SIL Open Font License 1.1.",
            report.data_hash.get(..16).unwrap_or_default(),
            report.horizon.catalog,
            report.horizon.operations,
            report.horizon.supplier,
        ),
        "pages": report.pages.iter().map(|page| self::page(report, page)).collect::<Vec<Value>>(),
    });
    let document = document.file("report.json", data.to_string().into_bytes()).map_err(failed)?;
    document.pdf(TEMPLATE, &format!("{} {}", report.line(), report.data_hash)).map_err(failed)
}

fn page(report: &Report, page: &Page) -> Value {
    json!({
        "id": page.id,
        "name": page.name,
        "finding": page.finding,
        "illustrative": page.illustrative,
        "blocks": page.blocks.iter().map(|block| self::block(report, block)).collect::<Vec<Value>>(),
    })
}

fn block(report: &Report, block: &Block) -> Value {
    match block {
        Block::Text(text) => json!({ "kind": "text", "text": text }),
        Block::Notes(notes) => json!({ "kind": "notes", "notes": notes }),
        Block::Answers(answers) => {
            let answers = answers.iter().map(|answer| self::answer(report, answer)).collect::<Vec<Value>>();
            json!({ "kind": "answers", "answers": answers })
        }
        Block::Figure(figure) => json!({
            "kind": "figure",
            "caption": figure.caption,
            "description": format!("{}. {}", figure.caption, figure.description),
            "picture": picture(figure),
            "table": table(&figure.table),
            "notes": figure.notes,
        }),
        Block::Table(shown) => json!({ "kind": "table", "table": table(shown) }),
        Block::Gaps(gaps) => {
            let gap = |gap: &Gap| json!({ "what": gap.what, "needs": gap.needs });
            json!({ "kind": "gaps", "gaps": gaps.iter().map(gap).collect::<Vec<Value>>() })
        }
    }
}

fn answer(report: &Report, answer: &Answer) -> Value {
    let page = answer.page.and_then(|id| report.pages.iter().find(|page| page.id == id));
    json!({
        "question": answer.question,
        "finding": answer.finding,
        "illustrative": answer.illustrative,
        "wide": answer.wide,
        "table": answer.table.as_ref().map(table),
        "page": page.map(|page| json!({ "id": page.id, "name": page.name })),
    })
}

fn table(table: &Table) -> Value {
    json!({
        "caption": table.caption,
        "long": table.long,
        "count": text::counted(table.rows.len() as u64, "row"),
        "columns": table.columns.iter().enumerate().map(|(index, column)| self::column(table, index, column)).collect::<Vec<Value>>(),
        "rows": table.rows.iter().map(row).collect::<Vec<Value>>(),
    })
}

/// A column with the share of the width that its longest text, or the longest word of its heading, asks for.
fn column(table: &Table, index: usize, column: &Column) -> Value {
    let length = |row: &Row| row.cells.get(index).map_or(0, |cell| cell.text.chars().count());
    let content = table.rows.iter().map(length).max().unwrap_or_default().min(LONG);
    let words = column.heading.split(' ').chain(column.unit.split(' ')).map(|word| word.chars().count());
    let share = content.max(words.max().unwrap_or_default()) + GAP;
    json!({ "heading": column.heading, "unit": column.unit, "numeric": column.numeric, "share": share })
}

fn row(row: &Row) -> Value {
    let cell = |cell: &Cell| json!({ "text": cell.text, "mark": cell.mark.map(crate::report::Mark::label) });
    json!({ "cells": row.cells.iter().map(cell).collect::<Vec<Value>>(), "total": row.total, "edge": row.edge })
}

fn picture(figure: &Figure) -> String {
    format!("charts/{}.svg", figure.id)
}
