//! Availability of services, from recorded outages inside the agreed service time. Not measured is not 100 %.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use domain::agreement::Kind;
use domain::calendar::Timeline;
use domain::outage::{Availability, Outage, availability};

use super::Context;
use crate::Error;
use crate::inputs::{AgreementRow, Inputs, Registered};
use crate::period::{Period, hours};
use crate::report::measure::{Measure, Scope, Value};

/// The measures of availability, by service.
pub(super) fn measures(context: &Context) -> Result<Vec<Measure>, Error> {
    let mut measures = Vec::new();
    let timelines = context.inputs.timelines()?;
    for service in context.inputs.services.keys() {
        let scope = Scope::one("service", service.as_str());
        match measured(context.inputs, &timelines, &context.window, service) {
            Err(reason) => {
                let none = |id| Measure {
                    source: "outages on record".to_owned(),
                    reason: Some(reason.clone()),
                    ..context.measure(id, scope.clone())
                };
                measures.extend(["availability", "availability.agreed_time", "availability.downtime"].map(none));
            }
            Ok(found) => measures.extend(found.measures(context, &scope)),
        }
    }
    Ok(measures)
}

/// What was measured of a service.
struct Found {
    availability: Availability,
    outages: u64,
    source: String,
}

impl Found {
    fn measures(&self, context: &Context, scope: &Scope) -> [Measure; 3] {
        let of = |id: &str, value: Option<f64>| Measure {
            value: value.map_or(Value::None, Value::Number),
            source: self.source.clone(),
            n: self.outages,
            ..context.measure(id, scope.clone())
        };
        [
            of("availability", self.availability.ratio()),
            of("availability.agreed_time", Some(hours(self.availability.agreed_us))),
            of("availability.downtime", Some(hours(self.availability.downtime_us()))),
        ]
    }
}

/// The outages of a service that began before the end of a window, and those of them that count in it.
pub(super) fn outages<'a>(
    inputs: &'a Inputs,
    window: &Period,
    service: &str,
) -> (Vec<&'a Registered<Outage>>, Vec<&'a Registered<Outage>>) {
    let known: Vec<_> = inputs
        .outages
        .iter()
        .filter(|outage| outage.content.service == service && outage.content.start_at < window.end)
        .collect();
    let counts = |outage: &&Registered<Outage>| {
        outage.content.counts() && outage.content.end_at.is_none_or(|until| until > window.start)
    };
    let counted = known.iter().copied().filter(|outage| counts(outage)).collect();
    (known, counted)
}

/// The availability of a service over a window, or why there is none.
fn measured(
    inputs: &Inputs,
    timelines: &BTreeMap<String, Timeline>,
    window: &Period,
    service: &str,
) -> Result<Found, String> {
    let (known, counted) = outages(inputs, window, service);
    if known.is_empty() {
        return Err("not measured: no outage of the service is on record".to_owned());
    }
    let agreements = covering(inputs, window, service);
    if agreements.is_empty() {
        return Err(
            "not measured: no agreement with a customer covers the service, so no service time is agreed".to_owned()
        );
    }
    let calendars: BTreeSet<Option<&str>> =
        agreements.iter().flat_map(|row| &row.calendars).map(Option::as_deref).collect();
    let calendars: Vec<Option<&str>> = calendars.into_iter().collect();
    let [calendar] = calendars.as_slice() else {
        let named = calendars.iter().map(|name| name.unwrap_or("around the clock")).collect::<Vec<_>>().join(", ");
        return Err(format!(
            "not measured: the agreements count by several calendars ({named}), so the service time is not one"
        ));
    };
    let timeline = match calendar {
        None => Timeline::always(),
        Some(name) => match timelines.get(*name) {
            Some(timeline) => timeline,
            None => return Err(format!("not measured: {name} is not published")),
        },
    };
    let found = availability(known.iter().map(|outage| &outage.content), timeline, window.start, window.end);
    let names: Vec<&str> = agreements.iter().map(|row| row.name.as_str()).collect();
    let invented = known.iter().any(|outage| outage.content.illustrative)
        || agreements.iter().any(|row| row.illustrative)
        || inputs.services.get(service).is_some_and(|service| service.illustrative);
    let mark = if invented { "; ILLUSTRATIVE" } else { "" };
    let source = format!(
        "outages on record; service time: {} of {}{mark}",
        calendar.unwrap_or("around the clock"),
        names.join(", ")
    );
    if found.agreed_us == 0 {
        return Err("not measured: no service time is agreed in the window".to_owned());
    }
    Ok(Found { availability: found, outages: counted.len() as u64, source })
}

/// The agreements with customers in force at the end of a window that cover a service.
fn covering<'a>(inputs: &'a Inputs, window: &Period, service: &str) -> Vec<&'a AgreementRow> {
    let line = inputs.services.get(service).map_or("", |service| service.line.as_str());
    let of_each = inputs.agreements.chunk_by(|one, next| one.name == next.name);
    let in_force = of_each.filter_map(|revisions| {
        let effective = revisions.iter().filter(|row| row.effective_from < window.end);
        effective.max_by_key(|row| (row.effective_from, row.revision))
    });
    let covers = |row: &&AgreementRow| {
        let any = row.services.is_empty() && row.lines.is_empty();
        row.kind == Kind::Sla
            && (any || row.services.iter().any(|name| name == service) || row.lines.iter().any(|name| name == line))
    };
    in_force.filter(covers).collect()
}

/// The outages behind a number.
pub(super) fn rows(inputs: &Inputs, period: &Period, scope: &Scope) -> Result<Vec<String>, Error> {
    let window = period.until(inputs.as_of);
    let service = scope.text("service").unwrap_or_default();
    if measured(inputs, &inputs.timelines()?, &window, &service).is_err() {
        return Ok(Vec::new());
    }
    Ok(outages(inputs, &window, &service).1.into_iter().map(|outage| outage.name.clone()).collect())
}
