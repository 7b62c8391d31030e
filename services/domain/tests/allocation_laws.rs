//! Laws of allocation: what comes in goes out to the last minor unit, at every place and in every currency, for any
//! ledger, rules, signs and periods; and figures that were worked out by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use domain::allocation::{Allocation, Charge, Place, Rule, Target, allocate, portion};
use domain::amount::{Amount, Currency, Decimal, Money};
use jiff::Timestamp;
use jiff::civil::Date;
use proptest::prelude::*;

const SERVICES: usize = 5;
const POOLS: [&str; 4] = ["", "cloud", "licences", "staff"];
/// No, two and three digits after the point.
const CURRENCIES: [&str; 3] = ["JPY", "EUR", "KWD"];

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// An instant so many hours after the beginning of 2026.
fn hour(hours: i64) -> Timestamp {
    at("2026-01-01T00:00:00Z") + jiff::SignedDuration::from_hours(hours)
}

fn day(days: i64) -> Date {
    use jiff::ToSpan;
    jiff::civil::date(2026, 1, 1).checked_add(days.days()).unwrap()
}

fn service(index: usize) -> String {
    if index == 0 { String::new() } else { format!("services/s{index}") }
}

prop_compose! {
    /// A line of the ledger in January 2026, to up to eighteen digits.
    fn charge()(
        pool in 0..POOLS.len(), to in 0..=SERVICES, currency in 0..CURRENCIES.len(),
        units in -10_i64.pow(15)..10_i64.pow(15), digits in 0_u32..=18, start in 0_i64..700, length in 1_i64..400,
    ) -> Charge {
        let value = decimal(&format!("{units}e-{digits}"));
        Charge {
            pool: POOLS[pool].to_owned(),
            service: service(to),
            amount: Amount::new(value, Currency::parse(CURRENCIES[currency]).unwrap()),
            start_at: hour(start),
            end_at: hour(start + length),
            lines: 1,
            illustrative: false,
        }
    }
}

prop_compose! {
    /// A rule of a pool or a service for part of the time, in any order: also in circles.
    fn rule()(
        pool in 0..POOLS.len(), from in 0..=SERVICES, order in 0_i32..4, start in 0_i64..20, length in 0_i64..20,
        targets in prop::collection::btree_map((0..=SERVICES, 0..3_usize), 1_u32..1_000, 1..6), left in 0_u32..1_000,
    ) -> Rule {
        let whole = targets.values().sum::<u32>() + left;
        let share = |weight: u32| decimal(&format!("0.{:09}", u64::from(weight) * 999_999_999 / u64::from(whole)));
        let source = service(from);
        let pool = if source.is_empty() { POOLS[pool.max(1)] } else { "" };
        let targets = targets.into_iter().map(|((to, customer), weight)| Target {
            service: service(to),
            customer: if to == 0 { format!("customers/c{customer}") } else { String::new() },
            share: share(weight),
        });
        let targets: Vec<Target> = targets.filter(|target| target.share > Decimal::zero()).collect();
        Rule {
            display_name: "Rule".to_owned(), pool: pool.to_owned(), service: source, targets,
            driver: String::new(), start_on: day(start), end_on: Some(day(start + length)), order, illustrative: false,
        }
    }
}

fn rules(rules: Vec<Rule>) -> BTreeMap<String, Rule> {
    rules.into_iter().enumerate().map(|(index, rule)| (format!("allocationRules/r{index}"), rule)).collect()
}

fn sum(currency: Currency, parts: impl IntoIterator<Item = Money>) -> Money {
    Money::sum(currency, parts).unwrap()
}

