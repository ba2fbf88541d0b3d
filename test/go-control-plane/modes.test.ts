/**
 * Weft's proxy under a control plane that Weft did not write: the go-control-plane library with its own test resources,
 * in all six modes of its integration test. Traffic flows through every change, and no request fails.
 */
import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect } from 'node:tls';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { failureText, Load } from '../faults/load.ts';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort } from '../support/live-mesh.ts';
import { buildServer, ManagedProxy, type ManagedSnapshot, MODES } from './managed-proxy.ts';

const LIMIT_MS = 20_000;

/** An upstream that says who it is. */
async function upstream(name: string): Promise<Server> {
  const server = createServer((_, response) => {
    response.setHeader('x-instance', name);
    response.end(name);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

/** The serial number of what a TLS listener presents. */
function presented(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] }, () => {
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      resolve(serialNumber);
    });
    socket.on('error', reject);
  });
}

describe('under go-control-plane', { skip: missing('go') }, () => {
  let built: ReturnType<typeof buildServer>;
  let upstreams: Server[] = [];
  let certificates: readonly { readonly certificateChainPem: string; readonly privateKeyPem: string }[] = [];

  before(async () => {
    built = buildServer();
    upstreams = await Promise.all(['one', 'two', 'three'].map(upstream));
    const authority = await createAuthority('test');
    certificates = [await authority.issue({ dnsNames: ['edge'] }), await authority.issue({ dnsNames: ['edge'] })];
  });

  after(() => {
    for (const server of upstreams) {
      server.closeAllConnections();
      server.close();
    }
    built.remove();
  });

  for (const mode of MODES) {
    test(mode, { timeout: 90_000 }, async () => {
      const [one = 0, two = 0, three = 0] = upstreams.map(portOf);
      const [plain, secure, added, raw] = await Promise.all([freePort(), freePort(), freePort(), freePort()]);
      const [first, second] = certificates;
      assert.ok(first !== undefined && second !== undefined);
      const proxy = await ManagedProxy.start(built.path, mode);
      let version = 0;
      const set = (parts: Omit<ManagedSnapshot, 'Version'>): Promise<void> =>
        proxy.set({ Version: `v${++version}`, Chain: first.certificateChainPem, Key: first.privateKeyPem, ...parts });
      const Listeners = [
        { Name: 'plain', Port: plain, Route: 'main' },
        { Name: 'secure', Port: secure, Route: 'main', TLS: true },
      ];
      try {
        await set({ Clusters: { a: [one] }, Routes: { main: { a: 1 } }, Listeners });
        await proxy.serves(plain);
        await proxy.serves(secure);
        const load = new Load({ host: '127.0.0.1', port: plain, authority: 'app', perSecond: 100 });
        const answers = (what: string, isSo: (names: ReadonlySet<string>) => boolean): Promise<unknown> => {
          load.resetInstances();
          return until(what, LIMIT_MS, () => {
            const total = [...load.instances.values()].reduce((sum, each) => sum + each, 0);
            if (total < 10) return null;
            const fits = isSo(new Set(load.instances.keys()));
            // What was answered before the change counts for nothing.
            if (!fits) load.resetInstances();
            return fits || null;
          });
        };
        const only = (name: string) => (names: ReadonlySet<string>) => names.size === 1 && names.has(name);
        await answers('one answers', only('one'));

        // Endpoints: one comes, one goes.
        await set({ Clusters: { a: [one, two] }, Routes: { main: { a: 1 } }, Listeners });
        await answers('both answer', (names) => names.has('two') && names.has('one'));
        await set({ Clusters: { a: [two] }, Routes: { main: { a: 1 } }, Listeners });
        await answers('two answers alone', only('two'));

        // A cluster and weights, listeners that come and go, raw TCP.
        const more = { Clusters: { a: [two], b: [three] }, Routes: { main: { a: 1, b: 1 } } };
        const TCP = [{ Name: 'raw', Port: raw, Cluster: 'b' }];
        await set({ ...more, Listeners: [...Listeners, { Name: 'added', Port: added, Route: 'main' }], TCP });
        await answers('the weights are seen', (names) => names.has('two') && names.has('three'));
        await proxy.serves(added);
        await proxy.serves(raw);
        assert.equal(await (await fetch(`http://127.0.0.1:${raw}/`)).text(), 'three');

        // One resource is bad: it keeps its last version, is refused by name, and the rest of the update is in use.
        await set({ ...more, Routes: { main: { b: 1 } }, Listeners, TCP, Bad: 'plain' });
        await answers('the rest of the update is in use', only('three'));
        if (mode === 'rest') {
          await until('the refusal is logged', LIMIT_MS, () =>
            /refused.*plain|plain.*refused/.test(proxy.log) ? true : null,
          );
        } else {
          const refusal = await until('the refusal is told', LIMIT_MS, async () => (await proxy.refusals())[0] ?? null);
          assert.match(refusal.Message, /^plain: .*http_filters\[0\]/);
        }
        await until('the listener that is gone is closed', LIMIT_MS, async () =>
          (await proxy.admin('/listeners')).includes(`:${added}\n`) ? null : true,
        );

        // A certificate is replaced: new connections see it, and nothing else does.
        await set({ ...more, Routes: { main: { a: 1 } }, Listeners, TCP });
        const before = await presented(secure);
        await set({
          ...more,
          Routes: { main: { a: 1 } },
          Listeners,
          TCP,
          Chain: second.certificateChainPem,
          Key: second.privateKeyPem,
        });
        await until('the new certificate is presented', LIMIT_MS, async () =>
          (await presented(secure)) === before ? null : true,
        );
        const report = await load.stop();
        assert.equal(failureText(report), '');
        assert.ok(report.answered > 50);
        assert.match(await proxy.admin('/ready'), /^LIVE/);
        assert.doesNotMatch(await proxy.admin('/config_dump'), /PRIVATE KEY/);
      } finally {
        await proxy.stop();
      }
    });
  }
});
