//! People are erased: everywhere, with nothing lost but what is theirs, and the journal tells that from damage.

use std::path::Path;
use std::process::Command;

use itsm::client::Channel;
use proto::journal::v1 as journal_pb;
use proto::journal::v1::Audience;
use proto::journal::v1::journal_service_client::JournalServiceClient;
use proto::operations::v1::privacy_service_client::PrivacyServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, TestDatabase, reason};
use tonic::{Code, Status};

use super::{Client, Operations, incident, note, pb, replay_agrees, step, violations};

/// How long the sequencer may take at most.
const PATIENCE: std::time::Duration = std::time::Duration::from_mins(1);

const CALLERS: &str = "\
root-token-00000001 people/root roles=*
dora-token-00000001 people/dora roles=privacy.officer,journal.auditor,tickets.reader
bob-token-000000001 people/bob roles=tickets.agent,tickets.reader,tickets.reporter,tickets.approver
ann-token-000000001 people/ann roles=tickets.agent,tickets.reader,tickets.reporter,tickets.approver
eve-token-000000001 people/eve customer=customers/log-organisation roles=*
";

/// Operations whose callers have names and roles.
struct Office {
    operations: Operations,
    running: Running,
    _folder: Scratch,
}

impl Office {
    async fn new() -> Self {
        let database = TestDatabase::new().await;
        let at = config::Database::at(database.url());
        let catalog = Running::insecure(catalog::build(&at).await).await;
        let remote = itsm::apply::Remote::default().reaching("catalog", catalog.channel().await);
        itsm::demo::overlay::add(&remote).await.unwrap();
        let folder = Scratch::new();
        let tokens = folder.join("tokens");
        std::fs::write(&tokens, CALLERS).unwrap();
        let config = config::Server { tokens_file: Some(tokens), insecure: false, ..config::Server::insecure(0) };
        let running = Running::start(operations::build(&at).await, &config).await;
        let client = Client::new(running.channel_of("root-token-00000001").await);
        Self { operations: Operations { database, client }, running, _folder: folder }
    }

    async fn channel(&self, name: &str) -> Channel {
        let token = CALLERS.lines().find(|line| line.starts_with(name)).unwrap();
        self.running.channel_of(token.split_whitespace().next().unwrap()).await
    }

    async fn client(&self, name: &str) -> Client {
        Client::new(self.channel(name).await)
    }

    async fn open(&self, caller: &str, ticket: pb::Ticket) -> String {
        let request = pb::CreateTicketRequest { ticket: Some(ticket), ..Default::default() };
        self.client(caller).await.create_ticket(request).await.unwrap().into_inner().name
    }

    async fn note(&self, caller: &str, ticket: &str, text: &str) {
        note(self.client(caller).await, ticket, Audience::Public, text).await.unwrap();
    }

    async fn erase(&self, caller: &str, request: pb::ErasePersonRequest) -> Result<pb::ErasePersonResponse, Status> {
        let mut client = PrivacyServiceClient::new(self.channel(caller).await);
        Ok(client.erase_person(request).await?.into_inner())
    }

    /// What verifying the journal finds beside its facts.
    async fn verified(&self) -> (Vec<String>, i64) {
        let mut client = JournalServiceClient::new(self.channel("dora").await);
        let found = client.verify_journal(journal_pb::VerifyJournalRequest::default()).await.unwrap().into_inner();
        assert!(found.ranges.iter().all(|range| range.damages.is_empty()), "{:?}", found.ranges);
        (found.text_damages.into_iter().map(|damage| damage.message).collect(), found.erased_count)
    }

    /// Tables, of all services, with a row in which the pattern is found.
    async fn found(&self, pattern: &str) -> Vec<String> {
        let client = self.operations.database.connect().await;
        let tables = "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
                      WHERE schemaname IN ('catalog', 'operations', 'supplier')";
        let mut found = Vec::new();
        for row in client.query(tables, &[]).await.unwrap() {
            let table: String = row.get(0);
            let query = format!("SELECT count(*) FROM {table} AS t WHERE t::text ~ $1");
            if client.query_one(&query, &[&pattern]).await.unwrap().get::<_, i64>(0) > 0 {
                found.push(table);
            }
        }
        found
    }
}

fn erase(person: &str) -> pb::ErasePersonRequest {
    pb::ErasePersonRequest {
        person: person.to_owned(),
        reason: "asked for by letter 7".to_owned(),
        ..Default::default()
    }
}

