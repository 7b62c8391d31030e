//! The databases that other tests stand on.

use std::sync::atomic::{AtomicU32, Ordering};

use testkit::TestDatabase;
use tokio_postgres::NoTls;

async fn fill(url: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = tokio::spawn(connection);
    client.batch_execute("CREATE TABLE prepared (id int)").await?;
    drop(client);
    let _ = connection.await;
    Ok(())
}

async fn rows(database: &TestDatabase) -> i64 {
    database.connect().await.query_one("SELECT count(*) FROM prepared", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_template_is_prepared_once_and_copied_for_each_test() {
    let prepared = AtomicU32::new(0);
    let make = || {
        TestDatabase::prepared("e2e_copied", async |url: &str| {
            prepared.fetch_add(1, Ordering::Relaxed);
            fill(url).await
        })
    };
    let (one, two, three) = tokio::join!(make(), make(), make());
    assert!(prepared.into_inner() <= 1, "another process of this run may have prepared it");
    one.connect().await.batch_execute("INSERT INTO prepared VALUES (1)").await.unwrap();
    assert_eq!([rows(&one).await, rows(&two).await, rows(&three).await], [1, 0, 0]);
    assert_ne!(two.name(), three.name());
}

#[tokio::test]
async fn a_template_that_could_not_be_prepared_is_made_anew() {
    let fingerprint = format!("e2e_failed_{}", std::process::id());
    let failing = fingerprint.clone();
    let failed = tokio::spawn(async move {
        TestDatabase::prepared(&failing, async |url: &str| {
            fill(url).await.map_err(|error| error.to_string())?;
            Err::<(), _>("no more".to_owned())
        })
        .await
    });
    assert!(failed.await.unwrap_err().is_panic());
    let database = TestDatabase::prepared(&fingerprint, fill).await;
    assert_eq!(rows(&database).await, 0);
    // Nobody else asks for this one, and the server may be one that stays.
    let template = format!("itsm_template_{fingerprint}");
    let drop = [format!("ALTER DATABASE {template} IS_TEMPLATE false"), format!("DROP DATABASE {template}")];
    let client = database.connect().await;
    for statement in drop {
        client.batch_execute(&statement).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_database_has_the_schemas_of_all_services() {
    let client = TestDatabase::new().await.connect().await;
    let query = "SELECT count(DISTINCT schemaname) FROM pg_tables
                  WHERE schemaname IN ('catalog', 'operations', 'supplier') AND tablename = '__diesel_schema_migrations'";
    let schemas: i64 = client.query_one(query, &[]).await.unwrap().get(0);
    assert_eq!(schemas, 3);
}

#[tokio::test]
async fn an_empty_database_has_no_tables() {
    let client = TestDatabase::empty().await.connect().await;
    let query = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')";
    let tables: i64 = client.query_one(query, &[]).await.unwrap().get(0);
    assert_eq!(tables, 0);
}
