//! `itsm verify` and `itsm journal export`: the journals by their seals, in a database and in a file.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write};
use std::path::Path;

use servicekit::config;
use servicekit::journal::seal::{Damage, Digest, FIELDS, Fact, PAYLOAD, Range, Seal, State, Verifier};
use servicekit::journal::{self, Json};

use crate::cli::{JournalExportArgs, VerifyArgs};
use crate::import::Problem;
use crate::suite::{Database, problem};

/// The member of a fact in a file that holds what stands beside it.
const BESIDE: &str = "private";
/// What the first line of each journal in a file names.
const FORMAT: &str = "itsm.journal.v1";
/// Seals that are verified between two looks at how far it is.
const STEP: i64 = 200;
/// Damages of one range that are printed.
const SHOWN: usize = 20;
/// How the program ends when nothing could be verified.
const UNVERIFIED: u8 = 2;

fn services() -> [&'static servicekit::Service; 3] {
    [&catalog::SERVICE, &operations::SERVICE, &supplier::SERVICE]
}

/// A SHA-256 as it is typed.
pub fn parse_hash(text: &str) -> Result<Digest, String> {
    let wrong = || "a hash has 64 hexadecimal digits".to_owned();
    let bytes = hex::decode(text).map_err(|_| wrong())?;
    bytes.try_into().map_err(|_| wrong())
}

/// What became of a verification.
#[derive(Debug, Default)]
pub struct Verified {
    /// A line for each journal, and one for each damage.
    pub text: String,
    /// Whether anything is wrong.
    pub damaged: bool,
}

/// Verifies what the command line names and prints what was found. Damage ends the program with 1, anything that keeps
/// it from verifying with 2.
pub async fn run(args: &VerifyArgs) -> Result<(), Problem> {
    let verified = match &args.file {
        Some(path) => verify_file(path, &args.heads),
        None => verify_database(args).await,
    };
    let verified = verified.map_err(|problem| problem.exiting(UNVERIFIED))?;
    print!("{}", verified.text);
    if verified.damaged { Err(Problem::new("the journal is not what was sealed")) } else { Ok(()) }
}

async fn verify_database(args: &VerifyArgs) -> Result<Verified, Problem> {
    let database = Database::open(&args.database, args.data_dir.as_deref()).await?;
    let verified = verify_journals(&database.config, &args.heads).await;
    database.close().await?;
    verified
}

/// Verifies the journals of the three services in a database, by one snapshot each, and looks for hashes that were kept.
pub async fn verify_journals(database: &config::Database, heads: &[Digest]) -> Result<Verified, Problem> {
    let mut verified = Verified::default();
    let mut unknown: Vec<Digest> = heads.to_vec();
    for service in services() {
        let mut connection = journal::snapshot(database, service).await.map_err(problem)?;
        let mut outcome = Outcome::of(service.name);
        let mut first = 1;
        loop {
            let step = journal::verify(&mut connection, service.name, first, i64::MAX, STEP).await;
            let (verifier, next) = step.map_err(problem)?;
            outcome.add(&verifier);
            match next {
                Some(next) => first = next,
                None => break,
            }
        }
        let mut elsewhere = Vec::new();
        for head in unknown {
            if !journal::has_seal(&mut connection, &head).await.map_err(problem)? {
                elsewhere.push(head);
            }
        }
        unknown = elsewhere;
        outcome.tell(&mut verified);
    }
    verified.lacks(&unknown);
    Ok(verified)
}

impl Verified {
    /// Hashes that were kept and that no seal has.
    fn lacks(&mut self, heads: &[Digest]) {
        for head in heads {
            let head = hex::encode(head);
            let _ = writeln!(self.text, "no seal has the hash {head}: the journal was cut off before it, or rewritten");
            self.damaged = true;
        }
    }
}

/// What was found in one journal.
struct Outcome {
    journal: String,
    sealed: i64,
    seals: i64,
    unsealed: i64,
    head: Option<Digest>,
    broken: Vec<Range>,
    /// Private texts and names that were erased.
    erased: i64,
    /// What is wrong with those that stand beside facts.
    texts: Vec<Damage>,
    /// What is wrong with the file itself.
    faults: Vec<String>,
}

impl Outcome {
    fn of(journal: &str) -> Self {
        Self {
            journal: journal.to_owned(),
            sealed: 0,
            seals: 0,
            unsealed: 0,
            head: None,
            broken: Vec::new(),
            erased: 0,
            texts: Vec::new(),
            faults: Vec::new(),
        }
    }

    fn add(&mut self, verifier: &Verifier) {
        for range in &verifier.ranges {
            let facts = range.last_seq.saturating_sub(range.first_seq).saturating_add(1);
            match range.state {
                State::Intact => self.sealed += facts,
                State::Unsealed => self.unsealed += facts,
                State::Broken => self.broken.push(range.clone()),
            }
            self.seals += range.seals;
        }
        self.head = verifier.head.or(self.head);
        self.erased += verifier.texts.erased;
        self.texts.extend(verifier.texts.damages.iter().cloned());
    }

