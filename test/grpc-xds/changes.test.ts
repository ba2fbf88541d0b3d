/**
 * What changes below gRPC without sidecars while calls go on, and no call fails: certificates of one minute are renewed,
 * servers come and go, the control plane dies and comes back.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, until } from '../support/child.ts';
import { missing, missingPython } from '../support/components.ts';
import { LANGUAGES, type Language, type ProbeClient } from './probe.ts';
import { inAllLanguages, ProxylessMesh } from './proxyless-mesh.ts';

const FLAGS = ['--svid-ttl', '1m'];
const SETTLES_MS = 20_000;
const ROTATION_LIMIT_MS = 90_000;
const CALLS = { target: 'xds:///pool', count: 100, concurrency: 2, pauseMs: 5 } as const;

describe('gRPC without sidecars while the mesh changes', { skip: missing('go') || missingPython('grpc') }, () => {
  const mesh = new ProxylessMesh();
  const first = new Map<Language, Child>();
  let throughSidecar: ProbeClient;
  let expiry = 0;

  before(async () => {
    await mesh.start(...FLAGS);
    for (const language of LANGUAGES) {
      first.set(language, await mesh.serve(language, { service: 'pool', name: `pool-${language}` }));
    }
    mesh.startClients();
    throughSidecar = mesh.clientBehindSidecar({ service: 'call-side' });
    const identities = globSync(join(mesh.mesh.stateDir, 'run/*/identity.pem')).map((path) => readFileSync(path));
    assert.ok(identities.length >= LANGUAGES.length);
    expiry = Math.max(...identities.map((pem) => new X509Certificate(pem).validToDate.getTime()));
    await inAllLanguages((language) => spread(mesh.of(language), 3));
    await throughSidecar.connected('env:POOL');
  });
  after(() => mesh.close());

  /** Until calls go to so many servers; none may fail. */
  function spread(client: ProbeClient, servers: number): Promise<unknown> {
    return until(`calls go to ${servers} servers`, SETTLES_MS, async () => {
      const { names } = await client.succeeds({ target: 'xds:///pool', count: 30, timeoutMs: 20_000 });
      return Object.keys(names).length === servers;
    });
  }

  /** Calls in all languages, one after the other, until `work` is done; none may fail. */
  async function whileCalling(work: () => Promise<unknown>): Promise<number> {
    let isDone = false;
    let calls = 0;
    const going = inAllLanguages(async (language) => {
      do {
        await mesh.of(language).succeeds(CALLS);
        calls += CALLS.count;
      } while (!isDone);
    });
    const sidecar = (async () => {
      do await throughSidecar.succeeds({ ...CALLS, target: 'env:POOL' });
      while (!isDone);
    })();
    try {
      await work();
    } finally {
      isDone = true;
    }
    await Promise.all([going, sidecar]);
    return calls;
  }

  test('a server of each library leaves, and comes back', async () => {
    const calls = await whileCalling(async () => {
      for (const language of LANGUAGES) {
        const child = first.get(language);
        assert.ok(child);
        assert.ok(await child.stop(), `${language} did not end`);
        first.set(language, await mesh.serve(language, { service: 'pool', name: `pool-${language}` }));
      }
    });
    assert.ok(calls > 500, `${calls} calls`);
    await inAllLanguages((language) => spread(mesh.of(language), 3));
  });

  test('without a control plane calls go on, and what changed meanwhile comes with the next one', async () => {
    await whileCalling(async () => {
      const { controlPlane } = mesh.mesh;
      controlPlane.signal('SIGKILL');
      await controlPlane.exited;
      await sleep(2_000);
      await mesh.mesh.startControlPlane(...FLAGS);
      await mesh.serve('go', { service: 'pool', name: 'pool-late' });
    });
    await inAllLanguages((language) => spread(mesh.of(language), 4));
  });

  test('without a control plane, programs that start again have what they had, and then what changed', async () => {
    const { controlPlane } = mesh.mesh;
    controlPlane.signal('SIGKILL');
    await controlPlane.exited;
    const server = first.get('go');
    assert.ok(server);
    await Promise.all([server, ...mesh.clients.values()].map((each) => ('child' in each ? each.child : each).stop()));
    await mesh.launch('go', { service: 'pool', name: 'pool-go' });
    mesh.startClients();
    await inAllLanguages((language) => spread(mesh.of(language), 4));
    await mesh.mesh.startControlPlane(...FLAGS);
    await mesh.serve('go', { service: 'pool', name: 'pool-new' });
    await inAllLanguages((language) => spread(mesh.of(language), 5));
  });

  test('when the first certificates are over, connections are still made, in every direction', async () => {
    await until('the first certificates are over', ROTATION_LIMIT_MS, () => Date.now() > expiry + 1_000);
    await inAllLanguages(async (language) => {
      const called = new Set<string>();
      // A channel calls whom it has reached so far: the first connection may be the only one for a while.
      await until(`${language} has called every server over new connections`, SETTLES_MS, async () => {
        const { names } = await mesh.of(language).succeeds({ ...CALLS, count: 30, fresh: true });
        for (const name of Object.keys(names)) called.add(name);
        return called.size === 5;
      });
    });
    await throughSidecar.succeeds({ target: 'env:POOL', count: 30 });
  });
});
