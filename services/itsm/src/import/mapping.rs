//! Mappings: how the columns of somebody's file become ticket snapshots. A mapping is a YAML file that a
//! service manager can write; docs/mappings.md describes it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::name::slug;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, fmt::strtime};
use proto::operations::v1 as pb;
use serde::Deserialize;

use super::{Problem, timestamp};

/// The mappings that ship with the program, by name.
pub const SHIPPED: [(&str, &str); 2] = [
    ("servicenow-log", include_str!("../../../../demo/mappings/servicenow-log.yaml")),
    ("jira-csv", include_str!("../../../../demo/mappings/jira-csv.yaml")),
];

/// A mapping as it is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// What kind of file it reads, in a sentence.
    pub description: String,
    /// System the tickets are in; unique with their source id.
    pub source_system: String,
    /// Process they are filed under: `processes/incident`. None: a field says it, row by row.
    pub process: Option<String>,
    /// What a row is.
    #[serde(default)]
    pub rows: Rows,
    /// How the file is written.
    #[serde(default)]
    pub format: Format,
    /// Ticket fields and where they come from.
    pub fields: BTreeMap<String, Field>,
    /// Columns that name related tickets of the same source.
    #[serde(default)]
    pub links: Vec<Link>,
}

/// What a row of the file is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rows {
    /// An update of a ticket; rows of one ticket are in order.
    Events,
    /// The ticket as it is now, one row each.
    #[default]
    Snapshots,
}

/// How a file is written.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Format {
    /// Separator of columns: one character.
    pub delimiter: char,
    /// Cell contents that mean "no value", besides the empty cell.
    pub nulls: BTreeSet<String>,
    /// Formats of times, in the notation of strftime; the first that fits counts.
    pub time: Formats,
    /// IANA zone of times that name none.
    pub time_zone: String,
}

/// One format of times, or several.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Formats {
    /// One.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Formats {
    fn list(&self) -> Vec<String> {
        match self {
            Self::One(format) => vec![format.clone()],
            Self::Several(formats) => formats.clone(),
        }
    }
}

impl Default for Format {
    fn default() -> Self {
        Self {
            delimiter: ',',
            nulls: BTreeSet::new(),
            time: Formats::One("%Y-%m-%dT%H:%M:%S".to_owned()),
            time_zone: "UTC".to_owned(),
        }
    }
}

/// Where one ticket field comes from. Exactly one of column, first, columns, constant, template and row is given.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Field {
    /// One column.
    pub column: Option<String>,
    /// Several columns: the first that holds something counts.
    pub first: Option<Vec<String>>,
    /// Several columns that make a list, each as often as the file has it.
    pub columns: Option<Vec<String>>,
    /// The same value on every row.
    pub constant: Option<String>,
    /// Text with columns in braces: `{category}: {symptom}`. Empty cells are left out with their separators.
    pub template: Option<String>,
    /// The number of the row.
    pub row: bool,
    /// Makes a resource name of the value: `groups` turns "Group 70" into `groups/group-70`.
    pub resource: Option<String>,
    /// What values become. A null value: not shown.
    pub values: Option<BTreeMap<String, Option<Scalar>>>,
    /// What happens to values that the map does not name.
    pub others: Others,
    /// What stands for those values, and for an empty cell, instead.
    pub default: Option<Scalar>,
    /// Whether files may lack its columns.
    pub optional: bool,
}

/// A value in a map: text or a number.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Scalar {
    /// A number, kept as its digits.
    Number(i64),
    /// Text.
    Text(String),
}

impl Scalar {
    fn text(&self) -> String {
        match self {
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// What happens to a value that a map does not name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Others {
    /// The row is reported and left out.
    #[default]
    Report,
    /// The field is left out.
    Skip,
    /// The value is taken as it is.
    Keep,
}

/// A column that names a related ticket.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// How the row's ticket is related to the other, as in the API: `PROBLEM`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Column with the id of the other ticket.
    pub column: String,
    /// Process of the other ticket.
    pub process: String,
}

impl Mapping {
    /// The mapping, with another time zone if one is named.
    #[must_use]
    pub fn in_zone(mut self, zone: Option<&str>) -> Self {
        if let Some(zone) = zone {
            zone.clone_into(&mut self.format.time_zone);
        }
        self
    }

