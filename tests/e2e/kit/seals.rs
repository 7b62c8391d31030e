//! Seals: what is not as it was is found, and where; what is as it was is not complained of.

use proto::journal::v1 as pb;
use servicekit::journal::seal::{Range, State, Verifier};
use tonic_types::StatusExt;

use super::*;

const TABLES: [&str; 3] = ["journal", "journal_order", "journal_seal"];

/// Thirty facts under three seals, the server stopped, and a copy of everything.
async fn sealed() -> (Fixture, tokio_postgres::Client) {
    let fixture = Fixture::new().await;
    let running = run(&fixture, &config::Server::insecure(0)).await;
    for seal in 1..=3 {
        for change in 0..5 {
            let version = seal * 10 - 9 + change * 2;
            let facts = [version, version + 1].map(|version| fact("widgets/a", version, "", Audience::Public));
            fixture.append(&facts).await;
        }
        fixture.until_in_order(seal * 10).await;
        until_sealed(&fixture, seal * 10).await;
    }
    running.stop.cancel();
    running.server.await.unwrap().unwrap();
    let owner = fixture.owner().await;
    // However often the server has sealed meanwhile.
    owner.batch_execute("TRUNCATE journal_seal").await.unwrap();
    for (first, last) in [(1, 10), (11, 20), (21, 30)] {
        seal_through(&fixture, &owner, first, last).await;
    }
    for table in TABLES {
        owner.batch_execute(&format!("CREATE TABLE saved_{table} AS TABLE {table}")).await.unwrap();
    }
    (fixture, owner)
}

/// Seals no further than that.
async fn seal_through(fixture: &Fixture, owner: &tokio_postgres::Client, first: i64, last: i64) {
    let hide = format!(
        "CREATE TABLE later AS SELECT * FROM journal_order WHERE seq > {last}; DELETE FROM journal_order WHERE seq > {last}"
    );
    owner.batch_execute(&hide).await.unwrap();
    let sealed = journal::seal_all(&fixture.kit.database, &fixture.kit.clock).await.unwrap();
    assert_eq!(sealed, last - first + 1);
    owner.batch_execute("INSERT INTO journal_order TABLE later; DROP TABLE later").await.unwrap();
}

async fn until_sealed(fixture: &Fixture, seq: i64) {
    while fixture.number("SELECT coalesce(max(last_seq), 0) FROM journal_seal").await < seq {
        journal::seal_all(&fixture.kit.database, &fixture.kit.clock).await.unwrap();
    }
}

async fn verify(fixture: &Fixture) -> Verifier {
    let mut connection = fixture.kit.database.get(&Scope::Everything).await.unwrap();
    journal::verify(&mut connection, "widgets", 1, i64::MAX, 200).await.unwrap().0
}

fn damages(verifier: &Verifier) -> Vec<String> {
    verifier.ranges.iter().flat_map(|range| &range.damages).map(ToString::to_string).collect()
}

/// What a statement of somebody who may do everything leads to.
async fn after(fixture: &Fixture, owner: &tokio_postgres::Client, tampering: &str) -> Vec<String> {
    owner.batch_execute(tampering).await.unwrap();
    let found = damages(&verify(fixture).await);
    for table in TABLES {
        let restore = format!("DELETE FROM {table}; INSERT INTO {table} TABLE saved_{table}");
        owner.batch_execute(&restore).await.unwrap();
    }
    assert_eq!(damages(&verify(fixture).await), [""; 0], "{tampering} was undone");
    found
}