/// What a person says herself, or is said of her.
const SECRETS: [&str; 8] = [
    "secret title",
    "secret story",
    "secret place",
    "secret tag",
    "secret call",
    "secret remark",
    "secret plan",
    "secret mention",
];
/// The name, and not a longer one.
const ANN: &str = "people/ann([^a-z]|$)";

/// Tickets by, of and about Ann, one after another, and one that has nothing to do with her.
async fn told(office: &Office) -> [String; 4] {
    let of_ann = pb::Ticket {
        description: "secret story".to_owned(),
        location: "secret place".to_owned(),
        tags: vec!["secret tag".to_owned(), "another".to_owned()],
        requester: "people/ann".to_owned(),
        watchers: vec!["people/ann".to_owned(), "people/zoe".to_owned()],
        customer: "customers/log-organisation".to_owned(),
        impact: 1,
        urgency: 1,
        ..incident("secret title")
    };
    let of_ann = office.open("bob", of_ann).await;
    office.note("bob", &of_ann, "secret call").await;
    let mut bob = office.client("bob").await;
    bob.transition_ticket(step(&of_ann, "start")).await.unwrap();

    let other = office.open("bob", pb::Ticket { requester: "people/zoe".to_owned(), ..incident("kept title") }).await;
    let assignment = pb::Assignment { person: "people/ann".to_owned(), ..Default::default() };
    let assign = pb::AssignTicketRequest { name: other.clone(), assignment: Some(assignment), ..Default::default() };
    bob.assign_ticket(assign).await.unwrap();
    office.note("ann", &other, "secret remark").await;
    office.note("bob", &other, "kept note").await;
    office.note("bob", &other, "secret mention of people/ann").await;
    // Said by her, and said again by somebody else.
    office.note("bob", &other, "secret remark").await;
    let declare = pb::DeclareMajorIncidentRequest {
        name: other.clone(),
        commander: "people/ann".to_owned(),
        ..Default::default()
    };
    bob.declare_major_incident(declare).await.unwrap();

    let details = pb::ChangeDetails {
        r#type: pb::ChangeType::Normal.into(),
        risk: "low".to_owned(),
        implementation_plan: "secret plan".to_owned(),
        test_plan: "kept test".to_owned(),
        back_out_plan: "kept way back".to_owned(),
        planned_start_time: Some(super::instant("2030-01-05T22:00:00Z")),
        planned_end_time: Some(super::instant("2030-01-05T23:00:00Z")),
        ..Default::default()
    };
    let change = pb::Ticket {
        process: "processes/change".to_owned(),
        title: "kept change".to_owned(),
        details: Some(pb::ticket::Details::Change(pb::ChangeDetails {
            implementation_plan: "to be written".to_owned(),
            ..details.clone()
        })),
        ..Default::default()
    };
    let change = office.open("root", change).await;
    let update = pb::UpdateTicketRequest {
        ticket: Some(pb::Ticket {
            name: change.clone(),
            details: Some(pb::ticket::Details::Change(details)),
            ..Default::default()
        }),
        update_mask: Some(prost_types::FieldMask { paths: vec!["change.implementation_plan".to_owned()] }),
        ..Default::default()
    };
    let mut ann = office.client("ann").await;
    ann.update_ticket(update).await.unwrap();
    for transition in ["assess", "submit"] {
        office.client("root").await.transition_ticket(step(&change, transition)).await.unwrap();
    }
    let delegate = pb::DelegateApprovalsRequest {
        delegate: "people/bob".to_owned(),
        end_time: Some(super::instant("2199-01-01T00:00:00Z")),
        comment: "secret call".to_owned(),
        ..Default::default()
    };
    ann.delegate_approvals(delegate).await.unwrap();

    let kept = office.open("root", pb::Ticket { requester: "people/anna".to_owned(), ..incident("kept all") }).await;
    [of_ann, other, change, kept]
}

async fn notes(office: &Office, ticket: &str) -> Vec<(String, String)> {
    let request = pb::ListNotesRequest { parent: ticket.to_owned(), ..Default::default() };
    let notes = office.operations.client().list_notes(request).await.unwrap().into_inner().notes;
    notes.into_iter().map(|note| (note.author, note.text)).collect()
}

