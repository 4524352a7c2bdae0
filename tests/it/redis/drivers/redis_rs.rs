//! redis-rs on tokio, with both protocols.

use super::{END, Pair};
use redis::aio::{ConnectionManager, MultiplexedConnection};
use redis::{AsyncCommands, Client, ProtocolVersion, PushKind, RedisError, Value};
use std::fmt::{Debug, Write};

/// One that goes on for ever is a lost wake-up.
const LOOKS_MAX: usize = 20_000;

struct Transcript(String);

impl Transcript {
    fn say(&mut self, name: &str, value: impl Debug) {
        writeln!(self.0, "{name}: {value:?}").expect("a string takes it");
    }
}

type Result<T = ()> = std::result::Result<T, RedisError>;

/// The URL with the protocol that redis-rs reads from it.
fn client(url: &str, protocol: &str) -> Result<Client> {
    Client::open(format!("{url}/?protocol={protocol}"))
}

async fn types(to: &mut Transcript, db: &mut MultiplexedConnection) -> Result {
    to.say(
        "get",
        (
            AsyncCommands::get::<_, Option<String>>(db, "greeting").await?,
            AsyncCommands::get::<_, Option<String>>(db, "absent").await?,
        ),
    );
    let every: Vec<u8> = (0..=255).collect();
    db.set::<_, _, ()>(&every, &every).await?;
    to.say("binary", AsyncCommands::get::<_, Vec<u8>>(db, &every).await? == every);
    let large = b"0123456789".repeat(500_000);
    db.set::<_, _, ()>("large", &large).await?;
    to.say("5 MB", AsyncCommands::get::<_, Vec<u8>>(db, "large").await? == large);
    for line in [
        "HSET user:1 age 31 city X",
        "HMGET user:1 name age absent",
        "RPUSH queue d",
        "LRANGE queue 0 -1",
        "LMOVE queue done LEFT RIGHT",
        "SADD tags x red",
        "SMISMEMBER tags x y",
        "ZADD scores 9.25 di",
        "ZRANGE scores 0 -1 WITHSCORES",
        "ZSCORE scores absent",
        "XADD events 2-0 kind b",
        "XRANGE events - +",
        "XGROUP CREATE events workers 0",
        "XREADGROUP GROUP workers one COUNT 1 STREAMS events >",
        "XPENDING events workers",
        "LPUSH greeting x",
        "INCR greeting",
        "NOSUCH a",
        "COPY greeting copied",
        "OBJECT ENCODING user:1",
        "ACL WHOAMI",
    ] {
        let mut words = line.split(' ');
        let mut command = redis::cmd(words.next().unwrap_or_default());
        words.for_each(|word| {
            command.arg(word);
        });
        to.say(line, command.query_async::<Value>(db).await.map_err(|error| error.to_string()));
    }
    Ok(())
}

async fn transactions(to: &mut Transcript, client: &Client, db: &mut MultiplexedConnection) -> Result {
    let mut pipe = redis::pipe();
    for number in 0..1000 {
        pipe.set(format!("p:{number}"), number).ignore();
        pipe.incr(format!("p:{number}"), 1);
    }
    to.say("pipeline", pipe.query_async::<Vec<i64>>(db).await?.iter().sum::<i64>());
    let mut atomic = redis::pipe();
    atomic.atomic().incr("counter", 1).hgetall("user:1").lpush("greeting", "x");
    to.say(
        "transaction",
        atomic.query_async::<Value>(db).await.map_err(|error| error.to_string()),
    );
    let mut watcher = client.get_multiplexed_async_connection().await?;
    redis::cmd("WATCH").arg("counter").exec_async(&mut watcher).await?;
    db.incr::<_, _, i64>("counter", 1).await?;
    let outcome: Option<(i64,)> = redis::pipe().atomic().incr("counter", 100).query_async(&mut watcher).await?;
    to.say("conflict", outcome);
    redis::cmd("WATCH").arg("counter").exec_async(&mut watcher).await?;
    let outcome: Option<(i64,)> = redis::pipe().atomic().incr("counter", 100).query_async(&mut watcher).await?;
    to.say("no conflict", outcome);
    Ok(())
}

async fn scripts_and_scans(to: &mut Transcript, db: &mut MultiplexedConnection) -> Result {
    let script = redis::Script::new("return redis.call('INCRBY', KEYS[1], ARGV[1])");
    let missing = redis::cmd("EVALSHA")
        .arg(script.get_hash())
        .arg(1)
        .arg("counter")
        .arg(1)
        .query_async::<Value>(db)
        .await;
    to.say("noscript", missing.map_err(|error| error.to_string()));
    for _ in 0..2 {
        to.say("script", script.key("counter").arg(2).invoke_async::<i64>(db).await?);
    }
    let mut found = Vec::new();
    let mut scan = db.scan_match::<_, String>("p:1*").await?;
    while let Some(key) = scan.next_item().await {
        found.push(key?);
    }
    drop(scan);
    found.sort();
    found.dedup();
    to.say("scan", found);
    Ok(())
}

