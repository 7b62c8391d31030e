//! From messages to the domain: what is wrong with a message is said all at once.

use std::collections::BTreeMap;

use domain::clock::{DutyStep, Exclusion, Interval, Step};
use domain::priority::Override;
use domain::ticket::{
    Assignment, ChangeDetails, Changes, Details, IncidentDetails, Link, Major, MajorDeclared, MajorUpdated, Patch,
    ProblemDetails, Resolution, ServiceRequestDetails,
};
use domain::violation::{self, Violation};
use proto::operations::v1 as pb;
use serde_json::Value;
use servicekit::convert::Reader;
use servicekit::wire::parse_struct;

use super::enums;

/// What an empty field of a message means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Empty {
    /// Nothing is said about it.
    Keep,
    /// It is to be empty.
    Clear,
}

impl Empty {
    fn patch<T>(self, value: Option<T>) -> Patch<T> {
        match (value, self) {
            (Some(value), _) => Patch::Set(value),
            (None, Self::Keep) => Patch::Keep,
            (None, Self::Clear) => Patch::Clear,
        }
    }

    fn text(self, value: &str) -> Patch<String> {
        self.patch((!value.is_empty()).then(|| value.to_owned()))
    }

    fn list(self, values: &[String]) -> Patch<Vec<String>> {
        self.patch((!values.is_empty()).then(|| values.to_vec()))
    }
}

/// The fields of a ticket that people write; what the server sets is not looked at.
pub fn changes(reader: &mut Reader, ticket: &pb::Ticket, empty: Empty) -> Changes {
    let assignment = ticket.assignment.clone().unwrap_or_default();
    let resolution = ticket.resolution.clone().unwrap_or_default();
    let pending = reader.optional_choice("pending_reason", ticket.pending_reason, enums::pending_reason::read);
    let changes = Changes {
        title: empty.text(&ticket.title),
        description: empty.text(&ticket.description),
        category_path: empty.list(&ticket.category_path),
        channel: empty.text(&ticket.channel),
        location: empty.text(&ticket.location),
        tags: empty.list(&ticket.tags),
        custom_fields: empty.patch(members(ticket.custom_fields.as_ref())),
        confidential: empty.patch(ticket.confidential.then_some(true)),
        customer: empty.text(&ticket.customer),
        requester: empty.text(&ticket.requester),
        reported_by: empty.text(&ticket.reported_by),
        affected_user: empty.text(&ticket.affected_user),
        watchers: empty.list(&ticket.watchers),
        service: empty.text(&ticket.service),
        offering: empty.text(&ticket.offering),
        configuration_items: empty.list(&ticket.configuration_items),
        impact: empty.patch(level(reader, "impact", ticket.impact)),
        urgency: empty.patch(level(reader, "urgency", ticket.urgency)),
        priority_override: empty.patch(priority_override(reader, ticket.priority_override.as_ref())),
        group: empty.text(&assignment.group),
        person: empty.text(&assignment.person),
        contract: empty.text(&assignment.contract),
        pending_reason: empty.patch(pending),
        resume_at: empty.patch(reader.timestamp("resume_time", ticket.resume_time.as_ref())),
        awaited_party: empty.text(&ticket.awaited_party),
        resolution_code: empty.text(&resolution.code),
        resolution_text: empty.text(&resolution.text),
        resolution_cause: empty.text(&resolution.cause),
        cancel_reason: empty.text(&ticket.cancel_reason),
        source_system: empty.text(&ticket.source_system),
        source_id: empty.text(&ticket.source_id),
        external_references: empty.list(&ticket.external_references),
        requested_at: empty.patch(reader.timestamp("requested_time", ticket.requested_time.as_ref())),
        details: empty.patch(ticket.details.as_ref().and_then(|given| details(reader, given))),
        ..Changes::default()
    };
    reader.judge(check(&changes));
    changes
}

