//! Writes: one effect for one request, no lost update, nothing left behind.

use std::time::Duration;

use servicekit::resource::{self, Change, Outcome, Publish};
use servicekit::sql::Sql;
use servicekit::{error, idempotency};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;

const REQUEST: &str = "0190b5a2-6a5c-7b1e-8f7f-2b6e5b1c0a11";

#[allow(clippy::unnecessary_wraps, reason = "the shape of an edit")]
fn heavier(before: &Stored<Widget>, _now: Timestamp) -> Result<Widget, Error> {
    Ok(Widget { weight: Some(before.body.weight.unwrap_or_default() + 1), ..before.body.clone() })
}

fn change(name: &str, etag: &str, key: Key) -> Change {
    Change { name: name.to_owned(), etag: etag.to_owned(), verb: "weighed", key, validate_only: false }
}

#[tokio::test]
async fn work_that_overlooks_a_refused_statement_is_not_taken_for_done() {
    let fixture = Fixture::new().await;
    let overlooks = async |connection: &mut Connection| {
        assert!(connection.batch_execute("SELECT 1 / 0").await.is_err());
        Ok::<_, Error>(())
    };
    let told = fixture.kit.database.transaction("overlook", &Scope::Everything, overlooks).await;
    assert!(told.is_err(), "Postgres answers the COMMIT and keeps nothing");
}

#[tokio::test]
async fn a_repeated_request_has_one_effect_and_one_answer() {
    let fixture = Fixture::new().await;
    fixture.create("widgets/a", Widget::default()).await.unwrap();
    fixture.open_connections().await;
    let mut tasks = JoinSet::new();
    for _ in 0..8 {
        let (kit, key) = (fixture.kit.clone(), fixture.key(&ann(), REQUEST, "same"));
        tasks.spawn(async move { resource::change(&kit, &ann(), change("widgets/a", "", key), heavier).await });
    }
    let answers: Vec<Stored<Widget>> = tasks.join_all().await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!((answers[0].version, answers[0].body.weight), (2, Some(1)));
    assert_eq!(fixture.number("SELECT count(*) FROM journal").await, 2);
}

#[tokio::test]
async fn a_replay_answers_as_it_was_answered_then() {
    let fixture = Fixture::new().await;
    let create = || resource::Create {
        name: "widgets/a".to_owned(),
        body: Widget { title: Some("first".to_owned()), ..Widget::default() },
        key: fixture.key(&ann(), REQUEST, "same"),
        validate_only: false,
    };
    let created = resource::create(&fixture.kit, &ann(), create()).await.unwrap();
    let key = fixture.key(&ann(), "", "change");
    resource::change(&fixture.kit, &ann(), change("widgets/a", "", key), heavier).await.unwrap();
    assert_eq!(resource::create(&fixture.kit, &ann(), create()).await.unwrap(), created);
}

#[tokio::test]
async fn a_request_id_belongs_to_one_request_for_a_day() {
    let fixture = Fixture::new().await;
    let create = |name: &str| resource::Create {
        name: name.to_owned(),
        body: Widget::default(),
        key: fixture.key(&ann(), REQUEST, name),
        validate_only: false,
    };
    resource::create(&fixture.kit, &ann(), create("widgets/a")).await.unwrap();
    let refusal = resource::create(&fixture.kit, &ann(), create("widgets/b")).await.unwrap_err();
    assert_eq!(refusal.reason(), error::REQUEST_ID_REUSED);

    fixture.clock.set("2024-06-02T12:00:01Z".parse().unwrap());
    let stop = CancellationToken::new();
    let sweeper = tokio::spawn(idempotency::sweep(fixture.kit.database.clone(), fixture.clock.clone(), stop.clone()));
    while fixture.number("SELECT count(*) FROM idempotency").await > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    stop.cancel();
    sweeper.await.unwrap();
    resource::create(&fixture.kit, &ann(), create("widgets/b")).await.unwrap();
}

