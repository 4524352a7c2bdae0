// What the clients' programs print, so that two runs can be compared.
'use strict';
const crypto = require('node:crypto');

function shown(value) {
  if (value instanceof Error) return `${value.constructor.name}: ${value.message}`;
  if (Buffer.isBuffer(value)) return value.length > 100 ? `${value.length} bytes ${crypto.createHash('sha256').update(value).digest('hex')}` : `0x${value.toString('hex')}`;
  if (Array.isArray(value)) return `[${value.map(shown).join(', ')}]`;
  if (value instanceof Set) return shown([...value].sort());
  return JSON.stringify(value);
}

function say(name, value) {
  console.log(`${name}: ${shown(value)}`);
}

async function attempt(name, work) {
  say(name, await work().catch((error) => error));
}

// Looks until something has come to pass, and does not go on for ever.
async function until(condition) {
  for (let look = 0; look < 20000; look += 1) {
    if (await condition()) return;
  }
  throw new Error('it does not come to pass');
}

module.exports = { shown, say, attempt, until };
