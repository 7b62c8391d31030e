//! Budgets, benefits, allocation rules, and where cost goes.

use proto::common::v1 as common;

use super::*;

fn day(month: i32, day: i32) -> Option<common::Date> {
    Some(common::Date { year: 2026, month, day })
}

fn euro(minor_units: i64) -> Option<common::Money> {
    Some(common::Money { currency_code: "EUR".to_owned(), minor_units })
}

fn budget() -> pb::Budget {
    pb::Budget {
        display_name: "Cloud".to_owned(),
        pool: "cloud".to_owned(),
        start_date: day(1, 1),
        end_date: day(12, 31),
        amount: euro(120_000),
        ..pb::Budget::default()
    }
}

async fn create_budget(catalog: &Catalog, id: &str, budget: pb::Budget) -> Result<pb::Budget, Status> {
    let request = pb::CreateBudgetRequest { budget_id: id.to_owned(), budget: Some(budget), ..Default::default() };
    Ok(catalog.value().create_budget(ann(request)).await?.into_inner())
}

fn to(target: &str, share: &str) -> pb::AllocationTarget {
    let (service, customer) = if target.starts_with("services/") { (target, "") } else { ("", target) };
    pb::AllocationTarget {
        service: service.to_owned(),
        customer: customer.to_owned(),
        share: Some(common::Decimal { value: share.to_owned() }),
    }
}

fn rule(source: &str, order: i32, targets: Vec<pb::AllocationTarget>) -> pb::AllocationRule {
    let (pool, service) = if source.starts_with("services/") { ("", source) } else { (source, "") };
    pb::AllocationRule {
        display_name: "Rule".to_owned(),
        pool: pool.to_owned(),
        service: service.to_owned(),
        targets,
        start_date: day(1, 1),
        order,
        ..pb::AllocationRule::default()
    }
}

async fn create_rule(catalog: &Catalog, id: &str, rule: pb::AllocationRule) -> Result<pb::AllocationRule, Status> {
    let request = pb::CreateAllocationRuleRequest {
        allocation_rule_id: id.to_owned(),
        allocation_rule: Some(rule),
        ..Default::default()
    };
    Ok(catalog.value().create_allocation_rule(ann(request)).await?.into_inner())
}

/// A ledger line for 1 January to before 1 March, 59 days.
async fn cost(catalog: &Catalog, id: &str, pool: &str, service: &str, value: &str, currency: &str) {
    let instant = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let cost_entry = pb::CostEntry {
        pool: pool.to_owned(),
        service: service.to_owned(),
        start_time: instant(1_767_225_600),
        end_time: instant(1_772_323_200),
        billed_cost: Some(common::Amount {
            currency_code: currency.to_owned(),
            value: Some(common::Decimal { value: value.to_owned() }),
        }),
        ..pb::CostEntry::default()
    };
    let request =
        pb::CreateCostEntryRequest { cost_entry_id: id.to_owned(), cost_entry: Some(cost_entry), ..Default::default() };
    catalog.value().create_cost_entry(ann(request)).await.unwrap();
}

fn shown(money: Option<common::Money>) -> i64 {
    money.unwrap().minor_units
}

async fn estate() -> Catalog {
    let catalog = Catalog::new().await;
    catalog.service("email", service("E-mail")).await;
    catalog.service("network", service("Network")).await;
    catalog.customer("acme", "").await.unwrap();
    catalog
}

