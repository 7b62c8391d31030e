//! Suppliers and contracts through the gRPC surface, as a client sees them.

use std::collections::BTreeSet;

use itsm::client::Channel;
use jiff::ToSpan as _;
use jiff::civil::{self, Date};
use prost_types::FieldMask;
use proto::common::v1 as common;
use proto::supplier::v1 as pb;
use proto::supplier::v1::supplier_service_client::SupplierServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::Code;
use uuid::Uuid;

type Client = SupplierServiceClient<Channel>;

async fn service() -> (TestDatabase, Client) {
    let database = TestDatabase::new().await;
    let running = Running::insecure(supplier::build(&config::Database::at(database.url())).await).await;
    let client = SupplierServiceClient::new(running.channel().await);
    (database, client)
}

fn supplier(display_name: &str) -> pb::Supplier {
    pb::Supplier { display_name: display_name.to_owned(), ..pb::Supplier::default() }
}

fn new_supplier(id: &str) -> pb::CreateSupplierRequest {
    pb::CreateSupplierRequest {
        supplier_id: id.to_owned(),
        supplier: Some(supplier(&format!("Supplier {id}"))),
        ..pb::CreateSupplierRequest::default()
    }
}

fn new_contract(id: &str, supplier: &str) -> pb::CreateContractRequest {
    let contract = pb::Contract {
        display_name: format!("Contract {id}"),
        supplier: format!("suppliers/{supplier}"),
        ..pb::Contract::default()
    };
    pb::CreateContractRequest { contract_id: id.to_owned(), contract: Some(contract), ..Default::default() }
}

/// A row of a register with its place in it; the place makes title and reference.
fn row(sequence: i64, suppliers: &[&str]) -> pb::ImportContractsRequest {
    let contract = pb::Contract {
        display_name: format!("Contract {sequence}"),
        reference: format!("R{sequence}"),
        committed_amount: Some(common::Money { currency_code: "AUD".to_owned(), minor_units: 100 * sequence }),
        source: "register.csv".to_owned(),
        source_id: sequence.to_string(),
        ..pb::Contract::default()
    };
    pb::ImportContractsRequest {
        import_id: "test".to_owned(),
        sequence,
        contract: Some(contract),
        supplier_display_names: suppliers.iter().map(|name| (*name).to_owned()).collect(),
    }
}

async fn import(client: &mut Client, rows: Vec<pb::ImportContractsRequest>) -> Vec<pb::ImportContractsResponse> {
    let mut answers = client.import_contracts(tokio_stream::iter(rows)).await.unwrap().into_inner();
    let mut all = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        all.push(answer);
    }
    all
}

/// Created, unchanged and reasons of failures, over a whole import.
async fn imported(client: &mut Client, rows: Vec<pb::ImportContractsRequest>) -> (i64, i64, Vec<String>) {
    let answers = import(client, rows).await;
    let failures = answers.iter().flat_map(|answer| &answer.failures);
    (
        answers.iter().map(|answer| answer.created_count).sum(),
        answers.iter().map(|answer| answer.unchanged_count).sum(),
        failures.map(|failure| format!("{} {} {}", failure.sequence, failure.reason, failure.field)).collect(),
    )
}

async fn contract(client: &mut Client, name: &str) -> pb::Contract {
    client.get_contract(pb::GetContractRequest { name: name.to_owned() }).await.unwrap().into_inner()
}

/// Names of all suppliers, deleted ones included.
async fn supplier_names(client: &mut Client) -> Vec<String> {
    let request = pb::ListSuppliersRequest { page_size: 1000, show_deleted: true, ..Default::default() };
    let suppliers = client.list_suppliers(request).await.unwrap().into_inner().suppliers;
    suppliers.into_iter().map(|supplier| supplier.name).collect()
}

