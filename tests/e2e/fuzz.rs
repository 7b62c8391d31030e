//! Fuzzing: what strangers send, made from what is valid by chance. Whatever it is, it is read or refused in words;
//! nothing panics. An input whose outcome was not seen before is kept and changed further.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use domain::amount::Currency;
use domain::filter::{Context, compile, parse_order};
use itsm::import::mapping::Mapping;
use itsm::import::{Input, contracts, costs, tickets};
use servicekit::page::{Binding, Signer};
use servicekit::sql::Sql;

/// How long each target is tried, unless the environment says otherwise.
const SECONDS: u64 = 2;
/// Inputs that are kept at most.
const KEPT: usize = 2_000;
/// Longest input, in bytes.
const LONGEST: usize = 8_192;

/// A linear congruential generator (Knuth, MMIX), so that a run can be repeated.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit.max(1)
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let start = self.below(length + 1);
        start..start + self.below((length - start).min(40) + 1)
    }

    /// One input changed in a few places.
    fn change(&mut self, kept: &[Vec<u8>], words: &[&str]) -> Vec<u8> {
        let mut input = self.pick(kept).clone();
        for _ in 0..=self.below(4) {
            let at = self.below(input.len() + 1);
            match self.below(8) {
                0 => drop(input.drain(self.range(input.len()))),
                1 => {
                    let again = input[self.range(input.len())].to_vec();
                    drop(input.splice(at..at, again));
                }
                2 | 3 => drop(input.splice(at..at, self.pick(words).bytes())),
                4 => {
                    let other = self.pick(kept);
                    let part = other[self.range(other.len())].to_vec();
                    drop(input.splice(at..at, part));
                }
                5 => {
                    let strange = ["\u{0}", "\u{feff}", "\u{202e}", "é", "𝒳", "\r", "\n", "\t", "\"", "\\", "'"];
                    drop(input.splice(at..at, self.pick(&strange).bytes()));
                }
                6 if at < input.len() => input[at] = u8::try_from(self.below(256)).unwrap(),
                _ => input.truncate(at),
            }
        }
        input.truncate(LONGEST);
        input
    }
}

/// Tries a target on inputs made from these and from words. `target` answers what came of an input, in few words.
fn fuzz<S: AsRef<[u8]>>(seeds: &[S], words: &[&str], target: impl Fn(&[u8]) -> String) {
    let seconds = std::env::var("ITSM_FUZZ_SECONDS").ok().map_or(SECONDS, |seconds| seconds.parse().unwrap());
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut chance = Chance(seconds);
    let mut kept: Vec<Vec<u8>> = seeds.iter().map(|seed| seed.as_ref().to_vec()).collect();
    let mut seen = HashSet::new();
    let mut tried = 0_u64;
    while Instant::now() < until {
        let input = chance.change(&kept, words);
        let Ok(outcome) = catch_unwind(AssertUnwindSafe(|| target(&input))) else {
            panic!("it panics on \"{}\"", input.escape_ascii());
        };
        tried += 1;
        // What was said, whatever it was said of.
        let outcome: String = outcome.chars().filter(|c| c.is_ascii_alphabetic() || *c == ' ').take(80).collect();
        if kept.len() < KEPT && seen.insert(outcome) {
            kept.push(input);
        }
    }
    println!("{tried} inputs, {} outcomes", seen.len());
    assert!(seen.len() > 1, "everything ends alike");
}

fn text(input: &[u8]) -> String {
    String::from_utf8_lossy(input).into_owned()
}

#[test]
fn filters() {
    let fields = &operations::store::list::FIELDS;
    let context = Context { now: jiff::Timestamp::UNIX_EPOCH, me: Some("people/ann".to_owned()) };
    let seeds = [
        "priority <= 2 AND NOT assignment.person:*",
        "(state_category = NEW OR state_category = ACTIVE) -tags:\"a\\\"b\"",
        "due_time > now() AND due_time <= now() + 24h",
        "title = \"*print*\" source_sla_met = true",
        "open_time >= \"2024-03-01T00:00:00Z\" OR customer = \"customers/a\"",
        "requester = me AND change.planned_start_time:*",
    ];
    let names: Vec<String> = fields.schema().fields().iter().map(|field| field.name.clone()).collect();
    let mut words =
        vec![" AND ", " OR ", " NOT ", "(", ")", ":", "*", "!=", "<", ">=", "now()", "me", "1e9", "-", "24h"];
    words.extend(names.iter().map(String::as_str));
    fuzz(&seeds, &words, |input| match compile(&text(input), fields.schema(), &context) {
        Ok(filter) => {
            let mut sql = Sql::new("");
            fields.condition(&filter, &mut sql);
            sql.to_string()
        }
        Err(error) => error.to_string(),
    });
}