    /// The shipped mapping of that name, or the file at that path.
    pub fn load(name_or_path: &str) -> Result<Self, Problem> {
        if let Some((_, text)) = SHIPPED.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, name_or_path);
        }
        let path = Path::new(name_or_path);
        let text = std::fs::read_to_string(path).map_err(|error| {
            let shipped: Vec<_> = SHIPPED.iter().map(|(name, _)| *name).collect();
            Problem::new(format!(
                "no mapping {name_or_path}: {error}; give a file, or one that ships: {}",
                shipped.join(", ")
            ))
        })?;
        Self::parse(&text, name_or_path)
    }

    fn parse(text: &str, from: &str) -> Result<Self, Problem> {
        serde_norway::from_str(text).map_err(|error| Problem::new(format!("mapping {from}: {error}")))
    }
}

/// A mapping bound to the columns of a file, ready to map rows.
#[derive(Debug)]
pub struct Mapper {
    source_system: String,
    process: String,
    nulls: BTreeSet<String>,
    time_formats: Vec<String>,
    zone: TimeZone,
    fields: Vec<(Target, Source)>,
    links: Vec<(pb::LinkType, usize, String)>,
}

#[derive(Debug)]
struct Source {
    field: String,
    from: From,
    resource: Option<String>,
    values: Option<BTreeMap<String, Option<String>>>,
    others: Others,
    default: Option<String>,
}

#[derive(Debug)]
enum From {
    First(Vec<usize>),
    Columns(Vec<usize>),
    Constant(String),
    Template(Vec<(String, Option<usize>)>),
    Row,
}

macro_rules! targets {
    ($($variant:ident $name:literal),* $(,)?) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Target { $($variant),* }
        const TARGETS: &[(&str, Target)] = &[$(($name, Target::$variant)),*];
    };
}

targets! {
    SourceId "source_id", Process "process", ObserveTime "observe_time", SourceSequence "source_sequence", Actor "actor",
    State "state", PendingReason "pending_reason", OpenTime "open_time", ResolveTime "resolve_time",
    CloseTime "close_time", ResolutionCode "resolution.code", ResolutionText "resolution.text",
    ResolutionCause "resolution.cause", Title "title", Description "description", Customer "customer",
    Requester "requester", ReportedBy "reported_by", Service "service", Offering "offering",
    ConfigurationItems "configuration_items", CategoryPath "category_path", Channel "channel",
    Location "location", Tags "tags", Impact "impact", Urgency "urgency", Priority "priority",
    Group "group", Person "person", Contract "contract", ReassignmentCount "reassignment_count",
    ReopenCount "reopen_count", SourceSlaMet "source_sla_met", ExternalReferences "external_references",
}

/// Why a row could not be mapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowError {
    /// Ticket field that could not be filled.
    pub field: String,
    /// What is wrong.
    pub message: String,
    /// The value that the mapping does not name, where that is the reason.
    pub unmapped: Option<String>,
}

