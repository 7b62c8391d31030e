//! Services, offerings and customers: the conventions that every resource of the catalog keeps.

use domain::filter::{self, Content, Context, Field, Kind, Schema, Value};

use super::*;

const REQUEST: &str = "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11";

fn create(id: &str, request_id: &str) -> Request<pb::CreateServiceRequest> {
    ann(pb::CreateServiceRequest {
        service_id: id.to_owned(),
        service: Some(service(id)),
        request_id: request_id.to_owned(),
        validate_only: false,
    })
}

#[tokio::test]
async fn a_repeated_request_is_answered_again_and_another_one_under_its_id_is_refused() {
    let catalog = Catalog::new().await;
    let before = catalog.facts().await;
    let first = catalog.portfolio().create_service(create("email", REQUEST)).await.unwrap().into_inner();
    let again = catalog.portfolio().create_service(create("email", REQUEST)).await.unwrap().into_inner();
    assert_eq!(again, first);
    assert_eq!(catalog.facts().await, before + 1);
    let other = catalog.portfolio().create_service(create("network", REQUEST)).await.unwrap_err();
    assert_eq!((other.code(), reason(&other).as_str()), (Code::FailedPrecondition, "REQUEST_ID_REUSED"));
    let taken = catalog.portfolio().create_service(create("email", "")).await.unwrap_err();
    assert_eq!((taken.code(), reason(&taken).as_str()), (Code::AlreadyExists, "RESOURCE_EXISTS"));
}

#[tokio::test]
async fn a_request_that_only_validates_records_nothing() {
    let catalog = Catalog::new().await;
    let before = catalog.facts().await;
    let mut request = create("email", REQUEST);
    request.get_mut().validate_only = true;
    let answer = catalog.portfolio().create_service(request).await.unwrap().into_inner();
    assert_eq!(answer.name, "services/email");
    assert_eq!(catalog.facts().await, before);
    assert_eq!(catalog.number("SELECT count(*) FROM idempotency WHERE method LIKE '%/CreateService'").await, 0);
    catalog.portfolio().create_service(create("email", REQUEST)).await.unwrap();
}

