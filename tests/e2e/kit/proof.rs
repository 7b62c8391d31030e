//! The promises of the feed, proved under load: every fact once, in order, changes whole, whoever reads and reconnects
//! and whichever replica dies. The checker that says so is shown to find what a naive reader loses.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::net::SocketAddr;

use diesel::sql_types::{BigInt, Text};
use proto::journal::v1 as pb;
use servicekit::error;
use servicekit::sql::Sql;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;
use tonic_types::StatusExt;

use super::*;

const WRITERS: usize = 16;
const READERS: u64 = 4;
const SUBJECTS: usize = 10;
/// Facts that are written at least, unless the environment says otherwise.
const FACTS: i64 = 50_000;

fn facts_wanted() -> i64 {
    std::env::var("ITSM_FEED_FACTS").ok().map_or(FACTS, |count| count.parse().unwrap())
}

fn subject(number: usize) -> String {
    format!("widgets/{number:02}")
}

/// How many facts the change has that brings a subject to this version: 1 to 9, told by both, so that a reader knows what
/// to expect.
fn size(subject: &str, version: i64) -> i64 {
    let number: i64 = subject.rsplit('/').next().unwrap().parse().unwrap();
    1 + (version * 7 + number * 3) % 9
}

/// The facts of that change; their source sequence counts them.
fn change(subject: &str, version: i64) -> Vec<NewFact> {
    (1..=size(subject, version))
        .map(|index| NewFact { source_sequence: index, ..fact(subject, version, "", Audience::Internal) })
        .collect()
}

#[derive(diesel::QueryableByName)]
struct Version {
    #[diesel(sql_type = BigInt)]
    version: i64,
}

/// Changes a subject, whose row is locked until the end. Answers how many facts that made.
async fn write(kit: &Kit, subject: &str) -> i64 {
    let id = kit.clock.id();
    let written = kit.write("note", &Scope::Everything, false, async |connection| {
        let mut sql = Sql::new("UPDATE widget SET version = version + 1 WHERE name = ");
        sql.bind::<Text, _>(subject.to_owned()).push(" RETURNING version");
        let locked: Version = sql.get_result(connection).await?;
        journal::append(connection, id, &change(subject, locked.version)).await?;
        Ok(size(subject, locked.version))
    });
    written.await.unwrap()
}

impl Fixture {
    async fn subjects(&self) {
        let insert = format!(
            "INSERT INTO widget SELECT 'widgets/' || lpad(n::text, 2, '0'), gen_random_uuid(), 0, '2024-06-01', \
             '2024-06-01', NULL, '{{\"customer\": \"\", \"tags\": []}}' FROM generate_series(0, {}) AS n",
            SUBJECTS - 1
        );
        self.owner().await.batch_execute(&insert).await.unwrap();
    }

