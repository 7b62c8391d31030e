//! Signing in to the dashboard with a signed token, over TLS, and being asked again when it has expired.

use std::sync::Arc;

use clap::Parser as _;
use itsm::cli::{Cli, Command};
use itsm::client::Trust;
use itsm::dashboard::{self, Dashboard};
use itsm::suite::Suite;
use jiff::{SignedDuration, Timestamp};
use rcgen::SanType;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, Response, StatusCode};
use serde_json::json;
use servicekit::clock::{Clock as _, Manual, System};
use servicekit::{Kit, config};
use testkit::{Running, Scratch, TestDatabase};
use tokio_util::sync::CancellationToken;

use super::tls::Authority;
use super::{Key, accepting, claims, key_set, with, write};

struct House {
    key: Key,
    clock: Arc<Manual>,
    now: Timestamp,
    browser: Client,
    address: String,
    _folder: Scratch,
    _database: TestDatabase,
}

impl House {
    /// Operations and a dashboard, both behind TLS, and a browser that trusts them.
    async fn new() -> Self {
        let folder = Scratch::new();
        let key = Key::es256("main");
        let authority = Authority::new("house");
        let ca = write(folder.join("ca.pem"), authority.pem());
        let (certificate, private) = authority.server(&folder);
        let tls = config::Tls { certificate: Some(certificate), key: Some(private), client_ca: None };
        let key_file = write(folder.join("keys.json"), key_set(&[&key]));
        let database = TestDatabase::new().await;
        let now = System.now();
        let clock = Arc::new(Manual::at(now));
        let kit = Kit::open(&config::Database::at(database.url()), &operations::SERVICE, clock.clone()).await.unwrap();
        let config = config::Server { tls: tls.clone(), ..accepting(&key_file) };
        let operations = Running::start(operations::server(kit).await, &config).await;

        let port = dashboard::listen(([127, 0, 0, 1], 0).into(), &tls).unwrap();
        let config = dashboard::Config {
            catalog: "https://127.0.0.1:1".to_owned(),
            operations: format!("https://{}", operations.address()),
            supplier: "https://127.0.0.1:1".to_owned(),
            trust: Trust { ca: Some(ca), ..Trust::default() },
            reports: folder.join("reports"),
            insecure: false,
            secure: true,
            deadline: dashboard::DEADLINE,
        };
        let dashboard = Dashboard::new(port, config).unwrap();
        let address = format!("https://{}", dashboard.address().unwrap());
        tokio::spawn(dashboard.serve(CancellationToken::new()));
        let trusted = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
        let browser =
            Client::builder().add_root_certificate(trusted).redirect(Policy::none()).no_proxy().build().unwrap();
        Self { key, clock, now, browser, address, _folder: folder, _database: database }
    }

    async fn get(&self, path: &str, cookie: &str) -> Response {
        self.browser.get(format!("{}{path}", self.address)).header(COOKIE, cookie).send().await.unwrap()
    }

    async fn sign_in(&self, token: &str) -> Response {
        let form = [("token", token), ("next", "/tickets?filter=priority%20%3D%201")];
        self.browser.post(format!("{}/sign-in", self.address)).form(&form).send().await.unwrap()
    }

    /// A token that is good for an hour.
    fn token(&self) -> String {
        let ends = self.now.as_second() + 3_600;
        self.key.sign(&with(claims(&["tickets.reader"]), json!({ "exp": ends })))
    }
}

fn header(response: &Response, name: reqwest::header::HeaderName) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_token_signs_in_and_stays_on_private_connections() {
    let house = House::new().await;
    let answer = house.sign_in(&house.token()).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(header(&answer, LOCATION), "/tickets?filter=priority%20%3D%201");
    let cookie = header(&answer, SET_COOKIE);
    for word in ["Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let cookie = cookie.split(';').next().unwrap();
    let page = house.get("/tickets", cookie).await;
    assert_eq!(page.status(), StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_expires_leads_to_sign_in_with_a_sentence_and_back() {
    let house = House::new().await;
    let cookie = format!("itsm_token={}", house.token());
    assert_eq!(house.get("/tickets?order_by=name", &cookie).await.status(), StatusCode::OK);
    house.clock.set(house.now + SignedDuration::from_hours(2));
    let answer = house.get("/tickets?order_by=name", &cookie).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(header(&answer, SET_COOKIE).contains("Max-Age=0"), "the token is forgotten");
    let sign_in = header(&answer, LOCATION);
    assert!(sign_in.starts_with("/sign-in?next=%2Ftickets%3Forder_by%3Dname"), "{sign_in}");
    let page = house.get(&sign_in, "").await.text().await.unwrap();
    assert!(page.contains("Your token has expired: sign in with a new one."), "{page}");
    assert!(page.contains("value=\"/tickets?order_by=name\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_cannot_sign_in_is_told_why() {
    let house = House::new().await;
    for (token, sentence) in [
        ("garbage".to_owned(), "The services do not accept this token."),
        (house.key.sign(&claims(&[])), "people/ann lacks the role tickets.reader"),
        (
            house.key.sign(&with(claims(&["*"]), json!({ "exp": house.now.as_second() - 3_600 }))),
            "This token has expired.",
        ),
    ] {
        let answer = house.sign_in(&token).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
        assert!(header(&answer, SET_COOKIE).is_empty());
        let page = answer.text().await.unwrap();
        assert!(page.contains(sentence), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_cannot_put_a_text_of_its_own_on_the_sign_in_page() {
    let house = House::new().await;
    let page = house.get("/sign-in?ended=call+this+number&next=//evil.example", "").await.text().await.unwrap();
    assert!(!page.contains("call this number") && !page.contains("evil"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_of_a_suite_knows_the_service_beside_it_whatever_its_certificate_is_for() {
    let folder = Scratch::new();
    let authority = Authority::new("house");
    let name = SanType::DnsName("itsm.example".try_into().unwrap());
    let (certificate, key) = authority.sign(&folder, "server", "server", vec![name]);
    let tokens = write(folder.join("tokens"), "people-token-00001 people/ann roles=tickets.reader\n");
    let database = TestDatabase::new().await;
    let line = ["itsm", "up", "--port-base", "0", "--database-url", database.url()].map(str::to_owned);
    let files = [("--tokens-file", tokens), ("--tls-cert", certificate), ("--tls-key", key)];
    let files = files.into_iter().flat_map(|(flag, file)| [flag.to_owned(), file.display().to_string()]);
    let Command::Up(args) = Cli::try_parse_from(line.into_iter().chain(files)).unwrap().command else { panic!() };
    let suite = Suite::start(&args, folder.join("reports"), CancellationToken::new()).await.unwrap();

    let address = suite.addresses.dashboard;
    let trusted = Certificate::from_pem(authority.pem().as_bytes()).unwrap();
    let browser = Client::builder().add_root_certificate(trusted).resolve("itsm.example", address).no_proxy().build();
    let page = browser.unwrap().get(format!("https://itsm.example:{}/tickets", address.port()));
    let page = page.header(COOKIE, "itsm_token=people-token-00001").send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK, "{}", page.text().await.unwrap());
    suite.stop().await.unwrap();
}
