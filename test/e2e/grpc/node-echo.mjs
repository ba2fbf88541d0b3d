/** The echo service by grpc-js: `node-echo.mjs server PORT`, `node-echo.mjs client ADDRESS`; a line a case, as grpc-go's. */
import { join } from 'node:path';
import * as grpc from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const REFUSAL = 'no größe today';
const { Echo } = grpc.loadPackageDefinition(loadSync(join(import.meta.dirname, 'echo.proto'))).weft.test;

function serve(port) {
  const server = new grpc.Server();
  server.addService(Echo.service, {
    unary(call, done) {
      const trailer = new grpc.Metadata();
      trailer.set('echo-trailer', String(call.metadata.get('echo')[0] ?? ''));
      done(null, call.request, trailer);
    },
    fail: (_call, done) => done({ code: grpc.status.FAILED_PRECONDITION, details: REFUSAL }),
    slow(call, done) {
      const timer = setTimeout(() => done(null, call.request), 10_000);
      call.on('cancelled', () => clearTimeout(timer));
    },
    many(call) {
      for (let i = 0; i < 100; i++) call.write({ value: `${call.request.value} ${i}` });
      call.end();
    },
    collect(call, done) {
      let count = 0;
      call.on('data', () => count++).on('end', () => done(null, { value: String(count) }));
    },
    chat(call) {
      call.on('data', (message) => call.write(message)).on('end', () => call.end());
    },
  });
  server.bindAsync(`127.0.0.1:${port}`, grpc.ServerCredentials.createInsecure(), (error) => {
    if (error) throw error;
  });
}

const LARGE = '0123456789abcdef'.repeat(65_536);
const within = (ms) => ({ deadline: Date.now() + ms });

function unary(client, method, text, options = within(10_000), metadata = new grpc.Metadata()) {
  return new Promise((resolve) => {
    let trailer = null;
    const call = client[method]({ value: text }, metadata, options, (error, answer) =>
      setImmediate(() => resolve({ error, value: answer?.value, trailer })),
    );
    call.on('status', (status) => (trailer = status.metadata));
  });
}

function expect(condition, got) {
  if (!condition) throw new Error(`got ${typeof got === 'string' ? got.slice(0, 200) : JSON.stringify(got)}`);
}

const CASES = {
  async unary(client) {
    const metadata = new grpc.Metadata();
    metadata.set('echo', 'back');
    const { error, value, trailer } = await unary(client, 'unary', 'hello', within(10_000), metadata);
    expect(!error && value === 'hello' && trailer?.get('echo-trailer')[0] === 'back', error ?? { value, trailer });
  },
  async large(client) {
    const { error, value } = await unary(client, 'unary', LARGE);
    expect(!error && value === LARGE, error ?? `${value?.length} bytes`);
  },
  async fail(client) {
    const { error } = await unary(client, 'fail', 'x');
    expect(error?.code === grpc.status.FAILED_PRECONDITION && error.details === REFUSAL, error);
  },
  async deadline(client) {
    const { error } = await unary(client, 'slow', 'x', within(300));
    expect(error?.code === grpc.status.DEADLINE_EXCEEDED, error);
  },
  async many(client) {
    let count = 0;
    for await (const { value } of client.many({ value: 'n' }, within(10_000))) expect(value === `n ${count++}`, value);
    expect(count === 100, count);
  },
  async collect(client) {
    const answer = await new Promise((resolve, reject) => {
      const call = client.collect(within(10_000), (error, message) => (error ? reject(error) : resolve(message)));
      for (let i = 0; i < 100; i++) call.write({ value: 'x' });
      call.end();
    });
    expect(answer.value === '100', answer);
  },
  async chat(client) {
    const call = client.chat(within(10_000));
    const answers = call[Symbol.asyncIterator]();
    for (let i = 0; i < 20; i++) {
      call.write({ value: `ping ${i}` });
      const { value } = await answers.next();
      expect(value?.value === `ping ${i}`, value);
    }
    call.end();
    expect((await answers.next()).done, 'more');
  },
  async cancel(client) {
    const call = client.chat(within(10_000));
    call.write({ value: 'x' });
    const code = await new Promise((resolve) => {
      call.on('data', () => call.cancel()).on('error', (error) => resolve(error.code));
    });
    expect(code === grpc.status.CANCELLED, code);
  },
};

async function check(address) {
  const client = new Echo(address, grpc.credentials.createInsecure());
  for (const [name, run] of Object.entries(CASES)) {
    try {
      await run(client);
      console.log(`ok ${name}`);
    } catch (error) {
      console.log(`failed ${name}: ${error.message}`);
    }
  }
  client.close();
}

const [, , role, where] = process.argv;
if (role === 'server') serve(where);
else await check(where);
