//! The cost ledger and its import.

use domain::amount::Decimal;
use futures::stream;
use proto::common::v1 as common;

use super::*;

fn row(sequence: i64, source_id: &str, value: &str) -> pb::ImportCostsRequest {
    let instant = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let value = Some(common::Decimal { value: value.to_owned() });
    let cost_entry = pb::CostEntry {
        start_time: instant(1_700_000_000),
        end_time: instant(1_700_003_600),
        billed_cost: Some(common::Amount { currency_code: "USD".to_owned(), value }),
        source: "bill.csv".to_owned(),
        source_id: source_id.to_owned(),
        ..pb::CostEntry::default()
    };
    pb::ImportCostsRequest { import_id: "bill".to_owned(), sequence, cost_entry: Some(cost_entry) }
}

async fn import(catalog: &Catalog, rows: Vec<pb::ImportCostsRequest>) -> Result<Vec<pb::ImportCostsResponse>, Status> {
    let mut answers = catalog.value().import_costs(ann(stream::iter(rows))).await?.into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await? {
        all.push(answer);
    }
    Ok(all)
}

fn counts(answers: &[pb::ImportCostsResponse]) -> Vec<(i64, i64, i64, usize)> {
    let of = |answer: &pb::ImportCostsResponse| {
        (answer.committed_through, answer.created_count, answer.unchanged_count, answer.failures.len())
    };
    answers.iter().map(of).collect()
}

#[tokio::test]
async fn a_bill_imported_twice_changes_nothing_and_keeps_every_digit() {
    let catalog = Catalog::new().await;
    let bill: Vec<_> = (1..=1_201).map(|number| row(number, &number.to_string(), "0.00000080001")).collect();
    let first = import(&catalog, bill.clone()).await.unwrap();
    assert_eq!(counts(&first), [(500, 500, 0, 0), (1_000, 500, 0, 0), (1_201, 201, 0, 0)]);
    let facts = catalog.facts().await;
    let again = import(&catalog, bill).await.unwrap();
    assert_eq!(counts(&again), [(500, 0, 500, 0), (1_000, 0, 500, 0), (1_201, 0, 201, 0)]);
    assert_eq!(catalog.facts().await, facts);
    let client = catalog.database.connect().await;
    let total = client.query_one("SELECT sum(billed_cost)::text FROM catalog.cost_entry", &[]).await.unwrap();
    let total = Decimal::parse(total.get::<_, &str>(0)).unwrap();
    assert_eq!(total.to_string(), "0.00096081201");
}

#[tokio::test]
async fn a_row_is_the_same_row_whatever_people_did_with_its_entry_since() {
    let catalog = Catalog::new().await;
    catalog.service("email", service("E-mail")).await;
    let bill: Vec<_> = (1..=3).map(|number| row(number, &number.to_string(), "1")).collect();
    import(&catalog, bill.clone()).await.unwrap();
    let list = ann(pb::ListCostEntriesRequest { filter: "source_id < \"3\"".to_owned(), ..Default::default() });
    let entries = catalog.value().list_cost_entries(list).await.unwrap().into_inner().cost_entries;
    let allocated = pb::CostEntry { service: "services/email".to_owned(), ..entries[0].clone() };
    let update = pb::UpdateCostEntryRequest { cost_entry: Some(allocated), ..Default::default() };
    let allocated = catalog.value().update_cost_entry(ann(update)).await.unwrap().into_inner();
    let delete = pb::DeleteCostEntryRequest { name: entries[1].name.clone(), ..Default::default() };
    catalog.value().delete_cost_entry(ann(delete)).await.unwrap();

    assert_eq!(counts(&import(&catalog, bill).await.unwrap()), [(3, 0, 3, 0)]);
    let get = |name: &str| ann(pb::GetCostEntryRequest { name: name.to_owned() });
    let still = catalog.value().get_cost_entry(get(&entries[0].name)).await.unwrap().into_inner();
    assert_eq!(still, allocated);
    let deleted = catalog.value().get_cost_entry(get(&entries[1].name)).await.unwrap().into_inner();
    assert!(deleted.delete_time.is_some(), "an import brings nothing back");
    let used = pb::DeleteServiceRequest { name: "services/email".to_owned(), ..Default::default() };
    assert_eq!(reason(&catalog.portfolio().delete_service(ann(used)).await.unwrap_err()), "REFERENCE_INVALID");
}