impl Mapper {
    /// Binds a mapping to the columns of a file.
    pub fn bind(mapping: &Mapping, header: &csv::StringRecord) -> Result<Self, Problem> {
        let every = |name: &str, optional: bool| {
            let found: Vec<usize> = (0..header.len()).filter(|at| header[*at].trim() == name).collect();
            if found.is_empty() && !optional {
                let columns: Vec<_> = header.iter().collect();
                return Err(Problem::new(format!("the file has no column {name}: it has {}", columns.join(", "))));
            }
            Ok(found)
        };
        let column = |name: &str| every(name, false).map(|found| found[0]);
        let mut fields = Vec::new();
        for (name, field) in &mapping.fields {
            let Some((_, target)) = TARGETS.iter().find(|(known, _)| known == name) else {
                let known: Vec<_> = TARGETS.iter().map(|(known, _)| *known).collect();
                return Err(Problem::new(format!(
                    "the mapping fills {name}, which tickets do not have; they have {}",
                    known.join(", ")
                )));
            };
            let mut sources = Vec::new();
            let all = |names: &[String]| {
                let found: Result<Vec<_>, _> = names.iter().map(|name| every(name, field.optional)).collect();
                found.map(|found| found.concat())
            };
            if let Some(name) = &field.column {
                sources.push(From::First(all(std::slice::from_ref(name))?));
            }
            if let Some(names) = &field.first {
                sources.push(From::First(all(names)?));
            }
            if let Some(names) = &field.columns {
                sources.push(From::Columns(all(names)?));
            }
            if let Some(constant) = &field.constant {
                sources.push(From::Constant(constant.clone()));
            }
            if let Some(template) = &field.template {
                sources.push(From::Template(parse_template(template, &column)?));
            }
            if field.row {
                sources.push(From::Row);
            }
            let (Some(from), true) = (sources.pop(), sources.is_empty()) else {
                return Err(Problem::new(format!(
                    "the mapping of {name} needs exactly one of column, first, columns, constant, template and row"
                )));
            };
            let values = field
                .values
                .as_ref()
                .map(|values| values.iter().map(|(from, to)| (from.clone(), to.as_ref().map(Scalar::text))).collect());
            if field.default.is_some() && (field.others != Others::Report || field.columns.is_some()) {
                return Err(Problem::new(format!(
                    "the mapping of {name} has a default: it stands for what others would say, and not in a list"
                )));
            }
            let source = Source {
                field: name.clone(),
                from,
                resource: field.resource.clone(),
                values,
                others: field.others,
                default: field.default.as_ref().map(Scalar::text),
            };
            fields.push((*target, source));
        }
        if mapping.process.is_some() == mapping.fields.contains_key("process") {
            return Err(Problem::new("the mapping names the process once: for every row, or as a field of each"));
        }
        for required in ["source_id", "observe_time", "state"] {
            if !mapping.fields.contains_key(required) {
                return Err(Problem::new(format!("the mapping does not fill {required}, which every row needs")));
            }
        }
        let mut links = Vec::new();
        for link in &mapping.links {
            let kind = pb::LinkType::from_str_name(&format!("LINK_TYPE_{}", link.kind)).ok_or_else(|| {
                Problem::new(format!("the mapping has a link of type {}, which does not exist", link.kind))
            })?;
            links.push((kind, column(&link.column)?, link.process.clone()));
        }
        let zone = TimeZone::get(&mapping.format.time_zone).map_err(|_| {
            Problem::new(format!("the mapping names time zone {}, which does not exist", mapping.format.time_zone))
        })?;
        Ok(Self {
            source_system: mapping.source_system.clone(),
            process: mapping.process.clone().unwrap_or_default(),
            nulls: mapping.format.nulls.clone(),
            time_formats: mapping.format.time.list(),
            zone,
            fields,
            links,
        })
    }

    /// Maps a row. All that is wrong with it is returned, not just the first; `skipped` gets the values that the mapping
    /// leaves out because it does not name them, with their field.
    pub fn map(
        &self,
        number: i64,
        row: &csv::StringRecord,
        skipped: &mut Vec<(String, String)>,
    ) -> Result<pb::TicketSnapshot, Vec<RowError>> {
        let mut snapshot = pb::TicketSnapshot {
            source_system: self.source_system.clone(),
            process: self.process.clone(),
            ..Default::default()
        };
        let mut errors = Vec::new();
        for (target, source) in &self.fields {
            if let Err(error) = self.fill(&mut snapshot, *target, source, number, row, skipped) {
                errors.push(error);
            }
        }
        for (kind, column, process) in &self.links {
            if let Some(id) = self.cell(row, *column) {
                snapshot.links.push(pb::SourceLink {
                    r#type: *kind as i32,
                    source_id: id.to_owned(),
                    process: process.clone(),
                });
            }
        }
        if errors.is_empty() { Ok(snapshot) } else { Err(errors) }
    }

