// A whole cloud for tests, run by the nube program. It drives the program over
// the platform's own HTTP API and needs nothing but Node itself.
'use strict';

const {spawn} = require('node:child_process');
const os = require('node:os');
const path = require('node:path');
const readline = require('node:readline');

const sign = require('./sign.js');

/** What was asked for did not come about. */
class NubeError extends Error {}

/** A function has failed; payload is its error. */
class FunctionError extends NubeError {
  constructor(name, payload) {
    super(`${name} failed: ${JSON.stringify(payload)}`);
    this.payload = payload;
  }
}

const FRESH = 'nube-test';

/** A running cloud. */
class Cloud {
  /**
   * start starts a cloud, with the application in a directory if one is given. The
   * program is the environment's NUBE, or nube of the PATH, unless it is given.
   */
  static async start({dir, program = process.env.NUBE || 'nube', stage, params = {}, env = {}, args = []} = {}) {
    const words = dir ? ['up', dir, '--watch=false'] : ['start'];
    words.push('--data', 'memory', '--listen', '127.0.0.1:0', '--gateway', '127.0.0.1:0', '--otlp', 'off');
    words.push('--code', codeCache(), '--output', 'json');
    if (stage) words.push('--stage', stage);
    for (const [name, value] of Object.entries(params)) words.push('--param', `${name}=${value}`);
    const child = spawn(program, [...words, ...args], {env: {...process.env, ...env}, stdio: ['ignore', 'pipe', 'pipe']});
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text) => { said = (said + text).slice(-1 << 16); });
    const ended = new Promise((resolve) => child.once('error', (err) => { said += err.message; resolve(); }).once('close', resolve));
    let out = '';
    for await (const line of readline.createInterface({input: child.stdout})) {
      if (line.startsWith('{"ready":true')) return new Cloud(child, ended, JSON.parse(line));
      out += line + '\n';
    }
    await ended;
    throw new NubeError(`nube could not start the application:\n${said}${problems(out)}`);
  }

  #child; #ended; #key; #secret; #fresh = false;

  constructor(child, ended, report) {
    this.#child = child;
    this.#ended = ended;
    this.#key = report.accessKeyId;
    this.#secret = report.secretAccessKey;
    this.endpoint = report.endpoint;
    this.gateway = report.gateway;
    this.region = report.deployment?.region ?? 'us-east-1';
    this.clock = new Clock((method, body) => this.#api(method, 'clock', body));
    child.stdout.resume();
    // The cloud does not keep the test's process alive, and ends with it.
    child.unref();
    child.stdout.unref?.();
    child.stderr.unref?.();
    this.kill = () => child.kill('SIGKILL');
    process.once('exit', this.kill);
  }

  /** stop ends the cloud. */
  async stop() {
    process.off('exit', this.kill);
    this.#child.ref();
    this.#child.kill('SIGTERM');
    await this.#ended;
  }

  /** env is what AWS's SDKs and tools read to find the cloud. */
  get env() {
    return {
      AWS_ENDPOINT_URL: this.endpoint, AWS_ACCESS_KEY_ID: this.#key, AWS_SECRET_ACCESS_KEY: this.#secret,
      AWS_REGION: this.region, AWS_DEFAULT_REGION: this.region,
    };
  }

  /** fetch sends a request to the application, as the global fetch does. */
  fetch(path, init) { return fetch(this.gateway + path, init); }

  /** fresh makes the cloud what it was when fresh was called first: for beforeEach. */
  async fresh() {
    await this.clearFaults();
    if (this.#fresh) return this.restore(FRESH);
    await this.settle();
    await this.snapshot(FRESH);
    this.#fresh = true;
  }

  /** settle waits until nothing is under way: all that follows from what was done has been done. */
  async settle({timeout = 30_000} = {}) {
    const report = await this.#api('POST', 'settle', {timeout: timeout * 1e6});
    if (!report.settled || report.stuck.length > 0) throw new NubeError('the cloud has not settled: ' + JSON.stringify(report, null, 2));
    return report;
  }

  /** mail returns what was sent, the oldest first; to, from and subject are parts of what it has. */
  async mail(query = {}) {
    const found = await this.#api('GET', 'mail', undefined, {region: this.region, ...query});
    return Promise.all(found.map((m) => this.#api('GET', 'mail/' + m.id, undefined, {region: this.region})));
  }

  /** invoke calls a function, named as in the manifest or in full; it throws a FunctionError when that fails. */
  async invoke(name, event = null) {
    const full = await this.#function(name);
    const url = `${this.endpoint}/2015-03-31/functions/${encodeURIComponent(full)}/invocations`;
    const answer = await this.#signed('lambda', 'POST', url, JSON.stringify(event));
    const text = await answer.text();
    const payload = text === '' ? null : JSON.parse(text);
    if (answer.headers.get('x-amz-function-error')) throw new FunctionError(name, payload);
    return payload;
  }

  /** logs returns the lines of a function's log, the oldest first. */
  async logs(name) {
    const group = '/aws/lambda/' + await this.#function(name);
    const answer = await this.#call('GET', 'logs', undefined, {group, region: this.region});
    const lines = (await answer.text()).split('\n').filter((l) => l !== '');
    return lines.map((l) => JSON.parse(l).message.replace(/\n+$/, ''));
  }

  /**
   * fault makes something go wrong until it is removed. what is as of nube fault
   * add: service, operation, function, probability, count, seed, code, status,
   * message, after; wait and jitter are in milliseconds.
   */
  async fault(kind, what = {}) {
    const rule = {...what, kind};
    for (const name of ['wait', 'jitter']) if (name in rule) rule[name] = Math.round(rule[name] * 1e6);
    const {id} = await this.#api('POST', 'faults', rule);
    return {
      id,
      hits: async () => (await this.#api('GET', 'faults')).find((f) => f.id === id)?.hits ?? 0,
      remove: async () => {
        try {
          await this.#api('DELETE', 'faults', undefined, {id});
        } catch (err) { // one that was removed may be removed again
          if ((await this.#api('GET', 'faults')).some((f) => f.id === id)) throw err;
        }
      },
    };
  }

  /** clearFaults lets everything go well again. */
  async clearFaults() { await this.#api('DELETE', 'faults'); }

  /** snapshot keeps the state of the whole cloud under a name. */
  async snapshot(name) { await this.#api('POST', 'snapshots', {name, replace: true}); }

  /** restore makes the cloud what it was at a snapshot. */
  async restore(name) { await this.#api('POST', 'snapshots/load', {name}); }

  /** status returns what runs: stacks, functions, routes. */
  status() { return this.#api('GET', 'status'); }

  async #function(name) {
    const all = (await this.status()).functions.map((f) => f.name);
    const named = all.includes(name) ? [name] : all.filter((f) => f.endsWith('-' + name));
    if (named.length !== 1) throw new NubeError(`there is no one function ${name}; there are ${all.join(', ')}`);
    return named[0];
  }

  async #api(method, path, body, query) { return (await this.#call(method, path, body, query)).json(); }

  #call(method, path, body, query = {}) {
    const search = new URLSearchParams(query).toString();
    const url = `${this.endpoint}/_nube/api/${path}${search && '?' + search}`;
    return this.#signed('nube', method, url, body === undefined ? '' : JSON.stringify(body));
  }

  async #signed(service, method, url, body) {
    const headers = sign.headers(method, url, body, {service, region: this.region, key: this.#key, secret: this.#secret});
    headers['content-type'] = 'application/json';
    const answer = await fetch(url, {method, headers, body: body === '' ? undefined : body});
    if (answer.ok) return answer;
    const text = await answer.text();
    let said = text;
    try {
      const {message, Message} = JSON.parse(text);
      said = message ?? Message ?? text;
    } catch { /* it is no JSON */ }
    throw new NubeError(said);
  }
}

/** The time of a cloud: of time-to-live, schedules, retries, delays and timestamps. */
class Clock {
  #do;

  constructor(call) { this.#do = call; }

  /** now is a Date. */
  async now() { return new Date((await this.#do('GET')).now); }

  /** stop makes it stand still. */
  async stop() { await this.#do('POST', {do: 'stop'}); }

  /** run lets it run on. */
  async run() { await this.#do('POST', {do: 'run'}); }

  /** advance moves it by milliseconds, from one due to the next, and lets the cloud settle at each. */
  async advance(by, {timeout = 30_000} = {}) {
    const report = await this.#do('POST', {do: 'advance', by: Math.round(by * 1e6), timeout: timeout * 1e6});
    if (!report.reached) throw new NubeError(`the clock came to ${report.now}: ${JSON.stringify(report.settled, null, 2)}`);
  }

  /** set moves it at once to a Date: what was due once is late, and schedules skip what they missed. */
  async set(to) { await this.#do('POST', {do: 'set', to: to.toISOString()}); }
}

function codeCache() {
  return path.join(process.env.XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'nube', 'test');
}

function problems(said) {
  try {
    const {error, problems = []} = JSON.parse(said);
    return [error, ...problems].join('\n');
  } catch {
    return said;
  }
}

module.exports = {Cloud, FunctionError, NubeError};
