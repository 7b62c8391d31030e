//! What happened to a ticket, each fact as a sentence.

use jiff::{SignedDuration, Timestamp};
use prost_types::value::Kind;
use proto::journal::v1::JournalEntry;
use serde_json::{Map, Value};

use crate::explain::human;

/// The fact as a sentence without its actor, who stands beside it.
pub(super) fn sentence(fact: &JournalEntry) -> String {
    let payload = fact.payload.clone().unwrap_or_default();
    let payload = Value::Object(payload.fields.into_iter().map(|(name, value)| (name, plain(value))).collect());
    told(&fact.kind, &Payload(&payload))
}

/// A value that somebody gave, as people read it.
pub(super) fn value(value: &prost_types::Value) -> String {
    show(&plain(value.clone()))
}

/// A value of a message as JSON. Whole numbers stay whole.
fn plain(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        // Whole numbers up to 2^53 are exact in a double.
        #[allow(clippy::cast_possible_truncation)]
        Some(Kind::NumberValue(number)) if number.fract() == 0.0 && number.abs() < 9e15 => Value::from(number as i64),
        Some(Kind::NumberValue(number)) => Value::from(number),
        Some(Kind::StringValue(text)) => Value::from(text),
        Some(Kind::BoolValue(yes)) => Value::from(yes),
        Some(Kind::StructValue(fields)) => {
            Value::Object(fields.fields.into_iter().map(|(name, value)| (name, plain(value))).collect())
        }
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(plain).collect()),
    }
}

/// What a fact says.
struct Payload<'a>(&'a Value);

impl<'a> Payload<'a> {
    fn value(&self, name: &str) -> &'a Value {
        self.0.get(name).unwrap_or(&Value::Null)
    }

    fn text(&self, name: &str) -> String {
        show(self.value(name))
    }

    fn has(&self, name: &str) -> bool {
        !self.value(name).is_null()
    }

    fn part(&self, name: &str) -> Payload<'a> {
        Payload(self.value(name))
    }

    fn words(&self, name: &str) -> String {
        words(&self.text(name))
    }
}