    /// The version that each subject has come to.
    async fn versions(&self) -> BTreeMap<String, i64> {
        let rows = self.owner().await.query("SELECT name, version FROM widget", &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

/// A fact as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
struct Seen {
    change_id: String,
    subject: String,
    version: i64,
    index: i64,
    last: bool,
}

impl From<&pb::JournalEntry> for Seen {
    fn from(entry: &pb::JournalEntry) -> Self {
        Self {
            change_id: entry.change_id.clone(),
            subject: entry.subject.clone(),
            version: entry.subject_version,
            index: entry.source_sequence,
            last: entry.last_of_change,
        }
    }
}

/// What is wrong with what a reader saw, message by message, if subjects have come to these versions. Nothing: every fact
/// is there once, those of a subject in order, those of a change together.
fn faults(messages: &[Vec<Seen>], versions: &BTreeMap<String, i64>) -> Vec<String> {
    let mut faults = Vec::new();
    let expected = |name: &String, last: i64| {
        let name = name.clone();
        (1..=last).flat_map(move |version| (1..=size(&name, version)).map(move |index| (version, index)))
    };
    let mut left: BTreeMap<_, Peekable<_>> =
        versions.iter().map(|(name, last)| (name.clone(), expected(name, *last).peekable())).collect();
    for message in messages {
        let Some(first) = message.first() else { continue };
        let whole = message.len() == usize::try_from(size(&first.subject, first.version)).unwrap();
        let together = message.iter().all(|seen| seen.change_id == first.change_id);
        let closed = message.iter().rev().map(|seen| seen.last).eq((0..message.len()).map(|place| place == 0));
        if !(whole && together && closed) {
            faults.push(format!("{} version {} is not whole", first.subject, first.version));
        }
        for seen in message {
            let next = left.get_mut(&seen.subject).and_then(|left| left.next_if_eq(&(seen.version, seen.index)));
            if next.is_none() {
                faults.push(format!("{} version {} fact {} is out of place", seen.subject, seen.version, seen.index));
            }
        }
    }
    for (name, mut left) in left {
        if let Some((version, index)) = left.next() {
            faults.push(format!("{name} version {version} fact {index} and {} more are missing", left.count()));
        }
    }
    faults
}

/// A process of its own, as far as that goes: runtime, connections, feed. It ends at once, without good-byes.
struct Replica {
    runtime: Runtime,
    address: SocketAddr,
}

impl Replica {
    async fn start(fixture: &Fixture) -> Self {
        let runtime = Runtime::new().unwrap();
        let (database, clock) = (fixture.database.clone(), fixture.clock.clone());
        let started = runtime.spawn(async move {
            let kit = Kit::open(&database, &SERVICE, clock).await.unwrap();
            let bound = Server::new(kit).unwrap().bind(&config::Server::insecure(0)).unwrap();
            let address = bound.address();
            tokio::spawn(bound.run(CancellationToken::new()));
            address
        });
        let address = started.await.unwrap();
        Self { runtime, address }
    }

    fn kill(self) {
        self.runtime.shutdown_background();
    }
}

/// A reader: now with this replica, now with that one, hanging up wherever it happens to be.
struct Reader {
    replicas: [SocketAddr; 2],
    /// Of a linear congruential generator (Knuth, MMIX), so that a run can be repeated.
    random: u64,
    token: String,
    messages: Vec<Vec<Seen>>,
    seqs: Vec<i64>,
}

impl Reader {
    fn new(replicas: [SocketAddr; 2], number: u64) -> Self {
        Self { replicas, random: number, token: String::new(), messages: Vec::new(), seqs: Vec::new() }
    }

    fn random(&mut self, below: u64) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.random >> 33) % below
    }

    async fn read(mut self, until: i64) -> Self {
        while i64::try_from(self.seqs.len()).unwrap() < until {
            let replica = self.replicas[usize::try_from(self.random(2)).unwrap()];
            let messages = 1 + self.random(400);
            // A replica that was killed: there is the other one.
            let _ = self.stretch(replica, messages, until).await;
        }
        self
    }

    async fn stretch(
        &mut self,
        replica: SocketAddr,
        messages: u64,
        until: i64,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let channel = Endpoint::from_shared(format!("http://{replica}"))?.connect().await?;
        let request = pb::WatchJournalRequest {
            from_start: self.token.is_empty(),
            resume_token: self.token.clone(),
            ..pb::WatchJournalRequest::default()
        };
        let mut stream = JournalServiceClient::new(channel).watch_journal(request).await?.into_inner();
        for _ in 0..messages {
            if i64::try_from(self.seqs.len())? >= until {
                break;
            }
            let Some(message) = stream.message().await? else { break };
            self.seqs.extend(message.entries.iter().map(|entry| entry.seq));
            self.messages.push(message.entries.iter().map(Seen::from).collect());
            self.token = message.resume_token;
        }
        Ok(())
    }
}

/// So that a feed that stands still fails the test instead of holding it up.
async fn within_minutes(proof: impl Future<Output = ()>) {
    tokio::time::timeout(Duration::from_mins(5), proof).await.expect("the feed stands still");
}

/// Sixteen writers and four readers on two replicas; `kill` ends the one that puts the journal in order half-way.
async fn prove(kill: bool) {
    let fixture = Fixture::new().await;
    fixture.subjects().await;
    let first = Replica::start(&fixture).await;
    let kit = fixture.another_kit().await;
    // It puts facts in order, so it has the lock, and the other will not get it before it ends.
    let mut total = write(&kit, &subject(0)).await;
    fixture.until_in_order(total).await;
    let second = Replica::start(&fixture).await;

    let replicas = [first.address, second.address];
    let mut first = Some(first);
    let mut writers = JoinSet::new();
    let wanted = facts_wanted();
    let share = wanted / i64::try_from(WRITERS).unwrap();
    let start = |writers: &mut JoinSet<i64>, share: i64| {
        for writer in 0..WRITERS {
            let kit = kit.clone();
            writers.spawn(async move {
                let mut written = 0;
                for turn in 0.. {
                    if written >= share {
                        break;
                    }
                    written += write(&kit, &subject((writer * 3 + turn) % SUBJECTS)).await;
                }
                written
            });
        }
    };
    let readers: Vec<_> = (0..READERS).map(|number| tokio::spawn(Reader::new(replicas, number).read(wanted))).collect();
    start(&mut writers, share / 2);
    while let Some(written) = writers.join_next().await {
        total += written.unwrap();
    }
    start(&mut writers, share - share / 2);
    if kill {
        first.take().unwrap().kill();
    }
    while let Some(written) = writers.join_next().await {
        total += written.unwrap();
    }
    assert!(total >= wanted, "{total}");

    let versions = fixture.versions().await;
    for reader in readers {
        let reader = reader.await.unwrap().read(total).await;
        assert_eq!(faults(&reader.messages, &versions), Vec::<String>::new());
        assert!(reader.seqs.iter().copied().eq(1..=total), "the order has a gap");
    }
    if let Some(first) = first {
        first.kill();
    }
    second.kill();
}

#[tokio::test(flavor = "multi_thread")]
async fn sixteen_writers_and_readers_that_reconnect_every_fact_once_in_order_and_whole() {
    within_minutes(prove(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_when_the_replica_that_puts_the_journal_in_order_is_killed() {
    within_minutes(prove(true)).await;
}

/// Reads on by position, as one would without a sequencer.
async fn naive(client: &tokio_postgres::Client, after: &mut i64) -> Vec<Vec<Seen>> {
    let query = "SELECT position, change_id::text, subject, subject_version, source_sequence, last_of_change \
                 FROM journal WHERE position > $1 ORDER BY position";
    let rows = client.query(query, &[after]).await.unwrap();
    if let Some(last) = rows.last() {
        *after = last.get(0);
    }
    let seen = |row: &tokio_postgres::Row| Seen {
        change_id: row.get(1),
        subject: row.get(2),
        version: row.get(3),
        index: row.get(4),
        last: row.get(5),
    };
    let seen: Vec<Seen> = rows.iter().map(seen).collect();
    seen.chunk_by(|a, b| a.change_id == b.change_id).map(<[Seen]>::to_vec).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn reading_on_by_position_loses_a_change_that_commits_late_and_the_feed_does_not() {
    let fixture = Fixture::new().await;
    fixture.subjects().await;
    let replica = Replica::start(&fixture).await;
    let client = fixture.owner().await;
    let (began, wait) = tokio::sync::oneshot::channel();
    let (release, released) = tokio::sync::oneshot::channel::<()>();
    let late = tokio::spawn({
        let kit = fixture.kit.clone();
        let (began, released) = (std::sync::Mutex::new(Some(began)), tokio::sync::Mutex::new(released));
        async move {
            let id = kit.clock.id();
            let written = kit.write("note", &Scope::Everything, false, async |connection| {
                journal::append(connection, id, &change(&subject(1), 1)).await?;
                began.lock().unwrap().take().unwrap().send(()).unwrap();
                (&mut *released.lock().await).await.map_err(Error::internal)
            });
            written.await.unwrap();
        }
    });
    wait.await.unwrap();
    fixture.append(&change(&subject(2), 1)).await;
    let mut after = 0;
    let mut seen = naive(&client, &mut after).await;
    assert_eq!(seen.len(), 1, "the change that came second is there first");
    release.send(()).unwrap();
    late.await.unwrap();
    seen.extend(naive(&client, &mut after).await);

    let versions = BTreeMap::from([(subject(1), 1), (subject(2), 1)]);
    let missing = size(&subject(1), 1) - 1;
    let loss = format!("{} version 1 fact 1 and {missing} more are missing", subject(1));
    assert_eq!(faults(&seen, &versions), [loss]);

    let total = size(&subject(1), 1) + size(&subject(2), 1);
    let reader = Reader::new([replica.address; 2], 7).read(total).await;
    assert_eq!(faults(&reader.messages, &versions), Vec::<String>::new());
    replica.kill();
}

#[test]
fn the_checker_finds_what_is_lost_doubled_swapped_or_torn() {
    let versions = BTreeMap::from([(subject(0), 3), (subject(1), 1)]);
    let message = |subject: String, version| -> Vec<Seen> {
        let facts = change(&subject, version);
        let last = facts.len() - 1;
        let seen = |(place, fact): (usize, &NewFact)| Seen {
            change_id: format!("{subject} {version}"),
            subject: subject.clone(),
            version,
            index: fact.source_sequence,
            last: place == last,
        };
        facts.iter().enumerate().map(seen).collect()
    };
    let right: Vec<Vec<Seen>> =
        vec![message(subject(0), 1), message(subject(1), 1), message(subject(0), 2), message(subject(0), 3)];
    assert_eq!(faults(&right, &versions), Vec::<String>::new());
    let wrong = |spoil: &dyn Fn(&mut Vec<Vec<Seen>>)| {
        let mut messages = right.clone();
        spoil(&mut messages);
        !faults(&messages, &versions).is_empty()
    };
    assert!(wrong(&|messages| drop(messages.remove(2))), "a change in the middle");
    assert!(wrong(&|messages| drop(messages.pop())), "the last change");
    assert!(wrong(&|messages| messages.push(message(subject(1), 1))), "a change that comes twice");
    assert!(wrong(&|messages| messages.swap(2, 3)), "two changes to one subject");
    assert!(wrong(&|messages| drop(messages[2].remove(0))), "a fact of a change");
    assert!(wrong(&|messages| messages[2].swap(0, 1)), "facts of a change");
    assert!(
        wrong(&|messages| {
            let rest = messages[2].split_off(1);
            messages.insert(3, rest);
        }),
        "a change in two messages"
    );
    assert!(
        wrong(&|messages| {
            let other = messages.remove(1);
            messages[0].extend(other);
        }),
        "two changes in one message"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_from_before_the_window_is_refused_with_the_oldest_that_is_good() {
    let fixture = Fixture::new().await;
    fixture.subjects().await;
    let running = run(&fixture, &config::Server::insecure(0)).await;
    let mut total = 0;
    for _ in 0..5 {
        total += write(&fixture.kit, &subject(1)).await;
    }
    fixture.until_in_order(total).await;
    let watch = |resume_token: &str| {
        let request = pb::WatchJournalRequest {
            from_start: resume_token.is_empty(),
            resume_token: resume_token.to_owned(),
            ..pb::WatchJournalRequest::default()
        };
        let mut journal = running.journal();
        async move { journal.watch_journal(request).await }
    };
    let first = watch("").await.unwrap().into_inner().message().await.unwrap().unwrap();
    let gone = size(&subject(1), 1) + size(&subject(1), 2);
    let trim = format!("DELETE FROM journal_order WHERE seq <= {gone}");
    fixture.owner().await.batch_execute(&trim).await.unwrap();

    let refusal = watch(&first.resume_token).await.unwrap_err();
    assert_eq!(refusal.code(), tonic::Code::OutOfRange);
    let info = refusal.get_details_error_info().unwrap();
    assert_eq!(info.reason, error::RESUME_TOKEN_TOO_OLD.name);
    let oldest = &info.metadata["oldest_token"];
    assert!(refusal.message().contains(oldest.as_str()), "{}", refusal.message());
    let next = watch(oldest).await.unwrap().into_inner().message().await.unwrap().unwrap();
    assert_eq!(next.entries[0].seq, gone + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_that_grows_over_a_partitions_edge_loses_nothing() {
    const EDGE: i64 = 30_000_000;
    let fixture = Fixture::new().await;
    fixture.subjects().await;
    let start = format!("SELECT setval('journal_position', {})", EDGE - 100);
    fixture.owner().await.batch_execute(&start).await.unwrap();
    let replica = Replica::start(&fixture).await;
    let partition = "SELECT count(*) FROM pg_class WHERE relname = 'journal_000003'";
    while fixture.number(partition).await == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let kit = fixture.kit.clone();
        writers.spawn(async move {
            let mut written = 0;
            for turn in 0..8 {
                written += write(&kit, &subject((writer + turn) % SUBJECTS)).await;
            }
            written
        });
    }
    let total = writers.join_all().await.iter().sum();
    let reader = Reader::new([replica.address; 2], 1).read(total).await;
    assert_eq!(faults(&reader.messages, &fixture.versions().await), Vec::<String>::new());
    let beyond = format!("SELECT count(*) FROM journal WHERE position >= {EDGE}");
    let beyond = fixture.number(&beyond).await;
    assert!(0 < beyond && beyond < total, "{beyond} of {total}");
    replica.kill();
}
