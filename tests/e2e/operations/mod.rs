//! Tickets over gRPC, on a database of its own for each test, with the demo's catalog.

mod access;
mod approvals;
mod changes;
mod duties;
mod exclusions;
mod forms;
mod imports;
mod majors;
mod outages;
mod privacy;
mod reads;
mod roles;
mod scenarios;
mod scheduler;
mod timers;

use std::collections::BTreeMap;

use itsm::client::Channel;
use proto::journal::v1::Audience;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use servicekit::config;
use testkit::{Running, TestDatabase};
use tonic::Status;

type Client = TicketServiceClient<Channel>;

/// Operations that answer until the test ends.
struct Operations {
    database: TestDatabase,
    client: Client,
}

impl Operations {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let catalog = Running::insecure(catalog::build(&at).await).await;
        itsm::demo::overlay::add(&itsm::apply::Remote::default().reaching("catalog", catalog.channel().await))
            .await
            .unwrap();
        let operations = Running::insecure(operations::build(&at).await).await;
        Self { client: TicketServiceClient::new(operations.channel().await), database }
    }

    fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client of another server on the same database: a replica, or the same one started again.
    async fn another_server(&self) -> Client {
        let server = operations::build(&config::Database::at(self.database.url())).await;
        TicketServiceClient::new(Running::insecure(server).await.channel().await)
    }

    /// A connection to its schema.
    async fn connect(&self) -> tokio_postgres::Client {
        let client = self.database.connect().await;
        client.batch_execute("SET search_path TO operations").await.unwrap();
        client
    }

    /// A number from its schema.
    async fn number(&self, query: &str) -> i64 {
        self.connect().await.query_one(query, &[]).await.unwrap().get(0)
    }

    async fn open(&self, ticket: pb::Ticket) -> Result<pb::Ticket, Status> {
        let request = pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
        Ok(self.client().create_ticket(request).await?.into_inner())
    }

    async fn get(&self, name: &str) -> pb::Ticket {
        let request = pb::GetTicketRequest { name: name.to_owned(), ..Default::default() };
        self.client().get_ticket(request).await.unwrap().into_inner()
    }

    async fn note(&self, ticket: &str, audience: Audience, text: &str) -> Result<pb::Note, Status> {
        note(self.client(), ticket, audience, text).await
    }

    async fn count(&self, filter: &str) -> i64 {
        let request = pb::CountTicketsRequest { filter: filter.to_owned(), ..Default::default() };
        self.client().count_tickets(request).await.unwrap().into_inner().total_count
    }
}

async fn note(mut client: Client, ticket: &str, audience: Audience, text: &str) -> Result<pb::Note, Status> {
    let note = pb::Note { audience: audience.into(), text: text.to_owned(), ..Default::default() };
    let request = pb::AddNoteRequest { parent: ticket.to_owned(), note: Some(note), ..Default::default() };
    Ok(client.add_note(request).await?.into_inner())
}

fn incident(title: &str) -> pb::Ticket {
    pb::Ticket { process: "processes/incident".to_owned(), title: title.to_owned(), ..Default::default() }
}

/// An incident that promises cover.
fn covered(title: &str, level: i32) -> pb::Ticket {
    pb::Ticket { customer: "customers/log-organisation".to_owned(), impact: level, urgency: level, ..incident(title) }
}

/// The fields that a refusal names.
fn violations(status: &Status) -> Vec<String> {
    use tonic_types::StatusExt as _;
    let details = status.get_details_bad_request().map(|details| details.field_violations).unwrap_or_default();
    details.into_iter().map(|violation| violation.field).collect()
}

fn step(ticket: &str, transition: &str) -> pb::TransitionTicketRequest {
    pb::TransitionTicketRequest { name: ticket.to_owned(), transition: transition.to_owned(), ..Default::default() }
}

fn resolve(ticket: &str) -> pb::TransitionTicketRequest {
    let resolution = pb::Resolution { code: "fixed".to_owned(), ..Default::default() };
    let fields = pb::TransitionFields { resolution: Some(resolution), ..Default::default() };
    pb::TransitionTicketRequest { fields: Some(fields), ..step(ticket, "resolve") }
}

fn assign(ticket: &str, group: &str) -> pb::AssignTicketRequest {
    let assignment = pb::Assignment { group: group.to_owned(), ..Default::default() };
    pb::AssignTicketRequest { name: ticket.to_owned(), assignment: Some(assignment), ..Default::default() }
}

fn instant(text: &str) -> prost_types::Timestamp {
    servicekit::wire::timestamp(text.parse().unwrap())
}

/// Everything about tickets that does not depend on when and under which number they were recorded.
fn told(tickets: &[pb::Ticket]) -> BTreeMap<String, pb::Ticket> {
    let told = tickets.iter().map(|ticket| {
        let plain = pb::Ticket {
            name: String::new(),
            uid: String::new(),
            etag: String::new(),
            create_time: None,
            update_time: None,
            links: Vec::new(),
            ..ticket.clone()
        };
        (ticket.source_id.clone(), plain)
    });
    told.collect()
}

/// Every fact on record folds to the row that is stored, clocks included: they are read again at the last fact.
async fn replay_agrees(operations: &Operations) {
    let database = operations.connect().await;
    let mut replayed = 0;
    for row in database.query("SELECT name, body::text, clocks::text FROM tickets", &[]).await.unwrap() {
        let (name, body, clocks): (String, String, String) = (row.get(0), row.get(1), row.get(2));
        let query = "SELECT kind, payload::text, extract(epoch FROM occurred_at)::text, source_sequence, position, actor, \
                     audience, p.content::text FROM journal LEFT JOIN journal_private p USING (position, audience) \
                     WHERE subject = $1 ORDER BY md5(position::text)";
        let facts: Vec<_> = database.query(query, &[&name]).await.unwrap().iter().map(recorded).collect();
        let folded = domain::ticket::fold(&facts).unwrap();
        assert_eq!(folded, domain::stored::ticket_from_json(&body).unwrap(), "{name}");

        let last = facts.iter().map(|fact| fact.occurred_at).max().unwrap();
        let request = pb::ExplainClocksRequest {
            name: name.clone(),
            read_time: Some(servicekit::wire::timestamp(last)),
            known_time: None,
        };
        let explained = operations.client().explain_clocks(request).await.unwrap().into_inner().clocks;
        let explained: Vec<_> = explained.into_iter().filter_map(|clock| clock.clock).collect();
        assert_eq!(explained, operations.get(&name).await.clocks, "{name}");
        assert_eq!(explained.len(), domain::stored::readings_from_json(&clocks).unwrap().len(), "{name}");
        replayed += 1;
    }
    assert!(replayed > 0);
}

fn recorded(row: &tokio_postgres::Row) -> domain::ticket::Recorded {
    let (kind, payload, seconds): (String, String, String) = (row.get(0), row.get(1), row.get(2));
    let (whole, fraction) = seconds.split_once('.').unwrap();
    let microseconds = whole.parse::<i64>().unwrap() * 1_000_000 + fraction.parse::<i64>().unwrap();
    let private: Option<String> = row.get(7);
    let private = private.map(|text| domain::privacy::Private::from_json(&text).unwrap()).unwrap_or_default();
    domain::ticket::Recorded {
        fact: domain::stored::private_fact_from_json(&kind, &payload, &private).unwrap(),
        occurred_at: jiff::Timestamp::from_microsecond(microseconds).unwrap(),
        source_recorded_at: None,
        source_sequence: row.get(3),
        position: row.get(4),
        actor: private.name(row.get(5)),
        audience: domain::ticket::Audience::parse(row.get(6)).unwrap(),
    }
}