fn told(kind: &str, fact: &Payload<'_>) -> String {
    let kind = kind.trim_start_matches("ticket.");
    match kind.rsplit_once(".v").map_or(kind, |(kind, _)| kind) {
        "opened" => {
            let side = if fact.text("by") == "CUSTOMER" { " by the customer" } else { "" };
            let revision = fact.text("process_revision");
            let begin = format!(
                "Opened{side} as {} in state {}, under revision {revision} of the process",
                article(&fact.words("practice")),
                fact.words("state"),
            );
            let mut fields = fact.value("fields").clone();
            // When and where it was opened stands beside the sentence and above the page.
            if let Some(fields) = fields.as_object_mut() {
                fields.retain(|name, _| !matches!(name.as_str(), "opened_at" | "source_system" | "source_id"));
            }
            with(begin, priority(fact.value("matrix_priority")), changes(&fields))
        }
        "transitioned" => {
            let begin = format!("Moved from {} to {}", fact.words("from_state"), fact.words("state"));
            if fact.has("transition") {
                with(format!("{begin} by “{}”", fact.words("transition")), None, changes(fact.value("fields")))
            } else {
                let outside = "a step that the process does not have".to_owned();
                with(begin, Some(outside), changes(fact.value("fields")))
            }
        }
        "assigned" => {
            let taken = |name: &str| fact.0.get(name).is_some_and(Value::is_null);
            let to: Vec<String> = ["group", "person", "contract"]
                .into_iter()
                .filter(|name| fact.has(name))
                .map(|name| format!("{name} {}", short(&fact.text(name))))
                .collect();
            let left: Vec<&str> = ["group", "person", "contract"].into_iter().filter(|name| taken(name)).collect();
            let hands = match fact.value("reassignment_count").as_i64() {
                Some(1) => Some("the first change of hands".to_owned()),
                Some(count) if count > 1 => Some(format!("change of hands number {count}")),
                _ => None,
            };
            let begin = match (to.is_empty(), left.is_empty()) {
                (false, true) => format!("Assigned to {}", to.join(", ")),
                (false, false) => format!("Assigned to {}, no longer to a {}", to.join(", "), left.join(" or ")),
                (true, false) => format!("No longer assigned to a {}", left.join(" or ")),
                (true, true) => "Assigned as before".to_owned(),
            };
            with(begin, hands, None)
        }
        "reopened" => match fact.value("reopen_count").as_i64() {
            Some(1) | None => "Reopened".to_owned(),
            Some(count) => format!("Reopened for the {} time", ordinal(count)),
        },
        "prioritised" => {
            let begin = match fact.value("priority").as_i64() {
                Some(priority) => format!("Priority is {priority}"),
                None => "Priority is not known".to_owned(),
            };
            let set = fact.part("priority_override");
            let by_hand = set.has("value").then(|| format!("set by hand: {}", set.text("reason")));
            let matrix =
                priority(fact.value("matrix_priority")).map(|text| text.replace("priority", "the matrix says"));
            let levels = levels(fact);
            with(begin, by_hand.or(matrix), levels)
        }
        "updated" => changes(fact.0).map_or_else(|| "Changed nothing".to_owned(), |text| capital(&text)),
        "noted" => {
            let side = if fact.text("by") == "CUSTOMER" { "The customer wrote" } else { "Noted" };
            format!("{side}: {}", fact.text("text"))
        }
        "linked" => format!("Related: this ticket {}", link(fact)),
        "unlinked" => format!("No longer related: this ticket {}", link(fact)),
        "resolved" => {
            let code = fact.words("code");
            let begin = if code.is_empty() { "Resolved".to_owned() } else { format!("Resolved as {code}") };
            let cause = (!fact.text("cause").is_empty()).then(|| format!("cause: {}", fact.text("cause")));
            with(begin, (!fact.text("text").is_empty()).then(|| fact.text("text")), cause)
        }
        "source_measured" => match fact.value("source_sla_met").as_bool() {
            Some(true) => "The source says that its service level was met".to_owned(),
            Some(false) => "The source says that its service level was missed".to_owned(),
            None => "The source withdrew its verdict on the service level".to_owned(),
        },
        "governed" => governed(fact),
        "nonconforming" => format!("Outside the process: {}", fact.text("detail")),
        "conforming" => format!("No longer outside the process: {}", rule(&fact.text("rule"))),
        "imported" => match fact.value("rows").as_array().map_or(0, Vec::len) {
            1 => "A row of the source was absorbed".to_owned(),
            rows => format!("{rows} rows of the source were absorbed"),
        },
        "threshold_reached" => {
            let clock = format!("the {} clock of {}", lower(&fact.text("metric")), short(&fact.text("agreement")));
            let target = fact.text("target").parse::<SignedDuration>().map_or_else(|_| fact.text("target"), human);
            match fact.value("percent").as_i64() {
                Some(100) => format!("Breached: {clock} reached its target of {target}"),
                percent => format!("{} % of the target of {target} used: {clock}", percent.unwrap_or_default()),
            }
        }
        "threshold_withdrawn" => format!(
            "Withdrawn: the {} had not reached {} % then, as became known later",
            clock(&fact.text("clock")),
            fact.text("percent"),
        ),
        "clock_excluded" => {
            let reason = lower(&fact.text("reason"));
            let interval = fact.part("interval");
            let span = interval
                .has("start")
                .then(|| format!("from {} to {}", instant(&interval.text("start")), instant(&interval.text("end"))));
            let begin = format!("Excused the {}: {reason}", clock(&fact.text("clock")));
            let evidence = fact.text("evidence");
            with(begin, span.or(Some("as a whole".to_owned())), (!evidence.is_empty()).then_some(evidence))
        }
        "clock_exclusion_revoked" => {
            format!("Took back the excuse of the {}: {}", clock(&fact.text("clock")), fact.text("comment"))
        }
        "duty_recorded" => duty(fact),
        "approval_requested" => {
            let policy = fact.part("policy");
            let quorum = policy.value("quorum").as_i64().filter(|quorum| *quorum > 1);
            let deciders: Vec<String> = ["people", "groups", "roles"]
                .into_iter()
                .flat_map(|name| policy.value(name).as_array().into_iter().flatten())
                .map(|name| short(&show(name)))
                .collect();
            let asked = format!("Asked for the approval {}", fact.text("approval"));
            let begin = if deciders.is_empty() { asked } else { format!("{asked} of {}", deciders.join(", ")) };
            with(begin, quorum.map(|quorum| format!("{quorum} have to agree")), None)
        }
        "approval_decided" => {
            let verb = if fact.text("decision") == "REJECT" { "Rejected" } else { "Approved" };
            let begin = format!("{verb} {} as {}", fact.text("approval"), short(&fact.text("approver")));
            let by =
                fact.has("delegate").then(|| format!("decided by {} in their place", short(&fact.text("delegate"))));
            with(begin, by, said(fact))
        }
        "approval_delegated" => {
            let (from, to) = (short(&fact.text("delegator")), short(&fact.text("delegate")));
            with(format!("Let {to} decide on {} in the place of {from}", fact.text("approval")), None, said(fact))
        }
        "approval_lapsed" => {
            let fields: Vec<String> =
                fact.value("fields").as_array().into_iter().flatten().map(|field| words(&show(field))).collect();
            let approval = fact.text("approval");
            if fields.is_empty() {
                format!("The approval {approval} lapsed")
            } else {
                format!("The approval {approval} lapsed, since this has changed: {}", fields.join(", "))
            }
        }
        "major_declared" => with("Declared a major incident".to_owned(), changes(fact.0), None),
        "major_updated" => with("Told of the major incident".to_owned(), changes(fact.0), None),
        "erased" => {
            let tokens = fact.value("tokens").as_array().map_or(0, Vec::len);
            format!("Erased a person, {tokens} texts and names: {}", fact.text("reason"))
        }
        "major_stood_down" => with("Stood the major incident down".to_owned(), changes(fact.0), None),
        other => {
            let detail = changes(fact.0).map(|text| format!(": {text}")).unwrap_or_default();
            format!("{}{detail}", capital(&words(other)))
        }
    }
}