    fn cell<'r>(&self, row: &'r csv::StringRecord, column: usize) -> Option<&'r str> {
        let cell = row.get(column)?.trim();
        (!cell.is_empty() && !self.nulls.contains(cell)).then_some(cell)
    }

    fn fill(
        &self,
        snapshot: &mut pb::TicketSnapshot,
        target: Target,
        source: &Source,
        number: i64,
        row: &csv::StringRecord,
        skipped: &mut Vec<(String, String)>,
    ) -> Result<(), RowError> {
        if let From::Columns(columns) = &source.from {
            let values = columns
                .iter()
                .filter_map(|column| self.cell(row, *column))
                .filter_map(|cell| source.convert(cell, skipped).transpose())
                .collect::<Result<Vec<_>, _>>()?;
            let list = Some(pb::StringList { values });
            match target {
                Target::ConfigurationItems => snapshot.configuration_items = list,
                Target::CategoryPath => snapshot.category_path = list,
                Target::Tags => snapshot.tags = list,
                Target::ExternalReferences => snapshot.external_references = list,
                _ => return Err(source.error("is not a list: give one column")),
            }
            return Ok(());
        }
        let text = match &source.from {
            From::First(columns) => columns.iter().find_map(|column| self.cell(row, *column)).map(str::to_owned),
            From::Constant(constant) => Some(constant.clone()),
            From::Template(parts) => self.render(parts, row),
            From::Row => Some(number.to_string()),
            From::Columns(_) => None,
        };
        let text = match text {
            Some(text) => source.convert(&text, skipped)?,
            None => source.default.clone(),
        };
        let Some(text) = text else {
            return match target {
                Target::SourceId | Target::Process | Target::ObserveTime => Err(source.error("is empty")),
                // An event log shows who has a ticket on every row: an empty cell means nobody.
                Target::Group => {
                    snapshot.group = Some(String::new());
                    Ok(())
                }
                Target::Person => {
                    snapshot.person = Some(String::new());
                    Ok(())
                }
                _ => Ok(()),
            };
        };
        self.set(snapshot, target, source, text)
    }

    fn set(
        &self,
        snapshot: &mut pb::TicketSnapshot,
        target: Target,
        source: &Source,
        text: String,
    ) -> Result<(), RowError> {
        let time = |text: &str| self.time(source, text).map(|at| Some(timestamp(at)));
        let number = |text: &str| {
            text.parse::<i32>().map(Some).map_err(|_| source.error(&format!("is not a whole number: {text}")))
        };
        let list = |text: String| Some(pb::StringList { values: vec![text] });
        match target {
            Target::SourceId => snapshot.source_id = text,
            Target::Process => snapshot.process = text,
            Target::ObserveTime => snapshot.observe_time = time(&text)?,
            Target::SourceSequence => {
                snapshot.source_sequence =
                    text.parse().map_err(|_| source.error(&format!("is not a whole number: {text}")))?;
            }
            Target::Actor => snapshot.actor = text,
            Target::State => snapshot.state = Some(text),
            Target::PendingReason => {
                let reason = pb::PendingReason::from_str_name(&format!("PENDING_REASON_{text}"))
                    .ok_or_else(|| source.error(&format!("is no reason for waiting: {text}")))?;
                snapshot.pending_reason = Some(reason as i32);
            }
            Target::OpenTime => snapshot.open_time = time(&text)?,
            Target::ResolveTime => snapshot.resolve_time = time(&text)?,
            Target::CloseTime => snapshot.close_time = time(&text)?,
            Target::ResolutionCode => snapshot.resolution.get_or_insert_default().code = text,
            Target::ResolutionText => snapshot.resolution.get_or_insert_default().text = text,
            Target::ResolutionCause => snapshot.resolution.get_or_insert_default().cause = text,
            Target::Title => snapshot.title = Some(text),
            Target::Description => snapshot.description = Some(text),
            Target::Customer => snapshot.customer = Some(text),
            Target::Requester => snapshot.requester = Some(text),
            Target::ReportedBy => snapshot.reported_by = Some(text),
            Target::Service => snapshot.service = Some(text),
            Target::Offering => snapshot.offering = Some(text),
            Target::ConfigurationItems => snapshot.configuration_items = list(text),
            Target::CategoryPath => snapshot.category_path = list(text),
            Target::Channel => snapshot.channel = Some(text),
            Target::Location => snapshot.location = Some(text),
            Target::Tags => snapshot.tags = list(text),
            Target::Impact => snapshot.impact = number(&text)?,
            Target::Urgency => snapshot.urgency = number(&text)?,
            Target::Priority => snapshot.priority = number(&text)?,
            Target::Group => snapshot.group = Some(text),
            Target::Person => snapshot.person = Some(text),
            Target::Contract => snapshot.contract = Some(text),
            Target::ReassignmentCount => snapshot.reassignment_count = number(&text)?,
            Target::ReopenCount => snapshot.reopen_count = number(&text)?,
            Target::SourceSlaMet => {
                snapshot.source_sla_met = Some(match text.to_ascii_lowercase().as_str() {
                    "true" | "yes" | "1" => true,
                    "false" | "no" | "0" => false,
                    _ => return Err(source.error(&format!("is neither true nor false: {text}"))),
                });
            }
            Target::ExternalReferences => snapshot.external_references = list(text),
        }
        Ok(())
    }

    fn time(&self, source: &Source, text: &str) -> Result<Timestamp, RowError> {
        let forms = || self.time_formats.join(" or ");
        let wrong = |detail: String| source.error(&format!("is not a time in the form {}: {detail}", forms()));
        let fits = self.time_formats.iter().find_map(|format| strtime::parse(format, text).ok());
        let broken = fits.ok_or_else(|| wrong(text.to_owned()))?;
        if broken.offset().is_some() {
            return broken.to_timestamp().map_err(|error| wrong(error.to_string()));
        }
        let local: DateTime = match broken.to_datetime() {
            Ok(local) => local,
            Err(_) => broken.to_date().map_err(|error| wrong(error.to_string()))?.at(0, 0, 0, 0),
        };
        local.to_zoned(self.zone.clone()).map(|zoned| zoned.timestamp()).map_err(|error| wrong(error.to_string()))
    }

    fn render(&self, parts: &[(String, Option<usize>)], row: &csv::StringRecord) -> Option<String> {
        let mut text = String::new();
        for (index, (before, column)) in parts.iter().enumerate() {
            let Some(column) = column else {
                text.push_str(before);
                continue;
            };
            if let Some(cell) = self.cell(row, *column) {
                // What stands between two columns separates them: it goes with the first cell that is missing.
                if index == 0 || !text.is_empty() {
                    text.push_str(before);
                }
                text.push_str(cell);
            }
        }
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    }
}

