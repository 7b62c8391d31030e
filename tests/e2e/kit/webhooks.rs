//! Webhooks: signed, in order, again when it fails, set aside when it fails too often, and never where they should not go.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use proto::journal::v1 as pb;
use proto::journal::v1::webhook_service_client::WebhookServiceClient;
use servicekit::error;
use sha2::Sha256;
use tokio::sync::mpsc;
use tonic::{Code, Request, Status};

use super::*;
use testkit::{Scratch, reason};

/// How an endpoint answers one delivery.
#[derive(Clone)]
enum Answer {
    Status(u16),
    Redirect(String),
    Never,
}

/// What arrived.
struct Delivery {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Delivery {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn event(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The version of the subject that the fact is about.
    fn version(&self) -> i64 {
        self.event()["data"]["payload"]["version"].as_i64().unwrap()
    }

    /// Whether this is signed with the secret, as a receiver would check it.
    fn is_signed_with(&self, secret: &str) -> bool {
        let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(self.header("webhook-id").as_bytes());
        mac.update(b".");
        mac.update(self.header("webhook-timestamp").as_bytes());
        mac.update(b".");
        mac.update(&self.body);
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        signature == self.header("webhook-signature")
    }
}

/// An HTTP endpoint on loopback: answers as told, then with 204.
struct Endpoint {
    address: SocketAddr,
    answers: Arc<Mutex<VecDeque<Answer>>>,
    arrived: mpsc::UnboundedReceiver<Delivery>,
}

type Desk = (Arc<Mutex<VecDeque<Answer>>>, mpsc::UnboundedSender<Delivery>);

impl Endpoint {
    async fn new() -> Self {
        let answers: Arc<Mutex<VecDeque<Answer>>> = Arc::default();
        let (sender, arrived) = mpsc::unbounded_channel();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let desk: Desk = (answers.clone(), sender);
        let router = axum::Router::new().fallback(receive).with_state(desk);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, answers, arrived }
    }

    fn url(&self) -> String {
        format!("http://{}/itsm", self.address)
    }

    fn will_answer(&self, answers: impl IntoIterator<Item = Answer>) {
        self.answers.lock().unwrap().extend(answers);
    }

    async fn next(&mut self) -> Delivery {
        let next = tokio::time::timeout(Duration::from_secs(20), self.arrived.recv()).await;
        next.expect("nothing arrived within 20 s").unwrap()
    }

