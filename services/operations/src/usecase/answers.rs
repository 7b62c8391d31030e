//! Answers to the form of what is ordered are judged by its schema, all of them at once.

use domain::form::Form;
use domain::process::{Practice, Process};
use domain::ticket::{Changes, Details, Ticket};
use serde_json::Value;
use servicekit::error::{Error, Violation};

use crate::catalog::Snapshot;

/// Refuses answers that do not fit the form of the offering. `ticket` is empty at the opening; what is neither ordered
/// nor answered anew is not judged again, by a form that may have changed since.
pub(super) fn check(
    process: &Process,
    ticket: Option<&Ticket>,
    changes: &Changes,
    catalog: &Snapshot,
) -> Result<(), Error> {
    let touched = ticket.is_none() || !changes.offering.is_keep() || !changes.details.is_keep();
    if process.practice.as_str() != Practice::SERVICE_REQUEST || !touched {
        return Ok(());
    }
    let offering = changes.offering.value().or_else(|| {
        let kept = ticket.filter(|_| changes.offering.is_keep());
        kept.and_then(|ticket| ticket.offering.as_ref())
    });
    let details = changes.details.value().or_else(|| {
        let kept = ticket.filter(|_| changes.details.is_keep());
        kept.and_then(|ticket| ticket.details.as_ref())
    });
    let Some(name) = offering else { return Ok(()) };
    let Some(schema) = catalog.offering(name).and_then(|offering| offering.request_form.as_ref()) else {
        return Ok(());
    };
    let Ok(form) = Form::parse("request_form", schema) else {
        let text = format!("the form of {name} is no schema that is understood here: correct the offering");
        return Err(Error::invalid("ticket.offering", text));
    };
    let answers = match details {
        Some(Details::ServiceRequest(request)) => request.form_answers.clone().into_iter().collect(),
        _ => serde_json::Map::new(),
    };
    let found = form.violations("ticket.request.form_answers", &Value::Object(answers));
    Error::check(found.into_iter().map(|violation| Violation::new(violation.field, violation.message)).collect())
}
