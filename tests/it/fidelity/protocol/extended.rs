//! Parse, Bind, Describe, Execute, Close, Flush, Sync.

use mori_tests::Served;
use mori_tests::raw::{Raw, bind, bind_as, close, describe, execute, flush, message, parse, query, sync};

fn raw() -> (Served, Raw) {
    let served = Served::with("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); INSERT INTO t VALUES (1, 'x'), (2, 'y');");
    let raw = Raw::connect(served.port);
    (served, raw)
}

#[test]
fn a_whole_exchange() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "SELECT * FROM t WHERE a = $1", &[]),
        describe(b'S', ""),
        bind("", &[Some("2")]),
        describe(b'P', ""),
        execute("", 0),
        close(b'P', ""),
        close(b'S', ""),
        sync(),
    ]);
    assert_eq!(
        answer,
        [
            "1",
            "t 20",
            "T a:20 b:25",
            "2",
            "T a:20 b:25",
            "D 2|y",
            "C SELECT 1",
            "3",
            "3",
            "Z I"
        ]
    );
}

#[test]
fn a_statement_without_rows_is_described_so() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "DELETE FROM t WHERE b = $1", &[]),
        describe(b'S', ""),
        bind("", &[None]),
        describe(b'P', ""),
        sync(),
    ]);
    assert_eq!(answer, ["1", "t 25", "n", "2", "n", "Z I"]);
}

#[test]
fn many_messages_before_any_answer() {
    let (_served, mut raw) = raw();
    let mut messages = vec![parse("ins", "INSERT INTO t(b) VALUES ($1) RETURNING a", &[])];
    for number in 0..500 {
        messages.push(bind("ins", &[Some(&format!("row {number}"))]));
        messages.push(execute("", 0));
    }
    messages.push(sync());
    let answer = raw.say(&messages);
    let rows: Vec<&String> = answer.iter().filter(|line| line.starts_with("D ")).collect();
    assert_eq!((rows.len(), rows[0].as_str(), rows[499].as_str()), (500, "D 3", "D 502"));
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 502");
}

#[test]
fn after_an_error_everything_up_to_sync_is_passed_over() {
    let (_served, mut raw) = raw();
    raw.send(
        &[
            parse("", "INSERT INTO t VALUES (3, 'z')", &[]),
            bind("", &[]),
            execute("", 0),
            parse("", "SELEC", &[]),
            bind("", &[]),
            execute("", 0),
            query("DELETE FROM t"),
            close(b'S', ""),
            flush(),
            sync(),
            query("SELECT count(*) FROM t"),
        ]
        .concat(),
    );
    let told = |raw: &mut Raw| raw.until_ready().iter().map(mori_tests::raw::Message::told).collect::<Vec<_>>();
    assert_eq!(
        told(&mut raw),
        ["1", "2", "C INSERT 0 1", "E 42601 near \"SELEC\": syntax error", "Z I"]
    );
    // As SQLite commits each statement, what came before the error stays.
    assert_eq!(told(&mut raw), ["T count(*):20", "D 3", "C SELECT 1", "Z I"]);
}

#[test]
fn flush_brings_what_is_ready_without_a_sync() {
    let (_served, mut raw) = raw();
    raw.send(&[parse("", "SELECT a FROM t", &[]), describe(b'S', ""), flush()].concat());
    let told: Vec<String> = (0..3).map(|_| raw.hear().unwrap().told()).collect();
    assert_eq!(told, ["1", "t", "T a:20"]);
    raw.send(&[bind("", &[]), execute("", 0), flush()].concat());
    let told: Vec<String> = (0..4).map(|_| raw.hear().unwrap().told()).collect();
    assert_eq!(told, ["2", "D 1", "D 2", "C SELECT 2"]);
    assert_eq!(raw.say(&[sync()]), ["Z I"]);
}

