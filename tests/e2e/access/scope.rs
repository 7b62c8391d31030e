//! Row-level security: callers who are bound to a customer see what is theirs, whatever a statement asks for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use itsm::client::Channel;
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, Kind, MessageDescriptor, MethodDescriptor, Value};
use proto::journal::v1::Audience;
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use servicekit::page::{Listing, Request as List};
use servicekit::sql::Sql;
use servicekit::{Caller, Kit, Scope, clock, config};
use testkit::{Running, Scratch, TestDatabase, reason};
use tokio_postgres::error::SqlState;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Request, Status};

use super::matrix::Bytes;

const STAFF: &str = "staff-token-000001";
const NORTH: &str = "north-token-000001";
const PARENT: &str = "parent-token-00001";
const SERVICE: &str = "itsm.operations.v1.TicketService";

/// Operations with a ticket for each of two customers, and one for none.
struct World {
    database: TestDatabase,
    operations: Running,
    north: String,
    harbour: String,
    nobody: String,
}

impl World {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let catalog = Running::insecure(catalog::build(&at).await).await;
        itsm::demo::overlay::add(&itsm::apply::Remote::default().reaching("catalog", catalog.channel().await))
            .await
            .unwrap();
        let folder = Scratch::new();
        let tokens = folder.join("tokens");
        let callers = format!(
            "{STAFF} people/ann roles=*\n{NORTH} people/eve customer=customers/northern-region roles=*\n\
             {PARENT} people/max customer=customers/log-organisation roles=*\n"
        );
        std::fs::write(&tokens, callers).unwrap();
        let config = config::Server { tokens_file: Some(tokens), insecure: false, ..config::Server::insecure(0) };
        let operations = Running::start(operations::build(&at).await, &config).await;
        let mut staff = TicketServiceClient::new(operations.channel_of(STAFF).await);
        let mut names = Vec::new();
        for customer in ["customers/northern-region", "customers/harbour-works", ""] {
            let ticket = pb::Ticket {
                process: "processes/incident".to_owned(),
                title: "down".to_owned(),
                customer: customer.to_owned(),
                ..Default::default()
            };
            let request = pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
            let opened = staff.create_ticket(request).await.unwrap().into_inner();
            for audience in [Audience::Public, Audience::Internal] {
                let note = pb::Note { audience: audience.into(), text: "a note".to_owned(), ..Default::default() };
                let request =
                    pb::AddNoteRequest { parent: opened.name.clone(), note: Some(note), ..Default::default() };
                staff.add_note(request).await.unwrap();
            }
            names.push(opened.name);
        }
        let [north, harbour, nobody] = names.try_into().unwrap();
        Self { database, operations, north, harbour, nobody }
    }

    /// A connection that acts as the service does, in its schema.
    async fn service(&self, service: &'static servicekit::Service) -> tokio_postgres::Client {
        self.kit(service).await.database.raw().await.unwrap()
    }

    async fn kit(&self, service: &'static servicekit::Service) -> Kit {
        Kit::open(&config::Database::at(self.database.url()), service, Arc::new(clock::System)).await.unwrap()
    }
}

async fn number(client: &tokio_postgres::Client, query: &str) -> i64 {
    client.query_one(query, &[]).await.unwrap().get(0)
}

/// Methods of the contract that name no ticket. Every other one is asked for a foreign ticket below.
const NAME_NONE: [&str; 11] = [
    "BatchImportTickets",
    "CountTickets",
    "CreateTicket",
    "DelegateApprovals",
    "GetImport",
    "ImportTickets",
    "ListApprovalDelegations",
    "ListApprovals",
    "ListTickets",
    "LookupTicket",
    "RevokeApprovalDelegation",
];

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    pool.get_service_by_name(SERVICE).unwrap().methods().collect()
}

/// Where a request names tickets.
fn places(request: &MessageDescriptor) -> Vec<&'static str> {
    let known = ["name", "parent", "names", "ticket", "link"];
    known.into_iter().filter(|name| request.get_field_by_name(name).is_some()).collect()
}