/// A sentence and what is said besides.
fn with(begin: String, besides: Option<String>, more: Option<String>) -> String {
    [Some(begin), besides, more].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// What was said about it.
fn said(fact: &Payload<'_>) -> Option<String> {
    let comment = fact.text("comment");
    (!comment.is_empty()).then_some(comment)
}

fn priority(value: &Value) -> Option<String> {
    value.as_i64().map(|priority| format!("priority {priority}"))
}

fn levels(fact: &Payload<'_>) -> Option<String> {
    let parts: Vec<String> = ["impact", "urgency"]
        .into_iter()
        .filter(|name| fact.0.get(name).is_some())
        .map(|name| if fact.has(name) { format!("{name} {}", fact.text(name)) } else { format!("no {name}") })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Fields that were given a value or emptied: `title “No mail”, location emptied`.
fn changes(value: &Value) -> Option<String> {
    let fields: &Map<String, Value> = value.as_object()?;
    let parts: Vec<String> = fields
        .iter()
        .map(|(name, value)| {
            let name = words(name.trim_start_matches("assignment."));
            match value {
                Value::Null => format!("{name} emptied"),
                Value::String(text) if is_prose(text) => format!("{name} “{text}”"),
                Value::Object(parts) if parts.is_empty() => format!("{name} emptied"),
                Value::Object(_) => format!("{name} ({})", changes(value).unwrap_or_default()),
                other => format!("{name} {}", show(other)),
            }
        })
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Whether a text is written for people: not a name, a code or an instant.
fn is_prose(text: &str) -> bool {
    text.contains(' ')
}

fn governed(fact: &Payload<'_>) -> String {
    let promise = |pinned: &Value| {
        let pinned = Payload(pinned);
        format!(
            "{} {} revision {}",
            short(&pinned.text("agreement")),
            pinned.text("objective"),
            pinned.text("revision")
        )
    };
    let winners: Vec<String> = fact.value("winners").as_array().into_iter().flatten().map(promise).collect();
    let losers = fact.value("losers").as_array().map_or(0, Vec::len);
    let gave_way = match losers {
        0 => None,
        1 => Some("one other promise gave way".to_owned()),
        count => Some(format!("{count} other promises gave way")),
    };
    if winners.is_empty() {
        return with("No promise governs from then on".to_owned(), gave_way, None);
    }
    with(format!("Governed by {}", winners.join(", ")), gave_way, None)
}

fn link(fact: &Payload<'_>) -> String {
    let ticket = short(&fact.text("ticket"));
    match fact.text("type").as_str() {
        "PARENT" => format!("is the parent of {ticket}"),
        "CHILD" => format!("is a child of {ticket}"),
        "DUPLICATES" => format!("is a duplicate of {ticket}"),
        "DUPLICATED_BY" => format!("has the duplicate {ticket}"),
        "CAUSED_BY" => format!("was caused by {ticket}"),
        "CAUSES" => format!("causes {ticket}"),
        "PROBLEM" => format!("is an incident of {ticket}"),
        "INCIDENT" => format!("is the problem behind {ticket}"),
        "CHANGE" => format!("is handled by {ticket}"),
        "HANDLES" => format!("is the change that handles {ticket}"),
        _ => format!("has to do with {ticket}"),
    }
}

fn rule(rule: &str) -> &'static str {
    match rule {
        "STARTS_AT_STATE" => "the first state is explained",
        "NO_TRANSITION" => "the missing step is explained",
        "ACTIVITY_BEFORE_OPENING" => "nothing happened before the opening",
        _ => "what seemed not to conform is explained",
    }
}

fn duty(fact: &Payload<'_>) -> String {
    let law = match fact.text("regulation").as_str() {
        "EU_DORA_2025_301" => "DORA".to_owned(),
        "EU_NIS2_2022_2555" => "NIS2".to_owned(),
        other => words(other),
    };
    let step = fact.part("step");
    if step.has("AWARE") {
        let aware = step.part("AWARE");
        return format!("{law}: aware of the incident, as {}", article(&lower(&aware.text("entity"))));
    }
    if step.has("SUBMITTED") {
        let submitted = step.part("SUBMITTED");
        let report = lower(&submitted.text("report"));
        return format!("{law}: {report} report submitted, reference {}", submitted.text("reference"));
    }
    match show(fact.value("step")).as_str() {
        "CLASSIFIED" => format!("{law}: classified as major"),
        "HANDLED" => format!("{law}: the incident has been handled"),
        other => format!("{law}: {}", words(other)),
    }
}

/// A clock by its id, `RESOLUTION/SLA/agreements/gold/p1-resolution/1`, in words.
fn clock(id: &str) -> String {
    let parts: Vec<&str> = id.split('/').collect();
    match parts.as_slice() {
        [metric, _, _, agreement, ..] => format!("{} clock of {agreement}", lower(metric)),
        _ => format!("clock {id}"),
    }
}

/// A value as people read it.
fn show(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => match (text.parse::<Timestamp>(), text.parse::<SignedDuration>()) {
            (Ok(_), _) => instant(text),
            (_, Ok(length)) if text.starts_with(['P', '-']) => human(length),
            _ => text.clone(),
        },
        Value::Array(values) => values.iter().map(show).collect::<Vec<_>>().join(" › "),
        Value::Object(_) => changes(value).unwrap_or_default(),
        Value::Number(number) => number.to_string(),
    }
}

/// An instant to the minute, in UTC.
fn instant(text: &str) -> String {
    text.parse::<Timestamp>().map_or_else(|_| text.to_owned(), |at| at.strftime("%Y-%m-%d %H:%M").to_string())
}

/// The id of a resource name.
fn short(name: &str) -> String {
    super::part::id(name).to_owned()
}

fn words(text: &str) -> String {
    text.replace(['_', '.'], " ")
}

fn lower(text: &str) -> String {
    words(text).to_lowercase()
}

fn article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}

