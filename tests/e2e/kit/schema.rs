//! The schema: who may do what in it, and which program may work on it.

use servicekit::error;
use tokio_postgres::error::SqlState;

use super::*;

async fn refused(client: &tokio_postgres::Client, statement: &str) -> bool {
    match client.batch_execute(statement).await {
        Ok(()) => false,
        Err(cause) => cause.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE),
    }
}

#[tokio::test]
async fn a_service_owns_nothing_and_cannot_rewrite_the_journal() {
    let fixture = Fixture::new().await;
    fixture.create("widgets/a", Widget::default()).await.unwrap();
    let service = fixture.kit.database.raw().await.unwrap();
    for allowed in
        ["SELECT FROM journal", "UPDATE widget SET version = version", "DELETE FROM journal_pending WHERE false"]
    {
        assert!(!refused(&service, allowed).await, "{allowed}");
    }
    for forbidden in [
        "UPDATE journal SET actor = 'people/eve'",
        "DELETE FROM journal",
        "UPDATE journal_000000 SET actor = 'people/eve'",
        "SELECT FROM journal_000000",
        "UPDATE journal_order SET recorded_at = '2000-01-01'",
        "DELETE FROM journal_order",
        "UPDATE journal_pending SET last_position = 0",
        "UPDATE journal_seal SET hash = ''",
        "DELETE FROM journal_seal",
        "TRUNCATE journal",
        "UPDATE server_secret SET page_token_key = ''",
        "DELETE FROM __diesel_schema_migrations",
        "CREATE TABLE mine (id int)",
        "DROP TABLE widget",
        "ALTER TABLE widget DISABLE TRIGGER ALL",
    ] {
        assert!(refused(&service, forbidden).await, "{forbidden}");
    }
}

#[tokio::test]
async fn reporting_reads_its_views_and_nothing_else() {
    let fixture = Fixture::new().await;
    let (client, connection) =
        tokio_postgres::connect(&fixture.database.url().unwrap(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let service: String = client.query_one("SELECT role_name FROM widgets.server_secret", &[]).await.unwrap().get(0);
    let prefix = service.strip_suffix("_widgets").unwrap();
    let role = |name: &str| format!("{prefix}_{name}");
    client.batch_execute(&format!("SET search_path TO widgets; SET ROLE {}", role("reporting"))).await.unwrap();
    assert!(!refused(&client, "SELECT FROM report_v1_widgets").await);
    for forbidden in ["SELECT FROM widget", "SELECT FROM journal", "SELECT FROM published_widgets_v1"] {
        assert!(refused(&client, forbidden).await, "{forbidden}");
    }
    client.batch_execute(&format!("SET ROLE {}", role("published"))).await.unwrap();
    assert!(!refused(&client, "SELECT FROM published_widgets_v1").await);
    assert!(refused(&client, "SELECT FROM widget").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn migrating_twice_at_once_migrates_once() {
    let database = config::Database::at(TestDatabase::empty().await.url());
    let (one, other) = tokio::join!(
        tokio::spawn({
            let database = database.clone();
            async move { migrate::run(&database, &SERVICE).await }
        }),
        tokio::spawn({
            let database = database.clone();
            async move { migrate::run(&database, &SERVICE).await }
        }),
    );
    let mut done = [one.unwrap().unwrap().len(), other.unwrap().unwrap().len()];
    done.sort_unstable();
    assert_eq!(done, [0, 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_works_only_on_the_schema_it_knows() {
    let empty = config::Database::at(TestDatabase::empty().await.url());
    let refusal = Kit::open(&empty, &SERVICE, Arc::new(servicekit::clock::System)).await.err().unwrap();
    assert_eq!(refusal.reason(), error::SCHEMA_PENDING);

    let fixture = Fixture::new().await;
    let (client, connection) =
        tokio_postgres::connect(&fixture.database.url().unwrap(), tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute("INSERT INTO widgets.__diesel_schema_migrations (version) VALUES ('0009')").await.unwrap();
    let refusal = Kit::open(&fixture.database, &SERVICE, fixture.clock.clone()).await.err().unwrap();
    assert_eq!(refusal.reason(), error::SCHEMA_NEWER);
    assert!(refusal.to_string().contains("0009") && refusal.to_string().contains("0006"), "{refusal}");
    assert_eq!(migrate::run(&fixture.database, &SERVICE).await.unwrap_err().reason(), error::SCHEMA_NEWER);
}

#[tokio::test]
async fn a_database_that_is_not_there_is_one_sentence() {
    let nowhere = config::Database::at("postgres://nobody:secret@127.0.0.1:1/none");
    let refusal = Kit::open(&nowhere, &SERVICE, Arc::new(servicekit::clock::System)).await.err().unwrap();
    assert_eq!(refusal.reason(), error::DATABASE_UNAVAILABLE);
    assert!(refusal.for_operator().contains("refused"), "{}", refusal.for_operator());
    assert!(!format!("{refusal:?} {}", refusal.for_operator()).contains("secret"));
}
