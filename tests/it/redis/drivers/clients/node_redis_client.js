// What an application does with node-redis. Run as: node_redis_client.js URL PROTOCOL. Prints a transcript.
'use strict';
const { createClient, createClientPool, defineScript, RESP_TYPES } = require('redis');
const { say, attempt, until } = require('./transcript.js');

const url = process.argv[2];
const RESP = Number(process.argv[3]);

const ADD = defineScript({
  SCRIPT: "return redis.call('INCRBY', KEYS[1], ARGV[1])",
  NUMBER_OF_KEYS: 1,
  parseCommand(parser, key, amount) {
    parser.pushKey(key);
    parser.push(amount.toString());
  },
  transformReply: (reply) => reply,
});

async function connect(options = {}) {
  const client = createClient({ url, RESP, scripts: { add: ADD }, ...options });
  // Without a listener an error of the connection ends the program; a client that was killed says one, and reconnects.
  client.on('error', () => {});
  return client.connect();
}

async function types(db) {
  say('strings', [await db.get('greeting'), await db.get('absent'), await db.incr('counter'), await db.set('s', '1', { EX: 5000 }), await db.set('s', '2', { NX: true })]);
  say('hash', [await db.hSet('user:1', { age: 31, city: 'X' }), await db.hGetAll('user:1'), await db.hmGet('user:1', ['age', 'no'])]);
  say('list', [await db.rPush('queue', ['d', 'e']), await db.lRange('queue', 0, -1), await db.lMove('queue', 'done', 'LEFT', 'RIGHT')]);
  say('set', [await db.sAdd('tags', ['x', 'red']), [...(await db.sMembers('tags'))].sort(), await db.sIsMember('tags', 'x')]);
  say('scores', [await db.zAdd('scores', { score: 9.25, value: 'di' }), await db.zRangeWithScores('scores', 0, -1), await db.zIncrBy('scores', 2, 'ann')]);
  say('stream', [await db.xAdd('events', '2-0', { kind: 'b' }), await db.xRange('events', '-', '+'), await db.xRead({ key: 'events', id: '1-1' })]);
  say('group', [await db.xGroupCreate('events', 'workers', '0'), await db.xReadGroup('workers', 'one', { key: 'events', id: '>' }, { COUNT: 1 }), await db.xAck('events', 'workers', '1-1')]);
  await attempt('wrong type', () => db.lPush('greeting', 'x'));
  await attempt('unknown', () => db.sendCommand(['NOSUCH', 'a']));
  await attempt('who', () => db.sendCommand(['ACL', 'WHOAMI']));
}

async function transactions(db) {
  const replies = await Promise.all(Array.from({ length: 1000 }, (_, number) => db.set(`p:${number}`, number.toString())));
  say('at once', replies.length);
  say('transaction', await db.multi().incr('counter').hGetAll('user:1').exec());
  await attempt('transaction with errors', () => db.multi().incr('greeting').get('greeting').exec());
  const other = await connect();
  await other.watch('counter');
  await db.incr('counter');
  await attempt('conflict', () => other.multi().set('counter', '0').exec());
  await other.watch('counter');
  say('no conflict', await other.multi().incr('counter').exec());
  await other.close();
}

async function scripts(db) {
  await attempt('noscript', () => db.evalSha('f'.repeat(40)));
  say('script', [await db.add('counter', 2), await db.add('counter', 2)]);
  await db.scriptFlush();
  say('after a flush', await db.add('counter', 2));
  say('eval', await db.eval("return {1, 'a', {KEYS[1]}}", { keys: ['counter'] }));
}

async function scans(db) {
  const found = new Set();
  for await (const keys of db.scanIterator({ MATCH: 'p:1*', COUNT: 50 })) keys.forEach((key) => found.add(key));
  say('scan', found);
  const members = new Set();
  for await (const some of db.sScanIterator('tags')) some.forEach((member) => members.add(member));
  say('sscan', members);
}

async function waiting(db) {
  const waiter = await connect();
  const popped = waiter.blPop(['w1', 'w2'], 30);
  await until(async () => /blocked_clients:1\r/.test(await db.info('clients')));
  say('fed', await db.rPush('w2', ['x', 'y']));
  say('popped', await popped);
  say('nothing', await waiter.blPop('nothing', 0.01));
  await waiter.close();
}

async function messages(db) {
  const listener = await connect();
  const heard = [];
  const note = (message, channel) => heard.push([channel, message]);
  await listener.subscribe('news', note, true);
  await listener.pSubscribe('user:*', note);
  say('published', [await db.publish('news', Buffer.from([0, 255])), await db.publish('user:7', 'pattern'), await db.publish('nobody', 'x')]);
  await until(async () => (await db.ping()) && heard.length === 2);
  say('heard', heard);
  if (RESP === 3) say('other commands between', await listener.get('greeting'));
  await listener.unsubscribe('news');
  await listener.pUnsubscribe('user:*');
  say('a usual connection again', await listener.get('greeting'));
  await listener.close();
}

async function caching(db) {
  if (RESP < 3) return;
  const reader = await connect({ clientSideCache: { ttl: 0, maxEntries: 100 } });
  say('read', [await reader.get('counter'), await reader.get('counter')]);
  await db.incr('counter');
  const now = await db.get('counter');
  await until(async () => (await db.ping()) && (await reader.get('counter')) === now);
  say('invalidated', now);
  await reader.close();
}

async function values(db) {
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const buffers = db.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  say('binary', [await db.set(every, every), await buffers.get(every), await db.hSet('bin', every, every)]);
  const large = Buffer.alloc(5000000, 'xyz');
  say('5 MB', [await db.set('large', large), await db.strLen('large'), await buffers.get('large')]);
}

async function reconnects(db) {
  const client = await connect({ socket: { reconnectStrategy: () => 1 } });
  const number = await client.clientId();
  const again = new Promise((resolve) => client.once('reconnecting', resolve));
  say('killed', await db.sendCommand(['CLIENT', 'KILL', 'ID', number.toString()]));
  await again;
  say('reconnected', await client.get('counter'));
  await client.close();
}

async function pools(db) {
  const pool = createClientPool({ url, RESP }, { minimum: 1, maximum: 4 });
  await pool.connect();
  await Promise.all(Array.from({ length: 400 }, () => pool.incr('pooled')));
  await pool.close();
  say('pooled', await db.get('pooled'));
  const five = await connect({ url: `${url}/5` });
  say('database of the URL', [await five.get('elsewhere'), await five.select(0), await five.get('pooled')]);
  await attempt('no such database', () => five.select(99));
  await five.close();
}

async function main() {
  const db = await connect();
  for (const part of [types, transactions, scripts, scans, waiting, messages, caching, values, reconnects, pools]) {
    console.log(`== ${part.name}`);
    await part(db);
  }
  await db.close();
  console.log('the end');
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
