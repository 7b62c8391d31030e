//! What was acknowledged is there, once, and the feed has no gap: whatever is killed, cut, held up or full meanwhile.
//! Real processes on a real Postgres, durable as in production; the checker that says so is shown to find a loss.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use itsm::postgres::Cluster;
use prost_types::value::Kind;
use proto::journal::v1::journal_service_client::JournalServiceClient;
use proto::journal::v1::{Audience, JournalEntry, WatchJournalRequest};
use proto::operations::v1 as pb;
use proto::operations::v1::ticket_service_client::TicketServiceClient;
use servicekit::config;
use testkit::{Running, Scratch, reason};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::NoTls;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

const WRITERS: usize = 16;
/// Faults in a row, unless the environment says otherwise.
const FAULTS: usize = 8;
/// How long after the last fault everything must have been acknowledged and read.
const RECOVERY: Duration = Duration::from_mins(2);

fn faults_wanted() -> usize {
    std::env::var("ITSM_FAULTS").ok().map_or(FAULTS, |count| count.parse().unwrap())
}

/// A service of operations in a process of its own, on a Postgres of its own.
struct Plant {
    folder: Scratch,
    cluster: Option<Cluster>,
    url: String,
    address: SocketAddr,
    server: Option<Child>,
}

impl Plant {
    async fn start() -> Self {
        let folder = Scratch::new();
        let cluster = Cluster::start(&folder).unwrap();
        cluster.ensure_database("itsm").await.unwrap();
        let url = cluster.url("itsm");
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut plant = Self { folder, cluster: Some(cluster), url, address: free, server: None };
        let migrated = plant.itsm(&["migrate"]).stdout(Stdio::null()).status().unwrap();
        assert!(migrated.success());
        // Publishes the processes that ship.
        Running::insecure(catalog::build(&config::Database::at(&plant.url)).await).await;
        plant.start_server();
        plant
    }

    fn itsm(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_itsm-under-test"));
        command.args(arguments).args(["--database-url", &self.url]).stdin(Stdio::null());
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ITSM_") && name != "ITSM_PG_BIN") {
            command.env_remove(name);
        }
        command
    }

    fn start_server(&mut self) {
        let log = File::options().create(true).append(true).open(self.folder.join("operations.log")).unwrap();
        let address = self.address.to_string();
        let mut command = self.itsm(&["serve", "operations", "--insecure", "--listen", &address]);
        self.server = Some(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    }

    fn kill_server(&mut self) {
        let mut server = self.server.take().unwrap();
        server.kill().unwrap();
        server.wait().unwrap();
    }

    async fn owner(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn kill_postgres(&mut self) {
        let shown = self.owner().await.query_one("SHOW data_directory", &[]).await.unwrap();
        let pid = std::fs::read_to_string(format!("{}/postmaster.pid", shown.get::<_, &str>(0))).unwrap();
        let pid = pid.lines().next().unwrap().to_owned();
        assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        self.restart_postgres().await;
    }

    /// Starts Postgres again once it has ended.
    async fn restart_postgres(&mut self) {
        let mut cluster = self.cluster.take().unwrap();
        let until = Instant::now() + RECOVERY;
        while cluster.is_running() {
            assert!(Instant::now() < until, "Postgres goes on");
            sleep(Duration::from_millis(20)).await;
        }
        drop(cluster);
        let folder = self.folder.to_path_buf();
        let started = tokio::task::spawn_blocking(move || Cluster::start(&folder)).await.unwrap();
        self.cluster = Some(started.unwrap());
    }

    async fn inflict(&mut self, fault: Fault) {
        match fault {
            Fault::KillService => {
                self.kill_server();
                self.start_server();
            }
            Fault::KillPostgres => self.kill_postgres().await,
            Fault::CutConnections => {
                let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                           AND application_name LIKE 'itsm%'";
                self.owner().await.batch_execute(cut).await.unwrap();
            }
            Fault::HoldUp => {
                let lock =
                    "BEGIN; LOCK TABLE operations.tickets IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(1.5); COMMIT";
                self.owner().await.batch_execute(lock).await.unwrap();
            }
        }
    }

    fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect_timeout(Duration::from_secs(1)).connect_lazy()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("operations.log")).unwrap_or_default()
    }
}

impl Drop for Plant {
    fn drop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    KillService,
    KillPostgres,
    CutConnections,
    HoldUp,
}

/// A write that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Acknowledged {
    /// What only this write says.
    marker: String,
    /// The ticket that it opened. Empty: it wrote a note.
    opened: String,
}

