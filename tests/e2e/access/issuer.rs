//! Tokens of an issuer, from its discovery to the caller that they stand for, and what a file of keys or tokens says
//! after it was edited.

use itsm::cli::{IssuedToken, IssuerIdentity};
use itsm::issuer::{Issuer, Signer};
use proto::catalog::v1 as pb;
use proto::catalog::v1::agreement_service_client::AgreementServiceClient;
use serde_json::json;
use servicekit::clock::{Clock as _, System};
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::{AUDIENCE, Key, accepting, claims, key_set, until, with, write};

async fn catalog(database: &TestDatabase, config: &config::Server) -> Running {
    Running::start(catalog::build(&config::Database::at(database.url())).await, config).await
}

/// The agreements that a token shows.
async fn agreements(running: Running, token: &str) -> Result<pb::ListAgreementsResponse, Status> {
    let mut client = AgreementServiceClient::new(running.channel_of(token).await);
    client.list_agreements(pb::ListAgreementsRequest::default()).await.map(tonic::Response::into_inner)
}

/// The customers that a token shows.
async fn customers(running: Running, token: &str) -> Vec<String> {
    let mut client = AgreementServiceClient::new(running.channel_of(token).await);
    let listed = client.list_customers(pb::ListCustomersRequest::default()).await.unwrap().into_inner();
    listed.customers.into_iter().map(|customer| customer.name).collect()
}

fn asked(sub: &str, roles: &[&str]) -> IssuedToken {
    IssuedToken {
        sub: sub.to_owned(),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        customer: None,
        audience: AUDIENCE.to_owned(),
        minutes: 5,
        identity: IssuerIdentity { port: 0, key: None },
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_issuer_for_development_is_found_by_its_name_alone() {
    let database = TestDatabase::new().await;
    let folder = Scratch::new();
    let key_file = folder.join("issuer.pem");
    let issuer = Issuer::bind(0, Signer::open(&key_file).unwrap()).await.unwrap();
    let name = issuer.name.clone();
    tokio::spawn(issuer.serve(CancellationToken::new()));
    let oidc = config::Oidc { issuer: Some(name.clone()), audience: Some(AUDIENCE.to_owned()), ..Default::default() };
    let running = catalog(&database, &config::Server { insecure: false, oidc, ..config::Server::insecure(0) }).await;

    let signer = Signer::open(&key_file).unwrap();
    let token = signer.token(&name, &asked("ann", &["catalog.viewer"]), System.now()).unwrap();
    agreements(running, &token).await.unwrap();
    let token = signer.token(&name, &asked("ann", &[]), System.now()).unwrap();
    assert_eq!(reason(&agreements(running, &token).await.unwrap_err()), "PERMISSION_DENIED");
    let stranger = Signer::open(&folder.join("other.pem")).unwrap();
    let token = stranger.token(&name, &asked("ann", &["*"]), System.now()).unwrap();
    assert_eq!(reason(&agreements(running, &token).await.unwrap_err()), "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_every_kind_sign_tokens() {
    let database = TestDatabase::new().await;
    let folder = Scratch::new();
    let keys = [Key::es256("ec"), Key::rs256("rsa"), Key::ed25519("ed")];
    let key_file = write(folder.join("keys.json"), key_set(&keys.iter().collect::<Vec<_>>()));
    let running = catalog(&database, &accepting(&key_file)).await;
    for key in &keys {
        agreements(running, &key.sign(&claims(&["catalog.viewer"]))).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_bound_to_a_customer_by_a_claim_sees_that_customer_only() {
    let database = TestDatabase::new().await;
    let folder = Scratch::new();
    let key = Key::es256("main");
    let key_file = write(folder.join("keys.json"), key_set(&[&key]));
    let running = catalog(&database, &accepting(&key_file)).await;
    let staff = key.sign(&claims(&["*"]));
    let mut editor = AgreementServiceClient::new(running.channel_of(&staff).await);
    for id in ["acme", "other"] {
        let customer = pb::Customer { display_name: id.to_owned(), ..Default::default() };
        let customer_id = id.to_owned();
        let request = pb::CreateCustomerRequest { customer: Some(customer), customer_id, ..Default::default() };
        editor.create_customer(request).await.unwrap();
    }
    assert_eq!(customers(running, &staff).await.len(), 2);
    let bound = key.sign(&with(claims(&[]), json!({ "customer": "acme" })));
    assert_eq!(customers(running, &bound).await, ["customers/acme"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_replaced_in_the_file_signs_no_longer() {
    let database = TestDatabase::new().await;
    let folder = Scratch::new();
    let (old, new) = (Key::es256("old"), Key::es256("new"));
    let key_file = write(folder.join("keys.json"), key_set(&[&old]));
    let running = catalog(&database, &accepting(&key_file)).await;
    let (before, after) = (old.sign(&claims(&["*"])), new.sign(&claims(&["*"])));
    agreements(running, &before).await.unwrap();
    assert_eq!(reason(&agreements(running, &after).await.unwrap_err()), "TOKEN_INVALID");
    write(key_file, key_set(&[&new]));
    until("the new key is accepted", async || agreements(running, &after).await.is_ok()).await;
    assert_eq!(reason(&agreements(running, &before).await.unwrap_err()), "TOKEN_INVALID");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_taken_out_of_the_file_is_refused_without_a_restart() {
    let database = TestDatabase::new().await;
    let folder = Scratch::new();
    let (kept, revoked) = ("kept-token-0000001", "revoked-token-0001");
    let line = |token: &str| format!("{token} systems/import roles=catalog.viewer\n");
    let tokens = write(folder.join("tokens"), line(kept) + &line(revoked));
    let config = config::Server { tokens_file: Some(tokens.clone()), insecure: false, ..config::Server::insecure(0) };
    let running = catalog(&database, &config).await;
    agreements(running, revoked).await.unwrap();
    write(tokens.clone(), line(kept));
    until("the token is revoked", async || agreements(running, revoked).await.is_err()).await;
    assert_eq!(reason(&agreements(running, revoked).await.unwrap_err()), "TOKEN_INVALID");
    agreements(running, kept).await.unwrap();
    // Also the last one: a file that names nobody lets nobody in.
    write(tokens, "# nobody\n");
    until("the last token is revoked", async || agreements(running, kept).await.is_err()).await;
}
