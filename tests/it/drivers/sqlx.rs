//! sqlx's PostgreSQL driver.

use super::PROD;
use mori_tests::Served;
use sqlx::error::ErrorKind;
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::{Connection, Executor, Row, TypeInfo};
use std::future::Future;

/// Runs a test with a pool on a proxy.
fn with_pool<F: Future<Output = ()>>(test: impl FnOnce(PgPool) -> F) {
    let served = Served::with(PROD);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let pool = PgPoolOptions::new()
            .max_connections(3)
            .connect(&served.url)
            .await
            .expect("the proxy accepts");
        test(pool.clone()).await;
        pool.close().await;
    });
}

#[test]
fn reads_every_type() {
    with_pool(|pool| async move {
        let sql = "SELECT id, name, score, active, photo, balance, age, tags, born, seen FROM users WHERE id = $1";
        let row: PgRow = sqlx::query(sql).bind(1i64).fetch_one(&pool).await.unwrap();
        assert_eq!(
            (row.get::<i64, _>("id"), row.get::<String, _>("name"), row.get::<f64, _>("score")),
            (1, "Ann".to_owned(), 0.5)
        );
        assert_eq!(
            (row.get::<bool, _>(3), row.get::<Vec<u8>, _>(4), row.get::<f64, _>(5)),
            (true, vec![0, 0xff], 12.5)
        );
        let types: Vec<String> = row
            .columns()
            .iter()
            .map(|column| sqlx::Column::type_info(column).name().to_owned())
            .collect();
        assert_eq!(
            types,
            [
                "INT8",
                "TEXT",
                "FLOAT8",
                "BOOL",
                "BYTEA",
                "FLOAT8",
                "INT8",
                "JSON",
                "DATE",
                "TIMESTAMPTZ"
            ]
        );
        let bob = sqlx::query("SELECT score, photo FROM users WHERE name = $1")
            .bind("Bob")
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!((bob.get::<Option<f64>, _>(0), bob.get::<Option<Vec<u8>>, _>(1)), (None, None));
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM orders WHERE total > $1")
            .bind(15.0)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(count, 2);
    });
}

#[test]
fn writes_every_type() {
    with_pool(|pool| async move {
        let sql = "INSERT INTO users(name, age, score, active, photo, email) VALUES ($1, $2, $3, $4, $5, $6) RETURNING id, age, score, active, photo, email";
        let row = sqlx::query(sql)
            .bind("żółw")
            .bind(1i64 << 40)
            .bind(1e-7)
            .bind(false)
            .bind(vec![0u8, 0xff])
            .bind(None::<String>)
            .fetch_one(&pool)
            .await
            .unwrap();
        assert_eq!(
            (
                row.get::<i64, _>(0),
                row.get::<i64, _>(1),
                row.get::<f64, _>(2),
                row.get::<bool, _>(3)
            ),
            (3, 1 << 40, 1e-7, false)
        );
        assert_eq!((row.get::<Vec<u8>, _>(4), row.get::<Option<String>, _>(5)), (vec![0, 0xff], None));
        // Smaller integers than the column's are bound with their own type.
        let updated = sqlx::query("UPDATE users SET age = $1 WHERE id = $2")
            .bind(7i32)
            .bind(3i16)
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(updated.rows_affected(), 1);
        assert_eq!(
            sqlx::query("DELETE FROM users WHERE age = $1")
                .bind(7i32)
                .execute(&pool)
                .await
                .unwrap()
                .rows_affected(),
            1
        );
    });
}

#[test]
fn transactions_and_savepoints() {
    with_pool(|pool| async move {
        let count = || async {
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM users")
                .fetch_one(&pool)
                .await
                .unwrap()
        };
        let mut transaction = pool.begin().await.unwrap();
        transaction.execute("INSERT INTO users(name) VALUES ('Cy')").await.unwrap();
        let mut savepoint = transaction.begin().await.unwrap();
        savepoint.execute("INSERT INTO users(name) VALUES ('Di')").await.unwrap();
        savepoint.rollback().await.unwrap();
        assert_eq!(count().await, 2);
        transaction.commit().await.unwrap();
        assert_eq!(count().await, 3);
        let mut dropped = pool.begin().await.unwrap();
        dropped.execute("DELETE FROM orders").await.unwrap();
        drop(dropped);
        let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&pool).await.unwrap();
        assert_eq!(orders, 3);
    });
}