/// Asks again, always as the same request, until it is acknowledged. Now and then it hangs up before the answer.
async fn insist<M, T, F>(request: M, mut impatient: bool, ask: impl Fn(Request<M>) -> F) -> T
where
    M: Clone,
    F: Future<Output = Result<tonic::Response<T>, Status>>,
{
    loop {
        let mut asked = Request::new(request.clone());
        asked.set_timeout(Duration::from_secs(3));
        let patience = Duration::from_millis(if std::mem::take(&mut impatient) { 2 } else { 5_000 });
        match timeout(patience, ask(asked)).await {
            Ok(Ok(answer)) => return answer.into_inner(),
            Ok(Err(status)) => match status.code() {
                Code::InvalidArgument | Code::NotFound | Code::AlreadyExists | Code::Internal => {
                    panic!("refused for ever: {status:?}")
                }
                _ => sleep(Duration::from_millis(50)).await,
            },
            Err(_) => {}
        }
    }
}

/// Opens tickets and writes notes on them until it is told to stop.
async fn write(channel: Channel, writer: usize, stop: Arc<AtomicBool>) -> Vec<Acknowledged> {
    let client = TicketServiceClient::new(channel);
    let mut acknowledged: Vec<Acknowledged> = Vec::new();
    let mut parent = String::new();
    for n in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let marker = format!("marker-{writer}-{n}.");
        let request_id = uuid::Uuid::now_v7().to_string();
        let impatient = n % 7 == 3;
        let opened = if n % 2 == 0 {
            let ticket = pb::Ticket { title: marker.clone(), ..pb::Ticket::default() };
            let request = pb::CreateTicketRequest {
                ticket: Some(pb::Ticket { process: "processes/incident".to_owned(), ..ticket }),
                request_id,
                ..pb::CreateTicketRequest::default()
            };
            let ask = |request| {
                let mut client = client.clone();
                async move { client.create_ticket(request).await }
            };
            parent = insist(request, impatient, ask).await.name;
            parent.clone()
        } else {
            let audience = Audience::Internal.into();
            let note = pb::Note { text: marker.clone(), audience, ..pb::Note::default() };
            let request =
                pb::AddNoteRequest { parent: parent.clone(), note: Some(note), request_id, validate_only: false };
            let ask = |request| {
                let mut client = client.clone();
                async move { client.add_note(request).await }
            };
            insist(request, impatient, ask).await;
            String::new()
        };
        acknowledged.push(Acknowledged { marker, opened });
    }
    acknowledged
}

/// Reads the feed from the start, across whatever happens to it, until it has been quiet for a while after `stop`.
async fn read(channel: Channel, stop: Arc<AtomicBool>) -> Vec<JournalEntry> {
    let mut entries = Vec::new();
    let mut token = String::new();
    let until = Instant::now() + Duration::from_mins(10);
    while Instant::now() < until {
        let request = WatchJournalRequest {
            from_start: token.is_empty(),
            resume_token: token.clone(),
            ..WatchJournalRequest::default()
        };
        let Ok(watching) = JournalServiceClient::new(channel.clone()).watch_journal(request).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let mut stream = watching.into_inner();
        loop {
            match timeout(Duration::from_secs(3), stream.message()).await {
                Ok(Ok(Some(message))) => {
                    entries.extend(message.entries);
                    token = message.resume_token;
                }
                Ok(_) => break,
                Err(_) if stop.load(Ordering::Relaxed) => return entries,
                Err(_) => {}
            }
        }
    }
    panic!("the feed does not come to its end")
}

/// All tickets, as names and titles.
async fn tickets(channel: Channel) -> Vec<(String, String)> {
    let mut client = TicketServiceClient::new(channel);
    let mut all = Vec::new();
    let mut request = pb::ListTicketsRequest { page_size: 1_000, ..pb::ListTicketsRequest::default() };
    loop {
        let page = client.list_tickets(request.clone()).await.unwrap().into_inner();
        all.extend(page.tickets.into_iter().map(|ticket| (ticket.name, ticket.title)));
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            return all;
        }
    }
}

