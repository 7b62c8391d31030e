//! Rules of the measures, each on a small estate or on any.

use domain::agreement::Metric;
use domain::clock::State;
use domain::filter::{Field, Kind as FieldKind, Schema};
use proptest::prelude::*;

use super::*;
use crate::report::measure::Part;
use crate::sample::{at, clock, contract, cost, estate, hours, open, resolved};

fn march() -> Period {
    Period::parse("2016-03").unwrap()
}

fn measures(inputs: &Inputs) -> Measures {
    measured(inputs, &march()).unwrap().measures
}

fn count(inputs: &Inputs, id: &str) -> u64 {
    measures(inputs).get(id, &Scope::all()).unwrap().count()
}

fn number(inputs: &Inputs, id: &str) -> Option<f64> {
    measures(inputs).get(id, &Scope::all()).unwrap().number()
}

fn exact(measure: &Measure) -> String {
    serde_json::to_value(&measure.value).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn every_measure_has_a_definition_with_its_version() {
    for measure in &measures(&estate()) {
        assert!(measure.definition.starts_with(&format!("{}@1: ", measure.id)), "{}", measure.id);
    }
}

#[test]
fn a_ticket_counts_where_its_instant_lies() {
    let estate = estate();
    assert_eq!(count(&estate, "flow.opened"), 13, "one was opened in February, one is a problem");
    assert_eq!(count(&estate, "flow.resolved"), 10, "the one from February was resolved in March");
    assert_eq!(count(&estate, "flow.backlog"), 2);
    assert_eq!(count(&estate, "flow.reopened"), 1);
    assert_eq!(count(&estate, "flow.reassigned"), 1, "twice on one incident is one incident");
}

#[test]
fn the_end_of_the_period_is_not_part_of_it() {
    let mut estate = estate();
    let end = march().end;
    estate.tickets.push(open(50, 1, end));
    estate.tickets.push(resolved(51, 1, hours(end, -3), 3));
    assert_eq!(count(&estate, "flow.opened"), 14);
    assert_eq!(count(&estate, "flow.resolved"), 10, "resolved at the end is resolved after it");
    assert_eq!(count(&estate, "flow.backlog"), 3, "so it was still open just before");
}

#[test]
fn tickets_that_only_a_state_says_are_resolved_are_named_and_left_out() {
    let estate = estate();
    assert_eq!(count(&estate, "quality.resolved_without_time"), 1);
    assert_eq!(count(&estate, "quality.closed_without_resolution"), 0, "a cancelled one is not meant");
    let measures = measures(&estate);
    let waiting = measures.get("flow.time_to_resolve.km_median", &Scope::all()).unwrap();
    assert_eq!(waiting.n, 12, "13 opened, without the one that nothing tells of; the cancelled one competes");
}

#[test]
fn open_tickets_lengthen_the_median_and_closed_only_does_not_know() {
    let mut estate = estate();
    let before = number(&estate, "flow.time_to_resolve.km_median").unwrap();
    let closed = number(&estate, "flow.time_to_resolve.median").unwrap();
    estate.tickets.extend((60..66).map(|id| open(id, 3, at("2016-03-02T00:00:00Z"))));
    assert!(number(&estate, "flow.time_to_resolve.km_median").unwrap() > before);
    assert_eq!(number(&estate, "flow.time_to_resolve.median"), Some(closed));
}

#[test]
fn attainment_is_shown_raw_and_without_what_was_excused() {
    use crate::inputs::ExcuseRow;
    let scope = Scope::one("metric", "RESOLUTION");
    let of = |estate: &Inputs, id: &str| {
        let measure = measures(estate).get(id, &scope).unwrap().clone();
        (measure.numerator, measure.n)
    };
    let mut estate = estate();
    let (raw, n) = of(&estate, "sla.attainment");
    assert_eq!(of(&estate, "sla.attainment_adjusted"), (raw, n), "nothing is excused");
    assert_eq!(of(&estate, "sla.excluded").1, 0);

    let mut breached: Vec<&mut crate::inputs::ClockRow> = estate
        .tickets
        .iter_mut()
        .flat_map(|row| &mut row.clocks)
        .filter(|clock| clock.metric == Metric::Resolution && clock.state == State::Breached)
        .collect();
    assert!(breached.len() >= 4);
    breached[0].excuse = Some(ExcuseRow::LeftOut);
    breached[1].excuse = Some(ExcuseRow::Adjusted { state: State::Met, settled_at: breached[1].settled_at });
    breached[2].excuse = Some(ExcuseRow::Adjusted { state: State::Running, settled_at: None });
    breached[3].excuse = Some(ExcuseRow::Adjusted { state: State::Met, settled_at: Some(march().end) });
    assert_eq!(of(&estate, "sla.attainment"), (raw, n), "raw stays raw");
    assert_eq!(of(&estate, "sla.attainment_adjusted"), (raw.map(|met| met + 1), n - 3));
    assert_eq!(of(&estate, "sla.excluded").1, 4);
}

#[test]
fn a_breach_counts_at_its_due_instant_and_not_at_closure() {
    let mut estate = estate();
    let opened = at("2016-03-31T10:00:00Z");
    // Due on 31 March, still open: breached in March. Due on 1 April: not decided.
    let late = crate::inputs::ClockRow {
        state: domain::clock::State::Breached,
        settled_at: Some(hours(opened, 8)),
        due_at: None,
        ..clock(Metric::Resolution, opened, 8, None)
    };
    estate.tickets.push(crate::inputs::TicketRow { clocks: vec![late], ..open(50, 1, opened) });
    let scope = Scope::one("metric", "RESOLUTION").with("priority", 1);
    let attained = measures(&estate).get("sla.attainment", &scope).unwrap().clone();
    assert_eq!(
        (attained.numerator, attained.denominator),
        (Some(0), Some(1)),
        "the one from February was late in February"
    );
    assert_eq!(measures(&estate).get("sla.overdue", &Scope::one("metric", "RESOLUTION")).unwrap().count(), 1);
}

#[test]
fn metrics_are_never_pooled() {
    let attained = measures(&estate());
    let mut found = attained.iter().filter(|measure| measure.id.starts_with("sla.attainment")).peekable();
    assert!(found.peek().is_some());
    assert!(found.all(|measure| measure.scope.get("metric").is_some()));
}

#[test]
fn goals_are_given_only_where_all_clocks_share_one() {
    let mut estate = estate();
    let scope = Scope::one("metric", "RESOLUTION");
    assert_eq!(measures(&estate).get("sla.goal", &scope).unwrap().number(), Some(0.95));
    let mut other = estate.agreements[0].clone();
    other.revision = 2;
    other.goal_percent = None;
    estate.agreements.push(other);
    estate.tickets[0].clocks[0].revision = 2;
    assert!(measures(&estate).get("sla.goal", &scope).is_none());
}

#[test]
fn what_rests_on_invention_says_so() {
    let all = measures(&estate());
    assert!(all.by("sla.attainment", &["metric"]).all(|measure| measure.source.contains("ILLUSTRATIVE")));
    let email = all.get("flow.opened", &Scope::one("service", "services/email")).unwrap();
    assert!(email.source.contains("ILLUSTRATIVE"));
    assert!(!all.get("flow.opened", &Scope::all()).unwrap().source.contains("ILLUSTRATIVE"));
}

#[test]
fn a_bill_is_exact_and_has_its_own_window() {
    let estate = estate();
    let all = measures(&estate);
    let bill = all.get("cost.billed", &Scope::all()).unwrap();
    assert_eq!(exact(bill), "2.5500000001");
    assert_eq!((bill.unit.as_str(), bill.n), ("USD", 3));
    assert_eq!(bill.window, "2024-09-01T00:00:00Z/2024-09-02T00:00:00Z");
    assert!(bill.source.contains("outside the report's period"));
    let part = all.get("cost.billed", &Scope::one("provider", "A")).unwrap();
    assert_eq!(exact(part), "0.1000000001");
}

#[test]
fn a_bill_within_the_period_is_cut_by_it() {
    let mut estate = estate();
    estate.costs[0].start_at = at("2016-03-05T00:00:00Z");
    estate.costs[0].end_at = at("2016-03-06T00:00:00Z");
    let bill = measures(&estate).get("cost.billed", &Scope::all()).unwrap().clone();
    assert_eq!((bill.n, bill.source.as_str()), (1, "bill.csv"));
}

#[test]
fn nothing_is_added_across_currencies_or_sources() {
    let mut estate = estate();
    estate.costs.push(cost(4, "7", "EUR", "A"));
    let all = measures(&estate);
    assert!(all.get("cost.billed", &Scope::all()).is_none(), "there is no total");
    assert_eq!(exact(all.get("cost.billed", &Scope::one("currency", "EUR")).unwrap()), "7.00");
    let mut other = contract(9, "2016-05-31", 500);
    other.source = "another.csv".to_owned();
    estate.contracts.push(other);
    let all = measures(&estate);
    assert!(all.get("supplier.committed", &Scope::all()).is_none());
    assert_eq!(exact(all.get("supplier.committed", &Scope::one("source", "another.csv")).unwrap()), "5.00");
    assert!(all.get("supplier.contracts", &Scope::all()).is_none(), "what others record is not counted in");
    assert_eq!(all.get("supplier.contracts", &Scope::one("source", "another.csv")).unwrap().count(), 1);
    estate.contracts.last_mut().unwrap().illustrative = true;
    let all = measures(&estate);
    assert_eq!(
        exact(all.get("supplier.committed", &Scope::all()).unwrap()),
        "3500.50",
        "what is invented stands apart"
    );
    assert_eq!(all.get("supplier.contracts", &Scope::one("source", "another.csv")).unwrap().count(), 1);
}

#[test]
fn contracts_are_looked_at_from_the_registers_own_date() {
    let mut estate = estate();
    let all = measures(&estate);
    assert_eq!(exact(all.get("supplier.committed", &Scope::all()).unwrap()), "3500.50");
    assert_eq!(
        all.get("supplier.notice_due", &Scope::all()).unwrap().count(),
        2,
        "30 June is the 90th day from 1 April"
    );
    estate.contracts[2].start_on = Some("2017-12-01".parse().unwrap());
    let measured = measured(&estate, &march()).unwrap();
    assert_eq!(measured.registers[0].date.to_string(), "2017-12-01");
    assert_eq!(measured.registers[0].due.len(), 1);
}

#[test]
fn months_after_an_extracts_end_are_marked() {
    let mut estate = estate();
    estate.tickets = (0..200).map(|id| resolved(id, 3, at("2016-03-10T00:00:00Z"), 2)).collect();
    estate.tickets.extend((300..303).map(|id| resolved(id, 3, at("2016-05-10T00:00:00Z"), 2)));
    let found = coverage::coverage(&estate).remove(0);
    assert_eq!((found.end(), found.n_before_end, found.n), (Some("2016-05"), 200, 203));
    assert!(found.is_edge("2016-05") && !found.is_edge("2016-03"));
    for ticket in &mut estate.tickets {
        ticket.source.clear();
    }
    assert!(coverage::coverage(&estate).is_empty(), "what is recorded here is no extract");
}

#[test]
fn a_month_at_the_edge_says_so_to_machines() {
    let mut estate = estate();
    estate.tickets = (0..200).map(|id| resolved(id, 3, at("2016-02-10T00:00:00Z"), 2)).collect();
    estate.tickets.extend((300..303).map(|id| resolved(id, 3, at("2016-03-10T00:00:00Z"), 2)));
    let all = measures(&estate);
    let source = |id: &str, scope: Scope| all.get(id, &scope).unwrap().source.clone();
    assert!(source("flow.opened", Scope::one("month", "2016-03")).contains("edge of the record"));
    assert!(source("sla.attainment", Scope::one("metric", "RESOLUTION").with("month", "2016-03")).contains("edge"));
    assert!(!source("flow.opened", Scope::all()).contains("edge"));
}

#[test]
fn a_late_as_of_says_nothing_of_the_time_after_the_period() {
    let mut estate = estate();
    estate.as_of = at("2016-05-01T00:00:00Z");
    estate.tickets.push(open(70, 2, at("2016-04-15T00:00:00Z")));
    assert_eq!(count(&estate, "flow.opened"), 13);
    assert_eq!(count(&estate, "flow.backlog"), 2);
}

#[test]
fn an_estate_without_anything_is_measured_too() {
    let empty = Inputs {
        tickets: Vec::new(),
        services: std::collections::BTreeMap::new(),
        agreements: Vec::new(),
        costs: Vec::new(),
        contracts: Vec::new(),
        ..estate()
    };
    assert_eq!(count(&empty, "flow.opened"), 0);
    assert_eq!(number(&empty, "flow.time_to_resolve.median"), None);
}

/// The fields of tickets that filters of measures name.
fn ticket_fields() -> Schema {
    let field = |name: &str, kind| Field::new(name, kind, "");
    Schema::new([
        field("practice", FieldKind::String),
        field("open_time", FieldKind::Timestamp),
        field("resolve_time", FieldKind::Timestamp),
        field("priority", FieldKind::Integer),
        field("service", FieldKind::String),
        field("assignment.group", FieldKind::String),
        Field::choice("state_category", &["NEW", "ACTIVE", "PENDING", "RESOLVED", "CLOSED", "CANCELLED"], ""),
        field("reopen_count", FieldKind::Integer),
        field("reassignment_count", FieldKind::Integer),
        field("nonconformance_count", FieldKind::Integer),
    ])
}

#[test]
fn every_filter_is_one_that_a_list_understands() {
    let estate = estate();
    let schema = ticket_fields();
    let context = domain::filter::Context { now: estate.as_of, me: None };
    let mut seen = 0;
    for measure in &measures(&estate) {
        if let Some(filter) = &measure.filter {
            domain::filter::compile(filter, &schema, &context).unwrap_or_else(|error| panic!("{filter}: {error}"));
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn no_filter_is_given_when_later_facts_were_left_out() {
    let estate = Inputs { latest: false, ..estate() };
    assert!(measures(&estate).iter().all(|measure| measure.filter.is_none()));
}

#[test]
fn a_filter_for_reopened_needs_all_reopenings_in_the_window() {
    let mut estate = estate();
    let filter = |inputs: &Inputs| measures(inputs).get("flow.reopened", &Scope::all()).unwrap().filter.clone();
    assert!(filter(&estate).is_some());
    estate.tickets[9].reopened_at = vec![at("2016-02-28T23:30:00Z")];
    assert_eq!(filter(&estate), None);
}

/// The measures whose rows can be listed one by one.
fn has_rows(measure: &Measure) -> bool {
    measure.scope.get("week").is_none()
        && !matches!(
            measure.id.as_str(),
            "flow.finished"
                | "sla.attainment"
                | "sla.attainment_adjusted"
                | "sla.goal"
                | "sla.target"
                | "value.credit_exposure"
        )
        && !["elements.", "supplier.attainment", "supplier.time_held", "flow.major"]
            .iter()
            .any(|id| measure.id.starts_with(id))
}

#[test]
fn behind_every_number_stand_as_many_rows() {
    let estate = estate();
    for measure in measures(&estate).iter().filter(|measure| has_rows(measure)) {
        let rows = rows(&estate, &march(), &measure.id, &measure.scope).unwrap();
        assert_eq!(rows.len() as u64, measure.n, "{} {:?}", measure.id, measure.scope);
    }
}

#[test]
fn rows_of_an_unknown_measure_or_dimension_are_none() {
    let none = |id: &str, scope: Scope| rows(&estate(), &march(), id, &scope).unwrap().is_empty();
    assert!(none("no.such", Scope::all()));
    assert!(none("flow.opened", Scope::one("moon", "full")));
}

prop_compose! {
    /// An incident opened and finished at any hour around March.
    fn any_incident()(
        start in 0_i64..1500, length in 1_i64..400, priority in 1_u8..=4, ends in any::<bool>(), id in 0_u32..100_000,
    ) -> crate::inputs::TicketRow {
        let opened = hours(at("2016-02-15T00:00:00Z"), start);
        if ends { resolved(id, priority, opened, length) } else { open(id, priority, opened) }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn the_parts_add_up_to_the_whole(tickets in prop::collection::vec(any_incident(), 0..60)) {
        let inputs = Inputs { tickets, ..estate() };
        let all = measures(&inputs);
        for id in ["flow.opened", "flow.resolved", "flow.backlog", "flow.reopened"] {
            let whole = all.get(id, &Scope::all()).unwrap().count();
            for dimension in ["priority", "month", "service", "group", "age"] {
                let dimensions = [dimension];
                let parts: Vec<u64> = all.by(id, &dimensions).map(Measure::count).collect();
                if dimension != "age" || !parts.is_empty() {
                    prop_assert_eq!(parts.iter().sum::<u64>(), whole, "{} by {}", id, dimension);
                }
            }
        }
    }

    #[test]
    fn what_comes_in_and_does_not_leave_is_open(tickets in prop::collection::vec(any_incident(), 0..60)) {
        let inputs = Inputs { tickets, ..estate() };
        let all = measures(&inputs);
        let week = |id: &str, week: &str| all.get(id, &Scope::one("week", week)).unwrap().count();
        let names: Vec<String> = all.by("flow.opened", &["week"]).filter_map(|m| m.scope.text("week")).collect();
        prop_assert_eq!(names.len(), 3);
        for pair in names.windows(2) {
            let (before, now) = (week("flow.backlog", &pair[0]), week("flow.backlog", &pair[1]));
            prop_assert_eq!(before + week("flow.opened", &pair[1]), now + week("flow.finished", &pair[1]));
        }
    }

    #[test]
    fn the_order_of_tickets_does_not_matter(tickets in prop::collection::vec(any_incident(), 0..40)) {
        let inputs = Inputs { tickets, ..estate() };
        let mut reversed = inputs.clone();
        reversed.tickets.reverse();
        prop_assert_eq!(measures(&inputs), measures(&reversed));
    }
}

#[test]
fn weeks_are_whole_and_lie_in_the_window() {
    let all = measures(&estate());
    let weeks: Vec<String> = all.by("flow.opened", &["week"]).filter_map(|m| m.scope.text("week")).collect();
    assert_eq!(weeks, ["2016-W10", "2016-W11", "2016-W12"]);
    let first = all.get("flow.opened", &Scope::one("week", Part::from("2016-W10"))).unwrap();
    assert_eq!(first.window, "2016-03-07T00:00:00Z/2016-03-14T00:00:00Z");
}
