"""What an application does with redis-py. Run as: redis_py_client.py URL PROTOCOL. Prints a transcript."""

import hashlib
import sys
import threading

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

URL, PROTOCOL = sys.argv[1], int(sys.argv[2])
ADD = "local n = redis.call('INCRBY', KEYS[1], ARGV[1]) return {KEYS[1], n}"


def ordered(value):
    """A set has no order of its own."""
    if isinstance(value, list):
        return [ordered(item) for item in value]
    return sorted(value) if isinstance(value, set) else value


def say(name, value):
    value = ordered(value)
    if isinstance(value, bytes) and len(value) > 200:
        value = f"{len(value)} bytes, {hashlib.sha256(value).hexdigest()}"
    print(f"{name}: {value!r}", flush=True)


def attempt(name, work):
    try:
        say(name, work())
    except redis.RedisError as error:
        say(name, f"{type(error).__name__}: {error}")


def connect(url=URL, **options):
    return redis.Redis.from_url(url, protocol=PROTOCOL, **options)


def until(condition):
    """Looks until something has come to pass, and does not go on for ever."""
    for _ in range(20000):
        if condition():
            return
    raise AssertionError("it does not come to pass")


def types(db):
    say("get", [db.get("greeting"), db.get("absent")])
    say("set", [db.set("s", "1", ex=5000), db.set("s", "2", nx=True), db.set("s", "3", xx=True, get=True, keepttl=True), 0 < db.ttl("s") <= 5000])
    say("strings", [db.incrby("counter", 9), db.incrbyfloat("float", 0.1), db.append("s", "more"), db.setrange("s", 2, "X"), db.getrange("s", 0, 2)])
    say("mget", [db.mset({"m1": "a", "m2": b"\x00\xff"}), db.mget("m1", "m2", "absent")])
    say("bits", [db.setbit("bits", 70, 1), db.bitcount("bits"), db.bitpos("bits", 1)])
    say("hash", [db.hset("user:1", mapping={"age": 31, "city": "X"}), sorted(db.hgetall("user:1").items()), db.hmget("user:1", "age", "no"), db.hincrbyfloat("user:1", "score", 1.5)])
    say("list", [db.rpush("queue", "d", "e"), db.lrange("queue", 0, -1), db.lmove("queue", "done", "LEFT", "RIGHT"), db.lpos("queue", "d"), db.ltrim("queue", 0, 1)])
    say("set of tags", [db.sadd("tags", "x", "red"), db.smembers("tags"), db.sismember("tags", "x"), db.sinter("tags", "absent"), db.smismember("tags", ["x", "y"])])
    say("scores", [db.zadd("scores", {"di": 9.25}, gt=True), db.zrange("scores", 0, -1, withscores=True), db.zincrby("scores", 2, "ann"), db.zrank("scores", "ann"), db.zpopmin("scores"), db.zscore("scores", "no")])
    say("geo", [db.geoadd("places", [13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"]), db.geodist("places", "Palermo", "Catania", unit="km")])
    say("counted", [db.pfadd("seen", *range(100)), db.pfcount("seen")])
    say("stream", [db.xadd("events", {"kind": b"\x01"}, id="2-0"), db.xlen("events"), db.xrange("events"), db.xread({"events": "1-1"}, count=5)])
    say("groups", [db.xgroup_create("events", "workers", id="0"), db.xreadgroup("workers", "one", {"events": ">"}, count=1), db.xpending("events", "workers")["pending"], db.xack("events", "workers", "1-1")])
    say("a reading group", db.xinfo_groups("events")[0]["name"])
    attempt("wrong type", lambda: db.lpush("greeting", "x"))
    attempt("not a number", lambda: db.incr("greeting"))
    attempt("unknown", lambda: db.execute_command("NOSUCH", "a"))
    say("copies", [db.copy("greeting", "copied"), db.rename("copied", "renamed"), db.type("renamed"), db.unlink("renamed"), db.exists("renamed")])
    attempt("sort", lambda: db.sort("queue", alpha=True, desc=True))
    say("dump", db.restore("restored", 0, db.dump("user:1")))
    attempt("config", lambda: db.config_get("maxmemory-policy"))
    say("who", [db.client_setname("app"), db.client_getname(), db.acl_whoami()])


def transactions(db):
    with db.pipeline(transaction=False) as pipe:
        for number in range(1000):
            pipe.set(f"p:{number}", number).get(f"p:{number}")
        replies = pipe.execute()
        say("pipeline", [len(replies), replies[-1]])
    pipe = db.pipeline(transaction=False)
    say("pipeline with errors", [str(reply) for reply in pipe.get("greeting").incr("greeting").get("counter").execute(raise_on_error=False)])
    pipe = db.pipeline().incr("counter").hgetall("user:1").lpush("greeting", "x")
    say("transaction with errors", [str(reply) for reply in pipe.execute(raise_on_error=False)][::2])
    with db.pipeline() as pipe, connect() as other:
        pipe.watch("counter")
        before = int(pipe.get("counter"))
        other.incr("counter")
        pipe.multi()
        pipe.set("counter", before + 1)
        attempt("conflict", pipe.execute)
    say("retried", db.transaction(lambda pipe: (pipe.get("counter"), pipe.multi(), pipe.incr("counter")), "counter"))


def scripts(db):
    sha = hashlib.sha1(ADD.encode()).hexdigest()
    attempt("noscript", lambda: db.evalsha(sha, 1, "counter", 2))
    add = db.register_script(ADD)
    say("script", [add(keys=["counter"], args=[2]), db.script_exists(sha), db.evalsha(sha, 1, "counter", 2)])
    attempt("script that fails", lambda: db.eval("return redis.call('INCR', 'greeting')", 0))
    db.script_flush()
    with db.pipeline() as pipe:
        add(keys=["counter"], args=[3], client=pipe)
        say("script in a pipeline", pipe.execute())
    say("script's types", db.eval("return {1, 'a', false, {2, {3}}, redis.status_reply('FINE')}", 0))


def scans(db):
    say("scan", sorted(db.scan_iter(match="p:1*", count=50)))
    say("scan by type", sorted(db.scan_iter(_type="hash")))
    db.hset("wide", mapping={f"f{number}": number for number in range(1000)})
    db.zadd("tall", {f"z{number}": number / 4 for number in range(1000)})
    say("hscan", [len(dict(db.hscan_iter("wide", count=100))), sum(score for _, score in set(db.zscan_iter("tall")))])
    say("sscan", sorted(db.sscan_iter("tags")))


def waiting(db):
    popped = []
    thread = threading.Thread(target=lambda: popped.append(connect().blpop(["w1", "w2"], timeout=30)))
    thread.start()
    until(lambda: db.info("clients")["blocked_clients"] == 1)
    say("fed", db.rpush("w2", "x", "y"))
    thread.join()
    say("popped", popped)
    say("rest", [db.lrange("w2", 0, -1), db.blpop("nothing", timeout=0.01), db.blmove("w2", "w1", 1), db.bzpopmin("scores", timeout=1)])


def messages(db):
    heard = db.pubsub()
    heard.subscribe("news", b"\xff\x00")
    heard.psubscribe("user:*")
    say("subscribed", [heard.get_message(timeout=10) for _ in range(3)])
    say("published", [db.publish("news", b"\x00a"), db.publish("user:7", "pattern"), db.publish(b"\xff\x00", "binary"), db.publish("nobody", "x")])
    say("heard", [heard.get_message(timeout=10) for _ in range(3)])
    say("who listens", [db.pubsub_numsub("news"), db.pubsub_numpat()])
    heard.ping("still here")
    say("pong", heard.get_message(timeout=10))
    heard.unsubscribe("news")
    say("left", heard.get_message(timeout=10))
    heard.close()


def tracking(db):
    """Client-side caching as the server sees it: a key that was read is invalidated when another connection writes it."""
    if PROTOCOL < 3:
        return
    connection = db.connection_pool.get_connection()
    invalid = []
    connection._parser.set_invalidation_push_handler(lambda message: invalid.append(message))
    def ask(*words):
        connection.send_command(*words)
        return connection.read_response()
    say("tracking", [ask("CLIENT", "TRACKING", "ON"), ask("GET", "greeting"), ask("HGET", "user:1", "name")])
    db.set("greeting", "changed")
    db.hset("user:1", "name", "Bea")
    for _ in range(1000):
        ask("PING")
        if len(invalid) == 2:
            break
    say("invalid", invalid)
    connection.disconnect()
    db.connection_pool.release(connection)
    def cached():
        from redis.cache import CacheConfig
        with connect(cache_config=CacheConfig()) as reader:
            first = [reader.get("counter"), reader.get("counter"), reader.get_cache().size]
            db.incr("counter")
            until(lambda: reader.get("counter") == db.get("counter"))
            return first
    attempt("cache", cached)


def pools(db):
    pool = redis.ConnectionPool.from_url(URL, protocol=PROTOCOL, max_connections=4)
    users = [redis.Redis(connection_pool=pool) for _ in range(4)]
    threads = [threading.Thread(target=lambda user=user: [user.incr("pooled") for _ in range(100)]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    say("pooled", db.get("pooled"))
    pool.disconnect()
    with connect(URL + "/5") as five:
        say("database of the URL", [five.get("elsewhere"), five.set("made", 1), five.dbsize(), five.move("made", 0), five.swapdb(5, 6)])
    attempt("no such database", lambda: connect(URL + "/99").ping())


def values(db):
    every = bytes(range(256)) * 3 + b"\r\n$5\r\n+OK\r\n"
    say("binary", [db.set(every, every), db.get(every) == every, db.hset("bin", every, every), db.hgetall("bin") == {every: every}, db.setbit(b"\x00", 7, 1)])
    large = bytes(number * 7 % 256 for number in range(1000)) * 5000
    say("5 MB", [db.set("large", large), db.strlen("large")])
    say("5 MB read", db.get("large"))
    with db.pipeline() as pipe:
        for _ in range(3):
            pipe.set("large", large).get("large")
        say("5 MB in a transaction", [len(reply) if isinstance(reply, bytes) else reply for reply in pipe.execute()])
    say("empty", [db.set("", ""), db.get(""), db.rpush("empties", "", b"", "x"), db.lrange("empties", 0, -1)])


def reconnects(db):
    with connect(single_connection_client=True, retry=Retry(NoBackoff(), 3), retry_on_error=[redis.ConnectionError]) as client:
        say("killed", db.client_kill_filter(_id=client.client_id()))
        say("reconnected", client.get("counter"))
    with connect(single_connection_client=True, retry=Retry(NoBackoff(), 0)) as client:
        number = client.client_id()
        client.execute_command("MULTI")
        db.client_kill_filter(_id=number)
        try:
            client.execute_command("INCR", "counter")
        except redis.ConnectionError:
            say("a killed transaction", "ConnectionError")
        say("after it", client.get("counter"))


def main():
    with connect() as db:
        for part in [types, transactions, scripts, scans, waiting, messages, tracking, values, reconnects, pools]:
            print(f"== {part.__name__}")
            part(db)
    attempt("no login", lambda: redis.Redis.from_url(URL.replace("app:sesame@", ""), protocol=PROTOCOL).get("greeting"))
    print("the end")


if __name__ == "__main__":
    main()