#[tokio::test]
async fn a_row_that_cannot_be_taken_is_reported_and_stops_nothing() {
    let catalog = Catalog::new().await;
    import(&catalog, vec![row(1, "1", "1")]).await.unwrap();
    let mut rows: Vec<_> = (1..=70).map(|number| row(number, &number.to_string(), "1")).collect();
    let entry = |row: &mut pb::ImportCostsRequest| row.cost_entry.clone().unwrap();
    rows[0] = row(1, "1", "2");
    rows[1].cost_entry = Some(pb::CostEntry { service: "services/none".to_owned(), ..entry(&mut rows[1]) });
    rows[2].cost_entry = Some(pb::CostEntry { source: String::new(), source_id: String::new(), ..entry(&mut rows[2]) });
    rows[3].cost_entry = Some(pb::CostEntry { end_time: None, pool: "a\nb".to_owned(), ..entry(&mut rows[3]) });
    rows[4].cost_entry = None;
    rows[5] = row(6, "7", "1");
    rows[7] = row(8, "7", "3");
    let answers = import(&catalog, rows).await.unwrap();
    assert_eq!(counts(&answers), [(70, 63, 1, 7)], "row 7 is row 6 again");
    let failures: Vec<_> = answers[0]
        .failures
        .iter()
        .map(|failure| (failure.sequence, failure.reason.as_str(), failure.field.as_str()))
        .collect();
    assert_eq!(
        failures,
        [
            (1, "SOURCE_ID_CONFLICT", "source_id"),
            (2, "ROW_INVALID", "cost_entry.service"),
            (3, "ROW_INVALID", "cost_entry.source"),
            (4, "ROW_INVALID", "cost_entry.end_time"),
            (4, "ROW_INVALID", "cost_entry.pool"),
            (5, "ROW_INVALID", "cost_entry"),
            (8, "SOURCE_ID_CONFLICT", "source_id"),
        ]
    );
}

#[tokio::test]
async fn rows_come_in_order_under_one_import_and_an_empty_import_is_answered() {
    let catalog = Catalog::new().await;
    assert_eq!(counts(&import(&catalog, Vec::new()).await.unwrap()), [(0, 0, 0, 0)]);
    let backwards = import(&catalog, vec![row(2, "a", "1"), row(1, "b", "1")]).await.unwrap_err();
    assert_eq!(fields(&backwards), ["sequence"]);
    let other = pb::ImportCostsRequest { import_id: "other".to_owned(), ..row(2, "b", "1") };
    assert_eq!(fields(&import(&catalog, vec![row(1, "a", "1"), other]).await.unwrap_err()), ["import_id"]);
    assert_eq!(catalog.number("SELECT count(*) FROM cost_entry").await, 0);
}

#[tokio::test]
async fn two_imports_of_one_bill_at_once_bring_each_row_in_once() {
    let catalog = Catalog::new().await;
    let bill: Vec<_> = (1..=600).map(|number| row(number, &number.to_string(), "1")).collect();
    let (one, two) = tokio::join!(import(&catalog, bill.clone()), import(&catalog, bill));
    let answers: Vec<_> = [one.unwrap(), two.unwrap()].concat();
    let sum = |of: fn(&pb::ImportCostsResponse) -> i64| answers.iter().map(of).sum::<i64>();
    assert_eq!((sum(|answer| answer.created_count), sum(|answer| answer.unchanged_count)), (600, 600));
    assert!(answers.iter().all(|answer| answer.failures.is_empty()));
}
