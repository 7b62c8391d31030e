//! What holds for every format.

use super::*;
use crate::period::Period;
use crate::sample::estate;

fn report() -> Report {
    crate::measure(&estate(), &Period::parse("2016-03").unwrap()).unwrap()
}

/// Every file of a folder with its bytes, by path.
fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// A folder of its own that is gone with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("reporting-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn the_same_report_is_the_same_bytes_in_every_format() {
    let (one, two) = (Folder::new("one"), Folder::new("two"));
    let written = write(&report(), &one.0, &Format::ALL).unwrap();
    write(&report(), &two.0, &Format::ALL).unwrap();
    let (a, b) = (files(&one.0), files(&two.0));
    assert_eq!(a.len(), written.len(), "nothing is left behind");
    let bytes = |files: &[(PathBuf, Vec<u8>)]| files.iter().map(|(_, bytes)| bytes.clone()).collect::<Vec<_>>();
    assert!(bytes(&a) == bytes(&b));
    assert!(a.iter().any(|(path, _)| path.ends_with("charts/restore-curves.png")));
}

#[test]
fn machines_read_what_was_agreed() {
    let text = json(&report()).unwrap();
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    let keys: Vec<&str> = read.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["as_of", "data_hash", "horizon", "measures", "pages", "period", "schema_version"]);
    assert_eq!(read["period"], serde_json::json!({"start": "2016-03-01T00:00:00Z", "end": "2016-04-01T00:00:00Z"}));
    let totals: Vec<&serde_json::Value> =
        read["measures"].as_array().unwrap().iter().filter(|m| m["scope"] == serde_json::json!({})).collect();
    insta::assert_json_snapshot!(totals);
}

#[test]
fn a_scope_by_priority_is_a_number() {
    let text = json(&report()).unwrap();
    assert!(text.contains(r#""scope":{"metric":"RESOLUTION","priority":1}"#));
}

#[test]
fn a_page_needs_nothing_from_outside() {
    let page = html::page(&report(), None).unwrap();
    assert!(!page.contains("src=\"http") && !page.contains("url(http") && !page.contains("<script"));
    assert!(!page.contains("<a class=\"rows\""), "numbers link nowhere in a file");
}

#[test]
fn every_chart_says_in_words_what_it_shows() {
    let page = html::page(&report(), None).unwrap();
    let charts = page.matches("role=\"img\"").count();
    assert!(charts > 0);
    assert_eq!(page.matches("<desc>").count(), charts);
    assert_eq!(page.matches("<figcaption>").count() * 2, charts, "each is drawn wide and narrow");
    for ink in charts::Ink::ALL {
        assert!(!page.contains(&format!("fill=\"{}\"", ink.hex())), "{ink:?} follows the theme");
    }
}

#[test]
fn numbers_lead_to_their_rows_where_a_server_lists_them() {
    let page = html::page(&report(), Some("/reports/x/rows")).unwrap();
    assert!(page.contains("/reports/x/rows?measure=sla.attainment&amp;metric=RESOLUTION&amp;priority=2"));
}

#[test]
fn a_table_of_measures_has_a_line_for_each() {
    let report = report();
    let text = csv::table(&report.measures);
    assert_eq!(text.lines().count(), report.measures.iter().count() + 1);
}

#[test]
fn a_format_is_known_by_its_name() {
    for format in Format::ALL {
        assert_eq!(format.as_str().parse::<Format>().unwrap(), format);
    }
    assert_eq!(
        "docx".parse::<Format>().unwrap_err().to_string(),
        "'docx' is no format: choose from json, html, pdf, svg, png, csv, xlsx"
    );
}
