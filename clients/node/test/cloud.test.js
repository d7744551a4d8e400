// The package on the application of nubetest's own tests: things that can be put,
// a follower of their stream, a worker that fails when it is told to.
'use strict';

const assert = require('node:assert/strict');
const fs = require('node:fs/promises');
const os = require('node:os');
const path = require('node:path');
const {after, before, beforeEach, test} = require('node:test');

const {Cloud, FunctionError, NubeError} = require('..');

let cloud;
before(async () => { cloud = await Cloud.start({dir: path.join(__dirname, '../../../nubetest/testdata/app')}); });
after(() => cloud?.stop());
beforeEach(() => cloud.fresh());

const put = async (id) => {
  const answer = await cloud.fetch('/things/' + id, {method: 'PUT'});
  return {status: answer.status, text: await answer.text()};
};
const things = async () => (await cloud.fetch('/things')).text();

test('what follows from a request is done when the cloud has settled', async () => {
  assert.equal((await put('one')).status, 200);
  await cloud.settle();
  assert.equal(await things(), 'one\n');
  assert.equal(await (await cloud.fetch('/followed/one')).text(), '1');
  assert.ok((await cloud.logs('api')).some((l) => l.includes('PUT one')));
});

test('a test sees nothing of the one before', async () => {
  assert.equal(await things(), '');
});

test('retries come when time goes on', async () => {
  await cloud.clock.stop();
  const began = await cloud.clock.now();
  const attempts = async () => (await cloud.logs('worker')).filter((l) => l.includes('START RequestId')).length;
  await cloud.fetch('/things/fail', {method: 'POST'});
  await cloud.settle();
  assert.equal(await attempts(), 1);
  await cloud.clock.advance(59_000);
  assert.equal(await attempts(), 1);
  await cloud.clock.advance(1_000);
  assert.equal(await attempts(), 2);
  assert.equal(await cloud.clock.now() - began, 60_000);
  await cloud.clock.set(new Date(began.getTime() + 3_600_000));
  await cloud.clock.run();
  await assert.rejects(cloud.clock.set(began), /backwards/);
});

test('faults strike, and are gone afterwards', async () => {
  const fault = await cloud.fault('throttle', {service: 'dynamodb', operation: 'PutItem', count: 1});
  assert.match((await put('one')).text, /ProvisionedThroughputExceeded/);
  assert.equal((await put('one')).status, 200);
  assert.equal(await fault.hits(), 1);
  await fault.remove();
  assert.equal(await fault.hits(), 0);
  await fault.remove(); // it may be removed again
  await assert.rejects(cloud.fault('latency', {wait: 100}), NubeError);
  await cloud.fault('error', {code: 'InternalServerError', service: 'dynamodb'}); // left to the next test
});

test('a function can be called', async () => {
  assert.deepEqual(await cloud.invoke('worker', {a: [1, 'ü']}), {a: [1, 'ü']});
  await assert.rejects(cloud.invoke('worker', 'fail'), (err) => err instanceof FunctionError && err.payload.errorMessage === 'asked to fail');
  await assert.rejects(cloud.invoke('nobody'), /there are app-dev-/);
});

test('states can be returned to', async () => {
  await put('one');
  await cloud.snapshot('mine');
  await put('two');
  await cloud.restore('mine');
  assert.equal(await things(), 'one\n');
});

test('mail and environment', async () => {
  assert.deepEqual(await cloud.mail({subject: 'welcome'}), []);
  assert.equal(cloud.env.AWS_ENDPOINT_URL, cloud.endpoint);
  assert.equal(cloud.env.AWS_REGION, 'eu-west-1');
});

test('a mistake in the manifest is shown', async () => {
  const dir = await fs.mkdtemp(path.join(os.tmpdir(), 'nube-test-'));
  try {
    await fs.writeFile(path.join(dir, 'serverless.yml'), 'service: broken\nprovider: {name: aws}\nfunctions: {f: {handlr: x}}\n');
    await assert.rejects(Cloud.start({dir}), /serverless\.yml:3/);
  } finally {
    await fs.rm(dir, {recursive: true});
  }
  await assert.rejects(Cloud.start({program: '/nowhere/nube'}), /ENOENT/);
});
