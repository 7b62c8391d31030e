//! The pages of the dashboard over HTTP: what they say, where their numbers lead, and what they say when something is
//! missing. How they behave in a browser is `tests/browser.sh`.

use std::collections::BTreeSet;
use std::time::Duration;

use itsm::client::{Channel, Trust};
use itsm::dashboard::{self, Dashboard};
use jiff::{ToSpan as _, tz::TimeZone};
use proto::catalog::v1 as catalog_pb;
use proto::catalog::v1::portfolio_service_client::PortfolioServiceClient;
use proto::common::v1 as common;
use proto::journal::v1::Audience;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use proto::supplier::v1 as supplier_pb;
use proto::supplier::v1::supplier_service_client::SupplierServiceClient;
use reqwest::header::COOKIE;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use servicekit::clock::{Clock as _, System};
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const ALL: &str = "all-roles-token-00001";
const TICKETS_ONLY: &str = "tickets-only-token-01";
const CONTRACTS_ONLY: &str = "contracts-only-token1";
const NOWHERE: &str = "127.0.0.1:1";

/// The three services with the demo's catalog, tickets of it, and contracts; the dashboard is each test's own.
struct House {
    folder: Scratch,
    catalog: Running,
    operations: Running,
    supplier: Running,
    browser: Client,
    _database: TestDatabase,
}

impl House {
    async fn new() -> Self {
        let folder = Scratch::new();
        let tokens = folder.join("tokens");
        let lines = [
            format!("{ALL} people/ann roles=*"),
            format!("{TICKETS_ONLY} people/bob roles=tickets.reader"),
            format!("{CONTRACTS_ONLY} people/cid roles=supplier.reader"),
        ];
        std::fs::write(&tokens, lines.join("\n")).unwrap();
        let server = config::Server { insecure: false, tokens_file: Some(tokens), ..config::Server::insecure(0) };
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let catalog = Running::start(catalog::build(&at).await, &server).await;
        let remote = itsm::apply::Remote::default().reaching("catalog", catalog.channel_of(ALL).await);
        itsm::demo::overlay::add(&remote).await.unwrap();
        let operations = Running::start(operations::build(&at).await, &server).await;
        let supplier = Running::start(supplier::build(&at).await, &server).await;
        let browser = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { folder, catalog, operations, supplier, browser, _database: database }
    }

    fn config(&self) -> dashboard::Config {
        dashboard::Config {
            catalog: self.catalog.address().to_string(),
            operations: self.operations.address().to_string(),
            supplier: self.supplier.address().to_string(),
            trust: Trust::default(),
            reports: self.folder.join("reports"),
            insecure: false,
            secure: false,
            deadline: dashboard::DEADLINE,
        }
    }

    /// A dashboard with these settings, seen by the caller of this token.
    fn seen(&self, config: dashboard::Config, token: &'static str) -> Site {
        let port = dashboard::listen(([127, 0, 0, 1], 0).into(), &config::Tls::default()).unwrap();
        let dashboard = Dashboard::new(port, config).unwrap();
        let address = format!("http://{}", dashboard.address().unwrap());
        tokio::spawn(dashboard.serve(CancellationToken::new()));
        Site { browser: self.browser.clone(), address, token }
    }

    fn site(&self) -> Site {
        self.seen(self.config(), ALL)
    }

    async fn tickets(&self) -> TicketServiceClient<Channel> {
        TicketServiceClient::new(self.operations.channel_of(ALL).await)
    }

    async fn open(&self, ticket: pb::Ticket) -> pb::Ticket {
        let request = pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
        self.tickets().await.create_ticket(request).await.unwrap().into_inner()
    }

    /// Open tickets of three priorities, with and without a group, of which some are due within a day.
    async fn fill(&self) {
        for (number, level) in [1, 1, 2, 2, 2, 3].into_iter().enumerate() {
            let ticket = self.open(incident(&format!("Incident {number}"), level)).await;
            if number % 2 == 0 {
                let assignment = pb::Assignment { group: "groups/mail".to_owned(), ..Default::default() };
                let request =
                    pb::AssignTicketRequest { name: ticket.name, assignment: Some(assignment), ..Default::default() };
                self.tickets().await.assign_ticket(request).await.unwrap();
            }
        }
        self.contract("soon", 30).await;
        self.contract("late", 400).await;
    }

