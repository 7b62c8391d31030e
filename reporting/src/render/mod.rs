//! From the model to files: JSON for machines, HTML and PDF for people, charts and tables to take along.
//! Rendering counts nothing; the same model gives the same bytes.

mod charts;
mod csv;
pub mod html;
mod json;
mod pdf;
#[cfg(test)]
mod tests;
mod xlsx;

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::Error;
use crate::report::{Block, Figure, Report};

/// Width of words in the bundled font, in the unit of their size.
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    charts::width(text, size, bold)
}

/// What a report is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `report.json`: every measure, for machines.
    Json,
    /// `report.html`: the pages, in one file that needs nothing else.
    Html,
    /// `report.pdf`: the pages on paper, tagged (PDF/UA-1).
    Pdf,
    /// `charts/*.svg`.
    Svg,
    /// `charts/*.png`, at twice their logical size.
    Png,
    /// `measures.csv`: the measures of `report.json` as a table.
    Csv,
    /// `report.xlsx`: measures, definitions and sources as a workbook.
    Xlsx,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 7] = [Self::Json, Self::Html, Self::Pdf, Self::Svg, Self::Png, Self::Csv, Self::Xlsx];

    /// Its name on a command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Svg => "svg",
            Self::Png => "png",
            Self::Csv => "csv",
            Self::Xlsx => "xlsx",
        }
    }
}

impl FromStr for Format {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| Error::Format(text.to_owned()))
    }
}

/// Writes the report into a folder, which is made if it is missing, and names the files in the order of the formats.
/// Each file appears whole or not at all.
pub fn write(report: &Report, folder: &Path, formats: &[Format]) -> Result<Vec<PathBuf>, Error> {
    make(folder)?;
    let mut written = Vec::new();
    for format in formats {
        match format {
            Format::Json => written.push(put(folder.join("report.json"), json(report)?.as_bytes())?),
            Format::Html => written.push(put(folder.join("report.html"), html::page(report, None)?.as_bytes())?),
            Format::Pdf => written.push(put(folder.join("report.pdf"), &pdf::document(report)?)?),
            Format::Xlsx => written.push(put(folder.join("report.xlsx"), &xlsx::workbook(report)?)?),
            Format::Csv => written.push(put(folder.join("measures.csv"), csv::table(&report.measures).as_bytes())?),
            Format::Svg | Format::Png => {
                let charts = folder.join("charts");
                make(&charts)?;
                for figure in figures(report) {
                    written.push(put_chart(figure, &report.line(), &charts, *format)?);
                }
            }
        }
    }
    Ok(written)
}

/// The report as machines read it: `report.json`.
pub fn json(report: &Report) -> Result<String, Error> {
    json::document(report)
}

/// The charts of a report, in the order of its pages.
pub fn figures(report: &Report) -> impl Iterator<Item = &Figure> {
    report.pages.iter().flat_map(|page| &page.blocks).filter_map(|block| match block {
        Block::Figure(figure) => Some(figure),
        _ => None,
    })
}

fn put_chart(figure: &Figure, foot: &str, folder: &Path, format: Format) -> Result<PathBuf, Error> {
    let path = folder.join(format!("{}.{}", figure.id, format.as_str()));
    if format == Format::Svg {
        return put(path, charts::standalone(figure, foot)?.as_bytes());
    }
    let unfinished = folder.join(format!(".{}.unfinished.png", figure.id));
    charts::write_png(figure, foot, &unfinished)?;
    fs::rename(&unfinished, &path).map_err(|problem| Error::Write { path: path.clone(), problem })?;
    Ok(path)
}

fn make(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|problem| Error::Write { path: folder.to_owned(), problem })
}

fn put(path: PathBuf, bytes: &[u8]) -> Result<PathBuf, Error> {
    let unfinished = path.with_extension("unfinished");
    let done = fs::write(&unfinished, bytes).and_then(|()| fs::rename(&unfinished, &path));
    done.map_err(|problem| Error::Write { path: path.clone(), problem })?;
    Ok(path)
}