#[tokio::test]
async fn the_cost_of_a_period_goes_where_rules_say_to_the_cent() {
    let catalog = estate().await;
    cost(&catalog, "cloud", "cloud", "", "590.01", "EUR").await;
    cost(&catalog, "mail", "cloud", "services/email", "-59", "EUR").await;
    cost(&catalog, "tools", "", "", "5.9", "JPY").await;
    create_rule(&catalog, "a", rule("cloud", 0, vec![to("services/network", "0.333333333333333333")])).await.unwrap();
    let network = vec![to("services/email", "0.5"), to("customers/acme", "0.5")];
    create_rule(&catalog, "b", rule("services/network", 1, network)).await.unwrap();
    // 31 of 59 days: 310.00525... and -31.00.
    let request = pb::AllocateCostsRequest { start_date: day(1, 1), end_date: day(1, 31), ..Default::default() };
    let all = catalog.value().allocate_costs(ann(request.clone())).await.unwrap().into_inner().allocations;
    let codes: Vec<&str> = all.iter().map(|allocation| allocation.currency_code.as_str()).collect();
    assert_eq!(codes, ["EUR", "JPY"]);
    let euros = &all[0];
    assert_eq!((shown(euros.total.clone()), euros.cost_entry_count), (27_901, 2));
    assert_eq!(euros.residue.clone().unwrap().value.unwrap().value, "-0.004745762711864407");
    let services: Vec<_> = euros
        .services
        .iter()
        .map(|one| (one.service.as_str(), shown(one.cost.clone()), shown(one.passed_on.clone())))
        .collect();
    // A third of 310.01 is 103.34; half of it is 51.67.
    assert_eq!(services, [("services/email", 2_067, 0), ("services/network", 5_167, 5_167)]);
    assert_eq!(shown(euros.customers[0].amount.clone()), 5_167);
    assert_eq!((euros.unallocated[0].pool.as_str(), shown(euros.unallocated[0].amount.clone())), ("cloud", 20_667));
    let kept: i64 = euros.services.iter().map(|one| shown(one.kept.clone())).sum();
    assert_eq!(kept + 5_167 + 20_667, 27_901);
    assert_eq!(shown(all[1].total.clone()), 3, "3.1 yen");

    let of_yen = pb::AllocateCostsRequest { currency_code: "JPY".to_owned(), ..request.clone() };
    assert_eq!(catalog.value().allocate_costs(ann(of_yen)).await.unwrap().into_inner().allocations, all[1..]);
    let bound = catalog.value().allocate_costs(by(ACME, request.clone())).await;
    assert_eq!(bound.unwrap_err().code(), Code::PermissionDenied);
    let wrong = pb::AllocateCostsRequest { end_date: day(2, 30), currency_code: "euro".to_owned(), ..request.clone() };
    let refused = catalog.value().allocate_costs(ann(wrong)).await.unwrap_err();
    assert_eq!(fields(&refused), ["end_date", "currency_code"]);
    let reversed = pb::AllocateCostsRequest { start_date: day(3, 1), ..request };
    assert_eq!(fields(&catalog.value().allocate_costs(ann(reversed)).await.unwrap_err()), ["end_date"]);
}

#[tokio::test]
async fn two_rules_never_share_out_the_same_source_on_the_same_day() {
    let catalog = estate().await;
    let first = pb::AllocationRule { end_date: day(3, 31), ..rule("cloud", 0, vec![to("services/email", "1")]) };
    create_rule(&catalog, "first", first).await.unwrap();
    let second = |month, on| pb::AllocationRule {
        start_date: day(month, on),
        ..rule("cloud", 0, vec![to("services/network", "1")])
    };
    let refused = create_rule(&catalog, "second", second(3, 31)).await.unwrap_err();
    assert_eq!(reason(&refused), "ALLOCATION_OVERLAPS");
    create_rule(&catalog, "second", second(4, 1)).await.unwrap();
    create_rule(&catalog, "other", rule("licences", 0, vec![to("services/network", "1")])).await.unwrap();
    let (one, two) = tokio::join!(
        create_rule(&catalog, "one", rule("staff", 0, vec![to("services/email", "1")])),
        create_rule(&catalog, "two", rule("staff", 0, vec![to("services/email", "1")])),
    );
    assert_eq!(u8::from(one.is_ok()) + u8::from(two.is_ok()), 1, "two at once cannot pass each other");
}