#[tokio::test]
async fn what_was_read_is_written_back_without_a_change_and_an_old_etag_is_refused() {
    let catalog = Catalog::new().await;
    let read = catalog.service("email", service("E-mail")).await;
    let update = |service: pb::Service, paths: &[&str]| {
        ann(pb::UpdateServiceRequest {
            service: Some(service),
            update_mask: Some(mask(paths)),
            ..pb::UpdateServiceRequest::default()
        })
    };
    let mut portfolio = catalog.portfolio();
    for paths in [&["*"][..], &[], &["display_name", "criticality"]] {
        assert_eq!(
            portfolio.update_service(update(read.clone(), paths)).await.unwrap().into_inner(),
            read,
            "{paths:?}"
        );
    }
    let renamed = pb::Service { display_name: "Mail".to_owned(), line: "ignored".to_owned(), ..read.clone() };
    let written = portfolio.update_service(update(renamed.clone(), &["display_name"])).await.unwrap().into_inner();
    assert_eq!((written.display_name.as_str(), written.line.as_str()), ("Mail", ""));
    let stale = portfolio.update_service(update(renamed, &["line"])).await.unwrap_err();
    assert_eq!((stale.code(), reason(&stale).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let unknown = portfolio.update_service(update(written, &["colour"])).await.unwrap_err();
    assert_eq!((unknown.code(), fields(&unknown)), (Code::InvalidArgument, vec!["update_mask".to_owned()]));
}

#[tokio::test]
async fn everything_wrong_with_a_request_is_said_at_once() {
    let catalog = Catalog::new().await;
    let request = ann(pb::CreateServiceRequest {
        service_id: "E Mail".to_owned(),
        service: Some(pb::Service { owner: "ann".to_owned(), ..pb::Service::default() }),
        ..pb::CreateServiceRequest::default()
    });
    let refused = catalog.portfolio().create_service(request).await.unwrap_err();
    assert_eq!(fields(&refused), ["service_id", "service.criticality", "service.display_name", "service.owner"]);
    assert_eq!(reason(&refused), "FIELD_INVALID");
}

#[tokio::test]
async fn a_service_goes_live_with_an_owner_and_its_state_is_no_field_to_write() {
    let catalog = Catalog::new().await;
    let mut portfolio = catalog.portfolio();
    catalog.service("email", service("E-mail")).await;
    let activate = || ann(pb::ActivateServiceRequest { name: "services/email".to_owned(), ..Default::default() });
    let orphan = portfolio.activate_service(activate()).await.unwrap_err();
    assert_eq!((orphan.code(), reason(&orphan).as_str()), (Code::FailedPrecondition, "OWNER_MISSING"));
    let owned = pb::Service {
        name: "services/email".to_owned(),
        owner: "people/ann".to_owned(),
        state: pb::ServiceState::Retired.into(),
        ..pb::Service::default()
    };
    let request = pb::UpdateServiceRequest { service: Some(owned), ..Default::default() };
    let updated = portfolio.update_service(ann(request)).await.unwrap().into_inner();
    assert_eq!(updated.state(), pb::ServiceState::Pipeline);
    let live = portfolio.activate_service(activate()).await.unwrap().into_inner();
    assert_eq!(live.state(), pb::ServiceState::Live);
    let twice = portfolio.activate_service(activate()).await.unwrap_err();
    assert_eq!(reason(&twice), "SERVICE_STATE_WRONG");
    let retire = pb::RetireServiceRequest { name: "services/email".to_owned(), ..Default::default() };
    assert_eq!(portfolio.retire_service(ann(retire)).await.unwrap().get_ref().state(), pb::ServiceState::Retired);
}

#[tokio::test]
async fn what_others_use_is_not_deleted_and_what_is_deleted_stays_readable() {
    let catalog = Catalog::new().await;
    let mut portfolio = catalog.portfolio();
    catalog.service("network", service("Network")).await;
    let email = pb::Service { depends_on: vec!["services/network".to_owned()], ..service("E-mail") };
    catalog.service("email", email).await;
    let delete = |name: &str| ann(pb::DeleteServiceRequest { name: name.to_owned(), ..Default::default() });
    let used = portfolio.delete_service(delete("services/network")).await.unwrap_err();
    assert_eq!((used.code(), reason(&used).as_str()), (Code::FailedPrecondition, "REFERENCE_INVALID"));
    assert!(used.message().contains("services/email"), "{}", used.message());
    portfolio.delete_service(delete("services/email")).await.unwrap();
    portfolio.delete_service(delete("services/network")).await.unwrap();
    let read = portfolio.get_service(ann(pb::GetServiceRequest { name: "services/email".to_owned() })).await;
    assert!(read.unwrap().get_ref().delete_time.is_some());
    let list = |show_deleted| ann(pb::ListServicesRequest { show_deleted, ..Default::default() });
    assert!(portfolio.list_services(list(false)).await.unwrap().get_ref().services.is_empty());
    assert_eq!(portfolio.list_services(list(true)).await.unwrap().get_ref().services.len(), 2);
}

#[tokio::test]
async fn offerings_belong_to_a_service_and_are_listed_across_all() {
    let catalog = Catalog::new().await;
    let mut portfolio = catalog.portfolio();
    let offering = |parent: &str, process: &str| {
        ann(pb::CreateOfferingRequest {
            parent: parent.to_owned(),
            offering_id: "new".to_owned(),
            offering: Some(pb::Offering {
                display_name: "New".to_owned(),
                fulfilment_process: process.to_owned(),
                ..pb::Offering::default()
            }),
            ..pb::CreateOfferingRequest::default()
        })
    };
    let orphan = portfolio.create_offering(offering("services/none", "processes/none")).await.unwrap_err();
    assert_eq!(fields(&orphan), ["parent", "offering.fulfilment_process"]);
    for id in ["email", "network"] {
        catalog.service(id, service(id)).await;
        portfolio.create_offering(offering(&format!("services/{id}"), "processes/service-request")).await.unwrap();
    }
    let list = |parent: &str| ann(pb::ListOfferingsRequest { parent: parent.to_owned(), ..Default::default() });
    assert_eq!(portfolio.list_offerings(list("services/-")).await.unwrap().get_ref().offerings.len(), 2);
    let one = portfolio.list_offerings(list("services/email")).await.unwrap().into_inner().offerings;
    assert_eq!(one.iter().map(|offering| offering.name.as_str()).collect::<Vec<_>>(), ["services/email/offerings/new"]);
    assert_eq!(fields(&portfolio.list_offerings(list("email")).await.unwrap_err()), ["parent"]);
}

#[tokio::test]
async fn no_customer_becomes_its_own_ancestor_even_when_two_move_at_once() {
    let catalog = Catalog::new().await;
    let under = |id: String, parent: String| {
        let (name, parent) = (format!("customers/{id}"), format!("customers/{parent}"));
        let customer = pb::Customer { name, parent, ..pb::Customer::default() };
        let request = pb::UpdateCustomerRequest { customer: Some(customer), ..Default::default() };
        let mut agreements = catalog.agreements();
        async move { agreements.update_customer(ann(request)).await }
    };
    for round in 0..8 {
        for id in ["a", "b"] {
            catalog.customer(&format!("{id}-{round}"), "").await.unwrap();
            catalog.customer(&format!("{id}-{round}-part"), &format!("customers/{id}-{round}")).await.unwrap();
        }
        let (one, two) = tokio::join!(
            under(format!("a-{round}"), format!("b-{round}-part")),
            under(format!("b-{round}"), format!("a-{round}-part"))
        );
        let refused = [one.err(), two.err()].into_iter().flatten().collect::<Vec<_>>();
        assert_eq!(refused.len(), 1, "the second of the two would close a circle");
        assert_eq!(fields(&refused[0]), ["customer.parent"]);
    }
}

#[tokio::test]
async fn a_caller_bound_to_a_customer_sees_that_one_and_no_promises_to_others() {
    let catalog = Catalog::new().await;
    for id in ["acme", "other"] {
        catalog.customer(id, "").await.unwrap();
    }
    let mut agreements = catalog.agreements();
    let listed = agreements.list_customers(by(ACME, pb::ListCustomersRequest::default())).await.unwrap().into_inner();
    assert_eq!(listed.customers.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["customers/acme"]);
    let foreign = pb::GetCustomerRequest { name: "customers/other".to_owned() };
    assert_eq!(agreements.get_customer(by(ACME, foreign)).await.unwrap_err().code(), Code::NotFound);
    let refused = agreements.list_agreements(by(ACME, pb::ListAgreementsRequest::default())).await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"));
}

#[tokio::test]
async fn reading_the_portfolio_takes_a_token_and_writing_it_a_role() {
    let catalog = Catalog::new().await;
    let mut portfolio = catalog.portfolio();
    portfolio.list_services(by(READER, pb::ListServicesRequest::default())).await.unwrap();
    let nobody = portfolio.list_services(pb::ListServicesRequest::default()).await.unwrap_err();
    assert_eq!(nobody.code(), Code::Unauthenticated);
    // Whoever may not write is not told what is wrong with the request.
    let refused = portfolio.create_service(by(READER, pb::CreateServiceRequest::default())).await.unwrap_err();
    assert_eq!((refused.code(), fields(&refused)), (Code::PermissionDenied, vec![]));
}

async fn names(catalog: &Catalog, page_size: i32, filter: &str, order_by: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = pb::ListServicesRequest {
            page_size,
            page_token,
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            show_deleted: false,
        };
        let page = catalog.portfolio().list_services(ann(request)).await.unwrap().into_inner();
        names.extend(page.services.into_iter().map(|service| service.name));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return names;
        }
    }
}