    async fn versions(&mut self, count: usize) -> Vec<i64> {
        let mut versions = Vec::new();
        while versions.len() < count {
            versions.push(self.next().await.version());
        }
        versions
    }
}

async fn receive(
    State((answers, sender)): State<Desk>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<axum::response::Response, StatusCode> {
    // Taken first: who is told of the delivery may state the next answer.
    let answer = answers.lock().unwrap().pop_front().unwrap_or(Answer::Status(204));
    let _ = sender.send(Delivery { headers, body: body.to_vec() });
    match answer {
        Answer::Status(code) => Err(StatusCode::from_u16(code).unwrap()),
        Answer::Redirect(to) => Ok((StatusCode::FOUND, [(header::LOCATION, to)]).into_response()),
        Answer::Never => std::future::pending().await,
    }
}

/// A server whose webhooks may reach loopback.
fn reaching_loopback(attempts: u32) -> config::Server {
    let webhooks = config::Webhooks {
        webhook_allow: vec!["127.0.0.0/8".parse().unwrap()],
        webhook_attempts: attempts,
        webhook_timeout: 30,
    };
    config::Server { webhooks, ..config::Server::insecure(0) }
}

fn webhook(url: &str, filter: &str) -> pb::Webhook {
    pb::Webhook {
        display_name: "Pager".to_owned(),
        url: url.to_owned(),
        filter: filter.to_owned(),
        ..pb::Webhook::default()
    }
}

fn creation(id: &str, webhook: pb::Webhook) -> pb::CreateWebhookRequest {
    pb::CreateWebhookRequest {
        webhook_id: id.to_owned(),
        webhook: Some(webhook),
        ..pb::CreateWebhookRequest::default()
    }
}

impl Running {
    fn webhooks(&self) -> WebhookServiceClient<Channel> {
        WebhookServiceClient::new(self.channel.clone())
    }

    async fn create(&self, id: &str, webhook: pb::Webhook) -> pb::Webhook {
        self.webhooks().create_webhook(creation(id, webhook)).await.unwrap().into_inner()
    }

    async fn get(&self, id: &str) -> pb::Webhook {
        let request = pb::GetWebhookRequest { name: format!("webhooks/{id}") };
        self.webhooks().get_webhook(request).await.unwrap().into_inner()
    }

    /// The webhook, once it is as it should be.
    async fn until(&self, id: &str, holds: impl Fn(&pb::Webhook) -> bool) -> pb::Webhook {
        for _ in 0..1000 {
            let webhook = self.get(id).await;
            if holds(&webhook) {
                return webhook;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("not so after 20 s: {:?}", self.get(id).await);
    }

    async fn update(&self, id: &str, webhook: pb::Webhook, paths: &[&str]) -> Result<pb::Webhook, Status> {
        let paths = paths.iter().map(|&path| path.to_owned()).collect();
        let request = pb::UpdateWebhookRequest {
            webhook: Some(pb::Webhook { name: format!("webhooks/{id}"), ..webhook }),
            update_mask: Some(prost_types::FieldMask { paths }),
            ..pb::UpdateWebhookRequest::default()
        };
        Ok(self.webhooks().update_webhook(request).await?.into_inner())
    }

    async fn letters(&self, id: &str) -> Vec<pb::DeadLetter> {
        let request = pb::ListDeadLettersRequest { parent: format!("webhooks/{id}"), ..Default::default() };
        self.webhooks().list_dead_letters(request).await.unwrap().into_inner().dead_letters
    }

    async fn redeliver(&self, id: &str) -> pb::Webhook {
        let request = pb::RedeliverDeadLettersRequest { name: format!("webhooks/{id}"), ..Default::default() };
        self.webhooks().redeliver_dead_letters(request).await.unwrap().into_inner()
    }
}

impl Fixture {
    /// Notes these versions of a widget, each in a change of its own.
    async fn note(&self, subject: &str, versions: std::ops::RangeInclusive<i64>) {
        for version in versions {
            self.append(&[fact(subject, version, "", Audience::Internal)]).await;
        }
    }

    /// Lets the clock go on: requests at the same instant are the same to it.
    fn later(&self) {
        let now = self.kit.clock.now();
        self.clock.set(now.checked_add(Duration::from_secs(60)).unwrap());
    }
}

const WIDGET_A: &str = "subject = \"widgets/a\"";

#[tokio::test(flavor = "multi_thread")]
async fn what_matches_is_delivered_as_a_signed_event_in_order_and_nothing_else() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let running = run(&fixture, &reaching_loopback(12)).await;
    fixture.note("widgets/a", 1..=1).await;
    fixture.until_in_order(1).await;
    let created = running.create("pager", webhook(&endpoint.url(), WIDGET_A)).await;
    assert_eq!(created.state(), pb::WebhookState::Active);
    fixture.note("widgets/b", 1..=1).await;
    fixture.note("widgets/a", 2..=4).await;

    let first = endpoint.next().await;
    assert_eq!(first.header("content-type"), "application/cloudevents+json");
    assert_eq!(first.header("webhook-timestamp"), "1717243200", "the clock of the server");
    assert!(first.is_signed_with(&created.secret));
    let event = first.event();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["id"], first.header("webhook-id"));
    assert_eq!(event["source"], "/itsm/widgets");
    assert_eq!(event["type"], "widget.noted.v1");
    assert_eq!(event["subject"], "widgets/a");
    assert_eq!(event["data"]["actor"], "people/ann");
    let sequence: i64 = event["sequence"].as_str().unwrap().parse().unwrap();
    assert_eq!(event["data"]["seq"], sequence.to_string());
    assert_eq!(first.version(), 2, "what was before the webhook is not delivered");
    assert_eq!(endpoint.versions(2).await, [3, 4]);

    let done = running.until("pager", |webhook| webhook.deliver_time.is_some()).await;
    assert_eq!((done.last_error.as_str(), done.dead_letter_count, done.etag.as_str()), ("", 0, "\"1\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_delivered_is_a_resume_token_of_the_same_feed() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let running = run(&fixture, &reaching_loopback(12)).await;
    let before = running.create("pager", webhook(&endpoint.url(), WIDGET_A)).await.delivered_through;
    fixture.note("widgets/a", 1..=1).await;
    assert_eq!(endpoint.versions(1).await, [1]);
    let through = running.until("pager", |webhook| webhook.delivered_through != before).await.delivered_through;
    fixture.note("widgets/a", 2..=2).await;
    for (resume_token, version) in [(before, 1), (through, 2)] {
        let filter = WIDGET_A.to_owned();
        let request = pb::WatchJournalRequest { filter, resume_token, ..pb::WatchJournalRequest::default() };
        let mut stream = running.journal().watch_journal(request).await.unwrap().into_inner();
        let entry = loop {
            let message = stream.message().await.unwrap().unwrap();
            if let Some(entry) = message.entries.into_iter().next() {
                break entry;
            }
        };
        assert_eq!(entry.subject_version, version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_told_once_to_whoever_had_it_made_and_stands_nowhere_else() {
    let fixture = Fixture::new().await;
    let endpoint = Endpoint::new().await;
    let running = run(&fixture, &reaching_loopback(12)).await;
    let request_id = "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11".to_owned();
    let request = pb::CreateWebhookRequest { request_id, ..creation("pager", webhook(&endpoint.url(), "")) };
    let created = running.webhooks().create_webhook(request.clone()).await.unwrap().into_inner();
    assert!(created.secret.starts_with("whsec_"));
    let repeated = running.webhooks().create_webhook(request).await.unwrap().into_inner();
    assert_eq!(repeated.secret, created.secret, "the answer was lost, and the request came again");
    let other = running.create("other", webhook(&endpoint.url(), "")).await;
    assert_ne!(other.secret, created.secret);
    let own = pb::Webhook { secret: format!("whsec_{}", STANDARD.encode([7; 32])), ..webhook(&endpoint.url(), "") };
    assert_eq!(running.create("own", own).await.secret, "", "it is known already");
    assert_eq!(running.get("pager").await.secret, "");
    let facts =
        fixture.number("SELECT count(*) FROM journal WHERE payload ? 'secret' OR payload::text ~ 'whsec'").await;
    assert_eq!(facts, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_tried_again_before_anything_newer() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let mut config = reaching_loopback(12);
    config.webhooks.webhook_timeout = 2;
    let running = run(&fixture, &config).await;
    let secret = running.create("pager", webhook(&endpoint.url(), WIDGET_A)).await.secret;
    endpoint.will_answer([Answer::Status(503), Answer::Never]);
    fixture.note("widgets/a", 1..=2).await;
    let first = endpoint.next().await;
    let failing = running.until("pager", |webhook| webhook.state() == pb::WebhookState::Failing).await;
    assert_eq!(failing.last_error, "the endpoint answered 503 Service Unavailable");
    assert_eq!(failing.failed_attempt_count, 1);
    assert!(failing.retry_time.is_some());
    for _ in 0..2 {
        let again = endpoint.next().await;
        assert_eq!(again.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(again.body, first.body);
        assert!(again.is_signed_with(&secret));
    }
    assert_eq!(endpoint.next().await.version(), 2);
    let active = running.until("pager", |webhook| webhook.state() == pb::WebhookState::Active).await;
    assert_eq!((active.failed_attempt_count, active.retry_time, active.dead_letter_count), (0, None, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_too_often_is_set_aside_and_can_be_delivered_after_all() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let running = run(&fixture, &reaching_loopback(1)).await;
    running.create("pager", webhook(&endpoint.url(), WIDGET_A)).await;
    endpoint.will_answer([Answer::Status(500), Answer::Status(204), Answer::Status(400)]);
    fixture.note("widgets/a", 1..=4).await;
    assert_eq!(endpoint.versions(4).await, [1, 2, 3, 4], "delivery goes on");
    running.until("pager", |webhook| webhook.dead_letter_count == 2).await;
    let versions = |letters: &[pb::DeadLetter]| -> Vec<i64> {
        letters.iter().map(|letter| letter.journal_entry.as_ref().unwrap().subject_version).collect()
    };
    let letters = running.letters("pager").await;
    assert_eq!(versions(&letters), [1, 3]);
    assert_eq!(letters[0].error, "the endpoint answered 500 Internal Server Error");
    assert_eq!((letters[0].attempt_count, letters[0].redelivering), (1, false));

    fixture.later();
    endpoint.will_answer([Answer::Status(204), Answer::Status(410)]);
    assert!(running.redeliver("pager").await.redeliver_time.is_some());
    assert_eq!(endpoint.versions(2).await, [1, 3]);
    running.until("pager", |webhook| webhook.dead_letter_count == 1).await;
    let failed_again = async || {
        let letters = running.letters("pager").await;
        versions(&letters) == [3] && letters[0].attempt_count == 2 && !letters[0].redelivering
    };
    while !failed_again().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(running.letters("pager").await[0].error, "the endpoint answered 410 Gone");

    fixture.later();
    running.redeliver("pager").await;
    assert_eq!(endpoint.versions(1).await, [3]);
    running.until("pager", |webhook| webhook.dead_letter_count == 0).await;
    fixture.note("widgets/a", 5..=5).await;
    assert_eq!(endpoint.versions(1).await, [5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_addresses_are_not_reached_unless_the_operator_allows_them() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let port = endpoint.address.port();
    let running = run(&fixture, &config::Server::insecure(0)).await;
    let urls = [
        endpoint.url(),
        format!("https://127.0.0.1:{port}/"),
        format!("https://localhost:{port}/"),
        format!("https://0x7f000001:{port}/"),
        format!("https://[::ffff:127.0.0.1]:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ];
    for (index, url) in urls.iter().enumerate() {
        running.create(&format!("hook-{index}"), webhook(url, WIDGET_A)).await;
    }
    fixture.note("widgets/a", 1..=1).await;
    for index in 0..urls.len() {
        let failing = running.until(&format!("hook-{index}"), |webhook| !webhook.last_error.is_empty()).await;
        assert!(failing.last_error.contains("--webhook-allow"), "{}: {}", failing.url, failing.last_error);
    }
    assert!(endpoint.arrived.try_recv().is_err(), "it was reached all the same");
}

#[tokio::test(flavor = "multi_thread")]
async fn redirects_are_not_followed() {
    let fixture = Fixture::new().await;
    let (mut endpoint, mut elsewhere) = (Endpoint::new().await, Endpoint::new().await);
    let running = run(&fixture, &reaching_loopback(1)).await;
    running.create("pager", webhook(&endpoint.url(), WIDGET_A)).await;
    endpoint.will_answer([Answer::Redirect(elsewhere.url())]);
    fixture.note("widgets/a", 1..=1).await;
    endpoint.next().await;
    let failing = running.until("pager", |webhook| webhook.dead_letter_count == 1).await;
    assert_eq!(failing.last_error, "the endpoint answered 302 Found, and redirects are not followed");
    assert!(elsewhere.arrived.try_recv().is_err(), "it was followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_hangs_holds_nobody_else_up() {
    let fixture = Fixture::new().await;
    let (mut hanging, mut prompt) = (Endpoint::new().await, Endpoint::new().await);
    let running = run(&fixture, &reaching_loopback(12)).await;
    for number in 0..20 {
        running.create(&format!("hanging-{number}"), webhook(&hanging.url(), WIDGET_A)).await;
    }
    hanging.will_answer(vec![Answer::Never; 20]);
    running.create("prompt", webhook(&prompt.url(), WIDGET_A)).await;
    fixture.note("widgets/a", 1..=1).await;
    for _ in 0..20 {
        hanging.next().await;
    }
    fixture.note("widgets/a", 2..=5).await;
    assert_eq!(prompt.versions(5).await, [1, 2, 3, 4, 5]);
    assert!(hanging.arrived.try_recv().is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn one_replica_delivers_and_another_goes_on_when_it_dies() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let first = run_on(fixture.another_kit().await, &reaching_loopback(12)).await;
    first.create("pager", webhook(&endpoint.url(), WIDGET_A)).await;
    fixture.note("widgets/a", 1..=1).await;
    // It delivers, so it has the lock, and the other will not get it before it ends.
    assert_eq!(endpoint.versions(1).await, [1]);
    let second = run_on(fixture.another_kit().await, &reaching_loopback(12)).await;
    fixture.note("widgets/a", 2..=20).await;
    assert_eq!(endpoint.versions(19).await, (2..=20).collect::<Vec<_>>(), "one of them delivers");

    endpoint.will_answer([Answer::Never]);
    fixture.note("widgets/a", 21..=21).await;
    assert_eq!(endpoint.versions(1).await, [21]);
    first.server.abort();
    assert!(first.server.await.is_err(), "it was killed in the middle of a delivery");
    fixture.note("widgets/a", 22..=40).await;
    assert_eq!(endpoint.versions(20).await, (21..=40).collect::<Vec<_>>(), "what may not have arrived comes again");
    second.until("pager", |webhook| webhook.last_error.is_empty()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_webhook_that_rests_loses_nothing() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let running = run(&fixture, &reaching_loopback(12)).await;
    let resting = pb::Webhook { disabled: true, ..webhook(&endpoint.url(), WIDGET_A) };
    let resting = running.create("pager", resting).await;
    assert_eq!(resting.state(), pb::WebhookState::Disabled);
    fixture.note("widgets/a", 1..=2).await;
    fixture.until_in_order(3).await;
    assert!(endpoint.arrived.try_recv().is_err());
    let woken = running.update("pager", pb::Webhook::default(), &["disabled"]).await.unwrap();
    assert_eq!(woken.state(), pb::WebhookState::Active);
    assert_eq!(endpoint.versions(2).await, [1, 2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn another_address_and_secret_are_used_for_what_has_failed_so_far() {
    let fixture = Fixture::new().await;
    let (mut old, mut new) = (Endpoint::new().await, Endpoint::new().await);
    let running = run(&fixture, &reaching_loopback(12)).await;
    running.create("pager", webhook(&old.url(), WIDGET_A)).await;
    old.will_answer(vec![Answer::Status(404); 100]);
    fixture.note("widgets/a", 1..=2).await;
    assert_eq!(old.versions(1).await, [1]);
    running.until("pager", |webhook| webhook.failed_attempt_count > 0).await;
    let secret = format!("whsec_{}", STANDARD.encode([7; 32]));
    let change = pb::Webhook { url: new.url(), secret: secret.clone(), ..pb::Webhook::default() };
    let changed = running.update("pager", change, &["url", "secret"]).await.unwrap();
    assert_eq!((changed.secret.as_str(), changed.failed_attempt_count), ("", 0));
    let delivery = new.next().await;
    assert_eq!(delivery.version(), 1);
    assert!(delivery.is_signed_with(&secret));
    assert_eq!(new.versions(1).await, [2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_webhook_leaves_neither_secret_nor_dead_letters() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let running = run(&fixture, &reaching_loopback(1)).await;
    running.create("pager", webhook(&endpoint.url(), WIDGET_A)).await;
    endpoint.will_answer([Answer::Status(500)]);
    fixture.note("widgets/a", 1..=1).await;
    endpoint.next().await;
    running.until("pager", |webhook| webhook.dead_letter_count == 1).await;
    let request = pb::DeleteWebhookRequest { name: "webhooks/pager".to_owned(), ..Default::default() };
    let deleted = running.webhooks().delete_webhook(request).await.unwrap().into_inner();
    assert!(deleted.delete_time.is_some());
    assert_eq!(fixture.number("SELECT count(*) FROM webhook_delivery").await, 0);
    assert_eq!(fixture.number("SELECT count(*) FROM webhook_dead_letter").await, 0);
    assert!(running.letters("pager").await.is_empty());
    assert_eq!(running.get("pager").await.state(), pb::WebhookState::Unspecified);
}

#[tokio::test(flavor = "multi_thread")]
async fn webhooks_follow_the_conventions_of_resources() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let running = run(&fixture, &reaching_loopback(12)).await;
    let rehearsal = pb::CreateWebhookRequest { validate_only: true, ..creation("pager", webhook(&endpoint.url(), "")) };
    running.webhooks().create_webhook(rehearsal).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM webhook").await, 0);

    let wrong = creation("Pager", pb::Webhook { url: "ftp://x".to_owned(), ..webhook("", "kind = 1 AND") });
    let refusal = running.webhooks().create_webhook(wrong).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::InvalidArgument, error::FIELD_INVALID.name));
    for field in ["webhook_id", "webhook.url", "webhook.filter"] {
        assert!(refusal.message().contains(field), "{}", refusal.message());
    }

    let created = running.create("pager", webhook(&endpoint.url(), WIDGET_A)).await;
    running.create("other", webhook(&endpoint.url(), "")).await;
    let rename = |etag: &str| pb::Webhook {
        display_name: "Other".to_owned(),
        etag: etag.to_owned(),
        last_error: "output only".to_owned(),
        ..pb::Webhook::default()
    };
    let renamed = running.update("pager", rename(&created.etag), &["display_name", "last_error"]).await.unwrap();
    assert_eq!((renamed.display_name.as_str(), renamed.last_error.as_str()), ("Other", ""));
    let refusal = running.update("pager", rename(&created.etag), &["display_name"]).await.unwrap_err();
    assert_eq!(reason(&refusal), error::ETAG_MISMATCH.name);
    let moved = pb::Webhook { customer: "customers/acme".to_owned(), ..pb::Webhook::default() };
    let refusal = running.update("pager", moved, &["customer"]).await.unwrap_err();
    assert!(refusal.message().contains("webhook.customer"), "{}", refusal.message());

    let list = async |filter: &str| {
        let request = pb::ListWebhooksRequest { filter: filter.to_owned(), page_size: 1, ..Default::default() };
        let mut names = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListWebhooksRequest { page_token, ..request.clone() };
            let page = running.webhooks().list_webhooks(request).await.unwrap().into_inner();
            names.extend(page.webhooks.into_iter().map(|webhook| webhook.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                return names;
            }
        }
    };
    assert_eq!(list("").await, ["webhooks/other", "webhooks/pager"]);
    endpoint.will_answer(vec![Answer::Status(500); 100]);
    fixture.note("widgets/a", 1..=1).await;
    endpoint.next().await;
    running.until("pager", |webhook| webhook.state() == pb::WebhookState::Failing).await;
    assert!(list("state = FAILING").await.contains(&"webhooks/pager".to_owned()));
    assert_eq!(list("state = DISABLED OR customer = \"customers/acme\"").await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_is_a_limit_to_how_many_exist() {
    let fixture = Fixture::new().await;
    let running = run(&fixture, &config::Server::insecure(0)).await;
    fixture
        .owner()
        .await
        .batch_execute(
            "INSERT INTO webhook SELECT 'webhooks/w' || n, gen_random_uuid(), 1, '2024-06-01', '2024-06-01', NULL, \
             '{\"display_name\": \"w\", \"url\": \"\", \"customer\": \"\", \"disabled\": true}' \
             FROM generate_series(1, 100) AS n",
        )
        .await
        .unwrap();
    let one_more = creation("one-more", webhook("https://example.com", ""));
    let refusal = running.webhooks().create_webhook(one_more).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::ResourceExhausted, error::LIMIT_REACHED.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_caller_makes_webhooks_of_its_customer_and_gets_its_public_facts_only() {
    let fixture = Fixture::new().await;
    let mut endpoint = Endpoint::new().await;
    let scratch = Scratch::new();
    let tokens = scratch.join("tokens");
    let callers = "acme-token-0000001 people/eve customer=customers/acme roles=*\n\
                   staff-token-000001 people/ann roles=*\n\
                   lowly-token-000001 people/bob\n";
    std::fs::write(&tokens, callers).unwrap();
    let config = config::Server { insecure: false, tokens_file: Some(tokens), ..reaching_loopback(12) };
    let running = run(&fixture, &config).await;
    let create = async |token: &str, id: &str, customer: &str| {
        let asked = pb::Webhook { customer: customer.to_owned(), ..webhook(&endpoint.url(), "kind = \"widget.*\"") };
        running.webhooks().create_webhook(by(token, creation(id, asked))).await.map(tonic::Response::into_inner)
    };
    let refusal = create("lowly-token-000001", "lowly", "").await.unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
    let refusal = create("acme-token-0000001", "foreign", "customers/other").await.unwrap_err();
    assert_eq!(refusal.code(), Code::PermissionDenied);
    let made = create("acme-token-0000001", "acme", "").await.unwrap();
    assert_eq!(made.customer, "customers/acme");
    create("staff-token-000001", "staff", "customers/other").await.unwrap();

    fixture
        .append(&[
            fact("widgets/a", 1, "customers/acme", Audience::Internal),
            fact("widgets/b", 2, "customers/other", Audience::Internal),
            fact("widgets/c", 3, "", Audience::Public),
            fact("widgets/d", 4, "customers/acme", Audience::Public),
        ])
        .await;
    assert_eq!(endpoint.versions(1).await, [4]);
    assert!(endpoint.arrived.try_recv().is_err());

    let list = by("acme-token-0000001", pb::ListWebhooksRequest::default());
    let seen = running.webhooks().list_webhooks(list).await.unwrap().into_inner().webhooks;
    assert_eq!(seen.iter().map(|webhook| webhook.name.as_str()).collect::<Vec<_>>(), ["webhooks/acme"]);
    let name = || "webhooks/staff".to_owned();
    let mut client = running.webhooks();
    let token = "acme-token-0000001";
    let get = client.get_webhook(by(token, pb::GetWebhookRequest { name: name() })).await.unwrap_err();
    let letters = pb::ListDeadLettersRequest { parent: name(), ..Default::default() };
    let letters = client.list_dead_letters(by(token, letters)).await.unwrap_err();
    let again = pb::RedeliverDeadLettersRequest { name: name(), ..Default::default() };
    let again = client.redeliver_dead_letters(by(token, again)).await.unwrap_err();
    let change = pb::Webhook { name: name(), url: endpoint.url(), ..Default::default() };
    let change = pb::UpdateWebhookRequest { webhook: Some(change), ..Default::default() };
    let change = client.update_webhook(by(token, change)).await.unwrap_err();
    for refusal in [get, letters, again, change] {
        assert_eq!(refusal.code(), Code::NotFound, "{}", refusal.message());
    }
    let free = pb::Webhook { name: "webhooks/acme".to_owned(), ..Default::default() };
    let free = pb::UpdateWebhookRequest {
        webhook: Some(free),
        update_mask: Some(prost_types::FieldMask { paths: vec!["customer".to_owned()] }),
        ..Default::default()
    };
    let refusal = client.update_webhook(by(token, free)).await.unwrap_err();
    assert_eq!(refusal.code(), Code::InvalidArgument, "{}", refusal.message());
}

fn by<T>(token: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}
