// Tests examples/shop as a whole: HTTP, table, stream and mail.
'use strict';

const assert = require('node:assert/strict');
const path = require('node:path');
const {after, before, beforeEach, test} = require('node:test');

const {Cloud} = require('nube-test');

let cloud;
before(async () => { cloud = await Cloud.start({dir: path.join(__dirname, '../../shop')}); });
after(() => cloud?.stop());
beforeEach(() => cloud.fresh());

/** create creates a user and returns it as the API answers it. */
async function create(name, email) {
  const answer = await cloud.fetch('/users', {
    method: 'POST', headers: {'content-type': 'application/json'}, body: JSON.stringify({name, email}),
  });
  assert.equal(answer.status, 201);
  return answer.json();
}

/** welcomes returns to whom a welcome was sent. */
async function welcomes() {
  return (await cloud.mail({subject: 'Welcome, '})).flatMap((mail) => mail.to);
}

test('creating a user returns success', async () => {
  const user = await create('Integration Test User', 'it@example.com');

  assert.equal(user.name, 'Integration Test User');
  assert.ok(user.id);
});

test('a new user is welcomed', async () => {
  await create('Ada', 'ada@example.com');
  await cloud.settle(); // table → stream → function → mail: done when this returns

  assert.deepEqual(await welcomes(), ['ada@example.com']);
});

// The function that sends the welcome is killed at its first attempt. The record
// of the stream comes again, and the mail is sent.
test('a new user is welcomed after a crash', async () => {
  await cloud.clock.stop();
  const crash = await cloud.fault('kill', {function: 'dynamoDbProcessor', count: 1});

  await create('Ada', 'ada@example.com');
  await cloud.clock.advance(60 * 60 * 1000); // through every retry; it takes milliseconds

  assert.equal(await crash.hits(), 1);
  assert.deepEqual(await welcomes(), ['ada@example.com']);
});
