import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_BALANCE, RETRIES } from '../../../test/support/proxy-snapshots.ts';
import { answerWith, get, ok, responseOf, type SimMesh, startMesh } from '../../../test/support/sim-mesh.ts';
import { FieldName } from '../../http/field-name.ts';

const BY_USER = { kind: 'header', name: new FieldName('x-user'), rewrite: null, terminal: true } as const;
const UNAVAILABLE = 'HTTP/1.1 503 X\r\ncontent-length: 0\r\n';

async function ask(mesh: SimMesh, fields = '') {
  const peer = mesh.connect();
  const before = mesh.sim.nowMs;
  peer.send(get('/', fields));
  await mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null, 60_000);
  const response = responseOf(peer);
  return { status: response?.status ?? 0, body: response?.body ?? '', tookMs: mesh.sim.nowMs - before };
}

for (const policy of ['ring-hash', 'maglev'] as const) {
  test(`${policy}: what a route hashes decides the host, and a retry goes to another one`, async () => {
    const failing = new Set<number>();
    const mesh = await startMesh({
      seed: 11,
      instances: 4,
      cluster: { balance: { ...DEFAULT_BALANCE, policy, tableSize: 1_021 } },
      route: { hash: [BY_USER], retry: { ...RETRIES, retries: 1 } },
      app: (peer, instance) =>
        answerWith(peer, () => (failing.has(instance) ? `${UNAVAILABLE}\r\n` : ok(`catalog-${instance}`))),
    });
    const owners = new Map<string, string>();
    for (const user of ['ann', 'bob', 'cid', 'dan', 'eve', 'fay', 'gus', 'hal']) {
      const { body } = await ask(mesh, `x-user: ${user}\r\n`);
      owners.set(user, body);
      for (let i = 0; i < 3; i++) assert.equal((await ask(mesh, `x-user: ${user}\r\n`)).body, body);
    }
    assert.ok(new Set(owners.values()).size > 1);
    for (const [user, owner] of owners) {
      failing.clear();
      failing.add(Number(owner.slice(-1)));
      const { status, body } = await ask(mesh, `x-user: ${user}\r\n`);
      assert.equal(status, 200, user);
      assert.notEqual(body, owner);
    }
  });
}

/** Answers the first try of each request with that, the second with 200. */
async function failingOnce(fields: string, retry: Partial<typeof RETRIES>): Promise<SimMesh> {
  let tries = 0;
  return startMesh({
    seed: 12,
    route: { retry: { ...RETRIES, ...retry } },
    app: (peer) => answerWith(peer, () => (++tries % 2 === 1 ? `${UNAVAILABLE}${fields}\r\n` : ok('at last'))),
  });
}

test('a retry of a response waits for its back-off, which is spread from nothing to the whole', async () => {
  const mesh = await failingOnce('', { baseIntervalMs: 1_000, maxIntervalMs: 10_000 });
  const waits: number[] = [];
  for (let i = 0; i < 20; i++) {
    const { status, tookMs } = await ask(mesh);
    assert.equal(status, 200);
    waits.push(tookMs);
  }
  const mean = waits.reduce((sum, each) => sum + each, 0) / waits.length;
  assert.ok(mean > 250 && mean < 800, `${mean} ms on average`);
  assert.ok(Math.max(...waits) < 1_100 && Math.max(...waits) - Math.min(...waits) > 300, String(waits));
});

test('a retry comes no earlier than the response asks for, unless it asks for too much or is not read', async () => {
  const resetHeaders = [{ name: new FieldName('retry-after'), format: 'seconds' }] as const;
  for (const [fields, retry, least, most] of [
    ['retry-after: 2\r\n', { resetHeaders, maxResetMs: 5_000 }, 2_000, 3_100],
    ['retry-after: 20\r\n', { resetHeaders, maxResetMs: 5_000 }, 0, 100],
    ['retry-after: 2\r\n', {}, 0, 100],
  ] as const) {
    const mesh = await failingOnce(fields, retry);
    for (let i = 0; i < 4; i++) {
      const { status, tookMs } = await ask(mesh);
      assert.equal(status, 200);
      assert.ok(tookMs >= least && tookMs <= most, `${tookMs} ms with ${fields}`);
    }
  }
});

