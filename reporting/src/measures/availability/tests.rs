//! Availability against figures worked out by hand.

use domain::outage::Impact;
use jiff::SignedDuration;

use super::*;
use crate::inputs::CalendarRow;
use crate::measures::{measured, rows};
use crate::report::measure::Measures;
use crate::sample::{at, estate};

fn march() -> Period {
    Period::parse("2016-03").unwrap()
}

fn measures(inputs: &Inputs) -> Measures {
    measured(inputs, &march()).unwrap().measures
}

fn outage(id: &str, start: &str, hours: i64) -> Registered<Outage> {
    let start_at = at(start);
    let content = Outage {
        display_name: id.to_owned(),
        service: "services/email".to_owned(),
        start_at,
        end_at: Some(start_at + SignedDuration::from_hours(hours)),
        impact: Impact::Down,
        weight: None,
        user_share: None,
        planned: false,
        exclusion_reason: String::new(),
        ticket: String::new(),
        illustrative: false,
    };
    Registered { name: format!("outages/{id}"), content, late: false }
}

/// E-mail is promised from 08:00 to 18:00 on weekdays: 23 of them in March 2016, 230 hours.
fn books() -> Inputs {
    let definition = serde_json::json!({"time_zone": "UTC", "weekly": {
        "MONDAY": ["08:00-18:00"], "TUESDAY": ["08:00-18:00"], "WEDNESDAY": ["08:00-18:00"],
        "THURSDAY": ["08:00-18:00"], "FRIDAY": ["08:00-18:00"],
    }});
    let mut inputs = estate();
    inputs.services.values_mut().for_each(|service| service.illustrative = false);
    inputs.agreements[0].illustrative = false;
    inputs.agreements[0].calendars = vec![Some("calendars/office".to_owned())];
    inputs.calendars = vec![CalendarRow {
        name: "calendars/office".to_owned(),
        revision: 1,
        effective_from: at("2016-01-01T00:00:00Z"),
        definition: serde_json::from_value(definition).unwrap(),
    }];
    inputs
}

fn told(inputs: &Inputs, id: &str) -> Result<(f64, u64), String> {
    let all = measures(inputs);
    let measure = all.get(id, &Scope::one("service", "services/email")).unwrap();
    measure.number().map(|value| (value, measure.n)).ok_or_else(|| measure.reason.clone().unwrap())
}

#[test]
fn a_service_without_outages_is_not_measured() {
    let mut inputs = books();
    assert_eq!(told(&inputs, "availability"), Err("not measured: no outage of the service is on record".to_owned()));
    // One after the window tells nothing of it.
    inputs.outages = vec![outage("later", "2016-04-02T00:00:00Z", 1)];
    assert!(told(&inputs, "availability").is_err());
    // One before it shows that outages are recorded: then March had none.
    inputs.outages = vec![outage("earlier", "2016-02-02T00:00:00Z", 1)];
    assert_eq!(told(&inputs, "availability"), Ok((1.0, 0)));
}

#[test]
fn availability_is_the_agreed_time_without_downtime_in_it() {
    let mut inputs = books();
    // Friday 16:00 to Monday 09:00: two hours and one.
    inputs.outages = vec![outage("weekend", "2016-03-04T16:00:00Z", 65)];
    // Half of the users for two hours: one hour.
    let mut half = outage("half", "2016-03-09T10:00:00Z", 2);
    half.content.user_share = Some("0.5".parse().unwrap());
    inputs.outages.push(half);
    let mut planned = outage("planned", "2016-03-10T10:00:00Z", 5);
    planned.content.planned = true;
    inputs.outages.push(planned);
    assert_eq!(told(&inputs, "availability.agreed_time"), Ok((230.0, 2)));
    assert_eq!(told(&inputs, "availability.downtime"), Ok((4.0, 2)));
    let (ratio, _) = told(&inputs, "availability").unwrap();
    assert!((ratio - 226.0 / 230.0).abs() < 1e-12, "{ratio}");
    let behind = rows(&inputs, &march(), "availability", &Scope::one("service", "services/email")).unwrap();
    assert_eq!(behind, ["outages/weekend", "outages/half"]);
}

#[test]
fn the_service_time_is_one_that_is_agreed() {
    let mut inputs = books();
    inputs.outages = vec![outage("a", "2016-03-04T16:00:00Z", 1)];
    inputs.agreements[0].calendars.push(None);
    assert!(told(&inputs, "availability").unwrap_err().contains("several calendars"));
    inputs.agreements[0].calendars = vec![None];
    assert_eq!(told(&inputs, "availability.agreed_time"), Ok((744.0, 1)));
    inputs.agreements[0].services = vec!["services/other".to_owned()];
    assert!(told(&inputs, "availability").unwrap_err().contains("no agreement"));
    inputs.agreements[0].lines = vec!["workplace".to_owned()];
    inputs.services.values_mut().for_each(|service| service.line = "workplace".to_owned());
    assert!(told(&inputs, "availability").is_ok());
    inputs.agreements[0].effective_from = at("2016-04-01T00:00:00Z");
    assert!(told(&inputs, "availability").unwrap_err().contains("no agreement"));
}

#[test]
fn an_invented_outage_is_marked() {
    let mut inputs = books();
    inputs.outages = vec![outage("a", "2016-03-04T16:00:00Z", 1)];
    let source = |inputs: &Inputs| {
        measures(inputs).get("availability", &Scope::one("service", "services/email")).unwrap().source.clone()
    };
    assert_eq!(source(&inputs), "outages on record; service time: calendars/office of agreements/standard");
    inputs.outages[0].content.illustrative = true;
    assert!(source(&inputs).ends_with("; ILLUSTRATIVE"));
}