    fn tell(self, verified: &mut Verified) {
        let damaged = !self.broken.is_empty() || !self.texts.is_empty() || !self.faults.is_empty();
        let text = &mut verified.text;
        let _ = write!(
            text,
            "{}: {}, {} facts as they were sealed under {} seals, {} not sealed yet",
            self.journal,
            if damaged { "damaged" } else { "intact" },
            self.sealed,
            self.seals,
            self.unsealed
        );
        if self.erased > 0 {
            let _ = write!(text, ", {} texts and names erased", self.erased);
        }
        let _ = match self.head {
            Some(head) => writeln!(text, ", head {}", hex::encode(head)),
            None => writeln!(text),
        };
        for range in &self.broken {
            let place = match (range.seals, range.first_seq) {
                (_, 0) => "outside the order".to_owned(),
                (0, _) => "after the last seal".to_owned(),
                _ => format!("under the seal over {} to {}", range.first_seq, range.last_seq),
            };
            for damage in range.damages.iter().take(SHOWN) {
                let _ = writeln!(text, "  {place}: {damage}");
            }
            if let Some(more) = range.damages.len().checked_sub(SHOWN).filter(|more| *more > 0) {
                let _ = writeln!(text, "  {place}: and {more} more");
            }
        }
        for damage in self.texts.iter().take(SHOWN) {
            let _ = writeln!(text, "  {damage}");
        }
        if let Some(more) = self.texts.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let _ = writeln!(text, "  and {more} more such texts");
        }
        for fault in &self.faults {
            let _ = writeln!(text, "  {fault}");
        }
        verified.damaged |= damaged;
    }
}

/// Writes the three journals with their seals to a file, a line for each fact and seal.
pub async fn run_export(args: &JournalExportArgs) -> Result<(), Problem> {
    let database = Database::open(&args.database, args.data_dir.as_deref()).await?;
    let exported = export(&database.config, &args.out).await;
    database.close().await?;
    println!("{} facts in {}", exported?, args.out.display());
    Ok(())
}