#[tokio::test]
async fn racing_changes_all_count() {
    let fixture = Fixture::new().await;
    fixture.create("widgets/a", Widget::default()).await.unwrap();
    fixture.open_connections().await;
    let mut tasks = JoinSet::new();
    for _ in 0..12 {
        let (kit, key) = (fixture.kit.clone(), fixture.key(&ann(), "", "change"));
        tasks.spawn(async move { resource::change(&kit, &ann(), change("widgets/a", "", key), heavier).await });
    }
    assert!(tasks.join_all().await.iter().all(Result::is_ok));
    let after = resource::get::<Widget>(&fixture.kit, &ann(), "widgets/a").await.unwrap();
    assert_eq!((after.version, after.body.weight), (13, Some(12)));
}

#[tokio::test]
async fn of_two_changes_to_one_version_one_is_refused() {
    let fixture = Fixture::new().await;
    let created = fixture.create("widgets/a", Widget::default()).await.unwrap();
    fixture.open_connections().await;
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        let (kit, etag) = (fixture.kit.clone(), created.etag());
        let key = fixture.key(&ann(), "", "change");
        tasks.spawn(async move { resource::change(&kit, &ann(), change("widgets/a", &etag, key), heavier).await });
    }
    let refused: Vec<Error> = tasks.join_all().await.into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.iter().map(Error::reason).collect::<Vec<_>>(), [error::ETAG_MISMATCH]);
}

#[tokio::test]
async fn a_rehearsal_answers_the_same_and_changes_nothing() {
    let fixture = Fixture::new().await;
    let create = |validate_only| resource::Create {
        name: "widgets/a".to_owned(),
        body: Widget::default(),
        key: fixture.key(&ann(), REQUEST, "same"),
        validate_only,
    };
    let rehearsed = resource::create(&fixture.kit, &ann(), create(true)).await.unwrap();
    assert_eq!(fixture.number("SELECT count(*) FROM widget").await, 0);
    assert_eq!(fixture.number("SELECT count(*) FROM journal").await, 0);
    let created = resource::create(&fixture.kit, &ann(), create(false)).await.unwrap();
    assert_eq!(Stored { uid: created.uid, ..rehearsed }, created);
    let again = Create { key: fixture.key(&ann(), "", "x"), ..create(true) };
    let refusal = resource::create(&fixture.kit, &ann(), again).await.unwrap_err();
    assert_eq!(refusal.reason(), error::RESOURCE_EXISTS);
}

#[tokio::test]
async fn a_deleted_resource_stays_readable_and_takes_no_more_changes() {
    let fixture = Fixture::new().await;
    fixture.create("widgets/a", Widget::default()).await.unwrap();
    let key = || fixture.key(&ann(), "", "change");
    resource::delete::<Widget>(&fixture.kit, &ann(), change("widgets/a", "", key())).await.unwrap();
    let read = resource::get::<Widget>(&fixture.kit, &ann(), "widgets/a").await.unwrap();
    assert_eq!((read.version, read.deleted_at), (2, Some(fixture.kit.clock.now())));
    let refusal = resource::change(&fixture.kit, &ann(), change("widgets/a", "", key()), heavier).await.unwrap_err();
    assert_eq!(refusal.reason(), error::RESOURCE_DELETED);
    assert_eq!(fixture.create("widgets/a", Widget::default()).await.unwrap_err().reason(), error::RESOURCE_EXISTS);
}

#[tokio::test]
async fn foreign_and_missing_look_the_same() {
    let fixture = Fixture::new().await;
    let body = Widget { customer: "customers/acme".to_owned(), ..Widget::default() };
    fixture.create("widgets/a", body).await.unwrap();
    assert!(resource::get::<Widget>(&fixture.kit, &bound_to("customers/acme"), "widgets/a").await.is_ok());
    let other = bound_to("customers/other");
    let foreign = resource::get::<Widget>(&fixture.kit, &other, "widgets/a").await.unwrap_err();
    let missing = resource::get::<Widget>(&fixture.kit, &other, "widgets/b").await.unwrap_err();
    assert_eq!(foreign.to_string().replace("/a", "/b"), missing.to_string());
    let key = fixture.key(&other, "", "change");
    let refusal = resource::change(&fixture.kit, &other, change("widgets/a", "", key), heavier).await.unwrap_err();
    assert_eq!(refusal.reason(), error::RESOURCE_NOT_FOUND);
}