#[tokio::test]
async fn pages_of_any_size_agree_and_filters_select_what_the_evaluator_does() {
    let catalog = Catalog::new().await;
    let lines = ["", "workplace", "network"];
    let mut known: BTreeMap<String, pb::Service> = BTreeMap::new();
    for number in 0..23_usize {
        let one = pb::Service {
            line: lines[number % 3].to_owned(),
            owner: if number % 4 == 0 { "people/ann".to_owned() } else { String::new() },
            criticality: i32::try_from(number % 4).unwrap() + 1,
            depends_on: if number > 20 { vec!["services/s-0".to_owned()] } else { Vec::new() },
            illustrative: number % 2 == 0,
            ..service(&format!("Service {}", number % 5))
        };
        let one = catalog.service(&format!("s-{number}"), one).await;
        known.insert(one.name.clone(), one);
    }
    for order in ["", "display_name desc", "line, display_name"] {
        let whole = names(&catalog, 1000, "", order).await;
        assert_eq!(whole.len(), 23);
        for size in [1, 2, 7, 50] {
            assert_eq!(names(&catalog, size, "", order).await, whole, "pages of {size} by {order}");
        }
    }
    let schema = Schema::new([
        Field::new("name", Kind::String, ""),
        Field::new("line", Kind::String, ""),
        Field::new("owner", Kind::String, ""),
        Field::choice("criticality", &["LOW", "MEDIUM", "HIGH", "CRITICAL"], ""),
        Field::new("depends_on", Kind::StringList, ""),
        Field::new("illustrative", Kind::Bool, ""),
    ]);
    let text = |text: &str| match text {
        "" => Content::Unset,
        text => Content::One(Value::String(text.to_owned())),
    };
    for wanted in [
        "line = workplace",
        "line != workplace",
        "NOT line = workplace",
        "NOT line:* OR owner:*",
        "criticality = HIGH AND illustrative = true",
        "depends_on:\"services/s-0\"",
        "name = \"services/s-1*\" AND -owner = \"people/ann\"",
        "line > n",
    ] {
        let context = Context { now: jiff::Timestamp::UNIX_EPOCH, me: None };
        let typed = filter::compile(wanted, &schema, &context).unwrap();
        let expected: Vec<&String> = known
            .iter()
            .filter(|(name, service)| {
                filter::eval(&typed, &|field| match field {
                    0 => text(name),
                    1 => text(&service.line),
                    2 => text(&service.owner),
                    3 => text(service.criticality().as_str_name().trim_start_matches("CRITICALITY_")),
                    4 => Content::Many(service.depends_on.clone()),
                    _ => Content::One(Value::Bool(service.illustrative)),
                })
            })
            .map(|(name, _)| name)
            .collect();
        let found = names(&catalog, 7, wanted, "").await;
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{wanted}");
    }
}