/// What a transition may set.
pub fn transition_fields(reader: &mut Reader, fields: &pb::TransitionFields) -> Changes {
    let resolution = fields.resolution.clone().unwrap_or_default();
    let pending = reader.optional_choice("pending_reason", fields.pending_reason, enums::pending_reason::read);
    let assigned = fields.assignment.as_ref();
    let part = |of: fn(&pb::Assignment) -> &String| {
        assigned.map_or(Patch::Keep, |assignment| Empty::Clear.text(of(assignment)))
    };
    let changes = Changes {
        resolution_code: Empty::Keep.text(&resolution.code),
        resolution_text: Empty::Keep.text(&resolution.text),
        resolution_cause: Empty::Keep.text(&resolution.cause),
        pending_reason: Empty::Keep.patch(pending),
        resume_at: Empty::Keep.patch(reader.timestamp("resume_time", fields.resume_time.as_ref())),
        awaited_party: Empty::Keep.text(&fields.awaited_party),
        cancel_reason: Empty::Keep.text(&fields.cancel_reason),
        group: part(|assignment| &assignment.group),
        person: part(|assignment| &assignment.person),
        contract: part(|assignment| &assignment.contract),
        ..Changes::default()
    };
    reader.judge(check(&changes));
    changes
}

/// Who is to have a ticket.
pub fn assignment(reader: &mut Reader, assignment: &pb::Assignment) -> Assignment {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    let mut found = Vec::new();
    violation::reference(&mut found, "group", "groups", &assignment.group);
    violation::reference(&mut found, "person", "people", &assignment.person);
    violation::reference(&mut found, "contract", "contracts", &assignment.contract);
    reader.judge(found);
    Assignment {
        group: given(&assignment.group),
        person: given(&assignment.person),
        contract: given(&assignment.contract),
    }
}

/// That a clock is to be excused.
pub fn exclusion(reader: &mut Reader, request: &pb::ExcludeClockRequest) -> Option<Exclusion> {
    let reason = reader.choice("reason", request.reason, enums::exclusion_reason::read);
    reader.required("clock", (!request.clock.is_empty()).then_some(()));
    let mut found = Vec::new();
    violation::texts(&mut found, &[("clock", &request.clock), ("evidence", &request.evidence)]);
    reader.judge(found);
    let interval = request.interval.as_ref().and_then(|interval| {
        let start = reader.timestamp("interval.start_time", interval.start_time.as_ref());
        let end = reader.timestamp("interval.end_time", interval.end_time.as_ref());
        let start = reader.required("interval.start_time", start);
        let end = reader.required("interval.end_time", end);
        Some(Interval { start: start?, end: end? })
    });
    Some(Exclusion { clock: request.clock.clone(), reason: reason?, evidence: request.evidence.clone(), interval })
}

/// A step of a duty.
pub fn duty(reader: &mut Reader, request: &pb::RecordDutyRequest) -> Option<DutyStep> {
    use pb::record_duty_request::Step as Given;
    let regulation = reader.choice("regulation", request.regulation, enums::regulation::read);
    let step = match reader.required("step", request.step.as_ref())? {
        Given::Aware(aware) => {
            let entity = reader.choice("aware.entity", aware.entity, enums::entity::read);
            let mut found = Vec::new();
            violation::reference(&mut found, "aware.calendar", "calendars", &aware.calendar);
            reader.required("aware.calendar", (!aware.calendar.is_empty()).then_some(()));
            reader.judge(found);
            Step::Aware { entity: entity?, calendar: aware.calendar.clone() }
        }
        Given::Classified(()) => Step::Classified,
        Given::Handled(()) => Step::Handled,
        Given::Submitted(submitted) => {
            let report = reader.choice("submitted.report", submitted.report, enums::report::read);
            let mut found = Vec::new();
            violation::lines(&mut found, &[("submitted.reference", &submitted.reference)]);
            reader.judge(found);
            Step::Submitted { report: report?, reference: submitted.reference.clone() }
        }
    };
    Some(DutyStep { regulation: regulation?, step })
}

/// That an incident is a major one.
pub fn declared(reader: &mut Reader, request: &pb::DeclareMajorIncidentRequest) -> MajorDeclared {
    let users = users(reader, request.users_affected);
    MajorDeclared {
        commander: person(reader, "commander", &request.commander),
        update_cadence: reader.duration("update_cadence", request.update_cadence.as_ref()),
        users_affected: (users > 0).then_some(users),
    }
}

/// What changes of a major incident.
pub fn updated(reader: &mut Reader, request: &pb::UpdateMajorIncidentRequest) -> MajorUpdated {
    let commander = request.commander.as_ref().map(|name| person(reader, "commander", name));
    let users = request.users_affected.map(|number| users(reader, number));
    let cadence = reader.duration("update_cadence", request.update_cadence.as_ref());
    MajorUpdated {
        commander: commander.map_or(Patch::Keep, Patch::exactly),
        update_cadence: Patch::shown(cadence),
        users_affected: users.map_or(Patch::Keep, |users| Patch::exactly((users > 0).then_some(users))),
        review_due_at: Patch::shown(reader.timestamp("review_due_time", request.review_due_time.as_ref())),
    }
}

