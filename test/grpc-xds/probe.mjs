/** A gRPC program that speaks xDS itself, by grpc-js and grpc-js-xds. What it understands is described in probe.ts. */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import * as grpc from '@grpc/grpc-js';
import * as xds from '@grpc/grpc-js-xds';

xds.register();
const [, , role, kind, address, name] = process.argv;
const bytes = { serialize: (value) => value, deserialize: (value) => value };
const method = (word) => ({
  path: `/probe.Probe/${word}`,
  requestStream: false,
  responseStream: false,
  requestSerialize: bytes.serialize,
  requestDeserialize: bytes.deserialize,
  responseSerialize: bytes.serialize,
  responseDeserialize: bytes.deserialize,
});
const DEFINITION = Object.fromEntries(['Who', 'Slow', 'Flaky', 'Fail'].map((word) => [word, method(word)]));
const Client = grpc.makeGenericClientConstructor(DEFINITION, 'Probe');

function peerOf(call) {
  const names = call.getAuthContext?.()?.sslPeerCertificate?.subjectaltname ?? '';
  return /URI:(spiffe:[^,]*)/.exec(names)?.[1] ?? '';
}

function serve() {
  const server = kind === 'xds' ? new xds.XdsServer() : new grpc.Server();
  const tries = new Map();
  const answer = (call, done) => done(null, Buffer.from(JSON.stringify({ name, peer: peerOf(call) })));
  server.addService(DEFINITION, {
    Who: answer,
    Slow(call, done) {
      const timer = setTimeout(() => answer(call, done), Number(call.request));
      call.on('cancelled', () => clearTimeout(timer));
    },
    Flaky(call, done) {
      const [key, failures] = String(call.request).split(',');
      tries.set(key, (tries.get(key) ?? 0) + 1);
      if (tries.get(key) <= Number(failures)) done({ code: grpc.status.UNAVAILABLE, details: 'flaky' });
      else answer(call, done);
    },
    Fail(call, done) {
      if ([name, 'all'].includes(String(call.request))) done({ code: grpc.status.INTERNAL, details: 'failing' });
      else answer(call, done);
    },
  });
  const clear = grpc.ServerCredentials.createInsecure();
  server.bindAsync(address, kind === 'xds' ? new xds.XdsServerCredentials(clear) : clear, (error) => {
    if (error) throw error;
  });
}

const channels = new Map();

function dial(target, options) {
  const clear = grpc.credentials.createInsecure();
  return new Client(target, kind === 'xds' ? new xds.XdsChannelCredentials(clear) : clear, options);
}

function clientOf(target) {
  let client = channels.get(target);
  if (client === undefined) channels.set(target, (client = dial(target, {})));
  return client;
}

async function call() {
  for await (const line of createInterface({ input: process.stdin })) {
    const { target, fresh, ...what } = JSON.parse(line);
    const client = fresh ? dial(target, { 'grpc.use_local_subchannel_pool': 1 }) : clientOf(target);
    console.log(JSON.stringify(await run(client, what)));
    if (fresh) client.close();
  }
  process.exit(0);
}

async function run(client, { method, body, count, concurrency, timeoutMs, headers = {}, pauseMs = 0 }) {
  const result = { names: {}, peers: {}, errors: {}, ms: 0 };
  const add = (to, key) => (to[key] = (to[key] ?? 0) + 1);
  const began = performance.now();
  let next = 0;
  const worker = async () => {
    while (next < count) {
      const n = next++;
      if (pauseMs > 0) await sleep(pauseMs);
      const metadata = new grpc.Metadata();
      for (const [key, value] of Object.entries(headers)) metadata.set(key, value.replaceAll('%', String(n)));
      await new Promise((resolve) => {
        client[method](Buffer.from(body), metadata, { deadline: Date.now() + timeoutMs }, (error, answer) => {
          if (error) add(result.errors, `${error.code} ${error.details}`);
          else {
            const told = JSON.parse(answer);
            add(result.names, told.name);
            add(result.peers, told.peer);
          }
          resolve();
        });
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  result.ms = Math.round(performance.now() - began);
  return result;
}

if (role === 'server') serve();
else await call();
