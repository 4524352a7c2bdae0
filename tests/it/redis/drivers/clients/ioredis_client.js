// What an application does with ioredis. Run as: ioredis_client.js URL. Prints a transcript.
'use strict';
const Redis = require('ioredis');
const { say, attempt, until } = require('./transcript.js');

const url = process.argv[2];

async function types(db) {
  say('strings', [await db.get('greeting'), await db.get('absent'), await db.incr('counter'), await db.set('s', '1', 'EX', 5000, 'NX'), await db.set('s', '2', 'NX')]);
  say('hash', [await db.hset('user:1', { age: 31, city: 'X' }), await db.hgetall('user:1'), await db.hmget('user:1', 'age', 'no')]);
  say('list', [await db.rpush('queue', 'd', 'e'), await db.lrange('queue', 0, -1), await db.lmove('queue', 'done', 'LEFT', 'RIGHT')]);
  say('set', [await db.sadd('tags', 'x', 'red'), (await db.smembers('tags')).sort()]);
  say('scores', [await db.zadd('scores', 9.25, 'di'), await db.zrange('scores', 0, -1, 'WITHSCORES'), await db.zincrby('scores', 2, 'ann')]);
  say('stream', [await db.xadd('events', '2-0', 'kind', 'b'), await db.xrange('events', '-', '+'), await db.xread('COUNT', 5, 'STREAMS', 'events', '1-1')]);
  say('group', [await db.xgroup('CREATE', 'events', 'workers', '0'), await db.xreadgroup('GROUP', 'workers', 'one', 'COUNT', 1, 'STREAMS', 'events', '>'), await db.xack('events', 'workers', '1-1')]);
  await attempt('wrong type', () => db.lpush('greeting', 'x'));
  await attempt('unknown', () => db.call('NOSUCH', 'a'));
  await attempt('who', () => db.call('ACL', 'WHOAMI'));
}

async function transactions(db) {
  const pipe = db.pipeline();
  for (let number = 0; number < 1000; number += 1) pipe.set(`p:${number}`, number).get(`p:${number}`);
  const replies = await pipe.exec();
  say('pipeline', [replies.length, replies.at(-1)]);
  say('pipeline with errors', await db.pipeline().get('greeting').incr('greeting').get('counter').exec());
  say('transaction', await db.multi().incr('counter').lpush('greeting', 'x').hget('user:1', 'age').exec());
  const other = db.duplicate();
  await db.watch('counter');
  await other.incr('counter');
  say('conflict', await db.multi().set('counter', 0).exec());
  say('no conflict', await db.multi().incr('counter').exec());
  await attempt('aborted', () => db.multi().call('NOSUCH').exec());
  await other.quit();
}

async function scripts(db) {
  db.defineCommand('add', { numberOfKeys: 1, lua: "return {KEYS[1], redis.call('INCRBY', KEYS[1], ARGV[1])}" });
  await attempt('noscript', () => db.evalsha('f'.repeat(40), 0));
  say('script', [await db.add('counter', 2), await db.add('counter', 2)]);
  await db.script('FLUSH');
  say('script after a flush', await db.add('counter', 2));
  say('in a pipeline', await db.pipeline().add('counter', 1).get('counter').exec());
}

async function scans(db) {
  const found = new Set();
  for await (const keys of db.scanStream({ match: 'p:1*', count: 50 })) keys.forEach((key) => found.add(key));
  say('scan', [...found].sort());
  await db.hset('wide', Object.fromEntries(Array.from({ length: 1000 }, (_, number) => [`f${number}`, number])));
  const fields = new Set();
  for await (const pairs of db.hscanStream('wide')) pairs.forEach((word, at) => at % 2 === 0 && fields.add(word));
  say('hscan', fields.size);
}

async function waiting(db) {
  const waiter = db.duplicate();
  const popped = waiter.blpop('w1', 'w2', 30);
  await until(async () => /blocked_clients:1\r/.test(await db.info('clients')));
  say('fed', await db.rpush('w2', 'x', 'y'));
  say('popped', await popped);
  say('nothing', await waiter.blpop('nothing', 0.01));
  await waiter.quit();
}

async function messages(db) {
  const listener = db.duplicate();
  const heard = [];
  listener.on('messageBuffer', (channel, message) => heard.push([channel, message]));
  listener.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  say('subscribed', [await listener.subscribe('news', 'more'), await listener.psubscribe('user:*')]);
  say('published', [await db.publish('news', Buffer.from([0, 255])), await db.publish('user:7', 'pattern'), await db.publish('nobody', 'x')]);
  await until(async () => (await db.ping()) && heard.length === 2);
  say('heard', heard);
  say('left', await listener.unsubscribe('news'));
  await listener.punsubscribe('user:*');
  await listener.unsubscribe('more');
  say('a usual connection again', await listener.get('greeting'));
  await listener.quit();
}

async function values(db) {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  say('binary', [await db.set(every, every), await db.getBuffer(every), await db.hset('bin', every, every)]);
  const large = Buffer.alloc(5000000, 'xyz');
  say('5 MB', [await db.set('large', large), await db.strlen('large'), await db.getBuffer('large')]);
  const all = await Promise.all(Array.from({ length: 5 }, () => db.getBuffer('large')));
  say('5 MB at once', all.every((value) => value.equals(large)));
}

async function reconnects(db) {
  const client = new Redis(url, { retryStrategy: () => 1 });
  const number = await client.client('ID');
  const closed = new Promise((resolve) => client.once('close', resolve));
  say('killed', await db.client('KILL', 'ID', number));
  await closed;
  say('reconnected', await client.get('counter'));
  await client.quit();
}

async function pools(db) {
  const users = Array.from({ length: 4 }, () => db.duplicate());
  await Promise.all(users.flatMap((user) => Array.from({ length: 100 }, () => user.incr('pooled'))));
  await Promise.all(users.map((user) => user.quit()));
  say('pooled', await db.get('pooled'));
  const five = new Redis(`${url}/5`);
  say('database of the URL', [await five.get('elsewhere'), await five.select(0), await five.get('pooled')]);
  await attempt('no such database', () => five.select(99));
  await five.quit();
}

async function main() {
  const db = new Redis(url);
  for (const part of [types, transactions, scripts, scans, waiting, messages, values, reconnects, pools]) {
    console.log(`== ${part.name}`);
    await part(db);
  }
  await db.quit();
  console.log('the end');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
