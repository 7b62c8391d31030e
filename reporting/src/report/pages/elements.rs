//! The four elements of service management, each with what is on record and with its gaps.

use crate::measures::Element;
use crate::report::measure::Scope;
use crate::report::page::{Block, Cell, Column, Page, Row, Table};
use crate::report::{Material, text};

/// Gaps of an element that the page shows; the others are counted.
const GAPS: usize = 6;

pub(super) fn page(material: &Material) -> Page {
    let elements = &material.now.elements;
    let mut blocks = vec![Block::Table(summary(material))];
    blocks
        .extend(elements.iter().filter(|element| !element.gaps.is_empty()).map(|element| Block::Table(gaps(element))));
    Page {
        id: "elements",
        name: "Four elements",
        finding: finding(elements),
        illustrative: elements.iter().any(|element| element.illustrative),
        blocks,
    }
}

/// What an element is about.
fn name(element: &Element) -> &'static str {
    match element.id {
        "processes" => "Processes described",
        "objectives" => "Objectives served",
        "responsibilities" => "Roles and responsibilities",
        _ => "Suppliers managed",
    }
}

fn finding(elements: &[Element]) -> String {
    if elements.iter().all(Element::is_empty) {
        return "Nothing of the four elements of service management is on record".to_owned();
    }
    let gap = |element: &&Element| !element.gaps.is_empty();
    let lacking: Vec<&Element> = elements.iter().filter(gap).collect();
    let Some(most) = lacking.iter().max_by_key(|element| element.lacking()) else {
        return "All four elements of service management are on record without a gap".to_owned();
    };
    let subject = match lacking.len() {
        1 => "One of the four elements has gaps".to_owned(),
        4 => "All four elements of service management have gaps".to_owned(),
        n => format!("{} of the four elements have gaps", text::number_word(n)),
    };
    format!("{subject}, most of them in {}: {}", name(most).to_lowercase(), text::counted(most.lacking(), "gap"))
}

fn summary(material: &Material) -> Table {
    let rows = material.now.elements.iter().map(|element| {
        let scope = Scope::one("element", element.id);
        let said: Vec<String> =
            element.on_record.iter().map(|(count, what)| format!("{} {what}", text::count(*count))).collect();
        let lacking = material.get("elements.lacking", &scope);
        Row::of(vec![
            Cell::text(name(element)),
            Cell::text(said.join(", ")),
            Cell::text(lacking.map_or_else(String::new, |measure| text::count(measure.count()))),
            Cell::text(if element.illustrative { "ILLUSTRATIVE in part" } else { "" }),
        ])
    });
    Table {
        caption: format!("The four elements of service management, {}", text::instant(material.inputs.as_of)),
        columns: vec![
            Column::text("Element"),
            Column::text("On record"),
            Column::number("Gaps", ""),
            Column::text("Note"),
        ],
        rows: rows.collect(),
        long: false,
    }
}

fn gaps(element: &Element) -> Table {
    let row = |gap: &crate::measures::Lack| {
        let count = if gap.of == 0 {
            text::count(gap.count)
        } else {
            format!("{} of {}", text::count(gap.count), text::count(gap.of))
        };
        Row::of(vec![Cell::text(gap.what.as_str()), Cell::text(count), Cell::text(gap.examples.join(", "))])
    };
    let more = element.gaps.len().saturating_sub(GAPS);
    let caption = if more == 0 {
        name(element).to_owned()
    } else {
        format!("{}: the first {GAPS} of {} kinds of gap", name(element), element.gaps.len())
    };
    Table {
        caption,
        columns: vec![Column::text("Gap"), Column::number("How many", ""), Column::text("For example")],
        rows: element.gaps.iter().take(GAPS).map(row).collect(),
        long: false,
    }
}
