//! The clients people use: they connect by the URL, and what they do by themselves works.

mod asyncpg;
pub mod available;
mod psql;
mod psycopg;
pub mod python;
mod sqlx;
mod tokio_postgres;

/// The prod that all of them work on.
const PROD: &str = "
    CREATE TABLE users(
        id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, age INTEGER CHECK (age > 0), score REAL, active BOOLEAN DEFAULT 1,
        born DATE, seen TIMESTAMPTZ, made TIMESTAMP DEFAULT '2026-01-01 00:00:00', photo BLOB, tags JSON, token UUID, balance NUMERIC(10, 2));
    CREATE TABLE orders(id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL REFERENCES users(id), total REAL NOT NULL);
    INSERT INTO users(id, name, email, age, score, born, seen, photo, tags, token, balance) VALUES
        (1, 'Ann', 'ann@example.com', 30, 0.5, '1996-02-29', '2026-01-02 03:04:05+00:00', x'00ff', '{\"a\": [1]}', '00112233-4455-6677-8899-aabbccddeeff', 12.5),
        (2, 'Bob', 'bob@example.com', 40, NULL, NULL, NULL, NULL, NULL, NULL, 3);
    INSERT INTO orders VALUES (1, 1, 10.5), (2, 1, 20), (3, 2, 30);";