/// The markers that a fact says.
fn markers(entry: &JournalEntry) -> Vec<String> {
    fn walk(kind: Option<&Kind>, found: &mut Vec<String>) {
        match kind {
            Some(Kind::StringValue(text)) if text.starts_with("marker-") => found.push(text.clone()),
            Some(Kind::StructValue(members)) => {
                members.fields.values().for_each(|value| walk(value.kind.as_ref(), found));
            }
            Some(Kind::ListValue(list)) => list.values.iter().for_each(|value| walk(value.kind.as_ref(), found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for value in entry.payload.iter().flat_map(|payload| payload.fields.values()) {
        walk(value.kind.as_ref(), &mut found);
    }
    found
}

/// What was lost, done twice, or is out of order. Nothing: every promise was kept.
fn wrongs(acknowledged: &[Acknowledged], tickets: &[(String, String)], entries: &[JournalEntry]) -> Vec<String> {
    let mut wrongs = Vec::new();
    for (place, entry) in (1..).zip(entries) {
        if entry.seq != place {
            wrongs.push(format!("the feed has {} in place {place}", entry.seq));
            break;
        }
    }
    let count = |texts: Vec<&str>| {
        let mut counts = BTreeMap::new();
        texts.into_iter().for_each(|text| *counts.entry(text.to_owned()).or_insert(0) += 1);
        counts
    };
    let told: Vec<String> = entries.iter().flat_map(markers).collect();
    let told = count(told.iter().map(String::as_str).collect());
    let titles = count(tickets.iter().map(|(_, title)| title.as_str()).collect());
    for Acknowledged { marker, opened } in acknowledged {
        match told.get(marker) {
            Some(1) => {}
            found => wrongs.push(format!("{marker} is told {} times", found.unwrap_or(&0))),
        }
        if !opened.is_empty() {
            if titles.get(marker) != Some(&1) {
                wrongs.push(format!("{marker} is there {} times", titles.get(marker).unwrap_or(&0)));
            }
            if !tickets.iter().any(|(name, title)| name == opened && title == marker) {
                wrongs.push(format!("{opened} is not the ticket that {marker} opened"));
            }
        }
    }
    wrongs
}

/// Everything that was acknowledged under these faults, and everything that is there afterwards.
struct Outcome {
    plant: Plant,
    acknowledged: Vec<Acknowledged>,
    tickets: Vec<(String, String)>,
    entries: Vec<JournalEntry>,
}

async fn under(faults: impl IntoIterator<Item = Fault>) -> Outcome {
    let mut plant = Plant::start().await;
    let (stop, silent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(plant.channel(), writer, Arc::clone(&stop)));
    }
    let reader = tokio::spawn(read(plant.channel(), Arc::clone(&silent)));
    for (n, fault) in faults.into_iter().enumerate() {
        // Not always at the same point of what is going on.
        sleep(Duration::from_millis(500 + (n as u64 * 377) % 700)).await;
        plant.inflict(fault).await;
    }
    sleep(Duration::from_secs(1)).await;
    stop.store(true, Ordering::Relaxed);
    let acknowledged = timeout(RECOVERY, writers.join_all()).await;
    let acknowledged = acknowledged.unwrap_or_else(|_| panic!("not all is acknowledged: {}", plant.log())).concat();
    silent.store(true, Ordering::Relaxed);
    let entries = timeout(RECOVERY, reader).await.expect("the feed comes to its end").unwrap();
    let tickets = tickets(plant.channel()).await;
    Outcome { plant, acknowledged, tickets, entries }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_every_fault_and_happens_once() {
    const FAULTS: [Fault; 4] = [Fault::KillService, Fault::KillPostgres, Fault::CutConnections, Fault::HoldUp];
    let wanted = faults_wanted();
    // Kills first: they are what most can go wrong with.
    let faults = (0..wanted).map(|n| FAULTS[if n < wanted / 2 { n % 2 } else { n % 4 }]);
    let Outcome { plant, acknowledged, tickets: found, mut entries } = under(faults).await;
    println!("{} writes acknowledged under {wanted} faults, {} facts", acknowledged.len(), entries.len());
    assert!(acknowledged.len() > WRITERS * wanted, "there was load: {}", acknowledged.len());
    assert_eq!(wrongs(&acknowledged, &found, &entries), [""; 0]);

    // What the checker is worth: it finds a ticket that is lost, and a fact that is lost, moved or told twice.
    let victim = acknowledged.iter().rev().find(|write| !write.opened.is_empty()).unwrap();
    let lose = format!("DELETE FROM operations.tickets WHERE name = '{}'", victim.opened);
    plant.owner().await.batch_execute(&lose).await.unwrap();
    let wrong = wrongs(&acknowledged, &tickets(plant.channel()).await, &entries);
    assert_eq!(wrong.len(), 2, "{wrong:?}");
    assert!(wrong[0].starts_with(&victim.marker), "{wrong:?}");
    let lost = entries.iter().position(|entry| markers(entry).contains(&victim.marker)).unwrap();
    let fact = entries.remove(lost);
    assert_eq!(wrongs(&acknowledged, &found, &entries).len(), 2);
    entries.extend([fact.clone(), fact]);
    assert!(wrongs(&acknowledged, &found, &entries).contains(&format!("{} is told 2 times", victim.marker)));
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_idle_streams_keep_nobody_from_working() {
    const STREAMS: usize = 10_000;
    const CONNECTIONS: usize = 50;
    let plant = Plant::start().await;
    let mut client = TicketServiceClient::new(plant.channel());
    let ticket =
        pb::Ticket { process: "processes/incident".to_owned(), title: "a".to_owned(), ..pb::Ticket::default() };
    let request = pb::CreateTicketRequest { ticket: Some(ticket), ..pb::CreateTicketRequest::default() };
    let ask = |request| {
        let mut client = client.clone();
        async move { client.create_ticket(request).await }
    };
    let name = insist(request, false, ask).await.name;

    let mut opening = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut client = JournalServiceClient::new(plant.channel());
        opening.spawn(async move {
            let (mut open, mut refused) = (Vec::new(), Vec::new());
            for _ in 0..STREAMS / CONNECTIONS {
                match client.watch_journal(WatchJournalRequest::default()).await {
                    Ok(stream) => open.push(stream.into_inner()),
                    Err(status) => refused.push(status),
                }
            }
            (open, refused)
        });
    }
    let (mut open, mut refused) = (Vec::new(), Vec::new());
    for (opened, others) in opening.join_all().await {
        open.extend(opened);
        refused.extend(others);
    }
    assert_eq!(open.len(), config::CALLER_STREAMS);
    assert_eq!(open.len() + refused.len(), STREAMS);
    assert!(refused.iter().all(|status| reason(status) == "STREAMS_EXCEEDED"), "{:?}", refused.first());

    let began = Instant::now();
    let request = pb::GetTicketRequest { name, ..pb::GetTicketRequest::default() };
    client.get_ticket(request).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    drop(open);
    // Their places are free again.
    let again = async {
        loop {
            match JournalServiceClient::new(plant.channel()).watch_journal(WatchJournalRequest::default()).await {
                Ok(_) => return,
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    };
    timeout(Duration::from_secs(10), again).await.expect("a stream that was closed is counted no more");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_whose_deadline_passes_while_it_waits_is_not_made() {
    let plant = Plant::start().await;
    let client = TicketServiceClient::new(plant.channel());
    let create = |title: &str| {
        let process = "processes/incident".to_owned();
        let ticket = pb::Ticket { process, title: title.to_owned(), ..pb::Ticket::default() };
        pb::CreateTicketRequest { ticket: Some(ticket), ..pb::CreateTicketRequest::default() }
    };
    let ask = |request: Request<pb::CreateTicketRequest>| {
        let mut client = client.clone();
        async move { client.create_ticket(request).await }
    };
    insist(create("first"), false, ask).await;

    let owner = plant.owner().await;
    owner.batch_execute("BEGIN; LOCK TABLE operations.tickets IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let held_up = tokio::spawn(ask(Request::new(create("second"))));
    sleep(Duration::from_millis(500)).await;
    let mut late = Request::new(create("third"));
    late.set_timeout(Duration::from_millis(300));
    // Whoever notices first says so: the client calls it cancelled.
    let code = ask(late).await.unwrap_err().code();
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code:?}");
    owner.batch_execute("COMMIT").await.unwrap();
    held_up.await.unwrap().unwrap();
    ask(Request::new(create("fourth"))).await.unwrap();
    let titles: Vec<String> = tickets(plant.channel()).await.into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles, ["first", "second", "fourth"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "fills the disk that temporary files are on: tests/faults.sh gives it a small one"]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let mut plant = Plant::start().await;
    let (stop, silent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        writers.spawn(write(plant.channel(), writer, Arc::clone(&stop)));
    }
    sleep(Duration::from_secs(2)).await;
    let ballast = plant.folder.join("ballast");
    let mut file = File::create(&ballast).unwrap();
    let block = vec![1; 64 * 1024];
    let mut written = 0_usize;
    while file.write_all(&block).is_ok() {
        written += block.len();
        assert!(written < 1 << 30, "this is no small disk: run tests/faults.sh");
    }
    drop(file);
    // Postgres stops where it cannot write ahead, or goes on and refuses.
    sleep(Duration::from_secs(5)).await;
    std::fs::remove_file(&ballast).unwrap();
    if !plant.cluster.as_mut().unwrap().is_running() {
        plant.restart_postgres().await;
    }
    sleep(Duration::from_secs(2)).await;
    stop.store(true, Ordering::Relaxed);
    let acknowledged = timeout(RECOVERY, writers.join_all()).await;
    let acknowledged = acknowledged.unwrap_or_else(|_| panic!("not all is acknowledged: {}", plant.log())).concat();
    silent.store(true, Ordering::Relaxed);
    let entries = timeout(RECOVERY, read(plant.channel(), silent)).await.expect("the feed comes to its end");
    println!("{} writes acknowledged around a full disk, {} facts", acknowledged.len(), entries.len());
    assert_eq!(wrongs(&acknowledged, &tickets(plant.channel()).await, &entries), [""; 0]);
}