#[test]
fn a_named_statement_lives_until_it_is_closed() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("pick", "SELECT b FROM t WHERE a = $1", &[]), sync()]);
    for (id, name) in [("1", "D x"), ("2", "D y"), ("1", "D x")] {
        assert_eq!(raw.say(&[bind("pick", &[Some(id)]), execute("", 0), sync()])[1], name);
    }
    assert_eq!(
        raw.say(&[parse("pick", "SELECT 1", &[]), sync()])[0],
        r#"E 42P05 prepared statement "pick" already exists"#
    );
    assert_eq!(raw.say(&[close(b'S', "pick"), close(b'S', "pick"), sync()]), ["3", "3", "Z I"]);
    assert_eq!(
        raw.say(&[bind("pick", &[Some("1")]), sync()])[0],
        r#"E 26000 prepared statement "pick" does not exist"#
    );
}

#[test]
fn the_unnamed_statement_is_replaced() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "SELECT 1", &[]),
        parse("", "SELECT 'two'", &[]),
        bind("", &[]),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer, ["1", "1", "2", "D two", "C SELECT 1", "Z I"]);
}

#[test]
fn a_parse_that_fails_leaves_no_unnamed_statement() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("", "SELECT 1", &[]), sync()]);
    raw.say(&[parse("", "SELEC", &[]), sync()]);
    assert_eq!(
        raw.say(&[bind("", &[]), sync()])[0],
        "E 26000 unnamed prepared statement does not exist"
    );
}

#[test]
fn deallocate_knows_the_statements_of_parse() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("One", "SELECT 1", &[]), parse("two", "SELECT 2", &[]), sync()]);
    assert_eq!(raw.query("DEALLOCATE \"One\""), ["C DEALLOCATE", "Z I"]);
    assert_eq!(
        raw.query("DEALLOCATE \"One\"")[0],
        r#"E 26000 prepared statement "One" does not exist"#
    );
    assert_eq!(raw.query("DEALLOCATE ALL"), ["C DEALLOCATE ALL", "Z I"]);
    assert_eq!(
        raw.say(&[bind("two", &[]), sync()])[0],
        r#"E 26000 prepared statement "two" does not exist"#
    );
}

#[test]
fn one_statement_is_run_by_several_portals() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("pick", "SELECT b FROM t WHERE a >= $1", &[]),
        bind_as("p1", "pick", &[], &[Some(b"1")], &[]),
        bind_as("p2", "pick", &[], &[Some(b"2")], &[]),
        execute("p1", 1),
        execute("p2", 0),
        execute("p1", 0),
        sync(),
    ]);
    assert_eq!(answer, ["1", "2", "2", "D x", "s", "D y", "C SELECT 1", "D y", "C SELECT 2", "Z I"]);
}

#[test]
fn what_bind_gets_wrong() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("s", "SELECT $1, $2", &[]), sync()]);
    let mut fails = |messages: &[Vec<u8>], error: &str| {
        let answer = raw.say(&[messages, &[sync()]].concat());
        assert_eq!(answer[0], error);
        assert_eq!(answer.len(), 2, "{answer:?}");
    };
    fails(
        &[bind("s", &[Some("1")])],
        r#"E 08P01 bind message supplies 1 parameters, but prepared statement "s" requires 2"#,
    );
    fails(
        &[bind_as("", "s", &[0, 0, 0], &[None, None], &[])],
        "E 08P01 bind message has 3 parameter formats but 2 parameters",
    );
    fails(
        &[bind_as("", "s", &[], &[None, None], &[0, 0, 0])],
        "E 08P01 bind message has 3 result formats but query has 2 columns",
    );
    fails(&[bind_as("", "s", &[7], &[None, None], &[])], "E 22023 unsupported format code: 7");
    fails(&[bind("none", &[])], r#"E 26000 prepared statement "none" does not exist"#);
    fails(&[execute("none", 0)], r#"E 34000 portal "none" does not exist"#);
    fails(&[describe(b'S', "none")], r#"E 26000 prepared statement "none" does not exist"#);
    fails(&[describe(b'P', "none")], r#"E 34000 portal "none" does not exist"#);
}

#[test]
fn result_formats_are_none_one_or_one_each() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("s", "SELECT a, b FROM t WHERE a = 1", &[]), sync()]);
    let mut row =
        |formats: &[i16]| raw.say(&[bind_as("", "s", &[], &[], formats), describe(b'P', ""), execute("", 0), sync()])[1..3].to_vec();
    assert_eq!(row(&[]), ["T a:20 b:25", "D 1|x"]);
    assert_eq!(row(&[1]), ["T a:20b b:25b", "D 0000000000000001|x"]);
    assert_eq!(row(&[0, 1]), ["T a:20 b:25b", "D 1|x"]);
}