/// A request that lacks nothing, about `ticket` in that place and about `own` in every other.
fn filled(request: &MessageDescriptor, place: &str, ticket: &str, own: &str) -> DynamicMessage {
    let mut message = DynamicMessage::new(request.clone());
    for field in request.fields() {
        let named = Value::String(if field.name() == place { ticket } else { own }.to_owned());
        let text = |text: &str| Value::String(text.to_owned());
        let value = match (field.name(), field.kind()) {
            ("name" | "parent", _) => named,
            ("names", _) => Value::List(vec![named]),
            ("ticket", Kind::Message(inner)) => {
                let mut inner = DynamicMessage::new(inner);
                inner.set_field_by_name("name", named);
                inner.set_field_by_name("title", text("another title"));
                Value::Message(inner)
            }
            ("update_mask", Kind::Message(inner)) => {
                let mut inner = DynamicMessage::new(inner);
                inner.set_field_by_name("paths", Value::List(vec![text("title")]));
                Value::Message(inner)
            }
            ("link", Kind::Message(inner)) => {
                let mut inner = DynamicMessage::new(inner);
                inner.set_field_by_name("type", Value::EnumNumber(pb::LinkType::RelatesTo.into()));
                inner.set_field_by_name("ticket", named);
                Value::Message(inner)
            }
            ("note", Kind::Message(inner)) => {
                let mut inner = DynamicMessage::new(inner);
                inner.set_field_by_name("text", text("a note"));
                inner.set_field_by_name("audience", Value::EnumNumber(Audience::Public.into()));
                Value::Message(inner)
            }
            ("assignment", Kind::Message(inner)) => {
                let mut inner = DynamicMessage::new(inner);
                inner.set_field_by_name("group", text("groups/networks"));
                Value::Message(inner)
            }
            ("classified", Kind::Message(inner)) => Value::Message(DynamicMessage::new(inner)),
            ("update_cadence", Kind::Message(inner)) => {
                let mut inner = DynamicMessage::new(inner);
                inner.set_field_by_name("seconds", Value::I64(1_800));
                Value::Message(inner)
            }
            ("transition", _) => text("start"),
            ("commander" | "delegate", _) => text("people/bob"),
            ("approval" | "clock", _) => text("a"),
            ("comment" | "evidence", Kind::String) => text("why"),
            ("reason" | "verdict" | "regulation", _) => Value::EnumNumber(1),
            _ => continue,
        };
        message.set_field(&field, value);
    }
    message
}

/// The answer with the ticket's name taken out: code, text and details.
fn told(answer: &Result<(), Status>, ticket: &str) -> (Code, String, String) {
    let Err(status) = answer else { return (Code::Ok, String::new(), String::new()) };
    let details = String::from_utf8_lossy(status.details()).replace(ticket, "tickets/-");
    (status.code(), status.message().replace(ticket, "tickets/-"), details)
}

