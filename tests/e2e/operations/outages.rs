//! Outages of services.

use proto::common::v1 as common;
use proto::operations::v1::outage_service_client::OutageServiceClient;
use testkit::reason;
use tonic_types::StatusExt as _;

use super::*;

/// Operations with a service in the catalog.
async fn estate() -> (TestDatabase, OutageServiceClient<Channel>, Channel) {
    let database = TestDatabase::new().await;
    let at = config::Database::at(database.url());
    let catalog = Running::insecure(catalog::build(&at).await).await.channel().await;
    let service = proto::catalog::v1::Service {
        display_name: "E-mail".to_owned(),
        criticality: proto::catalog::v1::Criticality::High.into(),
        ..Default::default()
    };
    let request = proto::catalog::v1::CreateServiceRequest {
        service_id: "email".to_owned(),
        service: Some(service),
        ..Default::default()
    };
    let mut portfolio = proto::catalog::v1::portfolio_service_client::PortfolioServiceClient::new(catalog);
    portfolio.create_service(request).await.unwrap();
    let operations = Running::insecure(operations::build(&at).await).await.channel().await;
    (database, OutageServiceClient::new(operations.clone()), operations)
}

fn outage() -> pb::Outage {
    pb::Outage {
        display_name: "Mail is down".to_owned(),
        service: "services/email".to_owned(),
        start_time: Some(instant("2026-01-05T08:00:00Z")),
        impact: pb::OutageImpact::Down.into(),
        ..pb::Outage::default()
    }
}

fn create(id: &str, outage: pb::Outage) -> pb::CreateOutageRequest {
    pb::CreateOutageRequest { outage_id: id.to_owned(), outage: Some(outage), ..Default::default() }
}

#[tokio::test]
async fn an_outage_is_written_ended_and_found() {
    let (database, mut outages, _) = estate().await;
    let made = outages.create_outage(create("mail", outage())).await.unwrap().into_inner();
    let ended = pb::Outage { end_time: Some(instant("2026-01-05T10:00:00Z")), ..made.clone() };
    let mask = prost_types::FieldMask { paths: vec!["end_time".to_owned()] };
    let update = pb::UpdateOutageRequest { outage: Some(ended), update_mask: Some(mask), ..Default::default() };
    let ended = outages.update_outage(update.clone()).await.unwrap().into_inner();
    assert!(ended.end_time.is_some());
    assert_eq!(reason(&outages.update_outage(update).await.unwrap_err()), "ETAG_MISMATCH");
    let list = |filter: &str| pb::ListOutagesRequest { filter: filter.to_owned(), ..Default::default() };
    let found = outages.list_outages(list("service = \"services/email\" AND impact = DOWN AND planned = false")).await;
    assert_eq!(found.unwrap().into_inner().outages, [ended]);
    let open = outages.list_outages(list("NOT end_time:*")).await.unwrap().into_inner().outages;
    assert_eq!(open, []);
    let client = database.connect().await;
    let view = "SELECT count(*) FILTER (WHERE recorded_to IS NULL), count(*) FROM operations.report_v1_outages";
    let mut counted = (0_i64, 0_i64);
    // Facts are put in order a moment after they are committed.
    for _ in 0..100 {
        let row = client.query_one(view, &[]).await.unwrap();
        counted = (row.get(0), row.get(1));
        if counted.1 == 2 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(counted, (1, 2));
}

#[tokio::test]
async fn everything_wrong_with_an_outage_is_named() {
    let (_database, mut outages, _) = estate().await;
    let fields = |refused: &Status| -> Vec<String> {
        let found = refused.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
        found.into_iter().map(|violation| violation.field).collect()
    };
    let unknown =
        pb::Outage { service: "services/none".to_owned(), ticket: "tickets/INC-000009".to_owned(), ..outage() };
    let refused = outages.create_outage(create("a", unknown)).await.unwrap_err();
    assert_eq!(fields(&refused), ["outage.service", "outage.ticket"]);
    let share = Some(common::Decimal { value: "1.5".to_owned() });
    let wrong = pb::Outage {
        end_time: outage().start_time,
        impact: pb::OutageImpact::Degraded.into(),
        user_share: share,
        ..outage()
    };
    let refused = outages.create_outage(create("a", wrong)).await.unwrap_err();
    assert_eq!(fields(&refused), ["outage.end_time", "outage.weight", "outage.user_share"]);
}
