//! Simulations: message <-> domain.

use domain::agreement::Metric;
use domain::attainment::Attainment;
use domain::simulation::{Change, Pair};
use jiff::Timestamp;
use prost::Message as _;
use proto::catalog::v1 as pb;
use serde::{Deserialize, Serialize};
use servicekit::convert::{self, Reader};
use servicekit::page::{self, Binding, Signer};
use servicekit::{Caller, Error, Kit, Violation, standard, wire};
use sha2::{Digest, Sha256};

use super::enums::{metric, verdict};
use crate::histories::Period;
use crate::store::{Agreement, Calendar};
use crate::usecase::simulate_agreement::{Outcome, Proposal, place};

const METHOD: &str = "itsm.catalog.v1.AgreementService/SimulateAgreement";

/// What was asked for.
pub struct Asked {
    /// What would be otherwise.
    pub proposal: Proposal,
    /// Which of the changes are shown.
    pub pages: Pages,
}

/// A page of the changes.
pub struct Pages {
    size: usize,
    after: Option<(i64, String, String)>,
    binding: Binding,
    signer: Signer,
}

/// What a page token holds: the changes after a place, of clocks that were read at an instant.
#[derive(Serialize, Deserialize)]
struct Token {
    #[serde(rename = "t")]
    read_at: i64,
    #[serde(rename = "k")]
    after: (i64, String, String),
}

/// Reads a request, or says everything that is wrong with it.
pub fn read(kit: &Kit, caller: &Caller, mut request: pb::SimulateAgreementRequest) -> Result<Asked, Error> {
    let size = page::size(std::mem::take(&mut request.page_size))?;
    let token = std::mem::take(&mut request.page_token);
    let hash = hex::encode(Sha256::digest(request.encode_to_vec()));
    let binding = Binding::new(&[METHOD, &caller.actor, caller.scope(), &hash]);
    let token: Option<Token> = if token.is_empty() { None } else { Some(kit.signer.open(&binding, &token)?) };
    let read_at = token.as_ref().and_then(|token| Timestamp::from_microsecond(token.read_at).ok());
    let read_at = read_at.unwrap_or_else(|| kit.clock.now());

    let mut violations = Vec::new();
    let mut reader = Reader::default();
    let start = reader.timestamp("start_time", request.start_time.as_ref());
    let end = reader.timestamp("end_time", request.end_time.as_ref());
    if start.zip(end).is_some_and(|(start, end)| end <= start) {
        reader.object("end_time", "is not after the start of the period");
    }
    violations.extend_from_slice(reader.found());
    let agreement = request.agreement.as_ref().map(|message| standard::read::<Agreement>(&request.name, message));
    let agreement = agreement.transpose().map_err(|found| violations.extend(found)).ok().flatten();
    let mut calendars = Vec::new();
    for (index, message) in request.calendars.iter().enumerate() {
        if !message.name.starts_with("calendars/") {
            let fault = format!("'{}' is not a name of a calendar: write calendars/{{id}}", message.name);
            violations.push(Violation::new(format!("calendars[{index}].name"), fault));
        }
        match standard::read::<Calendar>(&message.name, message) {
            Ok(calendar) => calendars.push((message.name.clone(), calendar.definition)),
            Err(found) => violations.extend(found.into_iter().map(|violation| {
                let field = violation.field.replacen("calendar", &format!("calendars[{index}]"), 1);
                Violation { field, ..violation }
            })),
        }
    }
    Error::check(violations)?;
    let proposal = Proposal {
        agreement: agreement.map(|agreement| agreement.definition),
        name: request.name,
        calendars,
        period: Period { start, end },
        read_at,
    };
    let after = token.map(|token| token.after);
    Ok(Asked { proposal, pages: Pages { size, after, binding, signer: kit.signer.clone() } })
}

/// The answer.
pub fn show(outcome: Outcome, read_at: Timestamp, pages: &Pages) -> pb::SimulateAgreementResponse {
    let Outcome { tally, credits } = outcome;
    let after =
        tally.changes.partition_point(|change| pages.after.as_ref().is_some_and(|after| place(change) <= *after));
    let shown: Vec<&Change> = tally.changes[after..].iter().take(pages.size).collect();
    let more = after + shown.len() < tally.changes.len();
    let token = |last: &&Change| Token { read_at: read_at.as_microsecond(), after: place(last) };
    let next = shown.last().filter(|_| more).map(token);
    pb::SimulateAgreementResponse {
        read_time: Some(wire::timestamp(read_at)),
        ticket_count: whole(tally.tickets),
        governed_count: whole(tally.governed),
        attainments: tally.attainments.iter().map(|(key, pair)| attainment(*key, *pair)).collect(),
        before_credits: credits.before.into_iter().map(convert::money).collect(),
        after_credits: credits.after.into_iter().map(convert::money).collect(),
        change_count: whole(tally.changes.len() as u64),
        changes: shown.into_iter().map(change).collect(),
        next_page_token: next.map(|token| pages.signer.seal(&pages.binding, &token)).unwrap_or_default(),
    }
}

fn attainment((of, priority): (Metric, Option<u8>), pair: Pair<Attainment>) -> pb::SimulatedAttainment {
    pb::SimulatedAttainment {
        metric: metric::show(of),
        priority: priority.unwrap_or_default().into(),
        before: Some(count(pair.before)),
        after: Some(count(pair.after)),
    }
}

fn count(attainment: Attainment) -> pb::AttainmentCount {
    let [lower_bound, upper_bound] = attainment.interval().unwrap_or_default();
    pb::AttainmentCount {
        settled_count: whole(attainment.settled),
        met_count: whole(attainment.met),
        breached_count: whole(attainment.breached()),
        ratio: attainment.ratio().unwrap_or_default(),
        lower_bound,
        upper_bound,
    }
}

fn change(change: &Change) -> pb::SimulatedChange {
    pb::SimulatedChange {
        ticket: change.ticket.clone(),
        open_time: Some(wire::timestamp(change.opened_at)),
        priority: change.priority.unwrap_or_default().into(),
        metric: metric::show(change.metric),
        before: verdict::show(change.verdicts.before),
        after: verdict::show(change.verdicts.after),
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
