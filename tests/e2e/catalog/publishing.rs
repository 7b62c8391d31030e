//! What the catalog lets the other services and the reports read.

use super::*;

/// Rows of a query as the role of that name beside the service's own: what that role may read.
pub(super) async fn read_as(catalog: &Catalog, role: &str, query: &str) -> Result<usize, String> {
    let client = catalog.database.connect().await;
    let own: String = client.query_one("SELECT role_name FROM catalog.server_secret", &[]).await.unwrap().get(0);
    let prefix = own.strip_suffix("_catalog").unwrap();
    client.batch_execute(&format!("SET ROLE \"{prefix}_{role}\"")).await.unwrap();
    let rows = client.query(query, &[]).await;
    rows.map(|rows| rows.len()).map_err(|error| error.as_db_error().unwrap().message().to_owned())
}

#[tokio::test]
async fn others_read_what_is_published_and_nothing_else() {
    let catalog = Catalog::new().await;
    catalog.service("email", service("E-mail")).await;
    for (view, rows) in [
        ("processes", 4),
        ("calendars", 0),
        ("agreements", 0),
        ("services", 1),
        ("offerings", 0),
        ("customers", 0),
        ("role_assignments", 0),
        ("responsibilities", domain::governance::shipped().responsibilities.len()),
        ("version", 1),
    ] {
        let query = format!("SELECT * FROM catalog.published_{view}_v1");
        assert_eq!(read_as(&catalog, "published", &query).await, Ok(rows), "{view}");
    }
    for table in ["service", "process_revision", "journal", "report_v1_services", "cost_entry"] {
        let query = format!("SELECT * FROM catalog.{table}");
        let refused = read_as(&catalog, "published", &query).await.unwrap_err();
        assert!(refused.starts_with("permission denied"), "{table}: {refused}");
    }
}

#[tokio::test]
async fn a_published_definition_is_the_domains_own() {
    let catalog = Catalog::new().await;
    let email = pb::Service { owner: "people/ann".to_owned(), ..service("E-mail") };
    catalog.service("email", email).await;
    let client = catalog.database.connect().await;
    let row = client.query_one("SELECT definition::text FROM catalog.published_services_v1", &[]).await.unwrap();
    let read: domain::portfolio::Service = serde_json::from_str(row.get(0)).unwrap();
    assert_eq!((read.owner.as_str(), read.criticality), ("people/ann", domain::portfolio::Criticality::Medium));
    let query = "SELECT definition::text FROM catalog.published_processes_v1";
    for row in client.query(query, &[]).await.unwrap() {
        let read: domain::process::Process = serde_json::from_str(row.get(0)).unwrap();
        assert!(domain::process::shipped().contains(&read));
    }
}

#[tokio::test]
async fn the_version_rises_with_every_change_and_with_nothing_else() {
    let catalog = Catalog::new().await;
    let version = "SELECT version FROM published_version_v1";
    let first = catalog.number(version).await;
    catalog.service("email", service("E-mail")).await;
    let second = catalog.number(version).await;
    assert!(second > first);
    let sequenced = "SELECT count(*) FROM journal_pending";
    while catalog.number(sequenced).await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(catalog.number(version).await, second, "putting facts in order is no change");
}

#[tokio::test]
async fn reports_read_every_state_with_the_time_for_which_it_was_the_last() {
    let catalog = Catalog::new().await;
    let mut portfolio = catalog.portfolio();
    catalog.service("email", service("E-mail")).await;
    let renamed = pb::Service { name: "services/email".to_owned(), ..service("Mail") };
    portfolio
        .update_service(ann(pb::UpdateServiceRequest { service: Some(renamed), ..Default::default() }))
        .await
        .unwrap();
    let delete = pb::DeleteServiceRequest { name: "services/email".to_owned(), ..Default::default() };
    portfolio.delete_service(ann(delete)).await.unwrap();
    while catalog.number("SELECT pending FROM report_v1_horizon").await > 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let client = catalog.database.connect().await;
    let query = "SELECT body ->> 'display_name', recorded_from = lag(recorded_to) OVER (ORDER BY recorded_from), \
                 recorded_to IS NOT NULL FROM catalog.report_v1_services ORDER BY recorded_from, recorded_to";
    let rows = client.query(query, &[]).await.unwrap();
    let states: Vec<(String, Option<bool>, bool)> =
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    assert_eq!(states, [("E-mail".to_owned(), None, true), ("Mail".to_owned(), Some(true), true)]);
    assert_eq!(read_as(&catalog, "reporting", "SELECT * FROM catalog.report_v1_processes").await, Ok(4));
    assert!(read_as(&catalog, "reporting", "SELECT * FROM catalog.service").await.is_err());
}
