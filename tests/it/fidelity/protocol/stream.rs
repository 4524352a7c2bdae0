//! Large results stream: neither side holds them as a whole.

use mori_tests::Served;
use mori_tests::raw::{Message, Raw, query};

const ROWS: usize = 100_000;

fn served() -> Served {
    let rows = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS}) INSERT INTO t SELECT i, hex(zeroblob(50)) FROM n"
    );
    Served::with(&format!("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT); {rows};"))
}

/// What this process has in memory, which is the proxy's process as well.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").expect("Linux");
    status
        .split_whitespace()
        .nth(1)
        .and_then(|pages| pages.parse::<usize>().ok())
        .expect("a number")
        * 4096
}

#[test]
fn all_rows_come_in_order() {
    let served = served();
    let mut raw = Raw::connect(served.port);
    raw.send(&query("SELECT a FROM t ORDER BY a"));
    let mut expected = 1;
    let end: Vec<Message> = std::iter::from_fn(|| raw.hear())
        .skip(1)
        .skip_while(|message| {
            let is_row = message.tag == b'D';
            if is_row {
                assert_eq!(message.values(), [Some(expected.to_string().into_bytes())]);
                expected += 1;
            }
            is_row
        })
        .take(2)
        .collect();
    assert_eq!(
        end.iter().map(Message::told).collect::<Vec<_>>(),
        [format!("C SELECT {ROWS}"), "Z I".to_owned()]
    );
}

#[test]
fn a_slow_reader_does_not_fill_the_servers_memory() {
    let served = served();
    let mut raw = Raw::connect(served.port);
    // 1.3 GB, if anybody held them.
    raw.send(&query(
        "SELECT x.a, x.b, y.b, z.b FROM t x, (SELECT b FROM t LIMIT 40) y, (SELECT b FROM t LIMIT 1) z",
    ));
    raw.hear();
    let before = resident_bytes();
    let mut most = before;
    for number in 0..100_000 {
        assert_eq!(raw.hear().map(|message| message.tag), Some(b'D'));
        if number % 10_000 == 0 {
            most = most.max(resident_bytes());
        }
    }
    let grown = most.saturating_sub(before);
    assert!(grown < 300 << 20, "{} MB more in memory", grown >> 20);
}