fn ordinal(count: i64) -> String {
    match count {
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        count => format!("{count}th"),
    }
}

fn capital(text: &str) -> String {
    super::page::sentence_case(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(kind: &str, payload: &Value) -> String {
        told(kind, &Payload(payload))
    }

    /// The golden fixtures hold one payload of every kind that is ever stored.
    #[test]
    fn every_kind_of_fact_is_a_sentence() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/tests/golden");
        let mut told = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let kind = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let payload: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let sentence = of(&kind, &payload);
            assert!(!sentence.contains(['{', '}', '[', ']']), "{kind}: {sentence}");
            assert!(sentence.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit()), "{kind}: {sentence}");
            told += 1;
        }
        assert!(told >= 20, "{told}");
    }

    #[test]
    fn facts_read_as_people_tell_them() {
        let opened = json!({"by": "CUSTOMER", "category": "NEW", "fields": {"title": "No mail", "impact": 2},
            "matrix_priority": 3, "name": "tickets/INC-000042", "practice": "incident", "process": "processes/incident",
            "process_revision": 4, "state": "new"});
        assert_eq!(
            of("ticket.opened.v1", &opened),
            "Opened by the customer as an incident in state new, under revision 4 of the process; priority 3; \
             impact 2, title “No mail”"
        );
        let moved = json!({"by": "PROVIDER", "category": "PENDING", "fields": {"pending_reason": "CUSTOMER"},
            "from_state": "in_progress", "state": "pending", "transition": "hold"});
        assert_eq!(
            of("ticket.transitioned.v1", &moved),
            "Moved from in progress to pending by “hold”; pending reason CUSTOMER"
        );
        let assigned =
            json!({"contract": "contracts/4711", "group": "groups/mail", "person": null, "reassignment_count": 2});
        assert_eq!(
            of("ticket.assigned.v1", &assigned),
            "Assigned to group mail, contract 4711, no longer to a person; change of hands number 2"
        );
        let reached = json!({"clock": "c", "kind": "SLA", "metric": "RESOLUTION", "agreement": "agreements/gold",
            "revision": 3, "objective": "p1", "cycle": 1, "target": "PT4H", "percent": 100});
        assert_eq!(
            of("ticket.threshold_reached.v1", &reached),
            "Breached: the resolution clock of gold reached its target of 4h 00m"
        );
    }

    #[test]
    fn a_kind_that_is_not_known_yet_is_told_by_its_name() {
        assert_eq!(of("ticket.approval_given.v1", &json!({"by": "people/ann"})), "Approval given: by people/ann");
    }
}
