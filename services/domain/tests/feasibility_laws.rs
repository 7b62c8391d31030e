//! Feasibility against a walk from minute to minute, and who stands behind a promise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::{Arc, LazyLock};

use domain::agreement::Agreement;
use domain::calendar::{Calendar, Revision, Timeline};
use domain::feasibility::{Backing, Feasibility, Leg, Prospect, State, feasibility};
use domain::landscape::Landscape;
use domain::selection::InForce;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

fn compile(json: Value) -> Arc<Calendar> {
    Arc::new(Calendar::compile(&serde_json::from_value(json).unwrap()).unwrap())
}

fn timeline(json: Value) -> Timeline {
    Timeline::new([Revision { number: 1, effective_from: Timestamp::UNIX_EPOCH, calendar: compile(json) }])
}

fn office(zone: &str, day: Value) -> Value {
    json!({"time_zone": zone, "weekly": {
        "MONDAY": day, "TUESDAY": day, "WEDNESDAY": day, "THURSDAY": day, "FRIDAY": day,
    }})
}

/// Calendars with lunch breaks, nights, holidays, changes of the clocks and of the calendar itself.
static CALENDARS: LazyLock<Vec<Timeline>> = LazyLock::new(|| {
    let mut holiday = office("Europe/Paris", json!(["09:00-12:00", "13:00-17:30"]));
    holiday["exceptions"] = json!([{"name": "Fair", "first_on": "2026-03-30", "hours": ["10:00-11:00"]}]);
    let nights = json!({"time_zone": "America/New_York",
        "weekly": {"SATURDAY": ["22:00-06:00"], "SUNDAY": ["00:30-03:30"], "WEDNESDAY": ["10:00-10:01"]}});
    let revised = [
        (1, "2026-01-01T00:00:00Z", office("UTC", json!(["09:00-17:00"]))),
        (2, "2026-03-29T01:23:00Z", office("Asia/Kathmandu", json!(["08:00-20:00"]))),
    ];
    let revised = revised.map(|(number, from, json)| Revision {
        number,
        effective_from: from.parse().unwrap(),
        calendar: compile(json),
    });
    vec![
        Timeline::always().clone(),
        timeline(office("UTC", json!(["09:00-17:00"]))),
        timeline(holiday),
        timeline(nights),
        Timeline::new(revised),
        timeline(
            json!({"time_zone": "UTC", "exceptions": [{"name": "once", "first_on": "2026-03-30", "hours": ["08:00-09:00"]}]}),
        ),
        Timeline::never().clone(),
    ]
});

const START: &str = "2026-03-27T12:00:00Z";
/// Starts, and minutes that are walked to find what is due.
const WINDOW: usize = 4 * 24 * 60;
const AHEAD: usize = 70 * 24 * 60;

fn minute(index: usize) -> Timestamp {
    START.parse::<Timestamp>().unwrap() + SignedDuration::from_mins(i64::try_from(index).unwrap())
}

/// A calendar as open minutes before each minute.
fn walked(timeline: &Timeline) -> Vec<u32> {
    let mut open = vec![0];
    for index in 0..AHEAD {
        open.push(open[index] + u32::from(timeline.is_open(minute(index))));
    }
    open
}

static WALKED: LazyLock<Vec<Vec<u32>>> = LazyLock::new(|| CALENDARS.iter().map(walked).collect());

/// The first minute at which the target has been open since `start`.
fn due(calendar: usize, target: u32, start: usize) -> Option<usize> {
    let open = &WALKED[calendar];
    let due = open.partition_point(|before| *before < open[start] + target);
    (due < open.len()).then_some(due.max(start))
}

fn leg(calendar: usize, target: u32) -> Leg<'static> {
    Leg { timeline: &CALENDARS[calendar], target: SignedDuration::from_mins(target.into()) }
}

/// By how many minutes the chain is late for a start. Nothing: it is never due.
fn late(promise: (usize, u32), chain: &[(usize, u32)], start: usize) -> Option<i64> {
    let Some(promised) = due(promise.0, promise.1, start) else { return Some(0) };
    let kept = chain.iter().try_fold(start, |at, (calendar, target)| due(*calendar, *target, at))?;
    Some(i64::try_from(kept).unwrap() - i64::try_from(promised).unwrap())
}

fn delay(promise: Leg<'_>, chain: &[Leg<'_>], start: Timestamp) -> Option<SignedDuration> {
    let promised = promise.timeline.due(start, promise.target)?;
    let kept = chain.iter().try_fold(start, |at, leg| leg.timeline.due(at, leg.target))?;
    Some(kept.duration_since(promised))
}