#[test]
fn an_empty_statement() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[
        parse("", "", &[]),
        describe(b'S', ""),
        bind("", &[]),
        describe(b'P', ""),
        execute("", 0),
        sync(),
    ]);
    assert_eq!(answer, ["1", "t", "n", "2", "n", "I", "Z I"]);
}

#[test]
fn several_statements_cannot_be_prepared_as_one() {
    let (_served, mut raw) = raw();
    let answer = raw.say(&[parse("", "SELECT 1; SELECT 2", &[]), sync()]);
    assert_eq!(answer, ["E 42601 cannot insert multiple commands into a prepared statement", "Z I"]);
    assert_eq!(raw.say(&[parse("", "SELECT 1; -- end", &[]), sync()])[0], "1");
}

#[test]
fn session_statements_go_through_it_as_well() {
    let (_served, mut raw) = raw();
    let run =
        |raw: &mut Raw, sql: &str| raw.say(&[parse("", sql, &[]), bind("", &[]), describe(b'P', ""), execute("", 0), sync()])[2..].to_vec();
    assert_eq!(
        run(&mut raw, "SET application_name TO 'x'"),
        ["n", "S application_name=x", "C SET", "Z I"]
    );
    assert_eq!(
        run(&mut raw, "SHOW application_name"),
        ["T application_name:25", "D x", "C SHOW", "Z I"]
    );
    assert_eq!(run(&mut raw, "BEGIN"), ["n", "C BEGIN", "Z T"]);
}

#[test]
fn a_statement_outlives_a_change_of_the_schema() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("s", "SELECT b FROM t ORDER BY a", &[]), sync()]);
    raw.query("ALTER TABLE t ADD COLUMN c DEFAULT 7");
    assert_eq!(raw.say(&[bind("s", &[]), execute("", 1), sync()])[1], "D x");
    raw.query("DROP TABLE t; CREATE TABLE t(b TEXT, a); INSERT INTO t VALUES ('new', 1)");
    assert_eq!(raw.say(&[bind("s", &[]), execute("", 0), sync()])[1], "D new");
    raw.query("DROP TABLE t");
    assert_eq!(raw.say(&[bind("s", &[]), execute("", 0), sync()])[0], "E 42P01 no such table: t");
}

#[test]
fn a_statement_whose_columns_have_changed_says_so() {
    let (_served, mut raw) = raw();
    raw.say(&[parse("s", "SELECT * FROM t ORDER BY a", &[]), describe(b'S', "s"), sync()]);
    raw.query("ALTER TABLE t ADD COLUMN c DEFAULT 7");
    let answer = raw.say(&[bind("s", &[]), execute("", 0), sync()]);
    assert_eq!(answer, ["E 0A000 cached plan must not change result type", "Z I"]);
}

#[test]
fn describing_a_statement_does_not_run_it() {
    let (_served, mut raw) = raw();
    raw.say(&[
        parse("", "INSERT INTO t(b) VALUES ($1) RETURNING b || 'x'", &[]),
        describe(b'S', ""),
        sync(),
    ]);
    raw.say(&[
        parse("", "DELETE FROM t RETURNING typeof(a) || b", &[]),
        bind("", &[]),
        describe(b'P', ""),
        sync(),
    ]);
    assert_eq!(raw.query("SELECT count(*) FROM t")[1], "D 2");
}

#[test]
fn copy_messages_of_a_client_that_gives_up_are_passed_over() {
    let (_served, mut raw) = raw();
    raw.send(&[message(b'd', b"1\tx\n"), message(b'c', b""), message(b'f', b"no\0")].concat());
    assert_eq!(raw.query("SELECT 1")[1], "D 1");
}
