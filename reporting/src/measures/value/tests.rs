//! Measures of value and cost against figures worked out by hand.

use domain::agreement::{CreditBand, CreditTerms};
use domain::allocation::{Rule, Target};
use domain::value::Estimate;

use super::*;
use crate::measures::{measured, rows};
use crate::report::measure::Measures;
use crate::sample::{at, cost, estate};

fn march() -> Period {
    Period::parse("2016-03").unwrap()
}

fn measures(inputs: &Inputs) -> Measures {
    measured(inputs, &march()).unwrap().measures
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

fn euro(minor_units: i64) -> Money {
    Money::new(minor_units, Currency::parse("EUR").unwrap())
}

fn line(id: u32, value: &str, pool: &str, service: &str, start: &str, end: &str) -> CostRow {
    CostRow {
        pool: pool.to_owned(),
        service: service.to_owned(),
        start_at: at(&format!("{start}T00:00:00Z")),
        end_at: at(&format!("{end}T00:00:00Z")),
        ..cost(id, value, "EUR", "A")
    }
}

fn budget(pool: &str, service: &str, minor_units: i64, end_on: &str) -> Registered<Budget> {
    let content = Budget {
        display_name: "Budget".to_owned(),
        pool: pool.to_owned(),
        service: service.to_owned(),
        start_on: "2016-03-01".parse().unwrap(),
        end_on: end_on.parse().unwrap(),
        amount: euro(minor_units),
        owner: String::new(),
        illustrative: false,
    };
    Registered { name: format!("budgets/{pool}{}", service.replace('/', "-")), content, late: false }
}

fn benefit(id: &str, planned: [i64; 3], realised: Option<i64>) -> Registered<Benefit> {
    let [low, likely, high] = planned.map(euro);
    let content = Benefit {
        display_name: id.to_owned(),
        description: String::new(),
        objective: "objectives/fewer-calls".to_owned(),
        service: String::new(),
        start_on: "2016-01-01".parse().unwrap(),
        end_on: "2016-12-31".parse().unwrap(),
        planned: Estimate { low, likely, high },
        realised: realised.map(euro),
        evidence: String::new(),
        evidence_link: String::new(),
        owner: String::new(),
        illustrative: false,
    };
    Registered { name: format!("benefits/{id}"), content, late: false }
}

/// March 2016: 310.00 of cloud; 100.00 for e-mail from the 16th for 31 days, of which 16 are in March; a credit of 10.00
/// on licences. Cloud goes to e-mail and print, licences to nobody.
fn books() -> Inputs {
    let target = |service: &str, share: &str| Target {
        service: service.to_owned(),
        customer: String::new(),
        share: decimal(share),
    };
    let rule = Rule {
        display_name: "Cloud by use".to_owned(),
        pool: "cloud".to_owned(),
        service: String::new(),
        targets: vec![target("services/email", "0.6"), target("services/print", "0.3")],
        driver: "machines".to_owned(),
        start_on: "2016-01-01".parse().unwrap(),
        end_on: None,
        order: 0,
        illustrative: false,
    };
    let mut inputs = estate();
    inputs.services.values_mut().for_each(|service| service.illustrative = false);
    inputs.agreements.iter_mut().for_each(|agreement| agreement.illustrative = false);
    inputs.costs = vec![
        line(1, "310", "cloud", "", "2016-03-01", "2016-04-01"),
        line(2, "100", "cloud", "services/email", "2016-03-16", "2016-04-16"),
        line(3, "-10", "licences", "", "2016-03-01", "2016-03-02"),
    ];
    inputs.rules = BTreeMap::from([("allocationRules/cloud".to_owned(), rule)]);
    inputs
}

/// Value, unit and n of a measure, or why there is none.
fn told(measures: &Measures, id: &str, scope: &Scope) -> String {
    let measure = measures.get(id, scope).unwrap_or_else(|| panic!("there is no {id} {scope:?}"));
    match &measure.value {
        Value::Exact(value, digits) => format!("{} {} n={}", value.fixed(*digits), measure.unit, measure.n),
        _ => measure.reason.clone().unwrap(),
    }
}

fn service(name: &str) -> Scope {
    Scope::one("service", name)
}

#[test]
fn the_cost_of_services_and_of_nobody_is_the_whole_ledger() {
    let all = measures(&books());
    let cost = |scope| told(&all, "value.cost_per_service", &scope);
    assert_eq!(cost(service("services/email")), "237.61 EUR n=2", "51.61 of its own and 60 % of 310.00");
    assert_eq!(cost(service("services/print")), "93.00 EUR n=1");
    assert_eq!(cost(service("")), "21.00 EUR n=2", "10 % of the cloud, less the credit");
    assert_eq!(cost(Scope::all()), "351.61 EUR n=3");
}

#[test]
fn an_incident_costs_what_its_service_costs_shared_by_those_resolved() {
    let all = measures(&books());
    assert_eq!(told(&all, "value.cost_per_ticket", &service("services/email")), "33.94 EUR n=7", "237.61 / 7");
    assert_eq!(
        told(&all, "value.cost_per_ticket", &service("services/print")),
        "no incident of the service was resolved in the window of its cost"
    );
    let mut inputs = books();
    inputs.costs.push(CostRow { service: "services/email".to_owned(), ..cost(9, "5", "USD", "A") });
    inputs.costs[3].start_at = inputs.costs[0].start_at;
    inputs.costs[3].end_at = inputs.costs[0].end_at;
    let all = measures(&inputs);
    assert_eq!(
        told(&all, "value.cost_per_ticket", &service("services/email")),
        "its cost is in EUR and USD, and currencies are not added"
    );
    assert!(all.get("value.cost_per_service", &Scope::all()).is_none(), "there is no total of two currencies");
    assert_eq!(told(&all, "value.cost_per_service", &Scope::one("currency", "USD")), "5.00 USD n=1");
    inputs.costs.clear();
    let all = measures(&inputs);
    assert_eq!(told(&all, "value.cost_per_service", &Scope::all()), "no cost is recorded");
    assert_eq!(told(&all, "value.cost_per_ticket", &service("services/email")), NO_COST);
}

/// A bill of another year keeps its own window, in which no incident was resolved.
#[test]
fn a_bill_outside_the_period_is_not_divided_by_incidents_inside_it() {
    let mut inputs = books();
    for cost in &mut inputs.costs {
        (cost.start_at, cost.end_at) = (at("2024-09-01T00:00:00Z"), at("2024-10-01T00:00:00Z"));
    }
    let all = measures(&inputs);
    let cost = all.get("value.cost_per_service", &service("services/email")).unwrap();
    assert_eq!(cost.window, "2024-09-01T00:00:00Z/2024-10-01T00:00:00Z");
    assert!(cost.source.contains("outside the report's period"), "{}", cost.source);
    assert!(told(&all, "value.cost_per_ticket", &service("services/email")).starts_with("no incident"));
}

#[test]
fn spend_is_compared_with_the_days_of_a_budget_that_are_in_the_window() {
    let mut inputs = books();
    // 122 days, of which 31 are in March: 310.00.
    inputs.budgets = vec![budget("cloud", "", 122_000, "2016-06-30"), budget("licences", "", 3_100, "2016-03-31")];
    inputs.budgets.push(budget("staff", "", 10_000, "2016-03-31"));
    let all = measures(&inputs);
    let of = |id: &str, pool: &str| told(&all, id, &Scope::one("pool", pool));
    assert_eq!(of("value.budget", "cloud"), "310.00 EUR n=1");
    assert_eq!(of("value.spend", "cloud"), "361.61 EUR n=2", "what names a service was charged to the pool too");
    assert_eq!(of("value.budget_variance", "cloud"), "51.61 EUR n=2");
    assert_eq!(of("value.budget_variance", "licences"), "-41.00 EUR n=1");
    assert_eq!(
        of("value.budget_variance", "staff"),
        "no cost is recorded for pool staff in the window, which is not the same as nothing spent"
    );
    assert_eq!(told(&all, "value.budget_variance", &Scope::all()), "10.61 EUR n=3", "351.61 less 341.00");
    let source = &all.get("value.budget_variance", &Scope::all()).unwrap().source;
    assert!(source.contains("without staff"), "{source}");

    inputs.budgets.push(budget("", "services/email", 20_000, "2016-03-31"));
    let all = measures(&inputs);
    let email = service("services/email");
    assert_eq!(told(&all, "value.budget_variance", &email), "37.61 EUR n=2", "237.61 less 200.00");
    assert_eq!(told(&all, "value.budget_variance", &Scope::all()), OVERLAP);

    inputs.budgets.clear();
    let none = told(&measures(&inputs), "value.budget_variance", &Scope::all());
    assert_eq!(none, "no budget is recorded for any day of the window");
}

#[test]
fn a_budget_in_another_currency_is_not_compared() {
    let mut inputs = books();
    inputs.budgets = vec![budget("cloud", "", 3_100, "2016-03-31")];
    inputs.budgets[0].content.amount.currency = Currency::parse("JPY").unwrap();
    assert_eq!(
        told(&measures(&inputs), "value.budget_variance", &Scope::one("pool", "cloud")),
        "the cost of pool cloud is in EUR and the budget in JPY: currencies are not added"
    );
}

#[test]
fn nothing_realised_is_a_number_and_nothing_recorded_is_none() {
    let mut inputs = books();
    inputs.benefits = vec![benefit("a", [100, 500, 900], None), benefit("b", [1_000, 2_000, 3_000], Some(0))];
    let all = measures(&inputs);
    let planned = all.get("value.benefit_planned", &Scope::all()).unwrap();
    assert_eq!(told(&all, "value.benefit_planned", &Scope::all()), "25.00 EUR n=2");
    assert_eq!(planned.interval, Some([Some(11.0), Some(39.0)]));
    assert_eq!(planned.window, "2016-01-01T00:00:00Z/2017-01-01T00:00:00Z");
    let objective = Scope::one("objective", "objectives/fewer-calls");
    assert_eq!(told(&all, "value.benefit_realised", &objective), "0.00 EUR n=1");
    let source = &all.get("value.benefit_realised", &objective).unwrap().source;
    assert_eq!(source, "benefits; not recorded for 1 of 2");

    inputs.benefits.pop();
    let none = told(&measures(&inputs), "value.benefit_realised", &Scope::all());
    assert_eq!(none, "nothing realised is recorded, which is not zero");
    inputs.benefits.clear();
    assert_eq!(told(&measures(&inputs), "value.benefit_planned", &Scope::all()), "no benefit is recorded");
}

fn band(below: &str, percent: &str) -> CreditBand {
    CreditBand { below_percent: decimal(below), charge_percent: Some(decimal(percent)), amount: None }
}

/// Six of ten resolution clocks of March were met, and every response.
#[test]
fn credits_follow_from_the_bands_and_the_charge() {
    let mut inputs = books();
    let scope = Scope::one("agreement", "agreements/standard");
    assert_eq!(told(&measures(&inputs), "value.credit_exposure", &scope), "the agreement has no credit bands");
    inputs.agreements[0].credits =
        CreditTerms { monthly_charge: Some(euro(100_050)), bands: vec![band("95", "5"), band("60", "20")] };
    let all = measures(&inputs);
    assert_eq!(told(&all, "value.credit_exposure", &scope), "50.02 EUR n=20", "5 % of 1000.50, a tie to the even cent");
    assert_eq!(told(&all, "value.credit_exposure", &Scope::all()), "50.02 EUR n=20");
    inputs.agreements[0].credits.monthly_charge = None;
    assert_eq!(
        told(&measures(&inputs), "value.credit_exposure", &scope),
        "a credit is a share of the monthly charge, which the agreement does not record"
    );
    inputs.tickets.clear();
    inputs.agreements[0].credits.monthly_charge = Some(euro(100_050));
    let none = told(&measures(&inputs), "value.credit_exposure", &scope);
    assert_eq!(none, "no clock of the agreement on an incident opened in the window has its outcome");
}

#[test]
fn what_derives_from_invention_says_so() {
    let mut inputs = books();
    inputs.budgets = vec![budget("cloud", "", 31_000, "2016-03-31")];
    inputs.benefits = vec![benefit("a", [1, 2, 3], Some(2))];
    let marked = |inputs: &Inputs, id: &str, scope: &Scope| {
        measures(inputs).get(id, scope).unwrap().source.contains("ILLUSTRATIVE")
    };
    let (email, print, cloud) = (service("services/email"), service("services/print"), Scope::one("pool", "cloud"));
    assert!(
        measures(&inputs)
            .iter()
            .filter(|measure| measure.id.starts_with("value."))
            .all(|measure| !measure.source.contains("ILLUSTRATIVE"))
    );
    inputs.rules.values_mut().for_each(|rule| rule.illustrative = true);
    for id in ["value.cost_per_service", "value.cost_per_ticket"] {
        assert!(marked(&inputs, id, &email), "{id}");
    }
    assert!(
        marked(&inputs, "value.cost_per_service", &print) && marked(&inputs, "value.cost_per_service", &Scope::all())
    );
    assert!(!marked(&inputs, "value.budget_variance", &cloud), "rules do not change what a pool was charged");
    inputs.budgets[0].content.illustrative = true;
    assert!(marked(&inputs, "value.budget_variance", &cloud) && marked(&inputs, "value.budget", &cloud));
    assert!(!marked(&inputs, "value.spend", &cloud));
    inputs.costs[0].illustrative = true;
    assert!(marked(&inputs, "value.spend", &cloud));
    inputs.benefits[0].content.illustrative = true;
    assert!(marked(&inputs, "value.benefit_planned", &Scope::all()));
}

#[test]
fn behind_every_number_stand_as_many_rows() {
    let mut inputs = books();
    inputs.budgets = vec![budget("cloud", "", 122_000, "2016-06-30"), budget("staff", "", 10_000, "2016-03-31")];
    inputs.benefits = vec![benefit("a", [1, 2, 3], None), benefit("b", [1, 2, 3], Some(2))];
    let straight = Target { service: String::new(), customer: "customers/a".to_owned(), share: decimal("0.05") };
    inputs.rules.values_mut().for_each(|rule| rule.targets.push(straight.clone()));
    let mut seen = 0;
    let of_value = |measure: &&Measure| measure.id.starts_with("value.") && measure.id != "value.credit_exposure";
    for measure in measures(&inputs).iter().filter(of_value) {
        let found = rows(&inputs, &march(), &measure.id, &measure.scope).unwrap();
        // Of a budget these are the ledger lines; of a budget itself it is the budget.
        assert_eq!(found.len() as u64, measure.n, "{} {:?}", measure.id, measure.scope);
        seen += 1;
    }
    assert!(seen > 15, "{seen}");
    assert_eq!(
        rows(&inputs, &march(), "value.cost_per_customer", &Scope::one("customer", "customers/a")).unwrap().len(),
        1
    );
}

#[test]
fn an_invented_line_is_in_no_real_bill() {
    let mut inputs = books();
    inputs.costs[1].illustrative = true;
    let all = measures(&inputs);
    assert_eq!(told(&all, "cost.billed", &Scope::all()), "300.00 EUR n=2", "310.00 less the credit");
    let apart = Scope::one("source", "bill.csv; ILLUSTRATIVE").with("currency", "EUR");
    assert_eq!(told(&all, "cost.billed", &apart), "100.00 EUR n=1");
    let found = |scope: &Scope| rows(&inputs, &march(), "cost.billed", scope).unwrap();
    assert_eq!((found(&Scope::all()).len(), found(&apart).len()), (2, 1));
}