    /// A contract of which notice has to be given within so many days.
    async fn contract(&self, id: &str, days: i32) {
        let mut client = SupplierServiceClient::new(self.supplier.channel_of(ALL).await);
        let supplier = supplier_pb::Supplier { display_name: format!("Supplier {id}"), ..Default::default() };
        let request = supplier_pb::CreateSupplierRequest {
            supplier_id: id.to_owned(),
            supplier: Some(supplier),
            ..Default::default()
        };
        client.create_supplier(request).await.unwrap();
        let end = System.now().to_zoned(TimeZone::UTC).date() + (days + 10).days();
        let contract = supplier_pb::Contract {
            display_name: format!("Contract {id}"),
            supplier: format!("suppliers/{id}"),
            end_date: Some(common::Date { year: end.year().into(), month: end.month().into(), day: end.day().into() }),
            notice_days: 10,
            ..Default::default()
        };
        let request = supplier_pb::CreateContractRequest {
            contract_id: id.to_owned(),
            contract: Some(contract),
            ..Default::default()
        };
        client.create_contract(request).await.unwrap();
    }
}

fn incident(title: &str, level: i32) -> pb::Ticket {
    pb::Ticket {
        process: "processes/incident".to_owned(),
        title: title.to_owned(),
        customer: "customers/log-organisation".to_owned(),
        service: "services/network-access".to_owned(),
        impact: level,
        urgency: level,
        ..Default::default()
    }
}

/// A dashboard and somebody who looks at it.
struct Site {
    browser: Client,
    address: String,
    token: &'static str,
}

impl Site {
    async fn get(&self, path: &str) -> Response {
        let request = self.browser.get(format!("{}{path}", self.address));
        request.header(COOKIE, format!("itsm_token={}", self.token)).send().await.unwrap()
    }

    /// A page that is shown.
    async fn page(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer.text().await.unwrap()
    }

    /// A page that says why it is not shown.
    async fn refusal(&self, path: &str, status: StatusCode) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), status, "{path}");
        answer.text().await.unwrap()
    }
}