#[test]
fn orders() {
    let schema = operations::store::list::FIELDS.schema();
    let words = ["priority", " desc", " asc", ",", "name", "assignment.group", "title", " "];
    fuzz(&["priority, open_time desc", "name"], &words, |input| match parse_order(&text(input), schema) {
        Ok(order) => format!("{order:?}"),
        Err(error) => error.to_string(),
    });
}

/// Tokens of pages and of the feed are sealed and opened alike.
#[test]
fn tokens() {
    let signer = Signer::new(b"key").unwrap();
    let binding = Binding::new(&["people/ann", "List", "priority = 1"]);
    let sealed = signer.seal(&binding, &(7_i64, vec![Some("a"), None]));
    let seeds = [sealed.as_str(), "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"];
    fuzz(&seeds, &["A", "_", "-", "=", "AAAA"], |input| {
        match signer.open::<(i64, Vec<Option<String>>)>(&binding, &text(input)) {
            Ok(content) => {
                assert_eq!(text(input), sealed, "an altered token opens");
                format!("{content:?}")
            }
            Err(error) => error.to_string(),
        }
    });
}

/// The first lines of a file that ships.
fn first_lines(file: &str, count: usize) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../demo/data").join(file);
    let input = Input::open(&path).unwrap();
    let mut reader = input.csv(',').unwrap();
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(reader.headers().unwrap()).unwrap();
    for row in reader.records().take(count) {
        writer.write_record(&row.unwrap()).unwrap();
    }
    writer.into_inner().unwrap()
}

fn told(summary: Result<itsm::import::Summary, itsm::import::Problem>) -> String {
    summary.map_or_else(|problem| format!("{problem:?}"), |summary| format!("{summary:?}"))
}

#[test]
fn ticket_logs() {
    let mapping = Mapping::load("servicenow-log").unwrap();
    let words = ["29/2/2016 01:16", "31/12/9999 23:59", "?", "1 - High", "true", "Resolved", ",", "\r\n", "-1", "\"\""];
    let seeds = [first_lines("servicenow_incident_event_log.csv.xz", 6)];
    fuzz(&seeds, &words, |input| {
        told(Input::of("log.csv", input).and_then(|input| tickets::dry_run(&input, &mapping)))
    });
}

#[test]
fn compressed_logs() {
    let mapping = Mapping::load("servicenow-log").unwrap();
    let mut encoder = liblzma::read::XzEncoder::new(&b"number,opened_at\n1,29/2/2016 01:16\n"[..], 6);
    let mut packed = Vec::new();
    std::io::Read::read_to_end(&mut encoder, &mut packed).unwrap();
    fuzz(&[packed], &["\u{0}\u{0}", "7zXZ"], |input| {
        told(Input::of("log.csv.xz", input).and_then(|input| tickets::dry_run(&input, &mapping)))
    });
}

#[test]
fn mappings() {
    let folder = testkit::Scratch::new();
    let path = folder.join("mapping.yaml");
    let shipped = include_str!("../../demo/mappings/servicenow-log.yaml");
    let log = Input::of("log.csv", first_lines("servicenow_incident_event_log.csv.xz", 6).as_slice()).unwrap();
    fuzz(&[shipped], &[": ", "- ", "[]", "{}", "null", "\n  ", "%Y", "delimiter: "], |input| {
        std::fs::write(&path, input).unwrap();
        told(Mapping::load(path.to_str().unwrap()).and_then(|mapping| tickets::dry_run(&log, &mapping)))
    });
}

#[test]
fn contract_registers() {
    let aud = Currency::parse("AUD").unwrap();
    let words = ["2024-02-30", "9999-12-31", "1e400", "-0.005", "99999999999999999999", "\n", ",", "\"", "$1,000.00"];
    fuzz(&[first_lines("act_contracts_2025.csv", 6)], &words, |input| {
        told(Input::of("register.csv", input).and_then(|input| contracts::read(&input, aud, |_| true)))
    });
}

#[test]
fn cloud_bills() {
    let words = ["2024-02-30T00:00:00Z", "NaN", "1e400", "-0.0000000000000001", "{\"a\": 1}", ",", "\"", "null"];
    fuzz(&[first_lines("focus_1.0_sample_1000.csv", 4)], &words, |input| {
        told(Input::of("bill.csv", input).and_then(|input| costs::read_focus(&input, |_| true)))
    });
}
