#!/usr/bin/env bash
# What people and scripts do with redis-cli. Run as: redis_cli_client.sh URL PROTOCOL, where the protocol is -2 or -3.
set -u
url=$1
ask() { redis-cli "$protocol" -u "$url" --no-auth-warning "$@" 2>&1; }
protocol=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

echo "== commands"
ask GET greeting
ask INCR counter
ask HGETALL user:1
ask --json HGETALL user:1
ask --csv LRANGE queue 0 -1
ask ZRANGE scores 0 -1 WITHSCORES
ask XRANGE events - +
ask -n 5 GET elsewhere
ask LPUSH greeting x
ask NOSUCHCOMMAND a b
ask ACL WHOAMI

echo "== a session typed in"
ask <<'TYPED'
SET typed "two words"
GET typed
MULTI
INCR counter
LPUSH greeting x
EXEC
MULTI
NOSUCHCOMMAND
EXEC
SELECT 5
GET elsewhere
SELECT 99
3 INCR repeated
TYPED

echo "== a script with keys"
printf 'return {KEYS[1], ARGV[1], redis.call("INCRBY", KEYS[1], ARGV[1])}' > "$folder/script.lua"
ask --eval "$folder/script.lua" counter , 5
ask EVALSHA ffffffffffffffffffffffffffffffffffffffff 0

echo "== binary values from a file, and back"
head -c 100000 /dev/zero | tr '\0' '\377' > "$folder/binary"
ask -x SET binary < "$folder/binary"
ask STRLEN binary
ask GET binary | head -c 100000 | cmp - "$folder/binary" && echo same

echo "== 5 MB"
head -c 5000000 /dev/zero | tr '\0' x > "$folder/large"
ask -x SET large < "$folder/large"
ask GET large | head -c 5000000 | cmp - "$folder/large" && echo same

echo "== mass insertion"
for number in $(seq 2000); do
    printf '*3\r\n$3\r\nSET\r\n$%d\r\nmass:%d\r\n$5\r\nvalue\r\n' $((5 + ${#number})) "$number"
done | ask --pipe | tail -1
ask DBSIZE

echo "== scans"
ask --scan --pattern 'mass:1*' | sort | md5sum
ask --scan --pattern 'user:*'
ask --memkeys --memkeys-samples 0 2>&1 | grep -c summary

echo "== waiting and messages"
ask BLPOP waited 30 > "$folder/popped" &
# The other one waits when the server says so.
for _ in $(seq 500); do
    ask INFO clients | grep -q 'blocked_clients:1' && break
done
ask RPUSH waited "from another"
wait
cat "$folder/popped"
ask PUBLISH nobody hears

echo "== the same keys elsewhere"
ask --rdb "$folder/dump.rdb" > /dev/null
head -c 5 "$folder/dump.rdb"
echo
ask DEBUG SLEEP 0
ask FLUSHDB
ask DBSIZE
ask -n 5 DBSIZE
echo "the end"