fn pair(author: &str, text: &str) -> (String, String) {
    (author.to_owned(), text.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_erased_everywhere_and_nobody_else() {
    let office = Office::new().await;
    let [of_ann, other, change, kept] = told(&office).await;
    for secret in SECRETS {
        assert!(!office.found(secret).await.is_empty(), "{secret}");
    }
    assert!(!office.found(ANN).await.contains(&"operations.journal".to_owned()), "no name stands in the journal");
    let (kept_before, change_before) = (office.operations.get(&kept).await, office.operations.get(&change).await);
    assert_eq!(change_before.approvals.len(), 1);
    replay_agrees(&office.operations).await;
    let actor = "actor = \"people/ann\"";
    let entries = async |filter: &str| {
        let mut client = JournalServiceClient::new(office.channel("root").await);
        let request = journal_pb::ListJournalEntriesRequest { filter: filter.to_owned(), ..Default::default() };
        client.list_journal_entries(request).await.unwrap().into_inner().journal_entries
    };
    let in_order = async {
        while entries("kind = \"approval_delegation.created.v1\"").await.is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, in_order).await.expect("the delegation comes into the order");
    assert!(entries(actor).await.iter().all(|entry| entry.actor == "people/ann"));
    assert_eq!(entries(actor).await.len(), 3, "a note, an update, a delegation");

    // A customer sees what is public, with its texts; nothing of it comes from elsewhere.
    let facts = pb::ListFactsRequest { name: of_ann.clone(), ..Default::default() };
    let facts = office.client("eve").await.list_facts(facts).await.unwrap().into_inner().facts;
    let title = |fact: &journal_pb::JournalEntry| {
        let fields = fact.payload.as_ref()?.fields.get("fields")?.kind.clone()?;
        let prost_types::value::Kind::StructValue(fields) = fields else { return None };
        fields.fields.get("title").cloned()
    };
    assert_eq!(facts.iter().find_map(title), Some(prost_types::Value::from("secret title")));
    assert_eq!(facts[0].actor, "people/bob");

    let looked = office.erase("dora", pb::ErasePersonRequest { validate_only: true, ..erase("people/ann") }).await;
    let looked = looked.unwrap();
    assert!(!office.found(ANN).await.is_empty());
    let erased = office.erase("dora", erase("people/ann")).await.unwrap();
    assert_eq!(looked, erased);
    assert_eq!((erased.ticket_count, erased.delegation_count, erased.kept_count), (3, 1, 0));
    assert_eq!(office.found(ANN).await, [""; 0]);
    for secret in SECRETS {
        assert_eq!(office.found(secret).await, [""; 0], "{secret}");
    }

    let ticket = office.operations.get(&of_ann).await;
    assert_eq!((ticket.title.as_str(), ticket.description.as_str(), ticket.location.as_str()), ("", "", ""));
    assert_eq!((ticket.requester.as_str(), ticket.tags.len()), ("people/erased", 0));
    assert_eq!(
        (ticket.watchers, ticket.state.as_str()),
        (vec!["people/erased".into(), "people/zoe".into()], "in_progress")
    );
    assert_eq!(notes(&office, &of_ann).await, [pair("people/bob", "")]);
    let ticket = office.operations.get(&other).await;
    assert_eq!((ticket.title.as_str(), ticket.requester.as_str()), ("kept title", "people/zoe"));
    assert_eq!(ticket.assignment.unwrap().person, "people/erased");
    let notes = notes(&office, &other).await;
    let left =
        [pair("people/erased", ""), pair("people/bob", "kept note"), pair("people/bob", ""), pair("people/bob", "")];
    assert_eq!(notes, left);
    assert_eq!(office.operations.get(&kept).await, kept_before);
    // What was asked for stands, although nobody knows any more what it was about.
    let ticket = office.operations.get(&change).await;
    assert_eq!(ticket.approvals.len(), 1);
    assert_eq!(ticket.approvals[0].state, change_before.approvals[0].state);
    let renamed = pb::Ticket { name: change.clone(), title: "kept change, renamed".to_owned(), ..Default::default() };
    let update = pb::UpdateTicketRequest { ticket: Some(renamed), ..Default::default() };
    let renamed = office.operations.client().update_ticket(update).await.unwrap().into_inner();
    assert_eq!(renamed.approvals[0].state, change_before.approvals[0].state);
    replay_agrees(&office.operations).await;

    let facts = pb::ListFactsRequest { name: of_ann.clone(), ..Default::default() };
    let facts = office.operations.client().list_facts(facts).await.unwrap().into_inner().facts;
    let last = facts.last().unwrap();
    assert_eq!((last.kind.as_str(), last.actor.as_str()), ("ticket.erased.v1", "people/dora"));
    assert_eq!(last.audience(), Audience::Internal);
    assert_eq!(
        last.payload.as_ref().unwrap().fields["reason"].kind,
        prost_types::Value::from("asked for by letter 7").kind
    );
    assert!(entries(actor).await.is_empty());

    let (damages, count) = office.verified().await;
    assert_eq!(damages, [""; 0]);
    assert_eq!(count, erased.text_count + erased.name_count);
    let again = office.erase("dora", erase("people/ann")).await.unwrap();
    assert_eq!(again, pb::ErasePersonResponse::default());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_tampered_with_is_told_from_what_was_erased_in_a_database_and_in_a_file() {
    let office = Office::new().await;
    told(&office).await;
    let erased = office.erase("dora", erase("people/ann")).await.unwrap();
    let count = erased.text_count + erased.name_count;
    let owner = office.operations.connect().await;
    let place = "SELECT o.seq FROM journal_private p JOIN journal_order o USING (position) WHERE p.content::text \
                 LIKE '%kept note%'";
    let sealed = async {
        loop {
            if let Some(row) = owner.query_opt(place, &[]).await.unwrap() {
                break row.get::<_, i64>(0);
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    let place = tokio::time::timeout(PATIENCE, sealed).await.expect("the note comes into the order");
    let own = "position = (SELECT position FROM journal_private WHERE content::text LIKE '%kept note%')";
    let changed = format!("what stands beside fact {place} was changed");
    let missing = format!("what stood beside fact {place} is missing and was not erased");
    let erased_person = "UPDATE journal_private SET content = replace(content::text, 'people/erased', 'people/eve')::jsonb \
                         WHERE position = (SELECT min(position) FROM journal_private WHERE content::text LIKE \
                         '%people/erased%')";
    let url = office.operations.database.url();
    let folder = Scratch::new();
    let file = folder.join("journal.ndjson");
    let at = config::Database::at(url);
    owner.batch_execute("CREATE TABLE saved AS TABLE journal_private").await.unwrap();
    for (tampering, wanted) in [
        (String::new(), vec![]),
        (
            format!(
                "UPDATE journal_private SET content = replace(content::text, 'kept note', 'kept mote')::jsonb WHERE {own}"
            ),
            vec![changed.clone()],
        ),
        (
            format!("UPDATE journal_private SET content = content || '{{\"~text:0\": [\"\", \"x\"]}}' WHERE {own}"),
            vec![changed.clone()],
        ),
        (format!("UPDATE journal_private SET content = '[]' WHERE {own}"), vec![changed.clone()]),
        (format!("DELETE FROM journal_private WHERE {own}"), vec![missing]),
        (erased_person.to_owned(), vec!["was changed".to_owned()]),
    ] {
        owner.batch_execute(&tampering).await.unwrap();
        let (found, erased) = office.verified().await;
        assert!(found.len() >= wanted.len() && wanted.is_empty() == found.is_empty(), "{tampering}: {found:?}");
        assert!(found.iter().zip(&wanted).all(|(found, wanted)| found.contains(wanted)), "{tampering}: {found:?}");
        assert!(erased == count, "{tampering}: {erased}");
        let in_database = itsm::journal::verify_journals(&at, &[]).await.unwrap();
        itsm::journal::export(&at, &file).await.unwrap();
        let in_file = itsm::journal::verify_file(&file, &[]).unwrap();
        assert_eq!(in_file.damaged, !wanted.is_empty(), "{tampering}: {}", in_file.text);
        assert!(wanted.iter().all(|wanted| in_file.text.contains(wanted)), "{tampering}: {}", in_file.text);
        assert_eq!(in_database.damaged, in_file.damaged);
        let (without_us, told) = example(&file);
        assert_eq!(without_us, i32::from(!wanted.is_empty()), "{tampering}: {told}");
        if wanted.is_empty() {
            assert!(in_file.text.contains(&format!("{count} texts and names erased")), "{}", in_file.text);
            assert!(told.contains(&format!("operations {count} erased")), "{told}");
        }
        let back = "TRUNCATE journal_private; INSERT INTO journal_private TABLE saved";
        owner.batch_execute(back).await.unwrap();
    }
    assert_eq!(office.verified().await, (vec![], count));
}

/// The verification that needs nothing of ours.
fn example(file: &Path) -> (i32, String) {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/python/verify_journal.py");
    let output = Command::new("python3").arg(program).arg(file).output().unwrap();
    let text = format!("{}{}", String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    (output.status.code().unwrap(), text)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_that_others_write_meanwhile() {
    let office = Office::new().await;
    let mut names = Vec::new();
    for _ in 0..12 {
        names.push(office.open("bob", pb::Ticket { requester: "people/ann".to_owned(), ..incident("secret") }).await);
    }
    let (sender, _) = tokio::sync::broadcast::channel::<()>(1);
    let writers: Vec<_> = names
        .iter()
        .map(|name| {
            let (client, name, mut stop) = (office.operations.client(), name.clone(), sender.subscribe());
            tokio::spawn(async move {
                let mut written = 0;
                while stop.try_recv().is_err_and(|error| error != tokio::sync::broadcast::error::TryRecvError::Closed) {
                    note(client.clone(), &name, Audience::Public, &format!("note {written}")).await.unwrap();
                    written += 1;
                }
                written
            })
        })
        .collect();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let erased = office.erase("dora", erase("people/ann")).await.unwrap();
    assert_eq!(erased.ticket_count, 12);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    drop(sender);
    for (name, writer) in names.iter().zip(writers) {
        let written: i64 = writer.await.unwrap();
        let query = format!("SELECT count(*) FROM journal WHERE subject = '{name}' AND kind = 'ticket.noted.v1'");
        assert!(written > 0);
        assert_eq!(office.operations.number(&query).await, written, "{name}");
        assert_eq!(office.operations.get(name).await.requester, "people/erased");
    }
    assert_eq!(office.found(ANN).await, [""; 0]);
    replay_agrees(&office.operations).await;
    assert_eq!(office.verified().await.0, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_may_erases_and_not_just_anybody() {
    let office = Office::new().await;
    let refusal = office.erase("bob", erase("people/ann")).await.unwrap_err();
    assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"));
    for person in ["people/ann", "people/nobody"] {
        let refusal = office.erase("eve", erase(person)).await.unwrap_err();
        assert_eq!((refusal.code(), reason(&refusal).as_str()), (Code::PermissionDenied, "CUSTOMER_FIXED"));
    }
    for person in
        ["", "ann", "people/", "people/dora", "people/erased", "people/erased-2", "customers/log-organisation"]
    {
        assert_eq!(violations(&office.erase("dora", erase(person)).await.unwrap_err()), ["person"], "{person}");
    }
    for wrong in ["", "people/ann asked for it"] {
        let request = pb::ErasePersonRequest { reason: wrong.to_owned(), ..erase("people/ann") };
        assert_eq!(violations(&office.erase("dora", request).await.unwrap_err()), ["reason"], "{wrong}");
    }
    let request = pb::ErasePersonRequest { request_id: "7".to_owned(), ..erase("people/ann") };
    assert_eq!(violations(&office.erase("dora", request).await.unwrap_err()), ["request_id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_were_erased_from_one_ticket_stay_different_people() {
    let office = Office::new().await;
    let ticket = pb::Ticket {
        requester: "people/ann".to_owned(),
        watchers: vec!["people/bob".to_owned(), "people/ann".to_owned()],
        ..incident("~text:0000000000000000000000000000000000000000000000000000000000000000")
    };
    let name = office.open("root", pb::Ticket { channel: ticket.title.clone(), ..ticket }).await;
    let opened = office.operations.get(&name).await;
    assert_eq!(opened.title, opened.channel, "what looks like a token is a text like any other");
    assert_eq!(office.verified().await, (vec![], 0));
    office.erase("dora", erase("people/ann")).await.unwrap();
    office.erase("dora", erase("people/bob")).await.unwrap();
    let ticket = office.operations.get(&name).await;
    assert_eq!(
        (ticket.requester.as_str(), ticket.watchers),
        ("people/erased", vec!["people/erased-2".to_owned(), "people/erased".to_owned()])
    );
    assert_eq!(office.verified().await.0, [""; 0]);
    replay_agrees(&office.operations).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_says_the_same_of_what_happened_before() {
    let office = Office::new().await;
    told(&office).await;
    let url = office.operations.database.url();
    let source = reporting::Source { url: url.to_owned() };
    let before = reporting::extract(&source).await.unwrap();
    office.erase("dora", erase("people/ann")).await.unwrap();
    let after = reporting::extract(&source).await.unwrap();
    let said = |extract: &reporting::Extract| {
        let facts = extract.facts.iter().filter(|row| row.recorded.fact.kind() != "ticket.erased.v1");
        let told = facts.map(|row| (row.subject.clone(), row.recorded.position, row.recorded.fact.kind()));
        told.collect::<Vec<_>>()
    };
    assert_eq!(said(&before), said(&after));
    assert_eq!(
        (&before.rejected, &after.rejected),
        (&std::collections::BTreeMap::new(), &std::collections::BTreeMap::new())
    );
    let text = |extract: &reporting::Extract| format!("{:?}", extract.facts);
    assert!(text(&before).contains("people/ann"), "reports name who leads a major incident");
    for secret in SECRETS {
        assert!(!text(&before).contains(secret), "reports need no texts: {secret}");
    }
    assert!(text(&after).contains("people/erased") && !text(&after).contains("people/ann"));
}
