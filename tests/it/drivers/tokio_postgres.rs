//! tokio-postgres.

use super::PROD;
use mori_tests::Served;
use std::future::Future;
use std::time::{Duration, SystemTime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, IsolationLevel, NoTls, SimpleQueryMessage};

/// Runs a test with a client of a proxy.
fn with_client<F: Future<Output = ()>>(test: impl FnOnce(Client, String) -> F) {
    let served = Served::with(PROD);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let client = connect(&served.url).await;
        test(client, served.url.clone()).await;
    });
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the proxy accepts");
    tokio::spawn(connection);
    client
}

#[test]
fn reads_every_type() {
    with_client(|client, _| async move {
        let sql = "SELECT id, name, score, active, seen, made, photo, balance, age IS NULL FROM users WHERE id = $1";
        let row = client.query_one(sql, &[&1i64]).await.unwrap();
        assert_eq!(
            (row.get::<_, i64>("id"), row.get::<_, &str>("name"), row.get::<_, f64>(2)),
            (1, "Ann", 0.5)
        );
        assert_eq!(
            (row.get::<_, bool>(3), row.get::<_, &[u8]>(6), row.get::<_, f64>(7)),
            (true, &[0u8, 0xff][..], 12.5)
        );
        assert_eq!(
            row.get::<_, SystemTime>(4),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045)
        );
        assert_eq!(
            row.get::<_, SystemTime>(5),
            SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600)
        );
        let types: Vec<&Type> = row.columns().iter().map(|column| column.type_()).collect();
        assert_eq!(
            types[..8],
            [
                &Type::INT8,
                &Type::TEXT,
                &Type::FLOAT8,
                &Type::BOOL,
                &Type::TIMESTAMPTZ,
                &Type::TIMESTAMP,
                &Type::BYTEA,
                &Type::FLOAT8
            ]
        );
        let bob = client
            .query_one("SELECT score, seen, photo FROM users WHERE id = 2", &[])
            .await
            .unwrap();
        assert_eq!(
            (
                bob.get::<_, Option<f64>>(0),
                bob.get::<_, Option<SystemTime>>(1),
                bob.get::<_, Option<Vec<u8>>>(2)
            ),
            (None, None, None)
        );
    });
}

#[test]
fn writes_every_type() {
    with_client(|client, _| async move {
        let (moment, photo) = (
            SystemTime::UNIX_EPOCH + Duration::from_micros(1_767_323_045_000_001),
            vec![0u8, 1, 0xff],
        );
        let sql = "INSERT INTO users(name, age, score, active, seen, photo, email) VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING name, age, score, active, seen, photo, email";
        let row = client
            .query_one(sql, &[&"żółw", &(1i64 << 40), &1e-7f64, &false, &moment, &photo, &None::<String>])
            .await
            .unwrap();
        assert_eq!(
            (
                row.get::<_, &str>(0),
                row.get::<_, i64>(1),
                row.get::<_, f64>(2),
                row.get::<_, bool>(3)
            ),
            ("żółw", 1 << 40, 1e-7, false)
        );
        assert_eq!(
            (
                row.get::<_, SystemTime>(4),
                row.get::<_, Vec<u8>>(5),
                row.get::<_, Option<String>>(6)
            ),
            (moment, photo, None)
        );
        assert_eq!(
            client
                .execute("UPDATE users SET age = 1 WHERE name = $1", &[&"żółw"])
                .await
                .unwrap(),
            1
        );
        assert_eq!(client.execute("DELETE FROM users WHERE age = $1", &[&1i64]).await.unwrap(), 1);
    });
}

#[test]
fn transactions_and_savepoints() {
    with_client(|mut client, url| async move {
        let other = connect(&url).await;
        let count = || async { other.query_one("SELECT count(*) FROM users", &[]).await.unwrap().get::<_, i64>(0) };
        let mut transaction = client.transaction().await.unwrap();
        transaction.execute("INSERT INTO users(name) VALUES ('Cy')", &[]).await.unwrap();
        let savepoint = transaction.transaction().await.unwrap();
        savepoint.execute("INSERT INTO users(name) VALUES ('Di')", &[]).await.unwrap();
        savepoint.rollback().await.unwrap();
        assert_eq!(count().await, 2);
        transaction.commit().await.unwrap();
        assert_eq!(count().await, 3);
        let dropped = client.transaction().await.unwrap();
        dropped.execute("DELETE FROM orders", &[]).await.unwrap();
        drop(dropped);
        assert_eq!(
            client.query_one("SELECT count(*) FROM orders", &[]).await.unwrap().get::<_, i64>(0),
            3
        );
        let read_only = client
            .build_transaction()
            .read_only(true)
            .isolation_level(IsolationLevel::Serializable)
            .start()
            .await
            .unwrap();
        let error = read_only.execute("DELETE FROM orders", &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::READ_ONLY_SQL_TRANSACTION));
    });
}