/// What comes in goes out: as a whole, at every service and at every pool.
fn conserves(of: &Allocation) {
    let currency = of.currency;
    let kept = of.services.values().map(|cost| cost.kept.money);
    let customers = of.customers.values().map(|flow| flow.money);
    let nowhere = of.unallocated.values().map(|flow| flow.money);
    assert_eq!(sum(currency, kept.chain(customers).chain(nowhere)), of.total, "as a whole");
    let exact = of.total.value().checked_add(&of.residue).unwrap();
    assert_eq!(exact, of.input, "the residue is what rounding moved");
    let half = Money::new(1, currency).value().portion(1, 2);
    assert!(of.residue.abs() <= half, "{} of {currency} is more than half a minor unit", of.residue);

    let between = |holds: &dyn Fn(&Place, &Place) -> bool| {
        sum(currency, of.lines.iter().filter(|line| holds(&line.source, &line.target)).map(|line| line.flow.money))
    };
    assert_eq!(between(&|source, _| matches!(source, Place::Pool(_))), of.total, "out of the pools");
    for (name, cost) in &of.services {
        let here = Place::Service(name.clone());
        let entered = between(&|_, target| *target == here);
        let left = between(&|source, _| *source == here);
        assert_eq!(entered, sum(currency, [cost.direct.money, cost.received.money]), "{name} gets");
        assert_eq!(left, sum(currency, [cost.passed_on.money, cost.charged.money]), "{name} gives");
        assert_eq!(entered, sum(currency, [left, cost.kept.money]), "{name} keeps");
        let cost_of_it = cost.cost().unwrap().money;
        assert_eq!(sum(currency, [cost_of_it, cost.passed_on.money]), entered, "{name} costs");
    }
    for (name, flow) in &of.customers {
        let here = Place::Customer(name.clone());
        assert_eq!(between(&|_, target| *target == here), flow.money, "{name} gets");
    }
    assert_eq!(
        between(&|_, target| *target == Place::Unallocated),
        sum(currency, of.unallocated.values().map(|flow| flow.money))
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_comes_in_goes_out_to_the_last_minor_unit(
        charges in prop::collection::vec(charge(), 0..40), some in prop::collection::vec(rule(), 0..12),
        start in 0_i64..800, length in 1_i64..900,
    ) {
        let rules = rules(some);
        let all = allocate(&charges, &rules, hour(start), hour(start + length)).unwrap();
        for allocation in &all {
            conserves(allocation);
            let of_it = charges.iter().filter(|charge| charge.amount.currency == allocation.currency);
            let parts: Vec<Decimal> = of_it.map(|charge| portion(charge, hour(start), hour(start + length))).collect();
            // Lines that differ in nothing but their amounts are one: at most the last digit is theirs.
            let off = allocation.input.checked_sub(&Decimal::sum(&parts).unwrap()).unwrap().abs();
            prop_assert!(off <= decimal(&format!("{}e-18", parts.len())), "{off}");
        }
    }

    #[test]
    fn a_period_that_holds_everything_loses_nothing(
        charges in prop::collection::vec(charge(), 1..40), some in prop::collection::vec(rule(), 0..12),
    ) {
        for allocation in allocate(&charges, &rules(some), hour(-9_000), hour(9_000)).unwrap() {
            let of_it = charges.iter().map(|charge| &charge.amount).filter(|amount| amount.currency == allocation.currency);
            prop_assert_eq!(&allocation.input, &Amount::sum(allocation.currency, of_it).unwrap().value);
        }
    }

    #[test]
    fn periods_side_by_side_have_what_they_have_together(
        charges in prop::collection::vec(charge(), 1..30), middle in 1_i64..1_000,
    ) {
        let input = |start, end| -> BTreeMap<Currency, Decimal> {
            let all = allocate(&charges, &BTreeMap::new(), hour(start), hour(end)).unwrap();
            all.into_iter().map(|allocation| (allocation.currency, allocation.input)).collect()
        };
        let (one, other, both) = (input(0, middle), input(middle, 1_100), input(0, 1_100));
        for (currency, whole) in both {
            let part = |of: &BTreeMap<Currency, Decimal>| of.get(&currency).cloned().unwrap_or_else(Decimal::zero);
            prop_assert_eq!(part(&one).checked_add(&part(&other)).unwrap(), whole);
        }
    }

    #[test]
    fn neither_the_order_of_lines_nor_how_they_are_grouped_matters(
        charges in prop::collection::vec(charge(), 1..30), some in prop::collection::vec(rule(), 0..8),
    ) {
        let rules = rules(some);
        let run = |charges: &[Charge]| allocate(charges, &rules, hour(0), hour(744)).unwrap();
        let mut reversed = charges.clone();
        reversed.reverse();
        prop_assert_eq!(run(&reversed), run(&charges));
        let mut twice = charges.clone();
        twice.extend(charges.iter().cloned());
        let doubled = charges.iter().map(|charge| Charge {
            amount: charge.amount.checked_add(&charge.amount).unwrap(), lines: 2, ..charge.clone()
        });
        prop_assert_eq!(run(&twice), run(&doubled.collect::<Vec<_>>()));
    }
}

fn line(pool: &str, service: &str, value: &str, currency: &str, from: &str, to: &str) -> Charge {
    Charge {
        pool: pool.to_owned(),
        service: service.to_owned(),
        amount: Amount::new(decimal(value), Currency::parse(currency).unwrap()),
        start_at: at(from),
        end_at: at(to),
        lines: 1,
        illustrative: false,
    }
}

fn shares(source: &str, order: i32, start_on: &str, end_on: Option<&str>, targets: &[(&str, &str)]) -> Rule {
    let (pool, service) = if source.contains('/') { ("", source) } else { (source, "") };
    let target = |(name, share): &(&str, &str)| {
        let (service, customer) = if name.starts_with("services/") { (*name, "") } else { ("", *name) };
        Target { service: service.to_owned(), customer: customer.to_owned(), share: decimal(share) }
    };
    Rule {
        display_name: "Rule".to_owned(),
        pool: pool.to_owned(),
        service: service.to_owned(),
        targets: targets.iter().map(target).collect(),
        driver: String::new(),
        start_on: start_on.parse().unwrap(),
        end_on: end_on.map(|on| on.parse().unwrap()),
        order,
        illustrative: false,
    }
}

const JANUARY: (&str, &str) = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");

fn one(charges: &[Charge], rules: &BTreeMap<String, Rule>) -> Allocation {
    let mut all = allocate(charges, rules, at(JANUARY.0), at(JANUARY.1)).unwrap();
    assert_eq!(all.len(), 1);
    conserves(&all[0]);
    all.remove(0)
}

fn shown(of: &Allocation) -> Vec<String> {
    let name = |place: &Place| match place {
        Place::Pool(name) => format!("pool {name}"),
        Place::Service(name) | Place::Customer(name) => name.clone(),
        Place::Unallocated => "nobody".to_owned(),
    };
    let steps = of.lines.iter().map(|line| {
        let share = line.share.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
        format!("{} -> {} {share} {}", name(&line.source), name(&line.target), line.flow.money)
    });
    steps.collect()
}

/// Worked out by hand: 100.00 of cloud and 30.00 named by e-mail; the network passes on before e-mail does.
#[test]
fn cost_goes_from_pools_to_services_to_customers() {
    let charges = [
        line("cloud", "", "100", "EUR", JANUARY.0, JANUARY.1),
        line("cloud", "services/email", "30", "EUR", JANUARY.0, JANUARY.1),
        line("tools", "", "7.001", "EUR", JANUARY.0, JANUARY.1),
    ];
    let rules = rules(vec![
        shares("cloud", 0, "2026-01-01", None, &[("services/network", "0.5"), ("services/email", "0.3")]),
        shares("services/network", 1, "2026-01-01", None, &[("services/email", "0.333"), ("customers/b", "0.667")]),
        shares("services/email", 2, "2026-01-01", None, &[("customers/a", "0.75"), ("customers/b", "0.25")]),
    ]);
    let found = one(&charges, &rules);
    assert_eq!(
        shown(&found),
        [
            "pool cloud -> services/email - 30.00 EUR",
            "pool cloud -> services/email 0.3 30.00 EUR",
            "pool cloud -> services/network 0.5 50.00 EUR",
            "pool cloud -> nobody - 20.00 EUR",
            "pool tools -> nobody - 7.00 EUR",
            "services/email -> customers/a 0.75 57.49 EUR",
            "services/email -> customers/b 0.25 19.16 EUR",
            "services/network -> services/email 0.333 16.65 EUR",
            "services/network -> customers/b 0.667 33.35 EUR",
        ]
    );
    assert_eq!((found.total.to_string(), found.residue.to_string()), ("137.00 EUR".to_owned(), "0.001".to_owned()));
    let email = &found.services["services/email"];
    assert_eq!(email.cost().unwrap().money.to_string(), "76.65 EUR", "30 + 30 + 16.65");
    assert_eq!(found.services["services/network"].cost().unwrap().money.to_string(), "33.35 EUR");
    assert_eq!(found.customers["customers/b"].money.to_string(), "52.51 EUR");
}

/// 31 days of 1 a day: ten of them by the first rule, 21 by the second; a quarter of February's bill is January's.
#[test]
fn time_shares_out_what_a_period_or_a_rule_covers_in_part() {
    let charges = [
        line("cloud", "", "31", "EUR", JANUARY.0, JANUARY.1),
        line("cloud", "services/b", "-8", "EUR", "2026-01-31T00:00:00Z", "2026-02-04T00:00:00Z"),
    ];
    let rules = rules(vec![
        shares("cloud", 0, "2025-01-01", Some("2026-01-10"), &[("services/a", "1")]),
        shares("cloud", 0, "2026-01-11", None, &[("services/b", "1")]),
    ]);
    let found = one(&charges, &rules);
    let cost = |name: &str| found.services[name].cost().unwrap().money.to_string();
    assert_eq!((cost("services/a"), cost("services/b")), ("10.00 EUR".to_owned(), "19.00 EUR".to_owned()));
}

#[test]
fn what_comes_after_a_services_turn_stays_there_and_is_told() {
    let charges = [line("", "services/a", "10", "EUR", JANUARY.0, JANUARY.1)];
    let circle = rules(vec![
        shares("services/a", 1, "2026-01-01", None, &[("services/b", "1")]),
        shares("services/b", 2, "2026-01-01", None, &[("services/a", "0.4"), ("customers/a", "0.6")]),
    ]);
    let found = one(&charges, &circle);
    let a = &found.services["services/a"];
    assert_eq!((a.late.money.to_string(), a.kept.money.to_string()), ("4.00 EUR".to_owned(), "4.00 EUR".to_owned()));
    assert_eq!(found.customers["customers/a"].money.to_string(), "6.00 EUR");
}

#[test]
fn nothing_is_added_across_currencies() {
    let charges = ["EUR", "JPY", "KWD"].map(|code| line("cloud", "", "10.0006", code, JANUARY.0, JANUARY.1));
    let rules = rules(vec![shares("cloud", 0, "2026-01-01", None, &[("services/a", "0.5")])]);
    let all = allocate(&charges, &rules, at(JANUARY.0), at(JANUARY.1)).unwrap();
    let said = all.iter().map(|of| {
        conserves(of);
        format!("{}: {} and {}", of.total, of.services["services/a"].kept.money, of.unallocated["cloud"].money)
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        ["10.00 EUR: 5.00 EUR and 5.00 EUR", "10 JPY: 5 JPY and 5 JPY", "10.001 KWD: 5.001 KWD and 5.000 KWD"]
    );
}

#[test]
fn invention_shows_on_everything_that_derives_from_it() {
    let charges = [
        line("cloud", "", "10", "EUR", JANUARY.0, JANUARY.1),
        line("staff", "", "10", "EUR", JANUARY.0, JANUARY.1),
        line("", "services/c", "10", "EUR", JANUARY.0, JANUARY.1),
    ];
    let invented = Rule { illustrative: true, ..shares("cloud", 0, "2026-01-01", None, &[("services/a", "0.5")]) };
    let rules = rules(vec![
        invented,
        shares("staff", 0, "2026-01-01", None, &[("services/b", "1")]),
        shares("services/a", 1, "2026-01-01", None, &[("customers/a", "1")]),
    ]);
    let found = one(&charges, &rules);
    let mark = |name: &str| found.services[name].cost().unwrap().illustrative;
    assert!(
        mark("services/a") && found.customers["customers/a"].illustrative && found.unallocated["cloud"].illustrative
    );
    assert!(!mark("services/b") && !mark("services/c"));
}
