//! Random statements on the tables of `prod.sql`.

use mori_tests::Random;
use mori_tests::raw;

/// What one client sends before it waits for the answer.
#[derive(Clone, Debug)]
pub struct Step {
    pub client: usize,
    pub sql: String,
    pub via: Via,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Via {
    Simple,
    /// By the extended protocol, with values in binary.
    Extended,
    /// A COPY FROM STDIN with these rows.
    CopyIn(String),
}

impl Step {
    pub fn bytes(&self) -> Vec<u8> {
        match &self.via {
            Via::Simple => raw::query(&self.sql),
            Via::Extended => [
                raw::parse("", &self.sql, &[]),
                raw::bind_as("", "", &[], &[], &[1]),
                raw::describe(b'P', ""),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
            Via::CopyIn(rows) => [raw::query(&self.sql), raw::message(b'd', rows.as_bytes()), raw::message(b'c', b"")].concat(),
        }
    }
}

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let via = match &self.via {
            Via::Simple => "",
            Via::Extended => " extended",
            Via::CopyIn(rows) => return write!(f, "/* c{} */ {}; -- {rows:?}", self.client + 1, self.sql),
        };
        write!(f, "/* c{}{via} */ {};", self.client + 1, self.sql)
    }
}

/// A program of 20 to 60 statements. `with_ddl`: some of them change the schema.
pub fn program(seed: u64, with_ddl: bool) -> Vec<Step> {
    let mut random = Random::new(seed);
    let count = 20 + random.below(41);
    let mut in_transaction = [false; 2];
    let mut is_serializable = [false; 2];
    let mut steps = Vec::new();
    for _ in 0..count {
        let client = usize::from(random.chance(50));
        let is_control = random.chance(if in_transaction[client] { 25 } else { 15 });
        let step = if is_control {
            let sql = control(&mut random, &mut in_transaction[client]);
            is_serializable[client] = sql.ends_with("SERIALIZABLE") || is_serializable[client] && in_transaction[client];
            Step {
                client,
                sql,
                via: Via::Simple,
            }
        } else if with_ddl && random.chance(12) {
            Step {
                client,
                sql: ddl(&mut random),
                via: Via::Simple,
            }
        } else {
            let mut step = statement(&mut random, client);
            // It counts as a read of the table in the lane, and may fail where the copy's does not (docs/engines/postgres.md).
            while is_serializable[client] && step.sql.contains("TRUNCATE") {
                step = statement(&mut random, client);
            }
            step
        };
        steps.push(step);
    }
    for client in 0..2 {
        let sql = random.pick(&["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]).to_string();
        steps.push(Step {
            client,
            sql,
            via: Via::Simple,
        });
    }
    steps
}

fn control(random: &mut Random, in_transaction: &mut bool) -> String {
    if !*in_transaction {
        *in_transaction = true;
        let begins = [
            "BEGIN",
            "BEGIN",
            "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "BEGIN ISOLATION LEVEL SERIALIZABLE",
            "START TRANSACTION",
        ];
        return (*random.pick(&begins)).to_owned();
    }
    let sql = *random.pick(&[
        "COMMIT",
        "COMMIT",
        "ROLLBACK",
        "SAVEPOINT s",
        "SAVEPOINT t",
        "ROLLBACK TO s",
        "ROLLBACK TO t",
        "RELEASE s",
        "COMMIT AND CHAIN",
    ]);
    *in_transaction = !matches!(sql, "COMMIT" | "ROLLBACK");
    sql.to_owned()
}

fn ddl(random: &mut Random) -> String {
    let n = random.below(4);
    let statements = [
        format!("ALTER TABLE notes ADD COLUMN c{n} integer DEFAULT {n}"),
        format!("ALTER TABLE notes DROP COLUMN c{n}"),
        "ALTER TABLE orders ALTER COLUMN note TYPE varchar(50)".to_owned(),
        format!("CREATE TABLE made{n} (id serial PRIMARY KEY, v text)"),
        format!("INSERT INTO made{n} (v) SELECT name FROM users ORDER BY id"),
        format!("DROP TABLE made{n}"),
        format!("CREATE INDEX ON users (score, name) WHERE id > {n}"),
        format!("CREATE TABLE copied{n} AS SELECT id, name FROM users ORDER BY id"),
        "ALTER TABLE devices RENAME COLUMN data TO info".to_owned(),
        "ALTER TABLE devices RENAME COLUMN info TO data".to_owned(),
        "ALTER TABLE users ADD CHECK (score < 95) NOT VALID".to_owned(),
        format!("CREATE TABLE events_x{n} PARTITION OF events FOR VALUES FROM ('203{n}-01-01') TO ('203{n}-12-31')"),
        // Not `TRIGGER ALL`: where it has to wait, the lane waits elsewhere, which the context of a lock timeout tells.
        "ALTER TABLE items DISABLE TRIGGER USER".to_owned(),
        "ALTER TABLE items ENABLE TRIGGER USER".to_owned(),
    ];
    random.pick(&statements).clone()
}

fn statement(random: &mut Random, client: usize) -> Step {
    let user = random.below(18) + 1;
    let (order, line) = (random.below(48) + 1, random.below(5) + 1);
    let number = random.below(110);
    let low = random.below(30) + 1;
    let high = low + random.below(6);
    let device = format!("00000000-0000-4000-8000-{:012}", random.below(12) + 1);
    let mood = *random.pick(&["sad", "ok", "happy"]);
    let month = random.below(14) + 1;
    let statements = [
        format!(
            "INSERT INTO users (email, name, mood, score) VALUES ('p{number}@example.org', 'P{number}', '{mood}', {number}) RETURNING *"
        ),
        format!(
            "INSERT INTO users (email, score) VALUES ('user{user}@example.org', {number}), ('q{user}@example.org', 1) \
             ON CONFLICT (email) DO UPDATE SET score = EXCLUDED.score, name = users.name || '+' RETURNING id, name"
        ),
        format!("INSERT INTO users (id, email) VALUES ({user}, 'r{number}@example.org') ON CONFLICT DO NOTHING RETURNING id"),
        format!("UPDATE users SET score = {number}, mood = '{mood}' WHERE id = {user} RETURNING id, score"),
        format!("UPDATE users SET id = {} WHERE id = {user}", random.below(30) + 1),
        "UPDATE users SET score = score + 1 WHERE score < 100".to_owned(),
        format!("UPDATE users SET name = name WHERE id < {user}"),
        format!("DELETE FROM users WHERE id = {user} RETURNING email"),
        format!("INSERT INTO orders (user_id, total, note) VALUES ({user}, {number}.5, 'by {user}') RETURNING id, total"),
        format!(
            "INSERT INTO orders (user_id, total) SELECT id, coalesce(score, 0) FROM users WHERE mood = '{mood}' ORDER BY id RETURNING id"
        ),
        format!("UPDATE orders SET total = total * 2 WHERE id BETWEEN {low} AND {high} RETURNING id, total"),
        format!("UPDATE orders SET user_id = {user} WHERE id = {order}"),
        format!("UPDATE orders o SET note = u.email FROM users u WHERE u.id = o.user_id AND u.id = {user}"),
        format!("DELETE FROM orders WHERE id BETWEEN {low} AND {high}"),
        format!("DELETE FROM orders o USING users u WHERE u.id = o.user_id AND u.mood = '{mood}' AND o.id > {order} RETURNING o.id"),
        format!(
            "INSERT INTO items VALUES ({order}, {line}, 'sku-{number}') ON CONFLICT (order_id, line) DO UPDATE SET qty = items.qty + 1 RETURNING *"
        ),
        format!("UPDATE items SET line = line + 3 WHERE order_id = {order}"),
        format!("UPDATE items SET order_id = {low} WHERE order_id = {order} AND line = {line} RETURNING *"),
        format!("DELETE FROM items WHERE order_id = {order}"),
        format!("INSERT INTO devices (id, owner, data) VALUES ('{device}', {user}, '{{\"n\": {number}}}') RETURNING *"),
        format!(
            "UPDATE devices SET tags = array_append(tags, 't{number}'), data = data || '{{\"m\": {number}}}' WHERE id = '{device}' RETURNING tags, data"
        ),
        format!("DELETE FROM devices WHERE owner = {user} OR id = '{device}'"),
        format!(
            "INSERT INTO notes VALUES ('note {number}', '2026-01-{:02}'), ('twice', '2026-01-01')",
            number % 28 + 1
        ),
        format!("UPDATE notes SET body = 'note {number}' WHERE body = 'twice'"),
        "DELETE FROM notes WHERE body = 'twice' RETURNING *".to_owned(),
        format!(
            "INSERT INTO events (happened, what) VALUES (date '2025-01-01' + interval '{month} months', 'e{number}') RETURNING tableoid::regclass, id"
        ),
        format!("UPDATE events SET happened = happened + interval '{month} months' WHERE id = {low}"),
        format!("DELETE FROM events WHERE id < {month}"),
        format!("SELECT nextval('tickets'), {number}"),
        format!("SELECT setval('tickets', {})", 10 + number),
        "TRUNCATE notes".to_owned(),
        "TRUNCATE events RESTART IDENTITY".to_owned(),
        "TRUNCATE events_2025".to_owned(),
        format!(
            "WITH gone AS (DELETE FROM items WHERE order_id = {order} RETURNING *) \
             INSERT INTO notes SELECT sku, NULL FROM gone ORDER BY line RETURNING body"
        ),
        format!(
            "MERGE INTO users u USING (VALUES ({user}, 'm{number}@example.org')) v (id, email) ON v.id = u.id \
             WHEN MATCHED AND u.score > 50 THEN DELETE WHEN MATCHED THEN UPDATE SET email = v.email WHEN NOT MATCHED THEN INSERT (id, email) VALUES (v.id, v.email)"
        ),
        "SELECT * FROM users ORDER BY id".to_owned(),
        "SELECT u.id, count(o.id), sum(o.total) FROM users u LEFT JOIN orders o ON o.user_id = u.id GROUP BY u.id ORDER BY u.id".to_owned(),
        format!("SELECT * FROM items WHERE order_id BETWEEN {low} AND {high} ORDER BY order_id, line"),
        "SELECT tableoid::regclass, count(*) FROM events GROUP BY 1 ORDER BY 1".to_owned(),
        "SELECT * FROM happy_users".to_owned(),
        format!("SELECT id FROM users WHERE id < {user} ORDER BY id FOR UPDATE"),
        format!("SELECT lastval(), {number}"),
        format!("UPDATE happy_users SET mood = '{mood}' WHERE id = {user}"),
        format!(
            "DO $$ BEGIN INSERT INTO users (email) VALUES ('do{number}@example.org'); INSERT INTO users (email) VALUES ('user{user}@example.org'); \
             EXCEPTION WHEN unique_violation THEN INSERT INTO notes VALUES ('caught', NULL); END $$"
        ),
        "REFRESH MATERIALIZED VIEW totals".to_owned(),
        "SELECT * FROM audit".to_owned(),
    ];
    let sql = random.pick(&statements).clone();
    match random.below(10) {
        0 => Step {
            client,
            sql: "COPY notes FROM STDIN".to_owned(),
            via: Via::CopyIn(format!("copied {number}\\t2026-02-01\n\\N\\t\\N\n").replace("\\t", "\t")),
        },
        1 => Step {
            client,
            sql: format!("{sql}; {}", random.pick(&statements)),
            via: Via::Simple,
        },
        2..=4 => Step {
            client,
            sql,
            via: Via::Extended,
        },
        _ => Step {
            client,
            sql,
            via: Via::Simple,
        },
    }
}