fn person(reader: &mut Reader, field: &str, name: &str) -> Option<String> {
    let mut found = Vec::new();
    violation::reference(&mut found, field, "people", name);
    reader.judge(found);
    (!name.is_empty()).then(|| name.to_owned())
}

fn users(reader: &mut Reader, number: i64) -> u64 {
    u64::try_from(number).unwrap_or_else(|_| {
        reader.object("users_affected", "is negative: give zero or more");
        0
    })
}

/// A relation to another ticket.
pub fn link(reader: &mut Reader, link: Option<&pb::TicketLink>) -> Option<Link> {
    let link = reader.required("link", link)?;
    let kind = reader.choice("link.type", link.r#type, enums::link_type::read)?;
    Some(Link { kind, ticket: link.ticket.clone() })
}

/// How a ticket was resolved.
pub fn resolution(resolution: &pb::Resolution) -> Resolution {
    let given = |text: &String| (!text.is_empty()).then(|| text.clone());
    Resolution { code: given(&resolution.code), text: given(&resolution.text), cause: given(&resolution.cause) }
}

/// A JSON object by its members. Empty: none was given, or it has no members.
pub fn members(given: Option<&prost_types::Struct>) -> Option<BTreeMap<String, Value>> {
    match parse_struct(given?) {
        Value::Object(members) if !members.is_empty() => Some(members.into_iter().collect()),
        _ => None,
    }
}

/// A level from 1; 0 is none.
pub fn level(reader: &mut Reader, field: &str, number: i32) -> Option<u8> {
    let level: u8 = reader.number(field, number);
    (level > 0).then_some(level)
}

fn priority_override(reader: &mut Reader, given: Option<&pb::PriorityOverride>) -> Option<Override> {
    let given = given?;
    let value = reader.number("priority_override.value", given.value);
    // The actor is the server's: an override that is given anew gets the caller.
    Some(Override { value, reason: given.reason.clone(), actor: given.actor.clone() })
}

fn details(reader: &mut Reader, given: &pb::ticket::Details) -> Option<Details> {
    Some(match given {
        pb::ticket::Details::Incident(incident) => {
            let major = incident.major.as_ref().and_then(|given| major(reader, given));
            Details::Incident(IncidentDetails { major: major.map(Box::new) })
        }
        pb::ticket::Details::Request(request) => {
            let answers = members(request.form_answers.as_ref());
            Details::ServiceRequest(ServiceRequestDetails { form_answers: answers.unwrap_or_default() })
        }
        pb::ticket::Details::Problem(problem) => Details::Problem(ProblemDetails {
            workaround: problem.workaround.clone(),
            known_error: problem.known_error,
            root_cause: problem.root_cause.clone(),
        }),
        pb::ticket::Details::Change(given) => Details::Change(Box::new(change(reader, given)?)),
    })
}

fn major(reader: &mut Reader, given: &pb::MajorIncident) -> Option<Major> {
    let declared_at = reader.timestamp("incident.major.declare_time", given.declare_time.as_ref());
    let declared_at = reader.required("incident.major.declare_time", declared_at);
    let users = u64::try_from(given.users_affected).unwrap_or_else(|_| {
        reader.object("incident.major.users_affected", "is negative: give zero or more");
        0
    });
    Some(Major {
        commander: (!given.commander.is_empty()).then(|| given.commander.clone()),
        update_cadence: reader.duration("incident.major.update_cadence", given.update_cadence.as_ref()),
        users_affected: (users > 0).then_some(users),
        stood_down_at: reader.timestamp("incident.major.stand_down_time", given.stand_down_time.as_ref()),
        review_due_at: reader.timestamp("incident.major.review_due_time", given.review_due_time.as_ref()),
        declared_at: declared_at?,
    })
}

fn change(reader: &mut Reader, given: &pb::ChangeDetails) -> Option<ChangeDetails> {
    let kind = reader.choice("change.type", given.r#type, enums::change_type::read);
    let outcome = reader.optional_choice("change.outcome", given.outcome, enums::change_outcome::read);
    Some(ChangeDetails {
        planned_start_at: reader.timestamp("change.planned_start_time", given.planned_start_time.as_ref()),
        planned_end_at: reader.timestamp("change.planned_end_time", given.planned_end_time.as_ref()),
        actual_start_at: reader.timestamp("change.actual_start_time", given.actual_start_time.as_ref()),
        actual_end_at: reader.timestamp("change.actual_end_time", given.actual_end_time.as_ref()),
        risk: given.risk.clone(),
        implementation_plan: given.implementation_plan.clone(),
        test_plan: given.test_plan.clone(),
        back_out_plan: given.back_out_plan.clone(),
        template: given.template.clone(),
        outcome,
        kind: kind?,
    })
}

/// What is wrong with the values by themselves: texts that no database keeps, names of another kind.
pub fn check(changes: &Changes) -> Vec<Violation> {
    let mut found = Vec::new();
    let lines: [(&str, &Patch<String>); 10] = [
        ("title", &changes.title),
        ("channel", &changes.channel),
        ("location", &changes.location),
        ("offering", &changes.offering),
        ("cancel_reason", &changes.cancel_reason),
        ("resolution.code", &changes.resolution_code),
        ("resolution.cause", &changes.resolution_cause),
        ("source_system", &changes.source_system),
        ("source_id", &changes.source_id),
        ("awaited_party", &changes.awaited_party),
    ];
    for (field, text) in lines {
        if let Patch::Set(text) = text {
            violation::lines(&mut found, &[(field, text)]);
        }
    }
    for (field, text) in [("description", &changes.description), ("resolution.text", &changes.resolution_text)] {
        if let Patch::Set(text) = text {
            violation::texts(&mut found, &[(field, text)]);
        }
    }
    let names: [(&str, &str, &Patch<String>); 8] = [
        ("customer", "customers", &changes.customer),
        ("requester", "people", &changes.requester),
        ("reported_by", "people", &changes.reported_by),
        ("affected_user", "people", &changes.affected_user),
        ("service", "services", &changes.service),
        ("assignment.group", "groups", &changes.group),
        ("assignment.person", "people", &changes.person),
        ("assignment.contract", "contracts", &changes.contract),
    ];
    for (field, collection, name) in names {
        if let Patch::Set(name) = name {
            violation::reference(&mut found, field, collection, name);
        }
    }
    if let Patch::Set(watchers) = &changes.watchers {
        violation::references(&mut found, "watchers", "people", watchers);
    }
    let lists: [(&str, &Patch<Vec<String>>); 4] = [
        ("category_path", &changes.category_path),
        ("tags", &changes.tags),
        ("configuration_items", &changes.configuration_items),
        ("external_references", &changes.external_references),
    ];
    for (field, list) in lists {
        for (index, text) in list.value().into_iter().flatten().enumerate() {
            violation::lines(&mut found, &[(&format!("{field}[{index}]"), text)]);
        }
    }
    if let Patch::Set(values) = &changes.custom_fields {
        for (id, value) in values {
            check_json(&mut found, &format!("custom_fields.{id}"), value);
        }
    }
    match &changes.details {
        Patch::Set(Details::ServiceRequest(request)) => {
            for (id, value) in &request.form_answers {
                check_json(&mut found, &format!("request.form_answers.{id}"), value);
            }
        }
        Patch::Set(Details::Problem(problem)) => violation::texts(
            &mut found,
            &[("problem.workaround", &problem.workaround), ("problem.root_cause", &problem.root_cause)],
        ),
        Patch::Set(Details::Change(change)) => {
            violation::lines(&mut found, &[("change.risk", &change.risk), ("change.template", &change.template)]);
            violation::texts(
                &mut found,
                &[
                    ("change.implementation_plan", &change.implementation_plan),
                    ("change.test_plan", &change.test_plan),
                    ("change.back_out_plan", &change.back_out_plan),
                ],
            );
        }
        _ => {}
    }
    found
}

/// Objects to texts anywhere in a value that the database cannot keep.
fn check_json(found: &mut Vec<Violation>, path: &str, value: &Value) {
    match value {
        Value::String(text) => violation::texts(found, &[(path, text)]),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                check_json(found, &format!("{path}[{index}]"), item);
            }
        }
        Value::Object(members) => {
            for (key, member) in members {
                violation::texts(found, &[(path, key)]);
                check_json(found, &format!("{path}.{key}"), member);
            }
        }
        _ => {}
    }
}