fn is_late(promise: Leg<'_>, chain: &[Leg<'_>], start: Timestamp) -> bool {
    promise.timeline.due(start, promise.target).is_some()
        && delay(promise, chain, start).is_none_or(|delay| delay > SignedDuration::ZERO)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_is_infeasible_is_what_a_walk_from_minute_to_minute_finds_late(
        promise in (0_usize..6, 1_u32..2_000),
        chain in prop::collection::vec((0_usize..7, 1_u32..1_500), 1..4),
    ) {
        let (leg_of_promise, legs) = (leg(promise.0, promise.1), chain.iter().map(|(c, t)| leg(*c, *t)).collect::<Vec<_>>());
        let found = feasibility(leg_of_promise, &legs, minute(0), minute(WINDOW));
        for index in 0..WINDOW {
            let gap = found.gaps.iter().find(|gap| gap.start <= minute(index) && minute(index) < gap.end);
            let late = late(promise, &chain, index);
            prop_assert_eq!(gap.is_some(), late.is_none_or(|late| late > 0), "{} {:?}", minute(index), late);
            if let (Some(gap), Some(late)) = (gap, late) {
                prop_assert!(gap.delay.is_none_or(|delay| delay >= SignedDuration::from_mins(late)));
            }
        }
        let microsecond = SignedDuration::from_micros(1);
        for gap in &found.gaps {
            prop_assert!(minute(0) <= gap.start && gap.start < gap.end && gap.end <= minute(WINDOW));
            prop_assert!(is_late(leg_of_promise, &legs, gap.start) && is_late(leg_of_promise, &legs, gap.end - microsecond));
            prop_assert!(gap.start == minute(0) || !is_late(leg_of_promise, &legs, gap.start - microsecond));
            prop_assert!(gap.end == minute(WINDOW) || !is_late(leg_of_promise, &legs, gap.end));
            prop_assert!(gap.start <= gap.worst_start && gap.worst_start < gap.end);
            prop_assert_eq!(delay(leg_of_promise, &legs, gap.worst_start), gap.delay);
        }
        prop_assert!(found.gaps.is_sorted_by_key(|gap| std::cmp::Reverse(gap.delay.unwrap_or(SignedDuration::MAX))));
        let elapsed = |from, until| CALENDARS[promise.0].elapsed(from, until);
        let infeasible = found.gaps.iter().map(|gap| elapsed(gap.start, gap.end));
        prop_assert_eq!(infeasible.fold(SignedDuration::ZERO, |sum, gap| sum + gap), found.infeasible);
        prop_assert_eq!(elapsed(minute(0), minute(WINDOW)), found.open);
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn four_hours_around_the_clock_on_a_supplier_from_nine_to_five() {
    let target = SignedDuration::from_hours(4);
    let supplier = timeline(office("UTC", json!(["09:00-17:00"])));
    let promise = Leg { timeline: Timeline::always(), target };
    let chain = [Leg { timeline: &supplier, target }];
    // Monday to Monday.
    let Feasibility { gaps, open, infeasible } =
        feasibility(promise, &chain, at("2026-06-01T09:00:00Z"), at("2026-06-08T09:00:00Z"));
    // Until 13:00 the supplier is done by 17:00; after that not before the next working day.
    assert_eq!(gaps.len(), 5);
    let weekend = &gaps[0];
    assert_eq!(weekend.start, at("2026-06-05T13:00:00.000001Z"));
    assert_eq!(weekend.end, at("2026-06-08T09:00:00Z"));
    assert_eq!(weekend.worst_start, weekend.start);
    assert_eq!(weekend.promised_at, at("2026-06-05T17:00:00.000001Z"));
    assert_eq!(weekend.handovers, [at("2026-06-08T09:00:00.000001Z")]);
    assert_eq!(weekend.delay, Some(SignedDuration::from_hours(64)));
    assert_eq!(gaps[1].start, at("2026-06-01T13:00:00.000001Z"));
    assert_eq!(gaps[1].delay, Some(SignedDuration::from_hours(16)));
    assert_eq!(open, SignedDuration::from_hours(7 * 24));
    assert_eq!(infeasible, SignedDuration::from_hours(4 * 20 + 68) - SignedDuration::from_micros(5));
}

#[test]
fn links_of_a_chain_follow_each_other() {
    let hours = SignedDuration::from_hours;
    let supplier = timeline(office("UTC", json!(["09:00-17:00"])));
    let promise = Leg { timeline: &supplier, target: hours(8) };
    let group = Leg { timeline: &supplier, target: hours(3) };
    let contract = |target| Leg { timeline: &supplier, target: hours(target) };
    let found = |target| {
        feasibility(promise, &[group, contract(target)], at("2026-06-01T00:00:00Z"), at("2026-06-08T00:00:00Z"))
    };
    assert_eq!(found(5).gaps, [], "three hours and five are eight");
    let late = found(6);
    assert_eq!(late.infeasible, late.open, "an hour too many is too many at any time");
}

fn agreement(json: Value) -> Agreement {
    serde_json::from_value(json).unwrap()
}

fn prospects(promise: &Agreement, behind: &[(&str, Agreement)]) -> Vec<Prospect> {
    let landscape = Landscape {
        lines: [("services/mail".to_owned(), "workplace".to_owned()), ("services/vpn".to_owned(), String::new())]
            .into(),
        parents: [("customers/part".to_owned(), "customers/whole".to_owned())].into(),
    };
    let in_force: Vec<_> = behind.iter().map(|(name, agreement)| InForce { name, revision: 3, agreement }).collect();
    let backing = Backing { in_force: &in_force, calendar: |_: &str| Some(&CALENDARS[1]), landscape: &landscape };
    backing.prospects(promise, at("2026-06-01T00:00:00Z"), at("2026-06-08T00:00:00Z"))
}

/// An agreement with one objective to restore service.
fn restoring(mut parties: Value, target: &str, mut objective: Value) -> Agreement {
    objective["id"] = json!("restore");
    objective["metric"] = json!("RESOLUTION");
    objective["target"] = json!(target);
    parties["objectives"] = json!([objective]);
    agreement(parties)
}

/// The agreements in each chain, link by link.
fn names(prospect: &Prospect) -> Vec<Vec<Vec<&str>>> {
    let chains = prospect.chains.iter().map(|(chain, _)| {
        let links = chain.links.iter();
        links.map(|link| link.supports.iter().map(|support| support.agreement.as_str()).collect()).collect()
    });
    chains.collect()
}

#[test]
fn what_promises_the_same_for_some_of_the_same_tickets_stands_behind() {
    let sla = |json| restoring(json, "PT4H", json!({"priorities": [1, 2]}));
    let network = restoring(json!({"kind": "OLA", "provider": "groups/network"}), "PT2H", json!({"priorities": [2]}));
    let desk = restoring(json!({"kind": "OLA", "provider": "groups/desk"}), "PT2H", json!({}));
    let carrier = restoring(
        json!({"kind": "UNDERPINNING", "provider": "contracts/1", "services": ["services/mail"]}),
        "PT2H",
        json!({"calendar": "calendars/office"}),
    );
    let elsewhere =
        restoring(json!({"kind": "OLA", "provider": "groups/vpn", "services": ["services/vpn"]}), "PT9H", json!({}));
    let minor = restoring(json!({"kind": "OLA", "provider": "groups/minor"}), "PT9H", json!({"priorities": [3]}));
    let behind =
        [("desk", desk), ("network", network), ("carrier", carrier), ("elsewhere", elsewhere), ("minor", minor)];

    let of_mail = prospects(&sla(json!({"kind": "SLA", "lines": ["workplace"]})), &behind);
    assert_eq!(of_mail[0].state, State::Infeasible);
    assert_eq!(names(&of_mail[0]), [[vec!["desk", "network"], vec!["carrier"]]], "the same time is one link");

    let of_vpn = prospects(&sla(json!({"kind": "SLA", "services": ["services/vpn"]})), &behind);
    assert_eq!(names(&of_vpn[0]), [[vec!["elsewhere"]], [vec!["desk", "network"]]], "the worst chain first");
    assert_eq!(of_vpn[0].state, State::Infeasible);

    let an_ola =
        restoring(json!({"kind": "OLA", "provider": "groups/x", "services": ["services/mail"]}), "PT4H", json!({}));
    assert_eq!(names(&prospects(&an_ola, &behind)[0]), [[vec!["carrier"]]], "a supplier stands behind a group too");
}

#[test]
fn customers_below_count_and_others_do_not() {
    let sla = |customer: &str| restoring(json!({"kind": "SLA", "customers": [customer]}), "PT4H", json!({}));
    let part =
        restoring(json!({"kind": "OLA", "provider": "groups/a", "customers": ["customers/part"]}), "PT1H", json!({}));
    let behind = [("part", part)];
    assert_eq!(prospects(&sla("customers/whole"), &behind)[0].state, State::Feasible);
    assert_eq!(prospects(&sla("customers/other"), &behind)[0].state, State::Unsupported);
}

#[test]
fn a_promise_without_open_time_is_not_computed() {
    let months = agreement(json!({"kind": "SLA", "objectives": [
        {"id": "month", "metric": "RESOLUTION", "target": "P1M"}, {"id": "date", "metric": "AGREED_DATE"},
    ]}));
    let states: Vec<_> = prospects(&months, &[]).into_iter().map(|prospect| prospect.state).collect();
    assert_eq!(states, [State::NotComputed, State::NotComputed]);
}
