//! The proxy as a process: what it leaves when it is killed, and that it does not grow with its clients.

use crate::support::{Background, Served, kill, signal, until};
use std::fs;
use std::io::{BufRead, BufReader};

const ITEMS: &str = "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT); INSERT INTO items VALUES (1, 'tea');";

#[test]
fn a_killed_proxy_is_known_to_be_gone() {
    let served = Served::new(ITEMS);
    let proxy = served.start();
    proxy.sql("INSERT INTO items (name) VALUES ('cup')");
    kill(proxy.process.pid());
    drop(proxy);
    // Its socket and its config.json are still there.
    assert!(served.state("control.sock").exists());
    let status = served.mori(["status", "--format", "json"]).ends_with(0).json();
    assert_eq!(
        (&status["running"], &status["pid"], &status["tables"]["items"]["delta"]),
        (&false.into(), &().into(), &1.into())
    );
    served.mori(["ls"]).ends_with(0).lacks(["running"]);
    served.mori(["stop"]).ends_with(0).says(["`shop` is not being served"]);
    let proxy = served.start();
    assert_eq!(proxy.rows("SELECT name FROM items"), ["tea", "cup"]);
    served.mori(["rm", "shop"]).ends_with(1).says(["is being served"]);
}

#[test]
fn clients_that_come_and_go_leave_neither_threads_nor_descriptors() {
    let served = Served::new(ITEMS);
    let proxy = served.start();
    let pid = proxy.process.pid();
    let count = |of: &str| fs::read_dir(format!("/proc/{pid}/{of}")).expect("it runs").count();
    proxy.sql("SELECT * FROM items");
    let start = || ["task", "fd"].map(count);
    let before = start();
    for _ in 0..3 {
        let mut clients: Vec<_> = (0..70).map(|_| proxy.client()).collect();
        for (number, client) in clients.iter_mut().enumerate() {
            client.query("BEGIN");
            client.query("SELECT * FROM items");
            if number == 0 {
                client.query("INSERT INTO items (name) VALUES ('never committed')");
            }
        }
        assert!(start()[0] > before[0] + 50, "each has a thread");
    }
    until("the end of what served them", || {
        let now = start();
        (now[0] <= before[0] + 1 && now[1] <= before[1] + 2).then_some(())
    });
    assert_eq!(proxy.rows("SELECT count(*) FROM items"), ["1"]);
}

#[test]
fn the_log_can_be_followed() {
    let served = Served::new(ITEMS);
    let proxy = served.start();
    proxy.sql("SELECT 1");
    let mut command = served.command();
    let mut follower = Background::start(command.args(["log", "--follow", "--tail", "0", "--format", "json"]));
    let lines = BufReader::new(follower.child().stdout.take().expect("a pipe")).lines();
    // The follower may start to read after the first of these: more come until it has seen one.
    let (sender, seen) = std::sync::mpsc::channel();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
    let line = until("a line", || {
        proxy.sql("SELECT name FROM items");
        seen.try_recv().ok()
    });
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(line["sql"], "SELECT name FROM items");
    signal(follower.pid(), "INT");
    assert_eq!(follower.wait().code, 128 + 2);
}
