//! Who sees and does what.

use itsm::client::Channel;
use proto::journal::v1::Audience;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::Code;

use super::{Client, covered, incident};

const STAFF: &str = "staff-token-000001";
const CUSTOMER: &str = "customer-token-001";
const STRANGER: &str = "stranger-token-001";
const IMPORTER: &str = "importer-token-001";

struct Parties {
    staff: Client,
    customer: Client,
    stranger: Client,
    importer: Client,
}

async fn parties() -> Parties {
    let database = TestDatabase::new().await;
    let at = config::Database::at(database.url());
    let catalog = Running::insecure(catalog::build(&at).await).await;
    itsm::demo::overlay::add(&itsm::apply::Remote::default().reaching("catalog", catalog.channel().await))
        .await
        .unwrap();
    let folder = Scratch::new();
    let tokens = folder.join("tokens");
    let reader = "roles=tickets.reader,tickets.reporter";
    let callers = format!(
        "{STAFF} people/ann roles=*\n{CUSTOMER} people/eve customer=customers/log-organisation {reader}\n\
         {STRANGER} people/mallory customer=customers/other {reader},tickets.importer\n{IMPORTER} systems/pipe roles=tickets.importer\n"
    );
    std::fs::write(&tokens, callers).unwrap();
    let config = config::Server { tokens_file: Some(tokens), insecure: false, ..config::Server::insecure(0) };
    let running = Running::start(operations::build(&at).await, &config).await;
    let client = async |token: &str| -> TicketServiceClient<Channel> {
        TicketServiceClient::new(running.channel_of(token).await)
    };
    Parties {
        staff: client(STAFF).await,
        customer: client(CUSTOMER).await,
        stranger: client(STRANGER).await,
        importer: client(IMPORTER).await,
    }
}

fn create(ticket: pb::Ticket) -> pb::CreateTicketRequest {
    pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_its_own_tickets_and_nobody_elses() {
    let Parties { mut staff, mut customer, mut stranger, .. } = parties().await;
    let own = staff.create_ticket(create(covered("theirs", 2))).await.unwrap().into_inner();
    staff.create_ticket(create(incident("internal"))).await.unwrap();
    let get = pb::GetTicketRequest { name: own.name.clone(), ..Default::default() };
    assert_eq!(customer.get_ticket(get.clone()).await.unwrap().into_inner().name, own.name);
    let refusal = stranger.get_ticket(get).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::NotFound, "RESOURCE_NOT_FOUND"));
    let list = pb::ListTicketsRequest::default();
    assert_eq!(customer.list_tickets(list.clone()).await.unwrap().into_inner().tickets.len(), 1);
    assert_eq!(stranger.list_tickets(list.clone()).await.unwrap().into_inner().tickets.len(), 0);
    assert_eq!(staff.list_tickets(list).await.unwrap().into_inner().tickets.len(), 2);
    let count = pb::CountTicketsRequest::default();
    assert_eq!(customer.count_tickets(count).await.unwrap().into_inner().total_count, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_reads_and_writes_public_notes_only() {
    let Parties { mut staff, mut customer, .. } = parties().await;
    let ticket = staff.create_ticket(create(covered("noted", 2))).await.unwrap().into_inner().name;
    let add = |audience: Audience| {
        let note = pb::Note { audience: audience.into(), text: "a note".to_owned(), ..Default::default() };
        pb::AddNoteRequest { parent: ticket.clone(), note: Some(note), ..Default::default() }
    };
    staff.add_note(add(Audience::Internal)).await.unwrap();
    staff.add_note(add(Audience::Public)).await.unwrap();
    customer.add_note(add(Audience::Public)).await.unwrap();
    assert_eq!(reason(&customer.add_note(add(Audience::Internal)).await.unwrap_err()), "FIELD_INVALID");
    let list = pb::ListNotesRequest { parent: ticket.clone(), ..Default::default() };
    assert_eq!(customer.list_notes(list.clone()).await.unwrap().into_inner().notes.len(), 2);
    assert_eq!(staff.list_notes(list).await.unwrap().into_inner().notes.len(), 3);
    let facts = pb::ListFactsRequest { name: ticket, ..Default::default() };
    let facts = customer.list_facts(facts).await.unwrap().into_inner().facts;
    assert!(facts.iter().all(|fact| fact.audience() == Audience::Public && fact.kind != "ticket.governed.v1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customers_reply_resumes_what_waits_for_it() {
    let Parties { mut staff, mut customer, .. } = parties().await;
    let ticket = staff.create_ticket(create(covered("waiting", 2))).await.unwrap().into_inner().name;
    let fields = pb::TransitionFields { pending_reason: pb::PendingReason::Customer.into(), ..Default::default() };
    let hold = pb::TransitionTicketRequest { fields: Some(fields), ..super::step(&ticket, "hold") };
    staff.transition_ticket(hold).await.unwrap();
    let note = pb::Note { audience: Audience::Public.into(), text: "here it is".to_owned(), ..Default::default() };
    let reply = pb::AddNoteRequest { parent: ticket.clone(), note: Some(note), ..Default::default() };
    customer.add_note(reply).await.unwrap();
    let get = pb::GetTicketRequest { name: ticket, ..Default::default() };
    assert_eq!(staff.get_ticket(get).await.unwrap().into_inner().state, "in_progress");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_opens_tickets_for_itself_only() {
    let Parties { mut customer, .. } = parties().await;
    let opened = customer.create_ticket(create(incident("for us"))).await.unwrap().into_inner();
    assert_eq!(opened.customer, "customers/log-organisation");
    let foreign = pb::Ticket { customer: "customers/other".to_owned(), ..incident("for them") };
    let refusal = customer.create_ticket(create(foreign)).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::PermissionDenied, "CUSTOMER_FIXED"));
    let source = pb::Ticket { source_system: "x".to_owned(), source_id: "1".to_owned(), ..incident("probe") };
    assert_eq!(reason(&customer.create_ticket(create(source)).await.unwrap_err()), "FIELD_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_bound_to_a_customer_imports_nothing() {
    let Parties { mut stranger, .. } = parties().await;
    let request = pb::BatchImportTicketsRequest { requests: vec![pb::ImportTicketsRequest::default()] };
    assert_eq!(reason(&stranger.batch_import_tickets(request).await.unwrap_err()), "CUSTOMER_FIXED");
    let stream = tokio_stream::iter(Vec::new());
    assert_eq!(reason(&stranger.import_tickets(stream).await.unwrap_err()), "CUSTOMER_FIXED");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_asks_for_its_role() {
    let Parties { mut staff, mut customer, mut importer, .. } = parties().await;
    let ticket = staff.create_ticket(create(covered("roles", 2))).await.unwrap().into_inner().name;
    let refusal = customer.transition_ticket(super::step(&ticket, "start")).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"));
    let refusal = importer.list_tickets(pb::ListTicketsRequest::default()).await.unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
    let refusal = customer.get_import(pb::GetImportRequest { import_id: "a".to_owned() }).await.unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
    let refusal = importer.get_import(pb::GetImportRequest { import_id: "a".to_owned() }).await.unwrap_err();
    assert_eq!(refusal.code(), Code::NotFound);
}
