import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RETRIES } from '../../../test/support/proxy-snapshots.ts';
import { answerWith, type RawPeer, type SimMesh, startMesh } from '../../../test/support/sim-mesh.ts';
import { CONTENT_TYPE, FieldName } from '../../http/field-name.ts';
import { GRPC_STATUS_FIELD } from '../../http/grpc/status.ts';
import { Head } from '../../http/head.ts';
import { RESET, type Stream } from '../../http/message.ts';
import type { UpstreamHost } from '../cluster/attempt.ts';
import { startHops } from './test/two-hops.ts';

const MESSAGE = '\0\0\0\0\x02hi';
const CHUNKED = 'HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ntransfer-encoding: chunked\r\n\r\n';

function call(fields = '', body = MESSAGE): string {
  return `POST /shop.Catalog/Get HTTP/1.1\r\nhost: catalog\r\ncontent-type: application/grpc\r\nte: trailers\r\n${fields}content-length: ${body.length}\r\n\r\n${body}`;
}

const trailersOnly = (status: number): string =>
  `HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ngrpc-status: ${status}\r\ncontent-length: 0\r\n\r\n`;
const withTrailers = (status: number): string => `${CHUNKED}7\r\n${MESSAGE}\r\n0\r\ngrpc-status: ${status}\r\n\r\n`;

async function ask(mesh: SimMesh, request = call(), whole = /grpc-status: \d+\r\n[^]*\r\n\r\n/): Promise<RawPeer> {
  const peer = mesh.connect();
  peer.send(request);
  await mesh.sim.run(() => whole.test(peer.text) || peer.closed !== null, 120_000);
  return peer;
}

const counted = (mesh: SimMesh): string[] =>
  mesh.web.telemetry
    .prometheus()
    .split('\n')
    .filter((line) => line.startsWith('weft_requests_total'))
    .map((line) => `${/code="\d*"/.exec(line)?.[0]} ${/grpc_status="\d*"/.exec(line)?.[0]} ${line.split(' ').at(-1)}`);

test('an error of the proxy reaches a gRPC caller as a status', async () => {
  const mesh = await startMesh({
    seed: 1,
    route: { clusters: [{ name: 'missing', weight: 1, subset: null, header: null }] },
  });
  const peer = await ask(mesh);
  assert.match(peer.text, /^HTTP\/1\.1 200 /);
  assert.match(peer.text, /^grpc-status: 14\r$/m);
  assert.match(peer.text, /^grpc-message: weft: the route .* names the unknown cluster missing \(NC\)\r$/m);
  assert.match(peer.text, /^x-weft-flag: NC\r$/m);
  assert.match(peer.text, /^content-type: application\/grpc\r$/m);
  assert.match(peer.text, /\r\n\r\n$/);
});

test('what a callee answers in trailers is counted by its status, and only its own failures are failures', async () => {
  const statuses = [0, 5, 14, 2, 8];
  const mesh = await startMesh({
    seed: 2,
    app: (peer) => answerWith(peer, () => withTrailers(statuses.shift() ?? 0)),
  });
  for (let i = 0; i < 5; i++) assert.match((await ask(mesh)).text, /\r\n0\r\ngrpc-status: \d+\r\n\r\n$/);
  await mesh.sim.run(undefined, 100);
  assert.deepEqual(
    counted(mesh).toSorted(),
    [0, 14, 2, 5, 8].map((status) => `code="200" grpc_status="${status}" 1`).toSorted(),
  );
  const [edge] = [...mesh.web.telemetry.edges()].filter(({ requests }) => requests > 0);
  assert.equal(edge?.failures, 2);
});

test('a status that the policy names is tried again when the response says nothing else, and not after a message', async () => {
  let calls = 0;
  const mesh = await startMesh({
    seed: 3,
    route: { retry: { ...RETRIES, statusCodes: [], grpcStatuses: 1 << 14 } },
    app: (peer) => answerWith(peer, () => (++calls === 1 ? trailersOnly(14) : withTrailers(0))),
  });
  assert.match((await ask(mesh)).text, /grpc-status: 0/);
  assert.equal(calls, 2);
  let late = 0;
  const passed = await startMesh({
    seed: 3,
    route: { retry: { ...RETRIES, statusCodes: [], grpcStatuses: 1 << 14 } },
    app: (peer) => answerWith(peer, () => (late++, withTrailers(14))),
  });
  assert.match((await ask(passed)).text, /grpc-status: 14/);
  assert.equal(late, 1);
  let other = 0;
  const unnamed = await startMesh({
    seed: 3,
    route: { retry: { ...RETRIES, statusCodes: [], grpcStatuses: 1 << 14 } },
    app: (peer) => answerWith(peer, () => (other++, trailersOnly(13))),
  });
  assert.match((await ask(unnamed)).text, /grpc-status: 13/);
  assert.equal(other, 1);
});

test("a caller's deadline ends the call, shrinks on its way, and one that has passed goes nowhere", async () => {
  const seen: string[] = [];
  const mesh = await startMesh({
    seed: 4,
    route: { retry: { ...RETRIES, baseIntervalMs: 200, maxIntervalMs: 200 } },
    app: (peer) =>
      answerWith(peer, (request) => {
        seen.push(/^grpc-timeout: (\d+m|\d+S)/im.exec(request)?.[1] ?? '');
        return seen.length < 3 ? 'HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n' : null;
      }),
  });
  const before = mesh.sim.nowMs;
  const peer = await ask(mesh, call('grpc-timeout: 2S\r\n'));
  assert.match(peer.text, /^grpc-status: 4\r$/m);
  assert.match(peer.text, /^x-weft-flag: UT\r$/m);
  const passed = mesh.sim.nowMs - before;
  assert.ok(passed >= 1_990 && passed < 2_100, `${passed} ms`);
  assert.equal(seen.length, 3);
  const left = seen.map((text) => (text.endsWith('S') ? 1_000 : 1) * Number.parseInt(text, 10));
  for (let i = 1; i < left.length; i++) assert.ok((left[i] ?? 0) < (left[i - 1] ?? 0), seen.join(' '));
  const nothing = await ask(mesh, call('grpc-timeout: 0m\r\n'));
  assert.match(nothing.text, /^grpc-status: 4\r$/m);
  assert.equal(seen.length, 3);
});