#[tokio::test]
async fn a_bulk_write_twice_changes_nothing_and_never_half() {
    let fixture = Fixture::new().await;
    let mut members: Vec<(String, Widget)> = (0..200)
        .map(|number| (format!("widgets/{number}"), Widget { weight: Some(number), ..Widget::default() }))
        .collect();
    let upsert = |members: Vec<(String, Widget)>| {
        let kit = fixture.kit.clone();
        async move {
            let upserted = resource::upsert(&kit, &ann(), &members, false).await?;
            let count = |outcome| upserted.iter().filter(|member| member.outcome == outcome).count();
            Ok::<_, Error>((count(Outcome::Created), count(Outcome::Updated), count(Outcome::Unchanged)))
        }
    };
    assert_eq!(upsert(members.clone()).await.unwrap(), (200, 0, 0));
    members[7].1.weight = Some(700);
    assert_eq!(upsert(members.clone()).await.unwrap(), (0, 1, 199));
    assert_eq!(fixture.number("SELECT count(*) FROM journal").await, 201);

    members[8].1.weight = Some(800);
    members[9].1.weight = Some(9_000);
    let refusal = upsert(members).await.unwrap_err();
    assert!(refusal.to_string().starts_with("[9].widget.weight"), "{refusal}");
    assert_eq!(fixture.number("SELECT weight FROM widget WHERE name = 'widgets/8'").await, 8);
}

#[tokio::test]
async fn a_revision_is_never_edited_and_only_the_first_may_look_back() {
    let fixture = Fixture::new().await;
    fixture.create("widgets/a", Widget::default()).await.unwrap();
    let publish = |at: &str| {
        let key = fixture.key(&ann(), "", at);
        let effective_from = (!at.is_empty()).then(|| at.parse().unwrap());
        let (name, etag) = ("widgets/a".to_owned(), String::new());
        let publish = Publish { name, etag, effective_from, key, validate_only: false };
        let kit = fixture.kit.clone();
        async move { resource::publish::<Widget>(&kit, &ann(), publish).await }
    };
    assert_eq!(publish("2020-01-01T00:00:00Z").await.unwrap().revision, 1);
    assert_eq!(publish("2024-06-01T11:59:59Z").await.unwrap_err().reason(), error::REVISION_IN_THE_PAST);
    assert_eq!(publish("2024-07-01T00:00:00Z").await.unwrap().body.revision, 2);
    assert_eq!(publish("2024-07-01T00:00:00Z").await.unwrap_err().reason(), error::REVISION_TIME_TAKEN);
    assert_eq!(publish("").await.unwrap().effective_from, fixture.kit.clock.now());

    let mut connection = fixture.kit.database.get(&Scope::Everything).await.unwrap();
    for (at, revision) in [
        ("2019-01-01T00:00:00Z", None),
        ("2020-01-01T00:00:00Z", Some(1)),
        ("2024-06-30T00:00:00Z", Some(3)),
        ("2025-01-01T00:00:00Z", Some(2)),
    ] {
        let in_force = resource::revision_in_force::<Widget>(&mut connection, "widgets/a", at.parse().unwrap());
        assert_eq!(in_force.await.unwrap().map(|found| found.revision), revision, "{at}");
    }
}

#[tokio::test]
async fn a_write_that_is_dropped_leaves_no_lock_behind() {
    let fixture = Fixture::new().await;
    fixture.create("widgets/a", Widget::default()).await.unwrap();
    fixture.open_connections().await;
    let dropped = fixture.kit.write("half a write", &Scope::Everything, false, async |connection| {
        Sql::new("SELECT FROM widget FOR UPDATE").execute(connection).await?;
        Sql::new("SELECT pg_sleep(60)").execute(connection).await?;
        Ok(())
    });
    assert!(tokio::time::timeout(Duration::from_millis(300), dropped).await.is_err());
    let ann = ann();
    let key = fixture.key(&ann, "", "change");
    let whole = resource::change(&fixture.kit, &ann, change("widgets/a", "", key), heavier);
    tokio::time::timeout(Duration::from_secs(10), whole).await.expect("the lock is gone").unwrap();
}