async fn facts(database: &TestDatabase) -> i64 {
    database.connect().await.query_one("SELECT count(*) FROM supplier.journal", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_repeated_request_has_one_effect_and_one_answer() {
    let (database, mut client) = service().await;
    let request = pb::CreateSupplierRequest { request_id: Uuid::from_u128(1).to_string(), ..new_supplier("acme") };
    let first = client.create_supplier(request.clone()).await.unwrap().into_inner();
    let renamed = pb::Supplier { name: first.name.clone(), ..supplier("Acme") };
    let update = pb::UpdateSupplierRequest { supplier: Some(renamed), ..Default::default() };
    client.update_supplier(update).await.unwrap();
    let again = client.create_supplier(request.clone()).await.unwrap().into_inner();
    assert_eq!(again, first);
    assert_eq!(facts(&database).await, 2);
    let other = pb::CreateSupplierRequest { supplier: Some(supplier("Other")), ..request };
    let refusal = client.create_supplier(other).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "REQUEST_ID_REUSED"));
}

#[tokio::test]
async fn a_change_of_another_version_is_refused() {
    let (_database, mut client) = service().await;
    client.create_supplier(new_supplier("acme")).await.unwrap();
    let made = client.create_contract(new_contract("network", "acme")).await.unwrap().into_inner();
    let changed = |owner: &str, paths: &[&str]| pb::UpdateContractRequest {
        contract: Some(pb::Contract { owner: owner.to_owned(), ..made.clone() }),
        update_mask: Some(FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() }),
        ..Default::default()
    };
    let after = client.update_contract(changed("people/ann", &["owner"])).await.unwrap().into_inner();
    assert_eq!((after.owner.as_str(), after.display_name.as_str()), ("people/ann", "Contract network"));
    let refusal = client.update_contract(changed("people/bob", &["owner"])).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::Aborted, "ETAG_MISMATCH"));
    let mut unknown = changed("people/bob", &["boss"]);
    unknown.contract.as_mut().unwrap().etag.clear();
    assert_eq!(client.update_contract(unknown).await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(contract(&mut client, &made.name).await, after);
}