async fn call(channel: &Channel, method: &str, message: &DynamicMessage) -> Result<(), Status> {
    let mut grpc = Grpc::new(channel.clone());
    grpc.ready().await.map_err(|error| Status::unknown(error.to_string()))?;
    let path = PathAndQuery::try_from(format!("/{SERVICE}/{method}")).unwrap();
    let request = Request::new(tokio_stream::once(message.encode_to_vec()));
    grpc.streaming(request, path, Bytes).await.map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_ticket_and_a_missing_one_answer_alike() {
    const MISSING: &str = "tickets/INC-987654";
    let world = World::new().await;
    let caller = world.operations.channel_of(NORTH).await;
    let mut silent = BTreeSet::new();
    for method in methods() {
        let (name, request) = (method.name(), method.input());
        let places = places(&request);
        if places.is_empty() || NAME_NONE.contains(&name) {
            silent.insert(name.to_owned());
            continue;
        }
        for place in places {
            let ask = async |ticket: &str| {
                let message = filled(&request, place, ticket, &world.north);
                told(&call(&caller, name, &message).await, ticket)
            };
            let missing = ask(MISSING).await;
            assert!([Code::NotFound, Code::InvalidArgument].contains(&missing.0), "{name} {place}: {missing:?}");
            for foreign in [&world.harbour, &world.nobody] {
                assert_eq!(ask(foreign).await, missing, "{name} {place}");
            }
            assert_ne!(ask(&world.north).await, missing, "{name} {place}: the ticket was looked for");
        }
    }
    assert_eq!(silent.iter().map(String::as_str).collect::<Vec<_>>(), NAME_NONE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_customer_sees_those_below_it_and_their_public_facts() {
    let world = World::new().await;
    let mut parent = TicketServiceClient::new(world.operations.channel_of(PARENT).await);
    let list = pb::ListTicketsRequest::default();
    let seen = parent.list_tickets(list.clone()).await.unwrap().into_inner().tickets;
    assert_eq!(seen.into_iter().map(|ticket| ticket.name).collect::<Vec<_>>(), [&*world.north, &*world.harbour]);
    let mut child = TicketServiceClient::new(world.operations.channel_of(NORTH).await);
    let seen = child.list_tickets(list).await.unwrap().into_inner().tickets;
    assert_eq!(seen.into_iter().map(|ticket| ticket.name).collect::<Vec<_>>(), [&*world.north]);
    let entries = async |token: &str| {
        let channel = world.operations.channel_of(token).await;
        let mut journal = proto::journal::v1::journal_service_client::JournalServiceClient::new(channel);
        let request = proto::journal::v1::ListJournalEntriesRequest { page_size: 1_000, ..Default::default() };
        journal.list_journal_entries(request).await.unwrap().into_inner().journal_entries
    };
    // What was written last is put in order within moments.
    while !entries(STAFF).await.iter().any(|entry| entry.subject == world.nobody && entry.kind == "ticket.noted.v1") {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    for (token, expected) in [(NORTH, vec![&world.north]), (PARENT, vec![&world.north, &world.harbour])] {
        let seen = entries(token).await;
        assert!(seen.iter().all(|entry| entry.audience() == Audience::Public), "{token}");
        let subjects: BTreeSet<&String> = seen.iter().map(|entry| &entry.subject).collect();
        assert_eq!(subjects, expected.into_iter().collect(), "{token}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_any_where_clause_the_database_holds_a_caller_to_its_scope() {
    let world = World::new().await;
    let service = world.service(&operations::SERVICE).await;
    let within = async |scope: &str| {
        service.batch_execute(&format!("ROLLBACK; BEGIN; SET LOCAL itsm.scope = '{scope}'")).await.unwrap();
    };
    within("*").await;
    assert_eq!(number(&service, "SELECT count(*) FROM tickets").await, 3);
    let facts = number(&service, "SELECT count(*) FROM journal WHERE customer_id = 'customers/northern-region'").await;
    let public = "SELECT count(*) FROM journal WHERE customer_id = 'customers/northern-region' AND audience = 'PUBLIC'";
    let public = number(&service, public).await;
    assert!(0 < public && public < facts);

    within("customers/northern-region").await;
    let rows = service.query("SELECT * FROM tickets", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get("name")).collect::<Vec<String>>(), [&*world.north]);
    let rows = service.query("SELECT * FROM journal", &[]).await.unwrap();
    assert_eq!(i64::try_from(rows.len()).unwrap(), public);
    assert!(rows.iter().all(|row| row.get::<_, String>("subject") == world.north));
    assert_eq!(number(&service, "SELECT count(*) FROM imports").await, 0);
    assert_eq!(number(&service, "SELECT count(*) FROM idempotency WHERE customer_id = ''").await, 0);
    let updated = service.execute("UPDATE tickets SET nonconformance_count = nonconformance_count", &[]).await.unwrap();
    assert_eq!(updated, 1);

    within("customers/northern-region INTERNAL").await;
    assert_eq!(number(&service, "SELECT count(*) FROM journal").await, facts);
    within("customers/northern-region customers/harbour-works").await;
    assert_eq!(number(&service, "SELECT count(*) FROM tickets").await, 2);

    // Nothing is written for others either.
    let foreign = [
        "UPDATE tickets SET body = jsonb_set(body, '{customer}', '\"customers/harbour-works\"')",
        "INSERT INTO journal (change_id, last_of_change, occurred_at, actor, customer_id, audience, subject, \
         subject_version, kind, payload) VALUES (gen_random_uuid(), true, '2024-06-01', 'people/eve', \
         'customers/harbour-works', 'PUBLIC', 'tickets/INC-000001', 9, 'ticket.noted.v1', '{}')",
        "INSERT INTO imports VALUES ('mine', 0, 0, 0, 0, '2024-06-01', '2024-06-01')",
    ];
    for statement in foreign {
        within("customers/northern-region").await;
        let refusal = service.batch_execute(statement).await.unwrap_err();
        assert_eq!(refusal.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{statement}: {refusal:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_scope_every_table_gives_nothing() {
    let world = World::new().await;
    let owner = world.database.connect().await;
    let mut filled = BTreeSet::new();
    for known in [&catalog::SERVICE, &operations::SERVICE, &supplier::SERVICE] {
        let service = world.service(known).await;
        let tables = "SELECT c.relname::text, c.relrowsecurity AND c.relforcerowsecurity, \
                      has_table_privilege(current_user, c.oid, 'SELECT'), c.relispartition FROM pg_class c \
                      WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND \
                      (c.relrowsecurity OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid \
                      AND a.attname = 'customer_id'))";
        let tables = service.query(tables, &[]).await.unwrap();
        assert!(tables.len() >= 6, "{}", known.name);
        for row in tables {
            let (table, forced): (String, bool) = (row.get(0), row.get(1));
            let (readable, partition): (bool, bool) = (row.get(2), row.get(3));
            if partition {
                assert!(!readable, "{table} of {} is read through its parent alone", known.name);
                continue;
            }
            assert!(forced, "row-level security of {table} of {} is not forced", known.name);
            let count = format!("SELECT count(*) FROM {table}");
            assert_eq!(number(&service, &count).await, 0, "{table} of {}", known.name);
            // Once set in a transaction, the setting is there and empty.
            service.batch_execute("BEGIN; SET LOCAL itsm.scope = '*'; ROLLBACK").await.unwrap();
            assert_eq!(number(&service, &count).await, 0, "{table} of {}", known.name);
            if number(&owner, &format!("SELECT count(*) FROM {}.{table}", known.name)).await > 0 {
                filled.insert(table);
            }
        }
    }
    for table in ["tickets", "journal", "idempotency"] {
        assert!(filled.contains(table), "{table} is empty for everybody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_is_held_to_a_scope_too() {
    let world = World::new().await;
    let owner = world.database.connect().await;
    let role = format!("{}_owner", world.database.name());
    let give = format!(
        "CREATE ROLE {role}; GRANT USAGE, CREATE ON SCHEMA operations TO {role}; \
         ALTER TABLE operations.tickets OWNER TO {role}; SET ROLE {role}"
    );
    owner.batch_execute(&give).await.unwrap();
    let count = "SELECT count(*) FROM operations.tickets";
    assert_eq!(number(&owner, count).await, 0);
    owner.batch_execute("SET itsm.scope = '*'").await.unwrap();
    assert_eq!(number(&owner, count).await, 3);
    let back = format!("RESET ROLE; REASSIGN OWNED BY {role} TO CURRENT_USER; DROP OWNED BY {role}; DROP ROLE {role}");
    owner.batch_execute(&back).await.unwrap();
}

#[derive(diesel::QueryableByName)]
struct Line {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    text: String,
}

/// How Postgres reads the rows of a statement, in a transaction of this scope.
async fn plan_of(kit: &Kit, scope: &Scope, statement: Sql) -> String {
    let mut connection = kit.database.get(scope).await.unwrap();
    let lines: Vec<Line> = statement.explained().load(&mut connection).await.unwrap();
    lines.into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_a_bound_caller_find_their_rows_by_an_index() {
    let world = World::new().await;
    let owner = world.database.connect().await;
    let copies = "SET search_path TO operations; \
        INSERT INTO tickets (number, uid, version, edited_version, created_at, updated_at, body, clocks, clock_state, \
            due_at, next_fire_at, calendars, nonconformance_count, absorbed) \
        SELECT 1000 + n, gen_random_uuid(), 1, 1, t.created_at, t.updated_at, t.body || jsonb_build_object( \
                'name', 'tickets/INC-' || lpad((1000 + n)::text, 6, '0'), 'customer', 'customers/c' || n % 100, \
                'state', (ARRAY['new', 'in_progress'])[1 + n % 2], 'priority', 1 + n % 4), \
            t.clocks, t.clock_state, t.due_at, NULL, t.calendars, 0, '{}' \
        FROM tickets t CROSS JOIN generate_series(1, 20000) AS n WHERE t.number = 1; ANALYZE tickets";
    owner.batch_execute(copies).await.unwrap();
    let kit = world.kit(&operations::SERVICE).await;
    let caller = Caller { customer: Some("customers/c7".to_owned()), ..Caller::trusted("people/eve") };
    let one = Scope::of(vec!["customers/c7".to_owned()]);
    let family = Scope::of(vec!["customers/c7".to_owned(), "customers/c8".to_owned()]);
    let lists = [
        ("", ""),
        ("state = 'new'", ""),
        ("state_category = 'NEW'", "priority"),
        ("priority <= 2", "create_time desc"),
        ("service = 'services/email'", ""),
        ("assignment.group = 'groups/networks'", "open_time"),
    ];
    for scope in [&one, &family] {
        for (filter, order_by) in lists {
            let request = List { method: "list", filter, order_by, ..List::default() };
            let listing = Listing::open(&kit, &caller, &operations::store::list::FIELDS, request).unwrap();
            let part = operations::store::ticket::Part::Whole;
            let statement = operations::store::list::statement(scope, &listing, part);
            let plan = plan_of(&kit, scope, statement).await;
            assert!(!plan.contains("Seq Scan"), "{filter} {order_by} of {scope:?}:\n{plan}");
            assert!(plan.contains("customer_id = "), "{plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_the_provider_find_their_rows_by_an_index() {
    let world = World::new().await;
    let owner = world.database.connect().await;
    // Two years of work: one in fifty is open, and what is open is due.
    let copies = "SET search_path TO operations; \
        INSERT INTO tickets (number, uid, version, edited_version, created_at, updated_at, body, clocks, clock_state, \
            due_at, next_fire_at, calendars, nonconformance_count, absorbed) \
        SELECT 1000 + n, gen_random_uuid(), 1, 1, t.created_at, t.updated_at, t.body || jsonb_build_object( \
                'name', 'tickets/INC-' || lpad((1000 + n)::text, 6, '0'), 'customer', 'customers/c' || n % 100, \
                'service', 'services/s' || n % 40, 'priority', CASE WHEN n % 100 = 0 THEN 1 ELSE 2 + n % 3 END, \
                'category', CASE WHEN n % 50 = 0 THEN 'ACTIVE' ELSE 'CLOSED' END, \
                'opened_at', to_char(timestamp '2024-01-01' + n * interval '52 minutes', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), \
                'assignment', jsonb_build_object('group', 'groups/g' || n % 60)), \
            t.clocks, 'RUNNING', CASE WHEN n % 50 = 0 THEN now() + n * interval '1 minute' END, NULL, t.calendars, 0, '{}' \
        FROM tickets t CROSS JOIN generate_series(1, 20000) AS n WHERE t.number = 1; ANALYZE tickets";
    owner.batch_execute(copies).await.unwrap();
    let kit = world.kit(&operations::SERVICE).await;
    let open = "(state_category = NEW OR state_category = ACTIVE OR state_category = PENDING)";
    let lists = [
        ("", "", "tickets_number_key"),
        ("practice = 'incident'", "", "tickets_number_key"),
        ("priority = 1", "", "tickets_priority"),
        (open, "priority, open_time", "tickets_category"),
        (open, "due_time", "tickets_category"),
        ("due_time > now() AND due_time <= now() + 24h", "due_time", "tickets_due"),
        ("service = 'services/s7'", "", "tickets_service"),
        ("assignment.group = 'groups/g7'", "", "tickets_group"),
        ("assignment.person = 'people/ann'", "due_time", "tickets_person"),
        ("customer = 'customers/c7'", "", "tickets_pkey"),
        ("open_time >= '2024-03-01T00:00:00Z' AND open_time < '2024-03-08T00:00:00Z'", "open_time", "tickets_opened"),
        ("major = true AND NOT incident.major.stand_down_time:*", "incident.major.declare_time", "tickets_major"),
        ("awaits_approval = true", "", "tickets_awaits_approval"),
        ("duty_due_time:*", "duty_due_time", "tickets_duty_due"),
        ("source_system = 'servicenow' AND source_id = 'INC0000045'", "", "tickets_source_key"),
    ];
    let mut statements = String::new();
    let mut wrong = Vec::new();
    for (filter, order_by, index) in lists {
        let request = List { method: "list", filter, order_by, ..List::default() };
        let caller = Caller::trusted("people/ann");
        let listing = Listing::open(&kit, &caller, &operations::store::list::FIELDS, request).unwrap();
        let part = operations::store::ticket::Part::Whole;
        let statement = operations::store::list::statement(&Scope::Everything, &listing, part);
        let text = statement.to_string();
        let (_, rest) = text.split_once(" FROM ").unwrap();
        writeln!(statements, "-- {filter} | {order_by}\n{rest}").unwrap();
        let plan = plan_of(&kit, &Scope::Everything, statement).await;
        if plan.contains("Seq Scan on tickets") || !plan.contains(index) {
            wrong.push(format!("{filter} | {order_by}: not by {index}\n{plan}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    insta::assert_snapshot!("lists_of_tickets", statements);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bound_caller_repeats_a_request_and_decides_by_facts_it_may_not_see() {
    let world = World::new().await;
    let mut north = TicketServiceClient::new(world.operations.channel_of(NORTH).await);
    let request = pb::TransitionTicketRequest {
        name: world.north.clone(),
        transition: "start".to_owned(),
        request_id: uuid::Uuid::from_u128(7).to_string(),
        ..Default::default()
    };
    let first = north.transition_ticket(request.clone()).await.unwrap().into_inner();
    assert_eq!(first.state, "in_progress");
    assert_eq!(north.transition_ticket(request).await.unwrap().into_inner(), first);
    // Notes are numbered by all of them; the internal one comes second.
    let list = pb::ListNotesRequest { parent: world.north.clone(), ..Default::default() };
    let note = pb::Note { audience: Audience::Public.into(), text: "a third".to_owned(), ..Default::default() };
    let add = pb::AddNoteRequest { parent: world.north.clone(), note: Some(note), ..Default::default() };
    let added = north.add_note(add).await.unwrap().into_inner();
    let notes = north.list_notes(list).await.unwrap().into_inner().notes;
    assert_eq!(notes.len(), 2);
    assert_eq!(notes.last().map(|note| &note.name), Some(&added.name));
    let lookup = pb::LookupTicketRequest { source_system: "x".into(), source_id: "1".into(), ..Default::default() };
    assert_eq!(reason(&north.lookup_ticket(lookup).await.unwrap_err()), "RESOURCE_NOT_FOUND");
}

/// Servicekit states the policies of the tables that every service has.
#[test]
fn tables_of_servicekit_are_fenced_as_it_states_it() {
    for migrated in [
        include_str!("../../../services/catalog/migrations/0007_scope/up.sql"),
        include_str!("../../../services/operations/migrations/0008_scope/up.sql"),
        include_str!("../../../services/supplier/migrations/0005_scope/up.sql"),
        include_str!("../kit/migrations/0004_scope/up.sql"),
    ] {
        assert_eq!(migrated, servicekit::scope::DDL);
    }
}