impl Source {
    /// What a cell becomes. `None`: the field is not shown.
    fn convert(&self, cell: &str, skipped: &mut Vec<(String, String)>) -> Result<Option<String>, RowError> {
        let value = match &self.values {
            None => cell.to_owned(),
            Some(values) => match (values.get(cell), self.others) {
                (Some(Some(value)), _) => value.clone(),
                (Some(None), _) => return Ok(None),
                (None, Others::Skip) => {
                    skipped.push((self.field.clone(), cell.to_owned()));
                    return Ok(None);
                }
                (None, Others::Keep) => cell.to_owned(),
                (None, Others::Report) if self.default.is_some() => return Ok(self.default.clone()),
                (None, Others::Report) => {
                    return Err(RowError {
                        field: self.field.clone(),
                        message: format!("the mapping does not say what {cell:?} becomes"),
                        unmapped: Some(cell.to_owned()),
                    });
                }
            },
        };
        Ok(Some(match &self.resource {
            Some(collection) => format!("{collection}/{}", slug(&value)),
            None => value,
        }))
    }

    fn error(&self, message: &str) -> RowError {
        RowError { field: self.field.clone(), message: message.to_owned(), unmapped: None }
    }
}

/// Splits `{a}, {b}` into texts, each with the column that follows it.
fn parse_template(
    template: &str,
    column: &impl Fn(&str) -> Result<usize, Problem>,
) -> Result<Vec<(String, Option<usize>)>, Problem> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else {
            return Err(Problem::new(format!("the template {template:?} opens a brace that it does not close")));
        };
        parts.push((before.to_owned(), Some(column(name)?)));
        rest = after;
    }
    parts.push((rest.to_owned(), None));
    Ok(parts)
}
