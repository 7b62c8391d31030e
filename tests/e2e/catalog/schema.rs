//! The schemas of the suite say what the domain says.

use domain::contract::{RenewalPolicy, SupplierCategory};
use domain::portfolio::{Criticality, ServiceState};

use super::*;

/// The values that a CHECK of a column lets in.
async fn allowed(database: &TestDatabase, table: &str, column: &str) -> Vec<String> {
    let query = "SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c \
                 JOIN pg_attribute a ON a.attrelid = c.conrelid AND c.conkey = ARRAY[a.attnum] \
                 WHERE c.contype = 'c' AND c.conrelid = $1::text::regclass AND a.attname = $2";
    let client = database.connect().await;
    let row = client.query_one(query, &[&table, &column]).await.unwrap();
    let definition: String = row.get(0);
    definition.split('\'').skip(1).step_by(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_column_with_a_choice_takes_exactly_the_values_of_the_domain() {
    let database = TestDatabase::new().await;
    let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    for (table, column, values) in [
        ("catalog.service", "service_state", names(&ServiceState::ALL.map(ServiceState::as_str))),
        ("catalog.service", "criticality", names(&Criticality::ALL.map(Criticality::as_str))),
        ("catalog.agreement", "kind", names(&domain::agreement::Kind::ALL.map(domain::agreement::Kind::as_str))),
        ("supplier.supplier", "category", names(&SupplierCategory::ALL.map(SupplierCategory::as_str))),
        ("supplier.contract", "renewal_policy", names(&RenewalPolicy::ALL.map(RenewalPolicy::as_str))),
    ] {
        assert_eq!(allowed(&database, table, column).await, values, "{table}.{column}");
    }
}

#[tokio::test]
async fn every_column_called_a_state_has_a_check_and_every_foreign_key_an_index() {
    let database = TestDatabase::new().await;
    let client = database.connect().await;
    let unchecked = client
        .query(
            "SELECT a.attrelid::regclass::text || '.' || a.attname FROM pg_attribute a \
             JOIN pg_class r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p') AND NOT r.relispartition \
             JOIN pg_namespace n ON n.oid = r.relnamespace AND n.nspname IN ('catalog', 'operations', 'supplier') \
             WHERE a.attname LIKE '%\\_state' AND NOT EXISTS (SELECT FROM pg_constraint c \
                 WHERE c.conrelid = a.attrelid AND c.contype = 'c' AND a.attnum = ANY(c.conkey))",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(unchecked.iter().map(|row| row.get(0)).collect::<Vec<String>>(), Vec::<String>::new());
    let unindexed = client
        .query(
            "SELECT c.conrelid::regclass::text || ' ' || c.conname FROM pg_constraint c \
             WHERE c.contype = 'f' AND c.conparentid = 0 AND NOT EXISTS (SELECT FROM pg_index i \
                 WHERE i.indrelid = c.conrelid AND (i.indkey::smallint[])[0:cardinality(c.conkey) - 1] @> c.conkey)",
            &[],
        )
        .await
        .unwrap();
    assert_eq!(unindexed.iter().map(|row| row.get(0)).collect::<Vec<String>>(), Vec::<String>::new());
}