#[test]
fn statements_are_cached_and_outlive_a_change_of_the_schema() {
    with_pool(|pool| async move {
        let mut connection = pool.acquire().await.unwrap();
        for id in [1i64, 2, 1, 2] {
            let name: String = sqlx::query_scalar("SELECT name FROM users WHERE id = $1")
                .bind(id)
                .fetch_one(&mut *connection)
                .await
                .unwrap();
            assert_eq!(name, if id == 1 { "Ann" } else { "Bob" });
        }
        assert_eq!(connection.cached_statements_size(), 1);
        connection.execute("ALTER TABLE users ADD COLUMN note TEXT").await.unwrap();
        let name: String = sqlx::query_scalar("SELECT name FROM users WHERE id = $1")
            .bind(2i64)
            .fetch_one(&mut *connection)
            .await
            .unwrap();
        assert_eq!(name, "Bob");
        connection.clear_cached_statements().await.unwrap();
        connection.ping().await.unwrap();
    });
}

#[test]
fn errors_have_kinds() {
    with_pool(|pool| async move {
        let fail = |sql: &'static str| {
            let pool = pool.clone();
            async move { sqlx::query(sql).execute(&pool).await.unwrap_err() }
        };
        let unique = fail("INSERT INTO users(name, email) VALUES ('x', 'ann@example.com')").await;
        let db = unique.as_database_error().unwrap();
        assert_eq!(
            (db.code().as_deref(), db.table(), db.is_unique_violation()),
            (Some("23505"), Some("users"), true)
        );
        for (sql, kind) in [
            ("INSERT INTO users(name) VALUES (NULL)", ErrorKind::NotNullViolation),
            ("DELETE FROM users WHERE id = 1", ErrorKind::ForeignKeyViolation),
            ("UPDATE users SET age = 0", ErrorKind::CheckViolation),
            ("SELECT * FROM absent", ErrorKind::Other),
        ] {
            let error = fail(sql).await;
            assert_eq!(
                format!("{:?}", error.as_database_error().unwrap().kind()),
                format!("{kind:?}"),
                "{sql}"
            );
        }
    });
}

#[test]
fn several_statements_without_parameters() {
    with_pool(|pool| async move {
        let done = sqlx::raw_sql("CREATE TABLE a(x INTEGER); INSERT INTO a VALUES (1), (2); UPDATE a SET x = x + 1")
            .execute(&pool)
            .await
            .unwrap();
        assert_eq!(done.rows_affected(), 4);
        let rows = sqlx::raw_sql("SELECT x FROM a; SELECT x FROM a WHERE x > 2")
            .fetch_all(&pool)
            .await
            .unwrap();
        assert_eq!(rows.len(), 3);
    });
}

#[test]
fn many_rows_stream() {
    with_pool(|pool| async move {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) SELECT i FROM n";
        let rows: Vec<i64> = sqlx::query_scalar(sql).fetch_all(&pool).await.unwrap();
        assert_eq!(rows.iter().sum::<i64>(), 20_000 * 20_001 / 2);
        // Giving up in the middle leaves the connection usable.
        assert_eq!(sqlx::query_scalar::<_, i64>(sql).fetch_one(&pool).await.unwrap(), 1);
        assert_eq!(sqlx::query_scalar::<_, i64>("SELECT 7").fetch_one(&pool).await.unwrap(), 7);
    });
}

#[test]
fn copy_is_refused() {
    with_pool(|pool| async move {
        let error = pool
            .acquire()
            .await
            .unwrap()
            .copy_in_raw("COPY users(name) FROM STDIN")
            .await
            .err()
            .unwrap();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("0A000"));
        assert_eq!(
            sqlx::query_scalar::<_, i64>("SELECT count(*) FROM users")
                .fetch_one(&pool)
                .await
                .unwrap(),
            2
        );
    });
}

#[test]
fn connect_options_are_settings_of_the_session() {
    let served = Served::with(PROD);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let options: PgConnectOptions = served.url.parse().unwrap();
        let options = options.application_name("shop").options([("default_transaction_read_only", "on")]);
        let mut connection = sqlx::PgConnection::connect_with(&options).await.unwrap();
        let name: String = sqlx::query_scalar("SHOW application_name")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(name, "shop");
        let error = connection.execute("DELETE FROM orders").await.unwrap_err();
        assert_eq!(error.as_database_error().unwrap().code().as_deref(), Some("25006"));
        connection.close().await.unwrap();
    });
}