async fn waiting(to: &mut Transcript, client: &Client, db: &mut MultiplexedConnection) -> Result {
    let mut waiter = client
        .get_multiplexed_async_connection_with_config(&redis::AsyncConnectionConfig::new().set_response_timeout(None))
        .await?;
    let popped = tokio::spawn(async move { AsyncCommands::blpop::<_, (String, String)>(&mut waiter, &["w1", "w2"], 30.0).await });
    for _ in 0..LOOKS_MAX {
        let info: String = redis::cmd("INFO").arg("clients").query_async(db).await?;
        if info.contains("blocked_clients:1\r\n") {
            break;
        }
    }
    to.say("fed", AsyncCommands::rpush::<_, _, i64>(db, "w2", &["x", "y"]).await?);
    to.say("popped", popped.await.expect("the task ends")?);
    Ok(())
}

/// Messages and invalidations come between the replies of the same connection: RESP3 only.
async fn pushes(to: &mut Transcript, client: &Client, db: &mut MultiplexedConnection) -> Result {
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let config = redis::AsyncConnectionConfig::new().set_push_sender(sender);
    let mut listener = client.get_multiplexed_async_connection_with_config(&config).await?;
    listener.subscribe("news").await?;
    listener.psubscribe("user:*").await?;
    redis::cmd("CLIENT").arg("TRACKING").arg("ON").exec_async(&mut listener).await?;
    to.say("read", AsyncCommands::get::<_, String>(&mut listener, "greeting").await?);
    db.publish::<_, _, i64>("news", b"\x00a").await?;
    db.publish::<_, _, i64>("user:7", "by a pattern").await?;
    db.set::<_, _, ()>("greeting", "changed").await?;
    while let Some(push) = receiver.recv().await {
        to.say("pushed", (&push.kind, push.data));
        if push.kind == PushKind::Invalidate {
            break;
        }
    }
    Ok(())
}

/// The blocking client: messages wait in the connection until they are asked for.
async fn messages(to: &mut Transcript, client: &Client, db: &mut MultiplexedConnection) -> Result {
    let mut connection = client.get_connection()?;
    let mut listener = connection.as_pubsub();
    listener.subscribe("news")?;
    listener.psubscribe("user:*")?;
    for (channel, text) in [("news", "one"), ("user:7", "two"), ("nobody", "three")] {
        to.say(channel, db.publish::<_, _, i64>(channel, text).await?);
    }
    for _ in 0..2 {
        let message = listener.get_message()?;
        let (channel, pattern) = (message.get_channel_name(), message.get_pattern::<Option<String>>()?);
        to.say("heard", (channel, pattern, message.get_payload::<String>()?));
    }
    Ok(())
}

/// A connection that is closed under its owner is made again.
async fn reconnects(to: &mut Transcript, client: &Client, db: &mut MultiplexedConnection) -> Result {
    let mut manager = ConnectionManager::new(client.clone()).await?;
    let number: i64 = redis::cmd("CLIENT").arg("ID").query_async(&mut manager).await?;
    redis::cmd("CLIENT").arg("KILL").arg("ID").arg(number).exec_async(db).await?;
    for _ in 0..LOOKS_MAX {
        if let Ok(found) = AsyncCommands::get::<_, String>(&mut manager, "counter").await {
            to.say("reconnected", found);
            return Ok(());
        }
    }
    panic!("it does not reconnect");
}

async fn application(url: &str, protocol: &str) -> Result<String> {
    let mut to = Transcript(String::new());
    let client = client(url, protocol)?;
    let mut db = client.get_multiplexed_async_connection().await?;
    types(&mut to, &mut db).await?;
    transactions(&mut to, &client, &mut db).await?;
    scripts_and_scans(&mut to, &mut db).await?;
    waiting(&mut to, &client, &mut db).await?;
    messages(&mut to, &client, &mut db).await?;
    if client.get_connection_info().redis_settings().protocol() != ProtocolVersion::RESP2 {
        pushes(&mut to, &client, &mut db).await?;
    }
    reconnects(&mut to, &client, &mut db).await?;
    let five = Client::open(format!("{url}/5?protocol={protocol}"))?;
    to.say(
        "database of the URL",
        AsyncCommands::get::<_, Option<String>>(&mut five.get_multiplexed_async_connection().await?, "elsewhere").await?,
    );
    Ok(to.0 + END)
}

fn run(test: &str, protocol: &str) {
    let Some(pair) = Pair::start(&format!("redis_rs::{test}")) else {
        return;
    };
    pair.compare(|url| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime
            .block_on(application(url, protocol))
            .unwrap_or_else(|error| panic!("{url}: {error}"))
    });
}

#[test]
fn an_application_in_resp2() {
    run("an_application_in_resp2", "resp2");
}

#[test]
fn an_application_in_resp3() {
    run("an_application_in_resp3", "resp3");
}
