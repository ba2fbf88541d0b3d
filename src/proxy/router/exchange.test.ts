import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETRIES } from '../../../test/support/proxy-snapshots.ts';
import {
  answerWith,
  get,
  ok,
  type RawPeer,
  responseOf,
  type SimMesh,
  startMesh,
} from '../../../test/support/sim-mesh.ts';

async function ask(mesh: SimMesh, request = get('/')): Promise<{ status: number; head: string; body: string }> {
  const peer = mesh.connect();
  peer.send(request);
  await mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null, 120_000);
  const response = responseOf(peer);
  peer.connection.destroy('');
  assert.ok(response !== null, `no response, closed: ${peer.closed}`);
  return response;
}

const post = (body: string): string =>
  `POST /x HTTP/1.1\r\nhost: catalog\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
/** Cuts the connection at the first request of each process, then answers. */
function failFirst(): (peer: RawPeer) => void {
  let failed = false;
  return (peer) =>
    answerWith(peer, () => {
      if (failed) return ok('fine');
      failed = true;
      peer.connection.destroy('crash');
      return null;
    });
}

test('an endpoint that refuses connections costs no request, whatever its method', async () => {
  const mesh = await startMesh({ seed: 1, instances: 3 });
  mesh.services[1]?.runtime.kill();
  for (let i = 0; i < 12; i++) {
    const answer = await ask(mesh, i % 2 === 0 ? get(`/${i}`) : post('hello'));
    assert.equal(answer.status, 200);
  }
});

test('a GET whose upstream dies is tried again, a POST is not', async () => {
  const again = await startMesh({ seed: 2, app: failFirst() });
  assert.equal((await ask(again)).body, 'fine');
  const once = await startMesh({ seed: 2, app: failFirst(), route: { retry: null } });
  const answer = await ask(once, post('hello'));
  assert.equal(answer.status, 503);
  assert.match(answer.body, /connection closed before the response by/);
});

test('a retriable status is tried again with the body, and the last answer passes when all tries are spent', async () => {
  const bodies: string[] = [];
  const mesh = await startMesh({
    seed: 3,
    app: (peer) =>
      answerWith(peer, (request) => {
        bodies.push(request.slice(request.indexOf('\r\n\r\n') + 4));
        return bodies.length < 3 ? 'HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno' : ok('fine');
      }),
  });
  assert.equal((await ask(mesh, post('the body'))).body, 'fine');
  assert.deepEqual(bodies, ['the body', 'the body', 'the body']);
  const never = await startMesh({
    seed: 3,
    app: (peer) => answerWith(peer, () => 'HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno'),
  });
  const last = await ask(never);
  assert.equal(last.status, 503);
  assert.equal(last.body, 'no');
});

test('a silent upstream meets the request timeout, which is named', async () => {
  const mesh = await startMesh({ seed: 4, route: { timeoutMs: 2_000 }, app: () => {} });
  const before = mesh.sim.nowMs;
  const answer = await ask(mesh);
  assert.equal(answer.status, 504);
  assert.match(answer.head, /^x-weft-flag: UT/m);
  assert.equal(answer.body, 'weft: request timeout of 2000 ms ended for catalog.shop (UT)\n');
  assert.ok(Math.abs(mesh.sim.nowMs - before - 2_000) < 100);
});

test('a try that is too slow is given up for another', async () => {
  let first = true;
  const mesh = await startMesh({
    seed: 5,
    instances: 2,
    app: (peer) =>
      answerWith(peer, () => {
        if (!first) return ok('second');
        first = false;
        return null;
      }),
  });
  mesh.configure({
    route: {
      retry: { ...RETRIES, retries: 1, perTryTimeoutMs: 500, statusCodes: [] },
    },
  });
  assert.equal((await ask(mesh)).body, 'second');
});

test('requests one after the other use one connection, and a stale one is replaced without a failure', async () => {
  const mesh = await startMesh({ seed: 6, route: { retry: null } });
  for (let i = 0; i < 5; i++) assert.equal((await ask(mesh)).status, 200);
  const [service] = mesh.services;
  assert.equal(service?.accepted, 1);
  // Both proxies keep a connection now; the network drops them without a word to the client's side first.
  mesh.sim.network.resetBetween('10.0.0.1', '10.0.1.1');
  assert.equal((await ask(mesh)).status, 200);
});

test('a request that meets the close of its kept-alive connection is sent again on a new one', async () => {
  const mesh = await startMesh({
    seed: 7,
    route: { retry: null },
    app: (peer) =>
      answerWith(peer, (_request, count) => {
        if (count < 2) return ok('kept');
        peer.connection.destroy('idle timeout');
        return null;
      }),
  });
  assert.equal((await ask(mesh)).status, 200);
  assert.equal((await ask(mesh)).body, 'kept');
});

test('a client that half-closes behind its request gets the answer, as from a pipe into nc', async () => {
  const mesh = await startMesh({ seed: 8 });
  const peer = mesh.connect();
  peer.send(get('/'));
  peer.connection.end();
  await mesh.sim.run(undefined, 3_000);
  assert.equal(responseOf(peer)?.status, 200);
});

test('beyond max_requests a request is refused by the name of the limit', async () => {
  const limits = {
    maxConnections: 10,
    maxPending: 10,
    maxRequests: 1,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  const mesh = await startMesh({ seed: 8, cluster: { limits }, app: () => {} });
  const held = mesh.connect();
  held.send(get('/held'));
  await mesh.sim.run(undefined, 1_000);
  const answer = await ask(mesh);
  assert.equal(answer.status, 503);
  assert.equal(answer.body, 'weft: max_requests of 1 reached for catalog.shop (UO)\n');
  assert.equal(mesh.web.telemetry.limit('max_requests', 'catalog.shop').value, 1);
  held.connection.destroy('');
  // Its FIN alone may mean that it still waits for the answer: `halfClosedMs`.
  await mesh.sim.run(undefined, 2_500);
  assert.equal(mesh.web.clusters.current.get('catalog.shop')?.circuit.active, 0);
});

test('beyond max_connections requests wait in line, beyond max_pending they are refused', async () => {
  const limits = {
    maxConnections: 1,
    maxPending: 1,
    maxRequests: 10,
    maxRetries: 3,
    retryBudgetPercent: null,
    minRetryConcurrency: 3,
  };
  const waiting: RawPeer[] = [];
  const mesh = await startMesh({
    seed: 9,
    cluster: { limits },
    app: (peer) => answerWith(peer, () => (waiting.push(peer), null)),
  });
  const first = mesh.connect();
  first.send(get('/1'));
  await mesh.sim.run(() => waiting.length === 1, 1_000);
  const second = mesh.connect();
  second.send(get('/2'));
  await mesh.sim.run(undefined, 1_000);
  const refused = await ask(mesh);
  assert.match(refused.body, /max_pending_requests of 1 reached/);
  waiting[0]?.send(ok('one'));
  await mesh.sim.run(() => waiting.length === 2, 1_000);
  waiting[1]?.send(ok('two'));
  await mesh.sim.run(() => responseOf(second) !== null, 1_000);
  assert.equal(responseOf(second)?.body, 'two');
});

test('1xx, trailers, HEAD and 304 pass as they are', async () => {
  const mesh = await startMesh({
    seed: 10,
    app: (peer) =>
      answerWith(peer, (request) => {
        if (request.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n';
        if (request.includes('/304')) return 'HTTP/1.1 304 Not Modified\r\netag: "x"\r\n\r\n';
        if (request.includes('/103')) return `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${ok('after')}`;
        return 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 7\r\n\r\n';
      }),
  });
  const peer = mesh.connect();
  peer.send(get('/trailers', 'te: trailers\r\n'));
  await mesh.sim.run(() => peer.text.includes('x-sum: 7\r\n\r\n'), 1_000);
  assert.match(peer.text, /\r\n0\r\nx-sum: 7\r\n\r\n$/);
  peer.take(peer.bytes.length);
  peer.send('HEAD / HTTP/1.1\r\nhost: catalog\r\n\r\n');
  await mesh.sim.run(() => peer.text.includes('\r\n\r\n'), 1_000);
  assert.match(peer.text, /content-length: 99\r\n\r\n$|content-length: 99\r\n/);
  peer.take(peer.bytes.length);
  peer.send(get('/304'));
  await mesh.sim.run(() => peer.text.includes('\r\n\r\n'), 1_000);
  assert.match(peer.text, /^HTTP\/1\.1 304/);
  peer.take(peer.bytes.length);
  peer.send(get('/103'));
  await mesh.sim.run(() => peer.text.includes('after'), 1_000);
  assert.match(peer.text, /^HTTP\/1\.1 103 [^]*HTTP\/1\.1 200 [^]*after$/);
});

test('an upgrade that the route allows becomes a tunnel that ends in halves', async () => {
  const mesh = await startMesh({
    seed: 11,
    route: { upgrades: ['websocket'] },
    app: (peer) => {
      peer.onText = () => {
        if (!peer.text.includes('\r\n\r\n')) return;
        peer.take(peer.bytes.length);
        peer.send('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nhello');
        peer.onText = () => {
          if (peer.bytes.length > 0) peer.send(`<${peer.text}>`);
          peer.take(peer.bytes.length);
          if (peer.ended) {
            peer.send('bye');
            peer.connection.end();
          }
        };
      };
    },
  });
  const peer = mesh.connect();
  peer.send(get('/ws', 'connection: upgrade\r\nupgrade: websocket\r\n'));
  await mesh.sim.run(() => peer.text.endsWith('hello'), 1_000);
  assert.match(peer.text, /^HTTP\/1\.1 101 /);
  peer.send('ping');
  await mesh.sim.run(() => peer.text.endsWith('<ping>'), 1_000);
  assert.equal(mesh.web.telemetry.tunnels.value, 1);
  peer.connection.end();
  await mesh.sim.run(() => peer.ended, 1_000);
  assert.match(peer.text, /hello<ping>bye$/);
  assert.equal(mesh.web.telemetry.tunnels.value, 0);
});

test('a client that goes away frees its place, and the try is abandoned', async () => {
  const mesh = await startMesh({ seed: 12, app: () => {} });
  const peer = mesh.connect();
  peer.send(get('/'));
  await mesh.sim.run(undefined, 500);
  assert.equal(mesh.web.clusters.current.get('catalog.shop')?.circuit.active, 1);
  peer.connection.destroy('gone');
  await mesh.sim.run(undefined, 500);
  assert.equal(mesh.web.clusters.current.get('catalog.shop')?.circuit.active, 0);
  assert.equal(mesh.web.telemetry.active.value, 0);
});

test('a stream on which nothing moves ends', async () => {
  const mesh = await startMesh({ seed: 13, manager: { streamIdleTimeoutMs: 10_000 }, app: () => {} });
  const before = mesh.sim.nowMs;
  const answer = await ask(mesh);
  assert.equal(answer.status, 504);
  const passed = mesh.sim.nowMs - before;
  assert.ok(passed >= 10_000 && passed < 13_000, `${passed} ms`);
});

test('no route and no cluster are told apart', async () => {
  const mesh = await startMesh({ seed: 14 });
  mesh.configure({ route: { clusters: [{ name: 'missing', weight: 1, subset: null, header: null }] } });
  const answer = await ask(mesh);
  assert.match(answer.head, /^x-weft-flag: NC/m);
  assert.match(answer.body, /names the unknown cluster missing/);
});

test('where the route wants it, each try and the answer say which one it is', async () => {
  const counts: (string | undefined)[] = [];
  const mesh = await startMesh({
    seed: 15,
    route: { countsTries: true, tellsTries: true },
    app: (peer) =>
      answerWith(peer, (request) => {
        counts.push(/^x-envoy-attempt-count: (.*)\r$/m.exec(request)?.[1]);
        return counts.length < 3 ? 'HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno' : ok('fine');
      }),
  });
  const answer = await ask(mesh);
  assert.deepEqual(counts, ['1', '2', '3']);
  assert.match(answer.head, /^x-envoy-attempt-count: 3\r?$/m);
});