test('each condition is tried again, and only where the policy names it', async () => {
  const none = {
    ...RETRIES,
    retries: 1,
    onConnectFailure: false,
    onRefusedStream: false,
    onReset: false,
    statusCodes: [],
  };
  const breaks = '';
  for (const [name, policy, answer] of [
    ['5xx', { on5xx: true }, 'HTTP/1.1 501 X\r\ncontent-length: 0\r\n\r\n'],
    ['gateway-error', { onGatewayError: true }, 'HTTP/1.1 504 X\r\ncontent-length: 0\r\n\r\n'],
    ['retriable-4xx', { statusCodes: [409] }, 'HTTP/1.1 409 X\r\ncontent-length: 0\r\n\r\n'],
    ['retriable-status-codes', { statusCodes: [418] }, 'HTTP/1.1 418 X\r\ncontent-length: 0\r\n\r\n'],
    ['reset', { onReset: true }, breaks],
  ] as const) {
    for (const named of [true, false]) {
      let tries = 0;
      const mesh: SimMesh = await startMesh({
        seed: 13,
        route: { retry: { ...none, ...(named ? policy : {}) } },
        app: (peer) =>
          answerWith(peer, () => {
            if (++tries > 1) return ok('at last');
            if (answer === breaks) mesh.sim.network.resetBetween('10.0.0.1', '10.0.1.1');
            return answer === breaks ? null : answer;
          }),
      });
      const { status } = await ask(mesh);
      assert.equal(status === 200, named, `${name} ${status}`);
      assert.equal(tries, named ? 2 : 1, name);
    }
  }
});

test('connects that fail are tried again where the policy says so, at once and at another host', async () => {
  for (const onConnectFailure of [true, false]) {
    const mesh = await startMesh({
      seed: 14,
      instances: 2,
      route: { retry: { ...RETRIES, onReset: false, onConnectFailure } },
    });
    mesh.sim.network.partition('10.0.0.1', '10.0.1.1');
    mesh.configure({ cluster: { connectTimeoutMs: 700 } });
    const answers = [await ask(mesh), await ask(mesh)];
    assert.equal(answers.filter(({ status }) => status === 200).length, onConnectFailure ? 2 : 1);
    // The connect timeout of the host that is cut off, and no more.
    const slow = Math.max(...answers.map(({ tookMs }) => tookMs));
    assert.ok(slow >= 699 && slow < 900, `${slow} ms`);
    if (!onConnectFailure) {
      const refused = answers.find(({ status }) => status !== 200);
      assert.match(refused?.body ?? '', /connect timeout \(UF\)/);
    }
  }
});

test('the limit on retries holds for all requests of the cluster together, and is given back', async () => {
  const limits = {
    maxConnections: 100,
    maxPending: 100,
    maxRequests: 100,
    maxRetries: 2,
    retryBudgetPercent: null,
    minRetryConcurrency: 0,
  };
  const mesh = await startMesh({
    seed: 15,
    cluster: { limits },
    route: { retry: { ...RETRIES, retries: 1, baseIntervalMs: 1, maxIntervalMs: 1 } },
    app: (peer) => {
      let first = true;
      answerWith(peer, () => {
        if (!first) return ok('x');
        first = false;
        return `${UNAVAILABLE}\r\n`;
      });
    },
  });
  const cluster = mesh.web.clusters.current.get('catalog.shop');
  assert.ok(cluster !== undefined);
  const peers = Array.from({ length: 12 }, () => mesh.connect());
  for (const peer of peers) peer.send(get('/'));
  await mesh.sim.run(() => peers.every((peer) => responseOf(peer) !== null), 10_000);
  assert.equal(cluster.circuit.retries.peak, 2);
  assert.equal(cluster.circuit.retries.used, 0);
  assert.ok(peers.some((peer) => responseOf(peer)?.status === 503));
});

test('when a kept-alive connection dies under a request, what may have been seen is not sent again', async () => {
  for (const [method, body, status, most] of [
    ['GET', 'ab', 200, 2],
    ['POST', 'ab', 503, 1],
    ['POST', '', 503, 1],
  ] as const) {
    const seen: string[] = [];
    const mesh = await startMesh({
      seed: 16,
      route: { retry: null },
      app: (peer) =>
        answerWith(peer, (request, count) => {
          seen.push(request.slice(0, 4));
          if (count < 2) return ok('kept');
          peer.connection.destroy('idle timeout');
          return null;
        }),
    });
    assert.equal((await ask(mesh)).status, 200);
    const peer = mesh.connect();
    peer.send(`${method} / HTTP/1.1\r\nhost: catalog\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await mesh.sim.run(() => responseOf(peer) !== null, 5_000);
    const tries = seen.slice(1);
    assert.deepEqual([responseOf(peer)?.status, tries.length], [status, most], `${method} ${body}`);
  }
});

test('one dead kept-alive connection is enough to distrust all that lay idle with it', async () => {
  const mesh = await startMesh({
    seed: 17,
    route: { retry: null },
    app: (peer) =>
      answerWith(peer, (_request, count) => {
        if (count < 2) return ok('kept');
        peer.connection.destroy('idle timeout');
        return null;
      }),
  });
  const peers = Array.from({ length: 4 }, () => mesh.connect());
  for (const peer of peers) peer.send(get('/'));
  await mesh.sim.run(() => peers.every((peer) => responseOf(peer) !== null), 5_000);
  assert.ok((mesh.services[0]?.accepted ?? 0) > 1, 'several lie idle');
  assert.equal((await ask(mesh)).status, 200);
});