/// Writes the three journals, each as one snapshot sees it, and says how many facts these are.
pub async fn export(database: &config::Database, path: &Path) -> Result<usize, Problem> {
    let failed = |error: std::io::Error| Problem::new(format!("cannot write {}: {error}", path.display()));
    let mut file = BufWriter::new(File::create(path).map_err(failed)?);
    let mut exported = 0;
    for service in services() {
        let mut connection = journal::snapshot(database, service).await.map_err(problem)?;
        writeln!(file, "{{\"journal\":{},\"format\":{}}}", quoted(service.name), quoted(FORMAT)).map_err(failed)?;
        let mut through = 0;
        loop {
            let (facts, seal) = journal::part_after(&mut connection, through).await.map_err(problem)?;
            for fact in &facts {
                writeln!(file, "{}", fact_line(fact)).map_err(failed)?;
            }
            exported += facts.len();
            through = match (&seal, facts.last()) {
                (Some(seal), _) => seal.last_seq,
                (None, Some(fact)) => fact.seq,
                (None, None) => break,
            };
            if let Some(seal) = &seal {
                writeln!(file, "{}", seal_line(seal)).map_err(failed)?;
            }
        }
        writeln!(file, "{{\"end\":{}}}", quoted(service.name)).map_err(failed)?;
    }
    file.flush().map_err(failed)?;
    Ok(exported)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether the field of a fact is a number.
fn is_number(field: &str) -> bool {
    field.ends_with("_us") || ["source_sequence", "subject_version"].contains(&field)
}

/// A number as JSON has it; text, if it is none that JSON has.
fn number(text: &str) -> String {
    text.parse::<i64>().map_or_else(|_| quoted(text), |number| number.to_string())
}

fn fact_line(fact: &Fact) -> String {
    let recorded = number(&fact.recorded_at_us);
    let mut line =
        format!("{{\"fact\":{{\"seq\":{},\"position\":{},\"recorded_at_us\":{recorded}", fact.seq, fact.position);
    for (field, text) in FIELDS.iter().zip(fact.content.iter().flatten()) {
        let value = match *field {
            PAYLOAD => Json::parse(text).map_or_else(|| quoted(text), |json| json.to_string()),
            "last_of_change" if ["true", "false"].contains(&text.as_str()) => text.clone(),
            field if is_number(field) && text.is_empty() => "null".to_owned(),
            field if is_number(field) => number(text),
            _ => quoted(text),
        };
        let _ = write!(line, ",\"{field}\":{value}");
    }
    if let Some(text) = &fact.private {
        let _ =
            write!(line, ",\"{BESIDE}\":{}", Json::parse(text).map_or_else(|| quoted(text), |json| json.to_string()));
    }
    line.push_str("}}");
    line
}

fn seal_line(seal: &Seal) -> String {
    let facts: Vec<String> = seal.facts.iter().map(|digest| format!("\"{}\"", hex::encode(digest))).collect();
    format!(
        "{{\"seal\":{{\"first_seq\":{},\"last_seq\":{},\"sealed_at_us\":{},\"places\":\"{}\",\"facts\":[{}],\
         \"hash\":\"{}\"}}}}",
        seal.first_seq,
        seal.last_seq,
        number(&seal.sealed_at_us),
        hex::encode(seal.places),
        facts.join(","),
        hex::encode(seal.hash)
    )
}

/// The text of a member. `None`: it is not there; an empty text: it is null.
fn text_of(object: &Json, name: &str) -> Option<String> {
    match object.member(name)? {
        Json::Word("null") => Some(String::new()),
        value => Some(value.to_text()),
    }
}

fn number_of(object: &Json, name: &str) -> Option<i64> {
    text_of(object, name)?.parse().ok()
}

/// A digest of a seal; one that cannot be read matches nothing.
fn digest_of(text: &str) -> Digest {
    parse_hash(text).unwrap_or_default()
}

/// A fact of a line. A fact that lacks fields was in the order and not in the journal when it was exported.
fn read_fact(object: &Json) -> Option<Fact> {
    Some(Fact {
        seq: number_of(object, "seq")?,
        position: number_of(object, "position")?,
        recorded_at_us: text_of(object, "recorded_at_us")?,
        content: FIELDS.iter().map(|field| text_of(object, field)).collect(),
        private: text_of(object, BESIDE),
    })
}

fn read_seal(object: &Json) -> Option<Seal> {
    let facts = match object.member("facts")? {
        Json::List(digests) => digests.iter().map(|digest| digest_of(&digest.to_text())).collect(),
        _ => return None,
    };
    Some(Seal {
        first_seq: number_of(object, "first_seq")?,
        last_seq: number_of(object, "last_seq")?,
        sealed_at_us: text_of(object, "sealed_at_us")?,
        places: digest_of(&text_of(object, "places")?),
        facts,
        hash: digest_of(&text_of(object, "hash")?),
    })
}

/// A journal of a file, as far as it was read.
struct Reading {
    verifier: Verifier,
    outcome: Outcome,
    facts: Vec<Fact>,
    newest: i64,
}

impl Reading {
    fn of(journal: &str) -> Self {
        let verifier = Verifier::after(journal, None);
        Self { verifier, outcome: Outcome::of(journal), facts: Vec::new(), newest: 0 }
    }

    fn end(mut self, verified: &mut Verified) {
        self.verifier.unsealed(&self.facts);
        self.verifier.end(self.newest);
        self.verifier.texts.settle();
        self.outcome.add(&self.verifier);
        self.outcome.tell(verified);
    }
}

/// Verifies the journals in a file, and looks for hashes that were kept.
pub fn verify_file(path: &Path, heads: &[Digest]) -> Result<Verified, Problem> {
    let failed = |error: std::io::Error| Problem::new(format!("cannot read {}: {error}", path.display()));
    let mut verified = Verified::default();
    let mut unknown: HashSet<Digest> = heads.iter().copied().collect();
    let mut reading: Option<Reading> = None;
    let mut journals = 0;
    let lines = BufReader::new(File::open(path).map_err(failed)?).split(b'\n');
    for (number, line) in (1..).zip(lines) {
        let line = line.map_err(failed)?;
        let json = std::str::from_utf8(&line).ok().and_then(Json::parse);
        let read = json.as_ref().and_then(|json| {
            if let Some(name) = text_of(json, "journal") {
                journals += 1;
                if let Some(cut) = reading.replace(Reading::of(&name)) {
                    ended_early(cut, &mut verified);
                }
                (text_of(json, "format")? == FORMAT).then_some(())
            } else if let Some(fact) = json.member("fact") {
                let (fact, reading) = (read_fact(fact)?, reading.as_mut()?);
                reading.newest = reading.newest.max(fact.seq);
                reading.facts.push(fact);
                Some(())
            } else if let Some(seal) = json.member("seal") {
                let (seal, reading) = (read_seal(seal)?, reading.as_mut()?);
                unknown.remove(&seal.hash);
                reading.verifier.seal(&seal, &std::mem::take(&mut reading.facts));
                Some(())
            } else {
                json.member("end")?;
                reading.take()?.end(&mut verified);
                Some(())
            }
        });
        match (read, &mut reading) {
            (Some(()), _) => {}
            (None, Some(reading)) => reading.outcome.faults.push(format!("line {number} cannot be read")),
            (None, None) if journals == 0 => {
                return Err(Problem::new(format!("{} is no export of the journal", path.display())));
            }
            (None, None) => {
                let _ = writeln!(verified.text, "line {number} cannot be read");
                verified.damaged = true;
            }
        }
    }
    if let Some(cut) = reading {
        ended_early(cut, &mut verified);
    }
    if journals == 0 {
        return Err(Problem::new(format!("{} is no export of the journal", path.display())));
    }
    let mut unknown: Vec<Digest> = unknown.into_iter().collect();
    unknown.sort_unstable();
    verified.lacks(&unknown);
    Ok(verified)
}

/// A journal without its last line.
fn ended_early(mut reading: Reading, verified: &mut Verified) {
    reading.outcome.faults.push("the file was cut off: the end of this journal is missing".to_owned());
    reading.end(verified);
}