#[test]
fn prepared_statements_are_reused_and_pipelined() {
    with_client(|client, _| async move {
        let statement = client.prepare("SELECT name FROM users WHERE id = $1").await.unwrap();
        assert_eq!(statement.params(), [Type::INT8]);
        let mut names = Vec::new();
        for id in [1i64, 2, 1] {
            names.push(client.query_one(&statement, &[&id]).await.unwrap().get::<_, String>(0));
        }
        assert_eq!(names, ["Ann", "Bob", "Ann"]);
        let (one, two, error) = tokio::join!(
            client.query_one(&statement, &[&1i64]),
            client.query_one(&statement, &[&2i64]),
            client.query_one("SELECT absent", &[])
        );
        assert_eq!((one.unwrap().get::<_, &str>(0), two.unwrap().get::<_, &str>(0)), ("Ann", "Bob"));
        assert_eq!(error.unwrap_err().code(), Some(&SqlState::UNDEFINED_COLUMN));
        let typed = client.prepare_typed("SELECT $1 + $2", &[Type::INT4, Type::INT2]).await.unwrap();
        assert_eq!(client.query_one(&typed, &[&40i32, &2i16]).await.unwrap().get::<_, i64>(0), 42);
    });
}

#[test]
fn errors_have_codes_and_fields() {
    with_client(|client, _| async move {
        let code = |sql: &'static str| async { client.execute(sql, &[]).await.unwrap_err().code().cloned().unwrap() };
        assert_eq!(code("INSERT INTO users(name) VALUES (NULL)").await, SqlState::NOT_NULL_VIOLATION);
        assert_eq!(code("DELETE FROM users WHERE id = 1").await, SqlState::FOREIGN_KEY_VIOLATION);
        assert_eq!(code("UPDATE users SET age = 0").await, SqlState::CHECK_VIOLATION);
        assert_eq!(code("SELECT * FROM absent").await, SqlState::UNDEFINED_TABLE);
        let error = client
            .execute("INSERT INTO users(name, email) VALUES ('x', $1)", &[&"ann@example.com"])
            .await
            .unwrap_err();
        let db = error.as_db_error().unwrap();
        assert_eq!(
            (db.code(), db.table(), db.column()),
            (&SqlState::UNIQUE_VIOLATION, Some("users"), Some("email"))
        );
        assert_eq!(db.message(), "UNIQUE constraint failed: users.email");
    });
}

#[test]
fn portals_fetch_in_pieces() {
    with_client(|mut client, _| async move {
        let transaction = client.transaction().await.unwrap();
        let portal = transaction.bind("SELECT id FROM orders ORDER BY id", &[]).await.unwrap();
        let ids = |rows: Vec<tokio_postgres::Row>| rows.iter().map(|row| row.get(0)).collect::<Vec<i64>>();
        assert_eq!(ids(transaction.query_portal(&portal, 2).await.unwrap()), [1, 2]);
        assert_eq!(ids(transaction.query_portal(&portal, 2).await.unwrap()), [3]);
        let write = transaction.bind("UPDATE orders SET total = 0 RETURNING id", &[]).await.unwrap();
        assert_eq!(ids(transaction.query_portal(&write, 1).await.unwrap()), [1]);
        transaction.commit().await.unwrap();
        assert_eq!(
            client
                .query_one("SELECT sum(total) FROM orders", &[])
                .await
                .unwrap()
                .get::<_, f64>(0),
            0.0
        );
    });
}

#[test]
fn simple_and_batch_queries() {
    with_client(|client, _| async move {
        client
            .batch_execute("CREATE TABLE a(x); INSERT INTO a VALUES (1), ('two'); CREATE INDEX i ON a(x)")
            .await
            .unwrap();
        let messages = client.simple_query("SELECT x FROM a; DELETE FROM a").await.unwrap();
        let row = |message: &SimpleQueryMessage| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        let rows: Vec<String> = messages.iter().filter_map(row).collect();
        assert_eq!(rows, ["1", "two"]);
        assert!(matches!(messages.last(), Some(SimpleQueryMessage::CommandComplete(2))));
    });
}

#[test]
fn a_cancelled_query() {
    with_client(|client, _| async move {
        let token = client.cancel_token();
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        let running = client.query(endless, &[]);
        tokio::pin!(running);
        // A request that comes before the statement runs has no effect.
        let error = loop {
            tokio::select! {
                ended = &mut running => break ended.unwrap_err(),
                cancelled = token.cancel_query(NoTls) => cancelled.unwrap(),
            }
        };
        assert_eq!(error.code(), Some(&SqlState::QUERY_CANCELED));
        client.check_connection().await.unwrap();
    });
}

#[test]
fn copy_is_refused() {
    with_client(|client, _| async move {
        let refused = client.copy_in::<_, &[u8]>("COPY users(name) FROM STDIN").await.err().unwrap();
        assert_eq!(refused.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED));
        let refused = client.copy_out("COPY users TO STDOUT").await.err().unwrap();
        assert_eq!(refused.code(), Some(&SqlState::FEATURE_NOT_SUPPORTED));
        client.check_connection().await.unwrap();
    });
}
