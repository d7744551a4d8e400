// The Node.js runtime of nube: it loads a handler as AWS Lambda's does, and
// runs it against the Lambda Runtime API of this process.
//
// Handlers: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html
// Context:  https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html
// Logging:  https://docs.aws.amazon.com/lambda/latest/dg/nodejs-logging.html

import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import util from 'node:util';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const env = process.env;
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':');
const api = '/2018-06-01/runtime/';

// --- Runtime API -----------------------------------------------------------

// One connection, one request after the other. While the handler runs the
// connection does not keep the process alive, so that 'beforeExit' tells when
// the handler has nothing left to wait for.
class Client {
  #socket = net.connect({ host, port: Number(port), noDelay: true });
  #parts = [];
  #size = 0;
  #head = null;
  #waiting = [];

  constructor() {
    this.#socket.on('data', (b) => this.#take(b));
    this.#socket.on('error', () => process.exit(1));
    this.#socket.on('close', () => process.exit(1));
  }

  // Handlers run between a response to next and their answer.
  release() { this.#socket.unref(); }
  hold() { this.#socket.ref(); }

  next() {
    this.#socket.write(`GET ${api}invocation/next HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    return this.#response();
  }

  // The request for the next invocation follows at once: the Runtime API
  // answers in order.
  answerAndNext(what, body, kind) {
    this.#post(`invocation/${what}`, body, kind);
    this.#waiting.push(() => {});
    return this.next();
  }

  post(what, body, kind) {
    this.#post(what, body, kind);
    return this.#response();
  }

  #post(what, body, kind) {
    const type = kind ? `Lambda-Runtime-Function-Error-Type: ${kind.replace(/[^\x20-\x7e]/g, '?')}\r\n` : '';
    const b = Buffer.from(body);
    const head = `POST ${api}${what} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n${type}Content-Length: ${b.length}\r\n\r\n`;
    this.#socket.write(b.length > 65536 ? head : Buffer.concat([Buffer.from(head), b]));
    if (b.length > 65536) this.#socket.write(b);
  }

  #response() {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  #take(b) {
    this.#parts.push(b);
    this.#size += b.length;
    for (;;) {
      if (!this.#head) {
        const all = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
        this.#parts = [all];
        const end = all.indexOf('\r\n\r\n');
        if (end < 0) return;
        const headers = {};
        for (const line of all.toString('latin1', 0, end).split('\r\n').slice(1)) {
          const colon = line.indexOf(':');
          headers[line.slice(0, colon).toLowerCase()] = Buffer.from(line.slice(colon + 1).trim(), 'latin1').toString();
        }
        this.#head = { headers, from: end + 4, size: end + 4 + Number(headers['content-length'] ?? 0) };
      }
      if (this.#size < this.#head.size) return;
      const all = this.#parts.length === 1 ? this.#parts[0] : Buffer.concat(this.#parts);
      const { headers, from, size } = this.#head;
      this.#head = null;
      this.#parts = [all.subarray(size)];
      this.#size = all.length - size;
      this.#waiting.shift()({ headers, body: all.toString('utf8', from, size) });
      if (this.#size === 0) {
        this.#parts = [];
        return;
      }
    }
  }
}

// --- Logging ---------------------------------------------------------------

let requestId; // of the invocation under way

// A message is one event of the log though it may have several lines: it is
// framed, and the platform takes the frame off.
function emit(message) {
  let text = Buffer.from(message);
  if (text.length > 262144) text = text.subarray(0, 262144);
  const frame = Buffer.allocUnsafe(8 + text.length);
  frame.writeUInt32BE(0xa55a0001, 0);
  frame.writeUInt32BE(text.length, 4);
  text.copy(frame, 8);
  for (let at = 0; at < frame.length;) {
    try {
      at += fs.writeSync(1, frame, at);
    } catch (e) {
      if (e.code !== 'EAGAIN') return;
    }
  }
}

function line(level, text) {
  emit(`${new Date().toISOString()}\t${requestId}\t${level}\t${text}\n`);
}

for (const [name, level] of Object.entries({
  trace: 'TRACE', debug: 'DEBUG', info: 'INFO', log: 'INFO', warn: 'WARN', error: 'ERROR',
})) {
  console[name] = (...args) => line(level, util.format(...args));
}
console.fatal = (...args) => line('FATAL', util.format(...args));

// --- Errors ----------------------------------------------------------------

function named(name, message, stack) {
  const e = new Error(message);
  e.name = name;
  if (stack) e.stack = stack;
  return e;
}

function isError(e) {
  return util.types.isNativeError(e)
    || (e && typeof e.name === 'string' && typeof e.message === 'string' && typeof e.stack === 'string');
}

// toWire is the document that the caller of the function gets.
function toWire(e) {
  try {
    if (isError(e)) return { errorType: e.name, errorMessage: e.message, trace: String(e.stack).split('\n') };
    return { errorType: typeof e, errorMessage: String(e), trace: [] };
  } catch {
    return { errorType: 'handled', errorMessage: 'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack', trace: [] };
  }
}

function toLog(e) {
  const { errorType, errorMessage, trace } = toWire(e);
  let more = {};
  if (isError(e)) {
    try {
      more = JSON.parse(JSON.stringify({ ...e }));
    } catch { /* what cannot be shown is left out */ }
  }
  delete more.name;
  return JSON.stringify({ errorType, errorMessage, ...more, stack: trace });
}

// --- Loading ---------------------------------------------------------------

function split(handler) {
  const at = handler.lastIndexOf('/') + 1;
  const dot = handler.indexOf('.', at);
  if (dot <= at || dot === handler.length - 1) throw named('Runtime.MalformedHandlerName', 'Bad handler');
  if (handler.includes('..')) {
    throw named('Runtime.MalformedHandlerName', `'${handler}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  }
  return [handler.slice(0, dot), handler.slice(dot + 1).split('.')];
}

function isModule(file) {
  if (file.endsWith('.mjs')) return true;
  if (file.endsWith('.cjs')) return false;
  for (let dir = path.dirname(file); ; dir = path.dirname(dir)) {
    const pkg = path.join(dir, 'package.json');
    if (fs.existsSync(pkg)) return JSON.parse(fs.readFileSync(pkg, 'utf8')).type === 'module';
    if (dir === path.dirname(dir)) return false;
  }
}

async function loadModule(root, module) {
  const base = path.resolve(root, module);
  for (const ext of ['', '.js', '.mjs', '.cjs']) {
    const file = base + ext;
    if (!fs.existsSync(file) || !fs.statSync(file).isFile()) continue;
    return isModule(file) ? import(pathToFileURL(file).href) : createRequire(file)(file);
  }
  // A package of a layer, or of the code.
  const require = createRequire(path.join(root, 'noop.js'));
  const found = require.resolve(module, { paths: [root, ...(env.NODE_PATH ?? '').split(':')] });
  return isModule(found) ? import(pathToFileURL(found).href) : require(found);
}

async function load(root, handler) {
  const [module, names] = split(handler);
  let loaded;
  try {
    loaded = await loadModule(root, module);
  } catch (e) {
    if (e instanceof SyntaxError) throw named('Runtime.UserCodeSyntaxError', String(e), e.stack);
    if (e?.code === 'MODULE_NOT_FOUND' || e?.code === 'ERR_MODULE_NOT_FOUND') {
      throw named('Runtime.ImportModuleError', String(e), e.stack);
    }
    throw e;
  }
  const reach = (from) => names.reduce((at, name) => at?.[name], from);
  const fn = reach(loaded) ?? reach(loaded?.default);
  if (fn === undefined) throw named('Runtime.HandlerNotFound', `${handler} is undefined or not exported`);
  if (typeof fn !== 'function') throw named('Runtime.HandlerNotFound', `${handler} is not a function`);
  return fn;
}

// --- Running ---------------------------------------------------------------

let settle = null; // ends the invocation under way: (error, result)
let idle = null; // what to do when nothing is left to wait for

process.on('beforeExit', () => {
  const then = idle;
  idle = null;
  then?.();
});

// outcome runs the handler and resolves to [error, result], or rejects never.
function outcome(handler, event, context) {
  return new Promise((resolve) => {
    let over = false;
    const end = (error, result) => {
      if (over) return;
      over = true;
      idle = null;
      settle = null;
      resolve([error, result]);
    };
    settle = end;
    idle = () => end(null, null); // a promise that never settles, or no callback
    const callback = (error, result) => {
      if (over) return;
      const failed = error !== undefined && error !== null ? [error] : [null, result];
      if (context.callbackWaitsForEmptyEventLoop) idle = () => end(...failed);
      else end(...failed);
    };
    context.done = callback;
    context.succeed = (result) => { context.callbackWaitsForEmptyEventLoop = false; callback(null, result); };
    context.fail = (error) => { context.callbackWaitsForEmptyEventLoop = false; callback(error ?? 'handled'); };
    try {
      const value = handler(event, context, callback);
      if (typeof value?.then === 'function') value.then((result) => end(null, result), (error) => end(error === undefined ? named('Error', 'undefined') : error));
    } catch (e) {
      end(e);
    }
  });
}

function contextOf(headers) {
  const parse = (text) => (text ? JSON.parse(text) : undefined);
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parse(headers['lambda-runtime-client-context']),
    identity: parse(headers['lambda-runtime-cognito-identity']),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function encode(result) {
  try {
    return JSON.stringify(result === undefined ? null : result) ?? 'null';
  } catch (e) {
    throw named('Runtime.MarshalError', `Unable to stringify response body: ${e.message}`, e.stack);
  }
}

const client = new Client();

// fatal reports an error that no handler caught, and ends the process.
async function fatal(label, code, e) {
  line('ERROR', `${label} \t${toLog(e)}`);
  client.hold();
  const body = JSON.stringify(toWire(e));
  const kind = toWire(e).errorType;
  await (requestId ? client.post(`invocation/${requestId}/error`, body, kind) : client.post('init/error', body, kind));
  process.exit(code);
}

process.on('uncaughtException', (e) => fatal('Uncaught Exception', 129, e));
process.on('unhandledRejection', (reason) => {
  const e = named('Runtime.UnhandledPromiseRejection', String(reason));
  e.reason = isError(reason) ? toWire(reason) : reason;
  fatal('Unhandled Promise Rejection', 128, e);
});

let handler;
try {
  handler = await load(env.LAMBDA_TASK_ROOT, env._HANDLER);
} catch (e) {
  await fatal('Uncaught Exception', 129, e);
}

let invocation = await client.next();
for (;;) {
  const { headers, body } = invocation;
  requestId = headers['lambda-runtime-aws-request-id'];
  env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
  client.release();
  let error = null;
  let reply;
  try {
    const [failed, result] = await outcome(handler, JSON.parse(body || 'null'), contextOf(headers));
    if (failed !== null && failed !== undefined) error = [failed];
    else reply = encode(result);
  } catch (e) {
    error = [e];
  }
  client.hold();
  if (error) {
    line('ERROR', `Invoke Error \t${toLog(error[0])}`);
    const wire = toWire(error[0]);
    invocation = await client.answerAndNext(`${requestId}/error`, JSON.stringify(wire), wire.errorType);
  } else {
    invocation = await client.answerAndNext(`${requestId}/response`, reply);
  }
}
