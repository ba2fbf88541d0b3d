/**
 * Weft's proxy and Envoy in one mesh, each calling each, in every protocol, while the mesh changes below: routes and
 * weights, certificates, endpoints, the control plane itself. Nothing fails, and streams that were open stay open.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { apply, member, type Member } from '../faults/shop.ts';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import * as callers from './callers.ts';
import { Steady } from './steady.ts';

const APP = join(import.meta.dirname, 'app.fixture.ts');
const KINDS = ['weft', 'envoy'] as const;
type Kind = (typeof KINDS)[number];
/** Of each pair and protocol; a conversation over TCP or WebSocket is a handshake at every hop. */
const REQUESTS_PER_SECOND = 5;
const CONVERSATIONS_PER_SECOND = 2;
const START_LIMIT_MS = 30_000;
const PORTS = ['web', 'http2', 'grpc', 'tcp'] as const;
const PROTOCOLS: Readonly<Record<(typeof PORTS)[number], string>> = {
  web: 'http',
  http2: 'http2',
  grpc: 'grpc',
  tcp: 'tcp',
};

function route(service: string, v1: number, v2: number): object {
  const backend = (version: string, weight: number): object => ({ name: `${service}-${version}`, port: 80, weight });
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: service, namespace: 'default' },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: service, port: 80 }],
      rules: [{ backendRefs: [backend('v1', v1), backend('v2', v2)] }],
    },
  };
}

