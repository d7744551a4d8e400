'use strict';
// Does what its event says, as ../faults does in Go.

let count = 0;
const hold = [];

class Mistake extends Error {
  constructor(text) {
    super(text);
    this.name = 'Mistake';
  }
}

if (process.env.INIT === 'exit') process.exit(3);
if (process.env.INIT === 'throw') throw new Mistake('no init');
if (process.env.INIT === 'sleep') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);

exports.handler = async (event, context) => {
  count += 1;
  switch (event.do) {
    case 'echo': return { text: event.text };
    case 'count': return { count };
    case 'print': console.log(event.text); return {};
    case 'write': process.stdout.write(event.text); return {};
    case 'fail': throw new Mistake(event.text);
    case 'throw': setTimeout(() => { throw new Mistake(event.text); }, 0); await new Promise((r) => setTimeout(r, 60000)); return {};
    case 'reject': Promise.reject(new Mistake(event.text)); await new Promise((r) => setTimeout(r, 60000)); return {};
    case 'never': return new Promise(() => {});
    case 'text': throw event.text;
    case 'exit': process.exit(event.n); break;
    case 'sleep': await new Promise((r) => setTimeout(r, event.n)); return { text: 'slept' };
    case 'large': return { text: 'x'.repeat(event.n) };
    case 'memory': for (let n = 0; n < event.n; n += 1) hold.push(Buffer.alloc(1 << 20, n)); return { count: hold.length };
    case 'circle': { const a = {}; a.a = a; return a; }
    case 'context': return {
      context: {
        requestId: context.awsRequestId, arn: context.invokedFunctionArn, client: context.clientContext?.custom,
        name: context.functionName, version: context.functionVersion, memory: Number(context.memoryLimitInMB),
        remaining: context.getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID,
      },
    };
    case 'env': return { env: process.env };
    default: throw new Error(`do not know how to do ${JSON.stringify(event.do)}`);
  }
  return {};
};

// Callbacks.
exports.callback = (event, context, callback) => {
  if (event.do === 'fail') return callback(new Mistake(event.text));
  if (event.do === 'hurry') context.callbackWaitsForEmptyEventLoop = false;
  let late = false;
  setTimeout(() => { late = true; }, event.n ?? 0);
  if (event.do === 'late') {
    const answer = { get late() { return late; } };
    callback(null, answer);
  } else {
    callback(null, { text: event.text });
  }
  return undefined;
};

exports.nested = { deep: async () => 'deep' };
exports.notAFunction = 42;
