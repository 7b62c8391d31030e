//! Imports of files through the public API: ticket logs by a mapping, contract registers, cloud bills.
//! Rows go out as a stream while answers come back; an interrupted import goes on where it stopped.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, IsTerminal as _, Read as _};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::Timestamp;
use proto::{catalog::v1 as catalog, operations::v1 as operations, supplier::v1 as supplier};
use sha2::{Digest as _, Sha256};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, Streaming};

use crate::client::sentence;

pub mod contracts;
pub mod costs;
pub mod mapping;
pub mod tickets;

/// What stops an import as a whole, in one sentence for people.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{sentence}")]
pub struct Problem {
    sentence: String,
    code: u8,
}

impl Problem {
    /// A problem in one sentence.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self { sentence: sentence.into(), code: 1 }
    }

    /// The same problem, with which the program ends otherwise than with 1.
    #[must_use]
    pub fn exiting(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// What the program exits with.
    pub fn code(&self) -> u8 {
        self.code
    }
}

/// A row that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Line of the file on which the row starts, from 1.
    pub line: i64,
    /// Field that is wrong. Empty: the row as a whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows read from the file in this run.
    pub rows: i64,
    /// Rows that an earlier run had committed, and which were not sent again.
    pub skipped: i64,
    /// Rows that recorded something.
    pub created: i64,
    /// Rows that changed nothing.
    pub unchanged: i64,
    /// Rows that were left out.
    pub failures: Vec<Failure>,
    /// Values that the mapping does not name, with how often they occur, by field.
    pub unmapped: BTreeMap<(String, String), i64>,
    /// Values that the mapping leaves out because it does not name them, with how often they occur, by field.
    pub unnamed: BTreeMap<(String, String), i64>,
}

impl Summary {
    /// Rows that were left out, each counted once however much is wrong with it.
    pub fn failed_rows(&self) -> usize {
        let mut lines: Vec<_> = self.failures.iter().map(|failure| failure.line).collect();
        lines.dedup();
        lines.len()
    }
}

/// A file opened for reading, decompressed by its ending (`.xz`, `.gz`), with its digest.
pub struct Input {
    bytes: Vec<u8>,
    /// First 16 hexadecimal digits of the SHA-256 of the decompressed content.
    pub digest: String,
    /// Last part of the path without the ending of its compression.
    pub file_name: String,
}

impl Input {
    /// Reads a file.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let file =
            File::open(path).map_err(|error| Problem::new(format!("cannot read {}: {error}", path.display())))?;
        Self::of(&name, BufReader::new(file))
    }

    /// Reads content under a file name, whose ending says how it is compressed.
    pub fn of(name: &str, mut content: impl BufRead) -> Result<Self, Problem> {
        let mut bytes = Vec::new();
        let (file_name, read) = if let Some(stem) = name.strip_suffix(".xz") {
            (stem, liblzma::bufread::XzDecoder::new(content).read_to_end(&mut bytes))
        } else if let Some(stem) = name.strip_suffix(".gz") {
            (stem, flate2::bufread::GzDecoder::new(content).read_to_end(&mut bytes))
        } else {
            (name, content.read_to_end(&mut bytes))
        };
        read.map_err(|error| Problem::new(format!("cannot read {name}: {error}")))?;
        let mut digest = hex::encode(Sha256::digest(&bytes));
        digest.truncate(16);
        Ok(Self { bytes, digest, file_name: file_name.to_owned() })
    }

    /// The rows of a CSV file, read with this separator.
    pub fn csv(&self, delimiter: char) -> Result<csv::Reader<&[u8]>, Problem> {
        let delimiter = u8::try_from(delimiter)
            .map_err(|_| Problem::new(format!("the delimiter {delimiter:?} is not a single byte")))?;
        Ok(csv::ReaderBuilder::new().delimiter(delimiter).flexible(true).from_reader(self.bytes.as_slice()))
    }

    fn row_count(&self, delimiter: char) -> Result<u64, Problem> {
        let mut reader = self.csv(delimiter)?;
        let mut record = csv::ByteRecord::new();
        let mut count = 0;
        while reader.read_byte_record(&mut record).unwrap_or(false) {
            count += 1;
        }
        Ok(count)
    }
}

/// Rows that may be on their way to a server before the reader of the file waits.
const ROWS_IN_FLIGHT: usize = 4_000;

/// What a server said of the rows since its last answer.
struct Answer {
    created: i64,
    unchanged: i64,
    failures: Vec<Failure>,
}