fn plain(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

/// The numbers of a page with the addresses they lead to.
fn numbers(page: &str) -> Vec<(i64, String)> {
    let links = page.split("<a class=\"count\" href=\"").skip(1);
    links
        .map(|link| {
            let (address, rest) = link.split_once("\">").unwrap();
            let count = rest.split('<').next().unwrap().replace(',', "").parse().unwrap();
            (count, plain(address))
        })
        .collect()
}

/// How many the heading of a list says there are.
fn heading(page: &str) -> i64 {
    let heading = page.split("<h1>").nth(1).unwrap().split("</h1>").next().unwrap();
    let first = heading.split(' ').next().unwrap().replace(',', "");
    first.parse().unwrap_or_else(|_| panic!("the heading {heading:?} counts nothing"))
}

/// Every kind of page on which something that people wrote is shown.
const PAGES: [&str; 12] = [
    "/",
    "/tickets",
    "/services",
    "/services/network-access",
    "/customers",
    "/customers/log-organisation",
    "/agreements",
    "/agreements/standard-service-level",
    "/suppliers",
    "/suppliers/soon",
    "/contracts",
    "/contracts/soon",
];

#[tokio::test(flavor = "multi_thread")]
async fn every_number_leads_to_a_list_with_as_many() {
    let house = House::new().await;
    house.fill().await;
    let site = house.site();
    let mut followed = BTreeSet::new();
    for path in PAGES {
        for (count, address) in numbers(&site.page(path).await) {
            if followed.insert((count, address.clone())) {
                assert_eq!(heading(&site.page(&address).await), count, "{path}: {address}");
            }
        }
    }
    assert!(followed.len() > 15, "{followed:?}");
    let home = site.page("/").await;
    let total = |label: &str| {
        let tile = home.split("<li").find(|tile| tile.contains(&format!("<span>{label}</span>"))).unwrap();
        numbers(tile).first().map_or(0, |(count, _)| *count)
    };
    assert_eq!(total("open tickets"), 6);
    assert_eq!(total("assigned to nobody"), 3);
    assert!(total("due within 24 hours") >= 2, "those of priority 1 are answered within a quarter of an hour");
    assert_eq!(total("notice deadlines in 90 days"), 1);
    assert!(home.contains(" left</td>"), "{home}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_that_cannot_be_read_is_answered_with_the_column_where_it_stands() {
    let house = House::new().await;
    let site = house.site();
    let page = site.page("/tickets?filter=priority+%3D+1+AND+%3Ccolour+%3D+2").await;
    assert!(page.contains("role=\"alert\"") && page.contains("(column 18)"), "{page}");
    assert!(page.contains("priority = 1 AND <mark>&lt;colour</mark> = 2"), "{page}");
    assert!(page.contains("aria-invalid=\"true\""), "{page}");
    let page = site.page("/contracts?filter=colour+%3D+2").await;
    assert!(page.contains("(column 1)"), "{page}");
    let page = site.page("/services?order_by=colour").await;
    assert!(page.contains("role=\"alert\""), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_list_has_pages_and_columns_that_sort() {
    let house = House::new().await;
    for number in 0..103 {
        house.open(incident(&format!("Incident {number}"), 1 + number % 3)).await;
    }
    let site = house.site();
    let first = site.page("/tickets?order_by=priority+desc&filter=priority+%3E+0").await;
    assert!(first.contains("aria-sort=\"descending\""), "{first}");
    assert!(first.contains("1–100 of 103"), "{first}");
    let next = first.split("rel=\"next\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let second = site.page(&plain(next)).await;
    assert!(second.contains("101–103 of 103") && !second.contains("rel=\"next\""), "{second}");
    assert_eq!((heading(&first), heading(&second)), (103, 103));
    let names = |page: &str| -> BTreeSet<String> {
        let links = page.split("href=\"/tickets/").skip(1);
        links.map(|link| link.split('"').next().unwrap().to_owned()).collect()
    };
    assert_eq!((names(&first).len(), names(&second).len()), (100, 3));
    assert!(names(&first).is_disjoint(&names(&second)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_never_becomes_markup() {
    let house = House::new().await;
    house.fill().await;
    let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>";
    let mut ticket = incident(evil, 1);
    ticket.description = evil.to_owned();
    ticket.location = evil.to_owned();
    ticket.category_path = vec![evil.to_owned()];
    let ticket = house.open(ticket).await;
    let note = pb::Note { audience: Audience::Public.into(), text: evil.to_owned(), ..Default::default() };
    let request = pb::AddNoteRequest { parent: ticket.name.clone(), note: Some(note), ..Default::default() };
    house.tickets().await.add_note(request).await.unwrap();
    let mut portfolio = PortfolioServiceClient::new(house.catalog.channel_of(ALL).await);
    let service = catalog_pb::Service {
        name: "services/network-access".to_owned(),
        display_name: evil.to_owned(),
        utility: evil.to_owned(),
        ..Default::default()
    };
    let request = catalog_pb::UpdateServiceRequest { service: Some(service), ..Default::default() };
    portfolio.update_service(request).await.unwrap();

    let site = house.site();
    let own = format!("/{}", ticket.name);
    let mut shown = 0;
    for path in PAGES.into_iter().chain([own.as_str(), "/tickets?filter=%3Cscript%3Ealert(1)"]) {
        let page = site.page(path).await;
        assert!(!page.contains("<script>") && !page.contains("<img"), "{path}: {page}");
        shown += page.matches("&lt;script&gt;alert(1)").count();
    }
    assert!(shown > 8, "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_guarded_and_need_nothing_from_outside() {
    let house = House::new().await;
    house.fill().await;
    let site = house.site();
    for path in PAGES.into_iter().chain(["/reports", "/sign-in"]) {
        let answer = site.get(path).await;
        let header = |name: &str| answer.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("cache-control"), "no-store");
        let page = answer.text().await.unwrap();
        assert!(!page.contains("=\"http") && !page.contains("=\"//") && !page.contains(" style="), "{path}: {page}");
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        assert_eq!(page.matches("<main id=\"content\"").count(), 1, "{path}");
        assert!(page.contains("<html lang=\"en\">") && page.contains("href=\"#content\""), "{path}");
        assert!(!page.contains("<th>") && !page.contains("<th class=\"num\">"), "every heading has a scope: {path}");
    }
    let home = site.page("/").await;
    let style = home.split("stylesheet\" href=\"").nth(1).unwrap().split('"').next().unwrap();
    let answer = site.get(style).await;
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/css"));
    assert!(answer.text().await.unwrap().contains("prefers-color-scheme:dark"));
}

#[tokio::test(flavor = "multi_thread")]
async fn when_a_service_is_down_the_page_says_which_and_shows_the_rest() {
    let house = House::new().await;
    house.fill().await;
    let supplier = NOWHERE.to_owned();
    let site = house.seen(dashboard::Config { supplier, ..house.config() }, ALL);
    let home = site.page("/").await;
    assert!(home.contains("The supplier service does not answer."), "{home}");
    assert!(home.contains(">6</a><span>open tickets"), "{home}");
    let page = site.refusal("/suppliers/soon", StatusCode::BAD_GATEWAY).await;
    assert!(page.contains("The supplier service cannot be asked"), "{page}");
    assert!(site.page("/suppliers").await.contains("The supplier service cannot be asked"));

    let operations = NOWHERE.to_owned();
    let site = house.seen(dashboard::Config { operations, ..house.config() }, ALL);
    let home = site.page("/").await;
    assert!(home.contains("The operations service does not answer."), "{home}");
    assert!(home.contains("Contract soon"), "{home}");
    let service = site.page("/services/network-access").await;
    assert!(service.contains("Restored within four hours when down."), "{service}");
    assert!(service.contains("The operations service does not answer."), "{service}");

    let catalog = NOWHERE.to_owned();
    let site = house.seen(dashboard::Config { catalog, ..house.config() }, ALL);
    let home = site.page("/").await;
    assert!(home.contains("The catalog service does not answer."), "{home}");
    assert!(home.contains("network-access"), "services are shown by their ids: {home}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_is_silent_keeps_nobody_waiting() {
    let house = House::new().await;
    house.fill().await;
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let supplier = silent.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            held.push(stream);
        }
    });
    let deadline = Duration::from_secs(5);
    let site = house.seen(dashboard::Config { supplier, deadline, ..house.config() }, ALL);
    let home = site.page("/").await;
    assert!(home.contains("The supplier service did not answer within 5s."), "{home}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_not_read_something_is_told_so_in_a_sentence() {
    let house = House::new().await;
    house.fill().await;
    let site = house.seen(house.config(), TICKETS_ONLY);
    let home = site.page("/").await;
    assert!(home.contains(">6</a><span>open tickets"), "{home}");
    assert!(home.contains("<p class=\"lack\">people/bob lacks the role supplier.reader"), "{home}");
    assert!(!home.contains("does not answer"), "{home}");
    let page = site.refusal("/contracts/soon", StatusCode::FORBIDDEN).await;
    assert!(page.contains("lacks the role supplier.reader"), "{page}");
    let service = site.page("/services/network-access").await;
    assert!(service.contains("lacks the role catalog.viewer"), "{service}");

    let site = house.seen(house.config(), CONTRACTS_ONLY);
    let form = [("token", CONTRACTS_ONLY), ("next", "/contracts")];
    let answer = house.browser.post(format!("{}/sign-in", site.address)).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "who may read contracts gets in");
    let home = site.page("/").await;
    assert!(home.contains("lacks the role tickets.reader") && home.contains("Contract soon"), "{home}");
    assert_eq!(heading(&site.page("/contracts").await), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_is_told_in_sentences() {
    let house = House::new().await;
    let problem = house
        .open(pb::Ticket { process: "processes/problem".to_owned(), title: "Disk".to_owned(), ..Default::default() })
        .await;
    let ticket = house.open(incident("No network", 1)).await;
    let mut client = house.tickets().await;
    let assignment = pb::Assignment { group: "groups/network".to_owned(), ..Default::default() };
    let request =
        pb::AssignTicketRequest { name: ticket.name.clone(), assignment: Some(assignment), ..Default::default() };
    client.assign_ticket(request).await.unwrap();
    let note = pb::Note { audience: Audience::Internal.into(), text: "Cable cut".to_owned(), ..Default::default() };
    let request = pb::AddNoteRequest { parent: ticket.name.clone(), note: Some(note), ..Default::default() };
    client.add_note(request).await.unwrap();
    let link = pb::TicketLink { r#type: pb::LinkType::Problem.into(), ticket: problem.name.clone() };
    let request = pb::LinkTicketsRequest { name: ticket.name.clone(), link: Some(link), ..Default::default() };
    client.link_tickets(request).await.unwrap();
    let page = house.site().page(&format!("/{}", ticket.name)).await;
    for sentence in [
        "Opened as an incident in state new",
        "Assigned to group network",
        "Noted: Cable cut",
        "Governed by standard-service-level p1-",
        "This ticket is an incident of ",
        "INTERNAL",
        "ILLUSTRATIVE",
    ] {
        assert!(page.contains(sentence), "{sentence}: {page}");
    }
    let problem = house.site().page(&format!("/{}", problem.name)).await;
    assert!(problem.contains("This ticket is the problem behind "), "{problem}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_major_incident_and_what_waits_for_a_decision_come_first() {
    let house = House::new().await;
    let ticket = house.open(incident("Core switch down", 1)).await;
    let request = pb::DeclareMajorIncidentRequest {
        name: ticket.name.clone(),
        commander: "people/fay".to_owned(),
        users_affected: 1_200,
        ..Default::default()
    };
    house.tickets().await.declare_major_incident(request).await.unwrap();
    let site = house.site();
    let home = site.page("/").await;
    assert!(home.contains(">1</a><span>major incidents"), "{home}");
    assert!(home.contains("<span class=\"zero\">0</span><span>approvals wait for you"), "{home}");
    let page = site.page(&format!("/{}", ticket.name)).await;
    for sentence in ["Declared a major incident; commander people/fay, users affected 1200", "people/fay", "1,200"] {
        assert!(page.contains(sentence), "{sentence}: {page}");
    }
    let request = pb::StandDownMajorIncidentRequest { name: ticket.name, ..Default::default() };
    house.tickets().await.stand_down_major_incident(request).await.unwrap();
    assert!(site.page("/").await.contains("<span class=\"zero\">0</span><span>major incidents"));
    assert_eq!(heading(&site.page("/approvals").await.replace("No approval", "0 approval")), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_leads_to_a_ticket_or_to_a_list() {
    let house = House::new().await;
    let site = house.site();
    for (typed, place) in [
        ("inc-42", "/tickets/INC-000042"),
        ("tickets%2FINC-000042", "/tickets/INC-000042"),
        ("priority+%3D+1", "/tickets?filter=priority+%3D+1"),
        ("%2F%2Fevil.example", "/tickets?filter=%2F%2Fevil.example"),
    ] {
        let answer = site.get(&format!("/find?filter={typed}")).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(answer.headers()["location"], place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_what_it_found() {
    let house = House::new().await;
    let folder = house.folder.join("reports/spring");
    std::fs::create_dir_all(&folder).unwrap();
    let report = serde_json::json!({
        "period": {"start": "2016-03-01T00:00:00Z", "end": "2016-06-01T00:00:00Z"}, "as_of": "2016-06-01T00:00:00Z",
        "pages": [
            {"id": "answer", "name": "The answer", "finding": "Half of <all> promises were kept", "illustrative": true},
            {"id": "flow", "name": "Flow", "finding": "The backlog grew by 12", "illustrative": false},
        ],
        "measures": [],
    });
    std::fs::write(folder.join("report.json"), report.to_string()).unwrap();
    std::fs::write(folder.join("report.html"), "<!doctype html><style>p{color:red}</style><p>report").unwrap();
    let site = house.site();
    for path in ["/", "/reports"] {
        let page = site.page(path).await;
        assert!(page.contains("Half of &lt;all&gt; promises were kept</a>"), "{page}");
        assert!(page.contains("The backlog grew by 12") && page.contains("report.html#flow"), "{page}");
        assert!(page.contains("2016-03-01 to 2016-05-31") && page.contains("ILLUSTRATIVE"), "{page}");
    }
    let answer = site.get("/reports/spring/report.html").await;
    let policy = answer.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("script-src"), "{policy}");
}
