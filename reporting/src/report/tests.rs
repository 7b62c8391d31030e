//! Sentences that follow from numbers, word by word, and what holds for every page.

use super::*;
use crate::sample::{at, estate};

fn report(inputs: &Inputs) -> Report {
    measure(inputs, &Period::parse("2016-03").unwrap()).unwrap()
}

/// The sentences of a report, plain blanks for narrow ones.
fn sentences(report: &Report) -> Vec<String> {
    let mut said = Vec::new();
    for page in &report.pages {
        let mark = if page.illustrative { " (ILLUSTRATIVE)" } else { "" };
        said.push(format!("{}{mark}: {}", page.name, page.finding));
        for block in &page.blocks {
            match block {
                Block::Text(text) => said.push(format!("  {text}")),
                Block::Notes(notes) => said.extend(notes.iter().map(|note| format!("  - {note}"))),
                Block::Answers(answers) => {
                    said.extend(answers.iter().map(|answer| format!("  {} {}.", answer.question, answer.finding)));
                }
                Block::Figure(figure) => {
                    said.push(format!("  [{}] {}: {}", figure.id, figure.caption, figure.description));
                    said.extend(figure.notes.iter().map(|note| format!("  - {note}")));
                }
                Block::Table(table) => said.push(format!("  {}: {} rows", table.caption, table.rows.len())),
                Block::Gaps(gaps) => said.push(format!("  {} gaps", gaps.len())),
            }
        }
    }
    said.iter().map(|line| line.replace(['\u{202f}', '\u{a0}'], " ")).collect()
}

#[test]
fn findings_follow_from_the_numbers() {
    insta::assert_snapshot!(sentences(&report(&estate())).join("\n"));
}

#[test]
fn a_report_about_nothing_says_what_is_missing() {
    let empty = Inputs {
        tickets: Vec::new(),
        services: std::collections::BTreeMap::new(),
        agreements: Vec::new(),
        costs: Vec::new(),
        contracts: Vec::new(),
        attributions: Vec::new(),
        ..estate()
    };
    insta::assert_snapshot!(sentences(&report(&empty)).join("\n"));
}

#[test]
fn a_period_that_the_record_covers_before_is_compared() {
    let mut inputs = estate();
    inputs.tickets.push(crate::sample::resolved(80, 2, at("2016-01-05T00:00:00Z"), 4));
    inputs.tickets.sort_by(|a, b| a.key().cmp(&b.key()));
    let said = sentences(&report(&inputs)).join("\n");
    assert!(
        said.contains("What changed since the period before? 13 incidents were opened, after 1 in February 2016."),
        "{said}"
    );
}

#[test]
fn every_figure_has_its_table_and_says_what_is_seen() {
    for page in report(&estate()).pages {
        for block in page.blocks {
            if let Block::Figure(figure) = block {
                assert!(!figure.table.rows.is_empty(), "{}", figure.id);
                assert!(!figure.description.is_empty() && !figure.caption.is_empty(), "{}", figure.id);
            }
        }
    }
}

#[test]
fn every_row_has_a_cell_for_every_column() {
    let check = |table: &Table| {
        for row in &table.rows {
            assert_eq!(row.cells.len(), table.columns.len(), "{}", table.caption);
        }
    };
    for page in report(&estate()).pages {
        for block in &page.blocks {
            match block {
                Block::Figure(figure) => check(&figure.table),
                Block::Table(table) => check(table),
                Block::Answers(answers) => answers.iter().filter_map(|answer| answer.table.as_ref()).for_each(check),
                _ => {}
            }
        }
    }
}