macro_rules! answer {
    ($($response:ty),*) => {$(
        impl From<$response> for Answer {
            fn from(response: $response) -> Self {
                let failures = response.failures.into_iter().map(|failure| Failure {
                    line: failure.sequence,
                    field: failure.field,
                    message: failure.message,
                });
                Self {
                    created: response.created_count,
                    unchanged: response.unchanged_count,
                    failures: failures.collect(),
                }
            }
        }
    )*};
}

answer!(operations::ImportTicketsResponse, catalog::ImportCostsResponse, supplier::ImportContractsResponse);

/// Sends the rows that `produce` makes and gathers the answers that come back meanwhile.
async fn exchange<Request, Reply, Call>(
    bar: ProgressBar,
    produce: impl FnOnce(mpsc::Sender<Request>) -> Result<Summary, Problem> + Send + 'static,
    call: impl FnOnce(ReceiverStream<Request>) -> Call,
) -> Result<Summary, Problem>
where
    Request: Send + 'static,
    Reply: Into<Answer>,
    Call: Future<Output = Result<Response<Streaming<Reply>>, Status>>,
{
    let (sender, receiver) = mpsc::channel(ROWS_IN_FLIGHT);
    // Mapping is work for a processor: a thread of its own keeps the connection responsive.
    let producer = tokio::task::spawn_blocking(move || produce(sender));
    let refused = |status: Status| Problem::new(sentence(&status));
    let mut answers = call(ReceiverStream::new(receiver)).await.map_err(refused)?.into_inner();
    let mut received = Summary::default();
    while let Some(answer) = answers.message().await.map_err(refused)? {
        let answer: Answer = answer.into();
        received.created += answer.created;
        received.unchanged += answer.unchanged;
        received.failures.extend(answer.failures);
        bar.set_position(u64::try_from(received.created + received.unchanged).unwrap_or_default());
    }
    bar.finish_and_clear();
    let mut summary = producer.await.map_err(|_| Problem::new("the reader of the file stopped unexpectedly"))??;
    summary.created = received.created;
    summary.unchanged = received.unchanged;
    summary.failures.extend(received.failures);
    summary.failures.sort_by_key(|failure| failure.line);
    Ok(summary)
}

/// The next row with the line it starts on, or why it cannot be read.
fn next_row(reader: &mut csv::Reader<&[u8]>, columns: usize) -> Option<(i64, Result<csv::StringRecord, String>)> {
    let mut record = csv::StringRecord::new();
    let line = i64::try_from(reader.position().line()).unwrap_or(i64::MAX);
    match reader.read_record(&mut record) {
        Ok(false) => None,
        Ok(true) => {
            let line = record.position().map_or(line, |at| i64::try_from(at.line()).unwrap_or(i64::MAX));
            if record.len() == columns {
                Some((line, Ok(record)))
            } else {
                let found = record.len();
                Some((line, Err(format!("has {found} columns instead of {columns}"))))
            }
        }
        Err(error) => Some((line, Err(error.to_string()))),
    }
}

/// Maps the rows of a CSV file with so many columns until `send` wants no more. A row that cannot be mapped is a failure
/// of the summary: the field, and what is wrong with it.
fn map_rows<T>(
    input: &Input,
    columns: usize,
    map: impl Fn(i64, &csv::StringRecord) -> Result<T, (String, String)>,
    mut send: impl FnMut(T) -> bool,
) -> Result<Summary, Problem> {
    let mut summary = Summary::default();
    let mut reader = input.csv(',')?;
    while let Some((line, row)) = next_row(&mut reader, columns) {
        summary.rows += 1;
        let mapped = row.map_err(|message| (String::new(), message)).and_then(|row| map(line, &row));
        match mapped {
            Ok(request) => {
                if !send(request) {
                    break;
                }
            }
            Err((field, message)) => summary.failures.push(Failure { line, field, message }),
        }
    }
    Ok(summary)
}

/// An instant as a message.
pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    let micros = at.as_microsecond();
    prost_types::Timestamp {
        seconds: micros.div_euclid(1_000_000),
        nanos: i32::try_from(micros.rem_euclid(1_000_000) * 1_000).unwrap_or_default(),
    }
}

/// A progress bar on a terminal, nothing elsewhere.
fn progress(rows: u64, what: &'static str) -> ProgressBar {
    let target =
        if std::io::stderr().is_terminal() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(rows), target).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg:>12} {bar:32} {human_pos}/{human_len} {per_sec} {eta}") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