/// The fact in a place.
fn at(seq: i64) -> String {
    format!("position = (SELECT position FROM journal_order WHERE seq = {seq})")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_found_and_located_in_every_column() {
    let (fixture, owner) = sealed().await;
    let whole = Range { first_seq: 1, last_seq: 30, seals: 3, state: State::Intact, damages: Vec::new() };
    assert_eq!(verify(&fixture).await.ranges, [whole]);
    for change in [
        r#"payload = '{"version": 14}'"#,
        r#"payload = '{"version": "15"}'"#,
        r#"payload = '{"version": 15.000000000000000000000000001}'"#,
        "change_id = overlay(change_id::text placing '9' from 1)::uuid",
        "last_of_change = NOT last_of_change",
        "occurred_at = occurred_at + interval '1 microsecond'",
        "occurred_at = 'infinity'",
        "source_recorded_at = '1970-01-01T00:00:00Z'",
        "source_sequence = source_sequence + 1",
        "actor = 'people/eve'",
        "customer_id = 'customers/acme'",
        "audience = 'INTERNAL'",
        "subject = 'widgets/b'",
        "subject_version = subject_version + 1",
        "kind = 'widget.noted.v2'",
        // What is hashed is where one field ends, too.
        "actor = actor || customer_id || audience, customer_id = ''  , kind = 'x'",
    ] {
        let tampering = format!("UPDATE journal SET {change} WHERE {}", at(15));
        assert_eq!(after(&fixture, &owner, &tampering).await, ["fact 15 was changed"], "{change}");
    }
    let same = format!("UPDATE journal SET payload = '{{\"version\": 15.0}}' WHERE {}", at(15));
    assert_eq!(after(&fixture, &owner, &same).await, [""; 0], "an equal number is the same fact");
    let place = "a position or a time of recording in facts 11 to 20 was changed";
    for change in [
        "UPDATE journal_order SET recorded_at = recorded_at + interval '1 microsecond' WHERE seq = 15",
        "UPDATE journal SET position = 1000 WHERE position = (SELECT position FROM journal_order WHERE seq = 15); \
         UPDATE journal_order SET position = 1000 WHERE seq = 15",
    ] {
        assert_eq!(after(&fixture, &owner, change).await, [place], "{change}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_swapped_inserted_or_cut_row_is_found_and_located() {
    let (fixture, owner) = sealed().await;
    let gone = format!("DELETE FROM journal WHERE {}", at(15));
    let insert = "INSERT INTO journal (position, change_id, last_of_change, occurred_at, actor, audience, subject, \
                  subject_version, kind, payload) SELECT 1000, change_id, last_of_change, occurred_at, 'people/eve', \
                  audience, subject, subject_version, kind, payload FROM journal LIMIT 1";
    let shift = |by: i64| {
        format!(
            "UPDATE journal_order SET seq = -seq WHERE seq > 14; UPDATE journal_order SET seq = {by} - seq WHERE seq < 0"
        )
    };
    for (tampering, wanted) in [
        (gone.clone(), vec!["fact 15 is missing"]),
        ("DELETE FROM journal_order WHERE seq = 15".to_owned(), vec!["fact 15 is missing", "the fact at position 15 has no place in the order: it was inserted"]),
        (format!("{gone}; DELETE FROM journal_order WHERE seq = 15"), vec!["fact 15 is missing"]),
        (
            "UPDATE journal_order a SET position = -b.position FROM journal_order b WHERE (a.seq, b.seq) IN ((14, 16), (16, 14)); \
             UPDATE journal_order SET position = -position WHERE position < 0".to_owned(),
            vec!["fact 14 stood elsewhere", "fact 16 stood elsewhere"],
        ),
        (insert.to_owned(), vec!["the fact at position 1000 has no place in the order: it was inserted"]),
        (format!("DELETE FROM journal WHERE position > 25; DELETE FROM journal_order WHERE seq > 25"), vec!["facts 26 to 30 were cut off at the end"]),
        (format!("DELETE FROM journal_order WHERE seq > 15; DELETE FROM journal WHERE position > 15"), vec!["facts 16 to 20 were cut off at the end", "facts 21 to 30 were cut off at the end"]),
    ] {
        assert_eq!(after(&fixture, &owner, &tampering).await, wanted, "{tampering}");
    }
    // Where those that follow are numbered anew, what comes after is not as it was either: the first is where it began.
    let inserted = format!(
        "{}; {insert}; INSERT INTO journal_order SELECT 15, 1000, recorded_at FROM journal_order WHERE seq = 14",
        shift(1)
    );
    assert_eq!(after(&fixture, &owner, &inserted).await[0], "fact 15 was inserted");
    let taken_out = format!("{gone}; DELETE FROM journal_order WHERE seq = 15; {}", shift(-1));
    assert_eq!(after(&fixture, &owner, &taken_out).await[0], "fact 15 is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seal_that_is_changed_or_missing_is_found() {
    let (fixture, owner) = sealed().await;
    let second = "the seal over facts 11 to 20 does not follow from what it seals";
    let third = "the seal over facts 21 to 30 does not follow from what it seals";
    let flip = |column: &str| {
        format!(
            "UPDATE journal_seal SET {column} = set_byte({column}, 0, get_byte({column}, 0) # 1) WHERE first_seq = 11"
        )
    };
    for (tampering, wanted) in [
        (flip("hash"), vec![second, third]),
        (flip("places"), vec![second]),
        (flip("facts"), vec![second]),
        (
            "UPDATE journal_seal SET sealed_at = sealed_at + interval '1 microsecond' WHERE first_seq = 11".to_owned(),
            vec![second],
        ),
        (
            "DELETE FROM journal_seal WHERE first_seq = 11".to_owned(),
            vec!["the seal over facts 11 to 20 is missing", third],
        ),
    ] {
        assert_eq!(after(&fixture, &owner, &tampering).await, wanted, "{tampering}");
    }
    // Whoever cuts the seals off as well leaves a journal that is right in itself: only a hash that was kept shows it.
    let head = verify(&fixture).await.head.unwrap();
    owner.batch_execute("DELETE FROM journal_seal WHERE first_seq = 21; DELETE FROM journal_order WHERE seq > 20; DELETE FROM journal WHERE position > 20").await.unwrap();
    assert_eq!(damages(&verify(&fixture).await), [""; 0]);
    let mut connection = fixture.kit.database.get(&Scope::Everything).await.unwrap();
    assert!(!journal::has_seal(&mut connection, &head).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_of_a_verification_find_what_one_finds() {
    let (fixture, owner) = sealed().await;
    owner.batch_execute(&format!("UPDATE journal SET actor = 'people/eve' WHERE {}", at(15))).await.unwrap();
    let mut connection = fixture.kit.database.get(&Scope::Everything).await.unwrap();
    let (mut first, mut found) = (1, Vec::new());
    loop {
        let (verifier, next) = journal::verify(&mut connection, "widgets", first, i64::MAX, 1).await.unwrap();
        found.extend(verifier.ranges);
        let Some(next) = next else { break };
        first = next;
    }
    assert_eq!(
        found.iter().map(|range| (range.first_seq, range.state)).collect::<Vec<_>>(),
        [(1, State::Intact), (11, State::Broken), (21, State::Intact)]
    );
    let (part, next) = journal::verify(&mut connection, "widgets", 22, 23, 200).await.unwrap();
    assert_eq!((part.ranges.len(), part.ranges[0].first_seq, part.is_intact(), next), (1, 21, true, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn sealers_of_several_replicas_make_one_chain() {
    let fixture = Fixture::new().await;
    let _running = run(&fixture, &config::Server::insecure(0)).await;
    let replica = fixture.another_kit().await;
    let writer = {
        let kit = fixture.kit.clone();
        tokio::spawn(async move {
            for version in 1..=100 {
                let facts = [fact("widgets/a", version, "", Audience::Public)];
                let id = kit.clock.id();
                let work = async |c: &mut Connection| journal::append(c, id, &facts).await;
                kit.write("note", &Scope::Everything, false, work).await.unwrap();
            }
        })
    };
    while fixture.number("SELECT coalesce(max(last_seq), 0) FROM journal_seal").await < 100 {
        let (one, other) = tokio::join!(
            journal::seal_all(&replica.database, &replica.clock),
            journal::seal_all(&fixture.kit.database, &fixture.kit.clock),
        );
        assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    }
    writer.await.unwrap();
    let verified = verify(&fixture).await;
    assert!(verified.is_intact() && verified.through == 100, "{:?}", verified.ranges);
    assert!(verified.ranges[0].seals > 1, "more than one seal was made: {:?}", verified.ranges);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_journal_with_a_gap_is_not_sealed_over() {
    let fixture = Fixture::new().await;
    let running = run(&fixture, &config::Server::insecure(0)).await;
    let facts: Vec<NewFact> = (1..=3).map(|version| fact("widgets/a", version, "", Audience::Public)).collect();
    fixture.append(&facts).await;
    fixture.until_in_order(3).await;
    running.stop.cancel();
    running.server.await.unwrap().unwrap();
    let owner = fixture.owner().await;
    owner.batch_execute(&format!("TRUNCATE journal_seal; DELETE FROM journal WHERE {}", at(2))).await.unwrap();
    let refusal = journal::seal_all(&fixture.kit.database, &fixture.kit.clock).await.unwrap_err();
    assert!(refusal.for_operator().contains("fact 2 of widgets is missing"), "{}", refusal.for_operator());
    assert_eq!(damages(&verify(&fixture).await), ["fact 2 is missing"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_verify_over_grpc_and_keep_hashes() {
    let (fixture, owner) = sealed().await;
    let scratch = testkit::Scratch::new();
    let tokens = scratch.join("tokens");
    let text = "0123456789abcdef people/bob\nfedcba9876543210 people/eva roles=journal.auditor\n";
    std::fs::write(&tokens, text).unwrap();
    let config = config::Server { insecure: false, tokens_file: Some(tokens), ..config::Server::insecure(0) };
    let running = run(&fixture, &config).await;
    let request = |token: &str| {
        let mut request = tonic::Request::new(pb::VerifyJournalRequest::default());
        request.metadata_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        request
    };
    let refusal = running.journal().verify_journal(request("0123456789abcdef")).await.unwrap_err();
    assert_eq!(refusal.get_details_error_info().unwrap().metadata["role"], "journal.auditor");

    let found = running.journal().verify_journal(request("fedcba9876543210")).await.unwrap().into_inner();
    assert_eq!((found.ranges.len(), found.ranges[0].state(), found.next_seq), (1, pb::VerificationState::Intact, 0));
    let seals = pb::ListSealsRequest { filter: format!("hash = \"{}\"", found.head), ..Default::default() };
    let (metadata, extensions, _) = request("fedcba9876543210").into_parts();
    let seals = tonic::Request::from_parts(metadata, extensions, seals);
    let seals = running.journal().list_seals(seals).await.unwrap().into_inner().seals;
    assert_eq!(seals.iter().map(|seal| (seal.first_seq, seal.fact_count)).collect::<Vec<_>>(), [(21, 10)]);

    owner.batch_execute(&format!("UPDATE journal SET actor = 'people/eve' WHERE {}", at(15))).await.unwrap();
    let found = running.journal().verify_journal(request("fedcba9876543210")).await.unwrap().into_inner();
    let states: Vec<_> = found.ranges.iter().map(pb::VerifiedRange::state).collect();
    assert_eq!(states, [pb::VerificationState::Intact, pb::VerificationState::Broken, pb::VerificationState::Intact]);
    let damage = &found.ranges[1].damages[0];
    assert_eq!((damage.kind(), damage.first_seq, damage.last_seq), (pb::DamageKind::Changed, 15, 15));

    let mut wrong = request("fedcba9876543210");
    *wrong.get_mut() = pb::VerifyJournalRequest { first_seq: -1, last_seq: -2 };
    let refusal = running.journal().verify_journal(wrong).await.unwrap_err();
    assert_eq!(refusal.get_details_bad_request().unwrap().field_violations.len(), 2);
}