test('a callee that is the first to act on the deadline, by a reset, makes no other end of the call than the deadline', async () => {
  const DEADLINE_MS = 287;
  const cases = [
    { resetAfterMs: DEADLINE_MS - 50, begun: false, status: 14, flag: 'UR', failed: 1 },
    // Rounded down on the way to it.
    { resetAfterMs: DEADLINE_MS - 0.9, begun: false, status: 4, flag: 'UT', failed: 0 },
    { resetAfterMs: DEADLINE_MS + 0.1, begun: false, status: 4, flag: 'UT', failed: 0 },
    { resetAfterMs: DEADLINE_MS + 0.1, begun: true, status: 4, flag: 'UT', failed: 0 },
  ];
  for (const { resetAfterMs, begun, status, flag, failed } of cases) {
    const hops = await startHops({
      down: 'h2',
      up: 'h2',
      route: { retry: { ...RETRIES, retries: 0 } },
      acquire: (attempt) => {
        const { clock } = hops.sim.start(`10.9.9.${cases.length}`);
        attempt.onStream(NOWHERE);
        if (begun) attempt.onHead(grpcHead(''), false);
        clock.wake(clock.now() + resetAfterMs, () => attempt.onReset(RESET.aborted));
      },
    });
    const asked = Head.request('POST', '/a.B/C', 'app');
    asked.appendText(CONTENT_TYPE, 'application/grpc');
    asked.appendText(new FieldName('grpc-timeout'), `${DEADLINE_MS}m`);
    const { got } = hops.ask(asked, true);
    asked.free();
    await hops.run(() => got.done);
    const { head, trailers } = got;
    const end = trailers ?? ['grpc-status', 'x-weft-flag'].map((name) => `${name}=${head?.value(new FieldName(name))}`);
    const when = `${resetAfterMs} ms: ${end.join(', ')}`;
    assert.ok(end.includes(`grpc-status=${status}`), when);
    assert.ok(end.includes(`x-weft-flag=${flag}`), when);
    assert.equal(hops.telemetry.counters.counter('test_failed_tries').value, failed, when);
  }
});

test('the route bounds what a caller may ask for', async () => {
  const mesh = await startMesh({ seed: 5, route: { maxGrpcTimeoutMs: 500, grpcTimeoutOffsetMs: 100 }, app: () => {} });
  const before = mesh.sim.nowMs;
  assert.match((await ask(mesh, call('grpc-timeout: 1H\r\n'))).text, /^grpc-status: 4\r$/m);
  assert.ok(Math.abs(mesh.sim.nowMs - before - 400) < 50);
});

test('a response that breaks off ends in a status, not in silence', async () => {
  const mesh = await startMesh({
    seed: 6,
    app: (peer) =>
      answerWith(peer, () => {
        peer.send(`${CHUNKED}7\r\n${MESSAGE}\r\n`);
        return null;
      }),
    route: { timeoutMs: 1_000 },
  });
  const peer = await ask(mesh);
  assert.match(peer.text, /^HTTP\/1\.1 200 /);
  assert.match(peer.text, /\r\n0\r\ngrpc-status: 4\r\ngrpc-message: weft: request timeout of 1000 ms ended .*\r\n/);
});

test('the host learns the status of each call: from trailers, from a head that is all, and of a call that says none', async () => {
  const answers: readonly (readonly [inHead: string, inTrailers: string, learnt: number])[] = [
    ['', '14', 14],
    ['', '0', 0],
    ['13', '', 13],
    ['', '', 2],
  ];
  for (const [inHead, inTrailers, learnt] of answers) {
    const statuses: number[] = [];
    const host = {
      key: 'a',
      secure: false,
      noteResponse() {},
      noteGrpcStatus: (status: number) => statuses.push(status),
    };
    const hops = await startHops({
      down: 'h2',
      up: 'h2',
      acquire: (attempt) => {
        attempt.endpoint = host as unknown as UpstreamHost;
        attempt.onStream(NOWHERE);
        const isBare = inHead !== '' || inTrailers === '';
        attempt.onHead(grpcHead(inHead), isBare);
        if (isBare) return;
        const trailers = new Head();
        trailers.appendText(GRPC_STATUS_FIELD, inTrailers);
        attempt.onTrailers(trailers);
      },
    });
    const call = Head.request('POST', '/a.B/C', 'app');
    call.appendText(CONTENT_TYPE, 'application/grpc');
    const { got } = hops.ask(call, true);
    call.free();
    await hops.run(() => got.done);
    assert.deepEqual([got.done, statuses], [true, [learnt]]);
  }
});

function grpcHead(status: string): Head {
  const head = Head.response(200);
  head.appendText(CONTENT_TYPE, 'application/grpc');
  if (status !== '') head.appendText(GRPC_STATUS_FIELD, status);
  return head;
}

/** Where a request goes that nobody reads. */
const NOWHERE: Stream = {
  unsent: 0,
  sendHead() {},
  sendData() {},
  sendTrailers() {},
  release() {},
  discard() {},
  reset() {},
};
