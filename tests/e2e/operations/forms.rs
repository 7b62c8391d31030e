//! Requests with forms: bad schemas are refused where they are written, bad answers where they are given.

use proto::catalog::v1 as catalog_pb;
use proto::catalog::v1::portfolio_service_client::PortfolioServiceClient;
use serde_json::{Value, json};
use servicekit::config;
use servicekit::wire::json_struct;
use testkit::{Running, TestDatabase};

use super::{Channel, Operations, TicketServiceClient, pb, violations};

struct Shop {
    operations: Operations,
    portfolio: PortfolioServiceClient<Channel>,
}

impl Shop {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let catalog = Running::insecure(catalog::build(&at).await).await;
        let mut portfolio = PortfolioServiceClient::new(catalog.channel().await);
        let service = catalog_pb::Service {
            display_name: "Workplace".to_owned(),
            criticality: catalog_pb::Criticality::Low.into(),
            ..Default::default()
        };
        let create = catalog_pb::CreateServiceRequest {
            service_id: "workplace".to_owned(),
            service: Some(service),
            ..Default::default()
        };
        portfolio.create_service(create).await.unwrap();
        let operations = Running::insecure(operations::build(&at).await).await;
        let client = TicketServiceClient::new(operations.channel().await);
        Self { operations: Operations { database, client }, portfolio }
    }

    async fn offer(&self, id: &str, form: Value) -> Result<(), tonic::Status> {
        let offering = catalog_pb::Offering {
            display_name: id.to_owned(),
            request_form: Some(json_struct(form)),
            ..Default::default()
        };
        let create = catalog_pb::CreateOfferingRequest {
            parent: "services/workplace".to_owned(),
            offering_id: id.to_owned(),
            offering: Some(offering),
            ..Default::default()
        };
        self.portfolio.clone().create_offering(create).await.map(drop)
    }
}

fn order(offering: &str, answers: Option<Value>) -> pb::Ticket {
    let details = answers
        .map(|answers| pb::ticket::Details::Request(pb::RequestDetails { form_answers: Some(json_struct(answers)) }));
    pb::Ticket {
        process: "processes/service-request".to_owned(),
        title: "please".to_owned(),
        offering: format!("services/workplace/offerings/{offering}"),
        details,
        ..Default::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_are_judged_by_the_form_of_the_offering() {
    let shop = Shop::new().await;
    let form = json!({
        "type": "object",
        "properties": {
            "model": {"enum": ["light", "strong"]},
            "seats": {"type": "integer", "minimum": 1},
            "users": {"type": "array", "items": {"type": "object", "required": ["name"]}},
        },
        "required": ["model", "seats"],
        "additionalProperties": false,
    });
    shop.offer("laptop", form).await.unwrap();
    let wrong = json!({"model": "huge", "users": [{"name": "eve"}, {}]});
    let mut fields = violations(&shop.operations.open(order("laptop", Some(wrong))).await.unwrap_err());
    fields.sort();
    let path = |field: &str| format!("ticket.request.form_answers.{field}");
    assert_eq!(fields, [path("model"), path("seats"), path("users[1].name")]);
    let nothing = violations(&shop.operations.open(order("laptop", None)).await.unwrap_err());
    assert_eq!(nothing, [path("model"), path("seats")]);
    let good = json!({"model": "light", "seats": 2});
    let ticket = shop.operations.open(order("laptop", Some(good))).await.unwrap();

    // What is answered anew is judged anew; what is not is left alone.
    let update = |details: Option<Value>, path: &str| {
        let ticket = pb::Ticket { name: ticket.name.clone(), ..order("laptop", details) };
        let update_mask = Some(prost_types::FieldMask { paths: vec![path.to_owned()] });
        pb::UpdateTicketRequest { ticket: Some(ticket), update_mask, ..Default::default() }
    };
    let mut client = shop.operations.client();
    let worse = client.update_ticket(update(Some(json!({"model": "light", "seats": 0})), "request")).await;
    assert_eq!(violations(&worse.unwrap_err()), [path("seats")]);
    client.update_ticket(update(Some(json!({"model": "strong", "seats": 3})), "request")).await.unwrap();
    client.update_ticket(update(None, "title")).await.unwrap();
    super::replay_agrees(&shop.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_is_no_schema_is_refused_where_it_is_written() {
    let shop = Shop::new().await;
    for (form, field) in [
        (json!({"type": "array"}), "offering.request_form.type"),
        (json!({"properties": {"a": {"type": "text"}}}), "offering.request_form.properties.a.type"),
        (json!({"properties": {"a": {"$ref": "https://example.com/a"}}}), "offering.request_form.properties.a.$ref"),
        (json!({"description": "x".repeat(70_000)}), "offering.request_form"),
    ] {
        assert_eq!(violations(&shop.offer("bad", form).await.unwrap_err()), [field]);
    }
}