describe('Weft and Envoy in one mesh', { skip: missing('envoy') }, () => {
  const mesh = new LiveMesh();
  const steady: Steady[] = [];
  const streams: { readonly name: string; readonly stream: callers.LongStream }[] = [];
  const members = new Map<string, Member>();

  async function startBackend(kind: Kind, version: string): Promise<void> {
    const name = `${kind}-back-${version}`;
    const numbers = await Promise.all(PORTS.map(() => freePort()));
    const ports = PORTS.map((port, i) => `${port}=${numbers[i]}:${PROTOCOLS[port]}`);
    const env = Object.fromEntries(PORTS.map((port, i) => [`${port.toUpperCase()}_PORT`, String(numbers[i])]));
    const flags = ['--proxy', kind, '--version', version];
    const options = { service: `${kind}-back`, name, ports, flags, env: { ...env, NAME: name } };
    members.set(name, await member(mesh, name, await mesh.serve(options, process.execPath, APP)));
  }

  async function startClient(kind: Kind): Promise<void> {
    const name = `${kind}-client`;
    const uses = KINDS.flatMap((back) => [`${back}-back`, `${back}-back-v1`, `${back}-back-v2`]);
    const child = mesh.run(
      {
        service: name,
        name,
        uses,
        flags: ['--proxy', kind],
      },
      'sh',
      '-c',
      'echo app; exec sleep 900',
    );
    await child.said(/^app$/m, START_LIMIT_MS);
    members.set(name, await member(mesh, name, child));
  }

  function named(name: string): Member {
    const found = members.get(name);
    assert.ok(found !== undefined, name);
    return found;
  }

  /** Where `from` finds a port of `to`: Services have the numbers of their first instance. */
  function placeOf(from: Kind, to: Kind, port: (typeof PORTS)[number]): callers.Place {
    const first = named(`${to}-back-v1`).record.spec?.ports?.find((each) => each.name === port);
    return named(`${from}-client`).vip(`${to}-back`, port === 'web' ? 80 : first?.port);
  }

  function startTraffic(from: Kind, to: Kind): void {
    const service = `${to}-back`;
    const [web, http2, grpc, tcp] = PORTS.map((port) => placeOf(from, to, port));
    assert.ok(web && http2 && grpc && tcp);
    const all = {
      'HTTP/1.1': callers.http1Caller(web, service),
      'HTTP/2': callers.http2Caller(http2, service),
      gRPC: callers.grpcCaller(grpc),
      WebSocket: callers.webSocketCaller(web, service),
      TCP: callers.tcpCaller(tcp),
    };
    for (const [protocol, caller] of Object.entries(all)) {
      const isConversation = protocol === 'TCP' || protocol === 'WebSocket';
      const perSecond = isConversation ? CONVERSATIONS_PER_SECOND : REQUESTS_PER_SECOND;
      steady.push(new Steady(`${protocol}, ${from} → ${to}`, caller, perSecond));
    }
    streams.push(
      { name: `gRPC stream, ${from} → ${to}`, stream: callers.longGrpc(grpc) },
      { name: `WebSocket, ${from} → ${to}`, stream: callers.longWebSocket(web, service) },
      { name: `TCP, ${from} → ${to}`, stream: callers.longTcp(tcp) },
    );
  }

  function faults(): string[] {
    return [
      ...steady.flatMap(({ name, failures }) => failures.slice(0, 3).map((failure) => `${name}: ${failure}`)),
      ...streams.flatMap(({ name, stream }) => (stream.fault === '' ? [] : [`${name}: ${stream.fault}`])),
    ];
  }

  /** Every caller has been answered so often since now. */
  async function progress(what: string, count = 3): Promise<void> {
    const before = steady.map(({ answered }) => answered);
    await until(`${what}: every caller is answered`, 20_000, () => {
      return faults().length > 0 || steady.every(({ answered }, i) => answered >= (before[i] ?? 0) + count);
    });
    assert.deepEqual(faults(), [], what);
  }

  before(async () => {
    await mesh.start('--svid-ttl', '1m');
    await Promise.all(KINDS.map((kind) => startBackend(kind, 'v1')));
    await apply(mesh, ...KINDS.map((kind) => route(`${kind}-back`, 1, 0)));
    await Promise.all(KINDS.map(startClient));
  });
  after(async () => {
    for (const { stream } of streams) stream.close();
    await Promise.all(steady.map((each) => each.stop()));
    await mesh.close();
  });

  test('each calls each in every protocol, with mTLS', async () => {
    for (const from of KINDS) for (const to of KINDS) startTraffic(from, to);
    await progress('at the start');
    for (const from of KINDS) {
      for (const to of KINDS) {
        const { host, port } = placeOf(from, to, 'web');
        const answer = await fetch(`http://${host}:${port}/`);
        assert.equal(
          answer.headers.get('x-caller'),
          `spiffe://weft.local/ns/default/sa/${from}-client`,
          `${from} → ${to}`,
        );
      }
    }
  });

  test('endpoints come, weights move to them and back, and they go', async () => {
    await Promise.all(KINDS.map((kind) => startBackend(kind, 'v2')));
    const http = steady.filter(({ name }) => name.startsWith('HTTP/1.1'));
    for (const [v1, v2] of [
      [1, 1],
      [0, 1],
      [1, 0],
    ] as const) {
      await apply(mesh, ...KINDS.map((kind) => route(`${kind}-back`, v1, v2)));
      const wanted = (instances: ReadonlyMap<string, number>): boolean => {
        const versions = new Set([...instances.keys()].map((name) => name.slice(-2)));
        return versions.has('v1') === v1 > 0 && versions.has('v2') === v2 > 0;
      };
      await until(`weights of ${v1} and ${v2}`, 20_000, async () => {
        for (const each of http) each.forgetInstances();
        await sleep(1_000);
        return faults().length > 0 || http.every(({ instances }) => wanted(instances));
      });
      assert.deepEqual(faults(), [], `weights of ${v1} and ${v2}`);
    }
    await Promise.all(KINDS.map((kind) => named(`${kind}-back-v2`).child.stop()));
    await progress('when they have gone');
  });

  test('the control plane dies and returns', async () => {
    mesh.controlPlane.signal('SIGKILL');
    await mesh.controlPlane.exited;
    await sleep(2_000);
    await progress('without a control plane');
    await mesh.startControlPlane('--svid-ttl', '1m');
    await Promise.all(KINDS.map((kind) => startBackend(kind, 'v2')));
    const tcp = steady.filter(({ name }) => name.startsWith('TCP'));
    await until('new endpoints are called', 30_000, () =>
      tcp.every(({ instances }) => [...instances.keys()].some((name) => name.endsWith('v2'))),
    );
    await progress('with the new control plane');
  });

  test('certificates rotate', async (t) => {
    const renewals = (): number[] =>
      [...members.values()].map(({ child }) => child.stderr.match(/"message":"renewed the SVID"/g)?.length ?? 0);
    await until('each was renewed', 60_000, () => renewals().every((count) => count >= 1) || faults().length > 0);
    await progress('with new certificates');
    const counts = steady.map(({ answered }) => answered);
    t.diagnostic(`${counts.reduce((a, b) => a + b, 0)} exchanges; renewals: ${renewals().join(', ')}`);
    for (const { name, stream } of streams) assert.ok(stream.answers > 20, `${name}: ${stream.answers} answers`);
  });
});