#[tokio::test]
async fn a_trial_answers_as_if_done_and_records_nothing() {
    let (database, mut client) = service().await;
    let request_id = Uuid::from_u128(1).to_string();
    let trial = pb::CreateSupplierRequest { request_id, validate_only: true, ..new_supplier("acme") };
    let answer = client.create_supplier(trial.clone()).await.unwrap().into_inner();
    assert_eq!(answer.name, "suppliers/acme");
    assert_eq!(facts(&database).await, 0);
    client.create_supplier(pb::CreateSupplierRequest { validate_only: false, ..trial }).await.unwrap();
    let nowhere = pb::CreateContractRequest { validate_only: true, ..new_contract("network", "nobody") };
    assert_eq!(client.create_contract(nowhere).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn pages_of_any_size_give_the_same_sequence() {
    let (_database, mut client) = service().await;
    let suppliers = ["Acme", "Best Networks", "Cloud & Co"];
    let rows = (1..=60).map(|number| row(number, &[suppliers[usize::try_from(number % 3).unwrap()]]));
    import(&mut client, rows.collect()).await;
    let mut sequences = BTreeSet::new();
    for page_size in [1, 2, 7, 50] {
        let mut names = Vec::new();
        let mut request = pb::ListContractsRequest {
            page_size,
            filter: "supplier = \"suppliers/acme\" OR committed_amount.minor_units > 3000".to_owned(),
            order_by: "supplier desc, reference".to_owned(),
            ..Default::default()
        };
        loop {
            let page = client.list_contracts(request.clone()).await.unwrap().into_inner();
            names.extend(page.contracts.into_iter().map(|contract| contract.name));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(names.len(), 40, "20 of Acme, and two of three above 30");
        sequences.insert(names);
    }
    assert_eq!(sequences.len(), 1);
}

#[tokio::test]
async fn an_import_is_answered_by_batches_and_twice_changes_nothing() {
    let (database, mut client) = service().await;
    let rows: Vec<_> = (1..=1_201).map(|number| row(number, &[&format!("Supplier {}", number % 700)])).collect();
    let answers = import(&mut client, rows.clone()).await;
    let progress: Vec<_> = answers.iter().map(|answer| (answer.committed_through, answer.created_count)).collect();
    assert_eq!(progress, [(500, 500), (1_000, 500), (1_201, 201)]);
    assert_eq!(facts(&database).await, 1_201 + 700);
    assert_eq!(imported(&mut client, rows).await, (0, 1_201, vec![]));
    assert_eq!(facts(&database).await, 1_201 + 700);
    assert_eq!(import(&mut client, vec![]).await.len(), 1, "there is always a last answer");
}

#[tokio::test]
async fn a_place_that_comes_with_other_content_is_a_conflict() {
    let (_database, mut client) = service().await;
    import(&mut client, vec![row(1, &["Acme"])]).await;
    let mut other = row(1, &["Acme"]);
    other.contract.as_mut().unwrap().display_name = "Another title".to_owned();
    let conflict = (0, 0, vec!["1 SOURCE_ID_CONFLICT source_id".to_owned()]);
    assert_eq!(imported(&mut client, vec![other]).await, conflict);
    assert_eq!(imported(&mut client, vec![row(1, &["Somebody else"])]).await, conflict);
    assert_eq!(supplier_names(&mut client).await, ["suppliers/acme"], "a row that is not taken creates no supplier");
    let mut twice = vec![row(2, &["Acme"]), row(2, &["Acme"]), row(2, &["Acme"])];
    twice[1].sequence = 3;
    twice[2].sequence = 4;
    twice[2].contract.as_mut().unwrap().reference = "other".to_owned();
    assert_eq!(imported(&mut client, twice).await, (1, 1, vec!["4 SOURCE_ID_CONFLICT source_id".to_owned()]));
}

#[tokio::test]
async fn a_row_taken_before_is_unchanged_whatever_people_did_since() {
    let (_database, mut client) = service().await;
    import(&mut client, vec![row(1, &["Acme", "Best"]), row(2, &["Acme"])]).await;
    let owned = pb::Contract {
        name: "contracts/register-csv-1".to_owned(),
        owner: "people/ann".to_owned(),
        ..pb::Contract::default()
    };
    let update = pb::UpdateContractRequest { contract: Some(owned), ..Default::default() };
    client.update_contract(update).await.unwrap();
    let renamed = pb::Supplier { name: "suppliers/acme".to_owned(), ..supplier("Acme International") };
    let update = pb::UpdateSupplierRequest { supplier: Some(renamed), ..Default::default() };
    client.update_supplier(update).await.unwrap();
    let delete = pb::DeleteContractRequest { name: "contracts/register-csv-2".to_owned(), ..Default::default() };
    client.delete_contract(delete).await.unwrap();
    let again = vec![row(1, &["Acme", "Best"]), row(2, &["Acme"])];
    assert_eq!(imported(&mut client, again).await, (0, 2, vec![]));
    assert_eq!(contract(&mut client, "contracts/register-csv-1").await.owner, "people/ann");
    assert!(contract(&mut client, "contracts/register-csv-2").await.delete_time.is_some());
    assert_eq!(supplier_names(&mut client).await, ["suppliers/acme", "suppliers/best"]);
}

#[tokio::test]
async fn writings_of_a_name_that_differ_in_case_or_space_are_one_supplier() {
    let (_database, mut client) = service().await;
    client
        .create_supplier(pb::CreateSupplierRequest {
            supplier_id: "chosen".to_owned(),
            supplier: Some(supplier("Étoile  Réseaux")),
            ..Default::default()
        })
        .await
        .unwrap();
    let rows = vec![
        row(1, &["Acme Pty Ltd", " ACME\tpty  LTD", "Acme Pty. Ltd."]),
        row(2, &["étoile réseaux"]),
        row(3, &["ACME PTY LTD"]),
    ];
    assert_eq!(imported(&mut client, rows).await, (3, 0, vec![]));
    let suppliers = supplier_names(&mut client).await;
    let (distinct, others): (Vec<_>, Vec<_>) =
        suppliers.into_iter().partition(|name| name.starts_with("suppliers/acme-pty-ltd-"));
    assert_eq!(others, ["suppliers/acme-pty-ltd", "suppliers/chosen"]);
    let first = contract(&mut client, "contracts/register-csv-1").await;
    assert_eq!((first.supplier.as_str(), first.additional_suppliers), ("suppliers/acme-pty-ltd", distinct));
    assert_eq!(contract(&mut client, "contracts/register-csv-2").await.supplier, "suppliers/chosen");
    assert_eq!(contract(&mut client, "contracts/register-csv-3").await.supplier, "suppliers/acme-pty-ltd");
}

#[tokio::test]
async fn a_row_that_cannot_be_taken_stops_no_other() {
    let (_database, mut client) = service().await;
    let mut rows: Vec<_> = (1..=64).map(|number| row(number, &["Acme"])).collect();
    rows[9].contract = None;
    rows[19].contract.as_mut().unwrap().end_date = Some(common::Date { year: 2026, month: 2, day: 30 });
    rows[29].supplier_display_names.clear();
    rows[39].supplier_display_names.clear();
    rows[39].contract.as_mut().unwrap().supplier = "suppliers/nobody".to_owned();
    rows[49].contract.as_mut().unwrap().source_id = String::new();
    let (created, unchanged, failures) = imported(&mut client, rows).await;
    assert_eq!((created, unchanged), (59, 0));
    let expected = [
        "10 ROW_INVALID contract",
        "20 ROW_INVALID contract.end_date",
        "30 ROW_INVALID contract.supplier",
        "40 ROW_INVALID contract.supplier",
        "50 ROW_INVALID contract.source_id",
    ];
    assert_eq!(failures, expected);
}

#[tokio::test]
async fn renewals_come_by_deadline_whatever_the_page() {
    let (_database, mut client) = service().await;
    let message = |on: Date| common::Date { year: on.year().into(), month: on.month().into(), day: on.day().into() };
    let start = civil::date(2026, 1, 1);
    // Every seventh is open-ended; notice shifts the deadlines so that neither names nor ends give their order.
    let mut rows: Vec<_> = (1..=70).map(|number| row(number, &["Acme"])).collect();
    let mut expected = Vec::new();
    for (index, row) in (0_i32..).zip(&mut rows) {
        let contract = row.contract.as_mut().unwrap();
        if index % 7 == 0 {
            continue;
        }
        let end = start + (index % 50).days();
        contract.end_date = Some(message(end));
        contract.notice_days = index % 3 * 10;
        let deadline = end - contract.notice_days.days();
        if (start..=start + 20.days()).contains(&deadline) {
            expected.push((deadline, format!("contracts/register-csv-{}", row.sequence), contract.notice_days > 0));
        }
    }
    expected.sort();
    import(&mut client, rows).await;
    for page_size in [1, 2, 7, 50] {
        let mut found = Vec::new();
        let mut request = pb::ListRenewalsRequest {
            start_date: Some(message(start)),
            end_date: Some(message(start + 20.days())),
            page_size,
            ..Default::default()
        };
        loop {
            let page = client.list_renewals(request.clone()).await.unwrap().into_inner();
            found.extend(page.renewals.into_iter().map(|renewal| {
                let on = renewal.notice_deadline_date.unwrap();
                let on = format!("{:04}-{:02}-{:02}", on.year, on.month, on.day).parse().unwrap();
                (on, renewal.contract.unwrap().name, renewal.notice_stated)
            }));
            request.page_token = page.next_page_token;
            if request.page_token.is_empty() {
                break;
            }
        }
        assert_eq!(found, expected, "pages of {page_size}");
    }
    let stated = pb::ListRenewalsRequest {
        start_date: Some(message(start)),
        end_date: Some(message(start + 20.days())),
        filter: "notice_days:*".to_owned(),
        ..Default::default()
    };
    let stated = client.list_renewals(stated).await.unwrap().into_inner().renewals;
    assert_eq!(stated.len(), expected.iter().filter(|(_, _, stated)| *stated).count());
    let backwards = pb::ListRenewalsRequest {
        start_date: Some(message(start)),
        end_date: Some(message(start - 1.day())),
        ..Default::default()
    };
    assert_eq!(client.list_renewals(backwards).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_supplier_stays_while_anything_depends_on_it() {
    let (_database, mut client) = service().await;
    for id in ["group", "acme"] {
        client.create_supplier(new_supplier(id)).await.unwrap();
    }
    let child =
        pb::Supplier { name: "suppliers/acme".to_owned(), parent: "suppliers/group".to_owned(), ..supplier("A") };
    let update = pb::UpdateSupplierRequest { supplier: Some(child), ..Default::default() };
    client.update_supplier(update).await.unwrap();
    let circle =
        pb::Supplier { name: "suppliers/group".to_owned(), parent: "suppliers/acme".to_owned(), ..supplier("G") };
    let circle = pb::UpdateSupplierRequest { supplier: Some(circle), ..Default::default() };
    assert_eq!(client.update_supplier(circle).await.unwrap_err().code(), Code::InvalidArgument);
    client.create_contract(new_contract("network", "acme")).await.unwrap();
    let delete = |name: &str| pb::DeleteSupplierRequest { name: name.to_owned(), ..Default::default() };
    for name in ["suppliers/group", "suppliers/acme"] {
        let refusal = client.delete_supplier(delete(name)).await.unwrap_err();
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::FailedPrecondition, "REFERENCE_INVALID"));
    }
    let contract = pb::DeleteContractRequest { name: "contracts/network".to_owned(), ..Default::default() };
    client.delete_contract(contract).await.unwrap();
    for name in ["suppliers/acme", "suppliers/group"] {
        assert!(client.delete_supplier(delete(name)).await.unwrap().into_inner().delete_time.is_some());
    }
}

#[tokio::test]
async fn terms_take_effect_by_revisions() {
    let (_database, mut client) = service().await;
    client.create_supplier(new_supplier("acme")).await.unwrap();
    let name = client.create_contract(new_contract("network", "acme")).await.unwrap().into_inner().name;
    let past = Some(prost_types::Timestamp { seconds: 1_700_000_000, nanos: 0 });
    let publish = pb::PublishContractRequest { name: name.clone(), effective_time: past, ..Default::default() };
    let first = client.publish_contract(publish.clone()).await.unwrap().into_inner();
    assert_eq!((first.name.as_str(), first.revision), ("contracts/network@1", 1));
    let refusal = client.publish_contract(publish).await.unwrap_err();
    assert_eq!(reason(&refusal), "REVISION_IN_THE_PAST");
    let longer = pb::Contract { name: name.clone(), notice_days: 30, ..pb::Contract::default() };
    let update = pb::UpdateContractRequest { contract: Some(longer), ..Default::default() };
    client.update_contract(update).await.unwrap();
    let publish = pb::PublishContractRequest { name: name.clone(), ..Default::default() };
    client.publish_contract(publish).await.unwrap();
    assert_eq!(contract(&mut client, &name).await.revision, 2);
    let request = pb::ListContractRevisionsRequest { name, ..Default::default() };
    let revisions = client.list_contract_revisions(request).await.unwrap().into_inner().contract_revisions;
    let notice: Vec<_> = revisions.iter().map(|r| (r.revision, r.contract.as_ref().unwrap().notice_days)).collect();
    assert_eq!(notice, [(2, 30), (1, 0)]);
}

#[tokio::test]
async fn callers_see_and_do_what_their_roles_allow() {
    let folder = Scratch::new();
    let tokens = folder.join("tokens");
    let text = "editor-0123456789 people/eve roles=supplier.reader,supplier.editor\n\
                reader-0123456789 people/rae roles=supplier.reader\n\
                nobody-0123456789 people/ned\n\
                bound-01234567890 people/bob roles=* customer=customers/acme\n";
    std::fs::write(&tokens, text).unwrap();
    let database = TestDatabase::new().await;
    let config = config::Server { insecure: false, tokens_file: Some(tokens), ..config::Server::insecure(0) };
    let running = Running::start(supplier::build(&config::Database::at(database.url())).await, &config).await;
    let client = async |token: &str| SupplierServiceClient::new(running.channel_of(token).await);
    let get = pb::GetSupplierRequest { name: "suppliers/acme".to_owned() };

    client("editor-0123456789").await.create_supplier(new_supplier("acme")).await.unwrap();
    let mut reader = client("reader-0123456789").await;
    assert_eq!(reader.get_supplier(get.clone()).await.unwrap().into_inner().display_name, "Supplier acme");
    assert_eq!(reader.create_supplier(new_supplier("b")).await.unwrap_err().code(), Code::PermissionDenied);
    let rows = reader.import_contracts(tokio_stream::iter(vec![row(1, &["Acme"])])).await;
    assert_eq!(rows.unwrap_err().code(), Code::PermissionDenied);
    let mut nobody = client("nobody-0123456789").await;
    assert_eq!(nobody.get_supplier(get.clone()).await.unwrap_err().code(), Code::PermissionDenied);
    let mut bound = client("bound-01234567890").await;
    assert_eq!(bound.get_supplier(get.clone()).await.unwrap_err().code(), Code::NotFound);
    let all = bound.list_suppliers(pb::ListSuppliersRequest::default()).await.unwrap().into_inner();
    assert_eq!(all, pb::ListSuppliersResponse::default());
    assert_eq!(bound.create_supplier(new_supplier("c")).await.unwrap_err().code(), Code::PermissionDenied);
    let unknown = client("").await.get_supplier(get).await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unauthenticated);
}

#[tokio::test]
async fn reports_read_each_state_until_the_next_one() {
    let (database, mut client) = service().await;
    client.create_supplier(new_supplier("acme")).await.unwrap();
    let name = client.create_contract(new_contract("network", "acme")).await.unwrap().into_inner().name;
    client.publish_contract(pb::PublishContractRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    client.delete_contract(pb::DeleteContractRequest { name, ..Default::default() }).await.unwrap();
    let db = database.connect().await;
    // The sequencer puts facts in order after they are committed.
    for _ in 0..200 {
        let row = db.query_one("SELECT seq, pending FROM supplier.report_v1_horizon", &[]).await.unwrap();
        if (row.get::<_, i64>(0), row.get::<_, i64>(1)) == (4, 0) {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    let query = "SELECT body ->> 'display_name', recorded_from < recorded_to FROM supplier.report_v1_contracts \
                 ORDER BY recorded_from";
    let states = db.query(query, &[]).await.unwrap();
    let states: Vec<(String, Option<bool>)> = states.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(states.len(), 2, "created and published; a deletion only ends what was there");
    assert!(states.iter().all(|(called, _)| called == "Contract network"), "{states:?}");
    let open = "SELECT count(*) FROM supplier.report_v1_contracts WHERE recorded_to IS NULL";
    assert_eq!(db.query_one(open, &[]).await.unwrap().get::<_, i64>(0), 0);
    let suppliers = "SELECT name FROM supplier.report_v1_suppliers WHERE recorded_to IS NULL";
    assert_eq!(db.query_one(suppliers, &[]).await.unwrap().get::<_, String>(0), "suppliers/acme");
}