#[tokio::test]
async fn what_is_wrong_with_value_is_named_and_what_is_used_stays() {
    let catalog = estate().await;
    let wrong = pb::Budget { service: "services/email".to_owned(), amount: euro(-1), end_date: None, ..budget() };
    let refused = create_budget(&catalog, "x", wrong).await.unwrap_err();
    assert_eq!(fields(&refused), ["budget.end_date", "budget.service", "budget.amount.minor_units"]);
    let missing = pb::Budget { pool: String::new(), service: "services/none".to_owned(), ..budget() };
    assert_eq!(fields(&create_budget(&catalog, "x", missing).await.unwrap_err()), ["budget.service"]);
    let too_much = vec![to("services/email", "0.7"), to("customers/none", "0.4"), to("services/email", "0")];
    assert_eq!(
        fields(&create_rule(&catalog, "x", rule("cloud", 0, too_much)).await.unwrap_err()),
        ["allocation_rule.targets[2].share", "allocation_rule.targets[2].share", "allocation_rule.targets"]
    );
    let unknown = vec![to("services/none", "0.4"), to("customers/none", "0.4")];
    assert_eq!(
        fields(&create_rule(&catalog, "x", rule("cloud", 0, unknown)).await.unwrap_err()),
        ["allocation_rule.targets[0].service", "allocation_rule.targets[1].customer"]
    );
    let planned = pb::Estimate { low: euro(2), likely: euro(1), high: None };
    let benefit = pb::Benefit {
        display_name: "Fewer calls".to_owned(),
        service: "services/email".to_owned(),
        start_date: day(1, 1),
        end_date: day(12, 31),
        planned: Some(planned.clone()),
        ..pb::Benefit::default()
    };
    let create = |benefit: pb::Benefit| pb::CreateBenefitRequest {
        benefit_id: "calls".to_owned(),
        benefit: Some(benefit),
        ..Default::default()
    };
    let refused = catalog.value().create_benefit(ann(create(benefit.clone()))).await.unwrap_err();
    assert_eq!(fields(&refused), ["benefit.planned.high", "benefit.planned.low"]);
    let planned = pb::Estimate { low: euro(0), high: euro(2), ..planned };
    let benefit = pb::Benefit { planned: Some(planned), ..benefit };
    let unknown = pb::Benefit { objective: "objectives/none".to_owned(), ..benefit.clone() };
    let refused = catalog.value().create_benefit(ann(create(unknown))).await.unwrap_err();
    assert_eq!(fields(&refused), ["benefit.objective"]);
    let made = catalog.value().create_benefit(ann(create(benefit))).await.unwrap().into_inner();
    assert_eq!(made.realised, None, "not recorded");
    let realised = pb::Benefit { realised: euro(0), ..made.clone() };
    let update = pb::UpdateBenefitRequest {
        benefit: Some(realised),
        update_mask: Some(mask(&["realised"])),
        ..Default::default()
    };
    let made = catalog.value().update_benefit(ann(update)).await.unwrap().into_inner();
    assert_eq!(made.realised, euro(0), "nothing was gained");

    create_rule(&catalog, "cloud", rule("cloud", 0, vec![to("services/network", "0.5"), to("customers/acme", "0.5")]))
        .await
        .unwrap();
    for name in ["services/email", "services/network"] {
        let delete = pb::DeleteServiceRequest { name: name.to_owned(), ..Default::default() };
        assert_eq!(reason(&catalog.portfolio().delete_service(ann(delete)).await.unwrap_err()), "REFERENCE_INVALID");
    }
    let delete = pb::DeleteCustomerRequest { name: "customers/acme".to_owned(), ..Default::default() };
    assert_eq!(reason(&catalog.agreements().delete_customer(ann(delete)).await.unwrap_err()), "REFERENCE_INVALID");
}

#[tokio::test]
async fn lists_of_value_are_filtered_by_their_fields() {
    let catalog = estate().await;
    create_budget(&catalog, "cloud", budget()).await.unwrap();
    let email = pb::Budget { pool: String::new(), service: "services/email".to_owned(), amount: euro(5), ..budget() };
    create_budget(&catalog, "email", email).await.unwrap();
    let names = async |filter: &str| -> Vec<String> {
        let request = pb::ListBudgetsRequest { filter: filter.to_owned(), ..Default::default() };
        let found = catalog.value().list_budgets(ann(request)).await.unwrap().into_inner();
        found.budgets.into_iter().map(|budget| budget.name).collect()
    };
    assert_eq!(names("service = \"services/email\"").await, ["budgets/email"]);
    assert_eq!(names("amount.minor_units > 5 AND end_date <= \"2026-12-31\"").await, ["budgets/cloud"]);
    create_rule(&catalog, "cloud", rule("cloud", 3, vec![to("services/network", "0.5")])).await.unwrap();
    let request = pb::ListAllocationRulesRequest {
        filter: "targets.service:\"services/network\" AND order = 3".to_owned(),
        ..Default::default()
    };
    let rules = catalog.value().list_allocation_rules(ann(request)).await.unwrap().into_inner().allocation_rules;
    assert_eq!(rules.len(), 1);
}
