//! `report.xlsx`: the measures with a column per dimension, what they mean, and where the data comes from.
//! Amounts that a spreadsheet would round are written as text.

use jiff::tz::TimeZone;
use rust_xlsxwriter::{
    DocProperties, ExcelDateTime, Format, FormatAlign, Table, TableColumn, Workbook, Worksheet, XlsxError,
};

use crate::Error;
use crate::measures::DEFINITIONS;
use crate::report::measure::{Measure, Part, Value};
use crate::report::{Report, text};

/// Significant digits that a spreadsheet keeps.
const DIGITS: usize = 15;

/// The report as a workbook.
pub(super) fn workbook(report: &Report) -> Result<Vec<u8>, Error> {
    let failed = |problem: XlsxError| Error::Workbook(problem.to_string());
    let mut workbook = Workbook::new();
    let made = report.as_of.to_zoned(TimeZone::UTC);
    let date = ExcelDateTime::from_ymd(
        u16::try_from(made.year()).unwrap_or(1900),
        u8::try_from(made.month()).unwrap_or(1),
        u8::try_from(made.day()).unwrap_or(1),
    )
    .map_err(failed)?;
    workbook.set_properties(&DocProperties::new().set_title(report.line()).set_creation_datetime(&date));
    about(workbook.add_worksheet(), report).map_err(failed)?;
    measures(workbook.add_worksheet(), report).map_err(failed)?;
    definitions(workbook.add_worksheet()).map_err(failed)?;
    workbook.save_to_buffer().map_err(failed)
}

fn about(sheet: &mut Worksheet, report: &Report) -> Result<(), XlsxError> {
    sheet.set_name("About")?.set_column_width(0, 22)?.set_column_width(1, 60)?.set_column_width(2, 18)?;
    sheet.set_column_width(3, 60)?;
    let bold = Format::new().set_bold();
    let mut row = 0;
    for (name, value) in [
        ("Report", report.title.clone()),
        ("Period", report.period.label()),
        ("As known on", text::instant(report.as_of)),
        ("Data", report.data_hash.clone()),
        ("Time zones", report.time_zone_database.clone()),
    ] {
        sheet.write_string_with_format(row, 0, name, &bold)?.write_string(row, 1, value)?;
        row += 1;
    }
    row += 1;
    for (column, heading) in [(0, "Source"), (1, "What it is"), (2, "Licence"), (3, "Where")] {
        sheet.write_string_with_format(row, column, heading, &bold)?;
    }
    for origin in &report.attributions {
        row += 1;
        sheet.write_string(row, 0, &origin.source)?.write_string(row, 1, &origin.title)?;
        sheet.write_string(row, 2, &origin.licence)?.write_string(row, 3, &origin.link)?;
    }
    Ok(())
}

fn measures(sheet: &mut Worksheet, report: &Report) -> Result<(), XlsxError> {
    let mut dimensions: Vec<&str> =
        report.measures.iter().flat_map(|measure| measure.scope.parts().map(|(name, _)| name)).collect();
    dimensions.sort_unstable();
    dimensions.dedup();
    let mut headings = vec!["Measure".to_owned()];
    headings.extend(dimensions.iter().map(|name| format!("by {name}")));
    let first = headings.len();
    headings.extend(
        [
            "Value",
            "Unit",
            "n",
            "Numerator",
            "Denominator",
            "Interval from",
            "Interval to",
            "Window",
            "Source",
            "Definition",
            "Filter",
        ]
        .map(str::to_owned),
    );
    sheet.set_name("Measures")?.set_freeze_panes(1, 1)?;
    let mut row = 0;
    for measure in &report.measures {
        row += 1;
        sheet.write_string(row, 0, &measure.id)?;
        for (column, name) in (1..).zip(&dimensions) {
            match measure.scope.get(name) {
                Some(Part::Number(number)) => {
                    sheet.write_string(row, column, number.to_string())?;
                }
                Some(Part::Text(text)) => {
                    sheet.write_string(row, column, if text.is_empty() { "(none)" } else { text })?;
                }
                None => {}
            }
        }
        figures(sheet, row, u16::try_from(first).unwrap_or(u16::MAX), measure)?;
    }
    let columns: Vec<TableColumn> = headings.iter().map(|heading| TableColumn::new().set_header(heading)).collect();
    let last = u16::try_from(headings.len() - 1).unwrap_or(u16::MAX);
    sheet.add_table(0, 0, row.max(1), last, &Table::new().set_name("Measures").set_columns(&columns))?;
    sheet.set_column_width(0, 32)?;
    for column in 1..=last {
        sheet.set_column_width(column, 16)?;
    }
    Ok(())
}

fn figures(sheet: &mut Worksheet, row: u32, first: u16, measure: &Measure) -> Result<(), XlsxError> {
    match &measure.value {
        Value::Count(count) => whole(sheet, row, first, *count)?,
        Value::Number(number) => {
            sheet.write_number(row, first, *number)?;
        }
        Value::Exact(decimal, digits) => {
            let exact = decimal.fixed(*digits);
            let significant = exact.trim_start_matches(['-', '0', '.']).bytes().filter(u8::is_ascii_digit).count();
            match exact.parse::<f64>() {
                Ok(number) if significant <= DIGITS => {
                    sheet.write_number(row, first, number)?;
                }
                _ => {
                    sheet.write_string_with_format(row, first, exact, &Format::new().set_align(FormatAlign::Right))?;
                }
            }
        }
        Value::None => {}
    }
    sheet.write_string(row, first + 1, &measure.unit)?;
    whole(sheet, row, first + 2, measure.n)?;
    for (column, count) in [(first + 3, measure.numerator), (first + 4, measure.denominator)] {
        if let Some(count) = count {
            whole(sheet, row, column, count)?;
        }
    }
    let [low, high] = measure.interval.unwrap_or([None, None]);
    for (column, end) in [(first + 5, low), (first + 6, high)] {
        if let Some(end) = end {
            sheet.write_number(row, column, end)?;
        }
    }
    sheet.write_string(row, first + 7, &measure.window)?.write_string(row, first + 8, &measure.source)?;
    sheet.write_string(row, first + 9, &measure.definition)?;
    sheet.write_string(row, first + 10, measure.filter.clone().unwrap_or_default())?;
    Ok(())
}

fn whole(sheet: &mut Worksheet, row: u32, column: u16, count: u64) -> Result<(), XlsxError> {
    sheet.write_number(row, column, crate::stats::wilson::count(count)).map(|_| ())
}

fn definitions(sheet: &mut Worksheet) -> Result<(), XlsxError> {
    let text = Format::new().set_text_wrap().set_align(FormatAlign::Top);
    sheet.set_name("Definitions")?.set_freeze_panes(1, 0)?;
    sheet.set_column_width(0, 32)?.set_column_width(1, 9)?.set_column_width(2, 12)?.set_column_width(3, 110)?;
    for (column, heading) in [(0, "Measure"), (1, "Version"), (2, "Unit"), (3, "Meaning")] {
        sheet.write_string_with_format(0, column, heading, &Format::new().set_bold())?;
    }
    for (row, definition) in (1..).zip(DEFINITIONS) {
        sheet.write_string_with_format(row, 0, definition.id, &text)?;
        sheet.write_number_with_format(row, 1, definition.version, &text)?;
        sheet.write_string_with_format(
            row,
            2,
            if definition.unit.is_empty() { "currency" } else { definition.unit },
            &text,
        )?;
        sheet.write_string_with_format(row, 3, definition.text, &text)?;
    }
    Ok(())
}
