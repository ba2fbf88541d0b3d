/**
 * The conformance suite for HTTP/2 against the whole proxy: where applications call it, through both sidecars of a pair
 * to an application that speaks HTTP/1.1, and where the mesh calls it, in clear text and over TLS.
 */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { connect as connectTls } from 'node:tls';
import { silentLog } from '../../src/core/log.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import type { Svid } from '../../src/identity/svid.ts';
import type { DataPlane } from '../../src/proxy/data-plane.ts';
import { missing } from '../support/components.ts';
import { runH2spec } from '../support/h2spec.ts';
import { freePort } from '../support/live-mesh.ts';
import {
  chainOf,
  clusterOf,
  endpointAt,
  forward,
  httpManager,
  idOf,
  listenerOf,
  meshTls,
  mtlsChain,
  routesOf,
  snapshotOf,
  TRUST_DOMAIN,
} from '../support/proxy-snapshots.ts';
import { issueSvid, SettableSvid, testAuthority } from '../support/real-svids.ts';
import { planeOf } from '../support/sim-mesh.ts';

const ALL = '146 tests, 146 passed, 0 skipped, 0 failed';
const HOST = '127.0.0.1';
/** A busy machine must not make a client look like one that waits for its server to speak. */
const PATIENT = { inspectTimeoutMs: 5_000 };
/** Long enough for what h2spec sends after its request to come first. */
const DELAY_MS = 60;

describe('h2spec --strict against a pair of sidecars', { skip: missing('h2spec') }, () => {
  const runtime = createNodeRuntime();
  let asked = 0;
  const app = createServer((request, response) => {
    asked++;
    request.resume();
    request.on('error', () => {});
    setTimeout(() => response.end('answered late'), DELAY_MS);
  });
  const authority = testAuthority(runtime, TRUST_DOMAIN);
  const relay = createTcpServer();
  const planes: DataPlane[] = [];
  let [outbound, inbound] = [0, 0];

  before(async () => {
    await new Promise<void>((done) => void app.listen(0, HOST, done));
    [outbound, inbound] = [await freePort(), await freePort()];
    const callee = await start('catalog');
    const manager = httpManager('in', { codec: 'http2' });
    await callee.use(
      callee.bind(
        snapshotOf({
          routes: [routesOf('in', { '/': forward('inbound') })],
          listeners: [
            listenerOf(
              'inbound|http',
              { host: HOST, port: inbound },
              [mtlsChain(manager, 'weft-http1'), chainOf(manager, { transportProtocol: 'raw_buffer' })],
              PATIENT,
            ),
          ],
          clusters: [clusterOf('inbound', [endpointAt({ host: HOST, port: (app.address() as AddressInfo).port })])],
        }),
      ),
    );
    const caller = await start('web');
    await caller.use(
      caller.bind(
        snapshotOf({
          routes: [routesOf('out', { '/': forward('catalog.shop') })],
          listeners: [
            listenerOf('outbound|http', { host: HOST, port: outbound }, [chainOf(httpManager('out'))], PATIENT),
          ],
          clusters: [
            clusterOf('catalog.shop', [endpointAt({ host: HOST, port: inbound })], {
              transport: meshTls(['catalog'], 'weft-http1'),
              protocol: 'http2',
            }),
          ],
        }),
      ),
    );
  });
  after(async () => {
    for (const plane of planes) await plane.close();
    app.closeAllConnections();
    app.close();
    relay.close();
  });

  async function svidOf(account: string): Promise<Svid> {
    return issueSvid(await authority, idOf(account));
  }

  async function start(account: string): Promise<DataPlane> {
    const { trustBundlePem } = await authority;
    const parts = { accessLogPath: null, trustBundlePem };
    const plane = planeOf(runtime, `${account}.shop`, new SettableSvid(await svidOf(account)), silentLog, parts);
    planes.push(plane);
    return plane;
  }

  /** Every TLS of a mesh wants a certificate, and h2spec has none: its clear text gets one on the way. */
  async function startSecured(): Promise<number> {
    const svid = await svidOf('web');
    const options = {
      host: HOST,
      port: inbound,
      cert: svid.certificateChainPem,
      key: svid.privateKeyPem,
      // Who the callee is, is not what is tested.
      rejectUnauthorized: false,
      servername: 'catalog.shop.mesh.weft.local',
      ALPNProtocols: ['weft-http1'],
    };
    relay.on('connection', (socket) => {
      const secured = connectTls(options);
      socket.pipe(secured).pipe(socket);
      // `pipe` passes on an end in order and nothing else.
      for (const [one, other] of [
        [socket, secured],
        [secured, socket],
      ] as const) {
        one.on('error', () => one.destroy());
        one.on('close', () => other.destroySoon());
      }
    });
    await new Promise<void>((done) => void relay.listen(0, HOST, done));
    return (relay.address() as AddressInfo).port;
  }

  /** Also that requests got as far as the application. */
  async function passes(port: number, expected: string): Promise<string> {
    asked = 0;
    const { summary, output } = await runH2spec({ port, tls: false });
    assert.equal(summary, expected, output);
    assert.ok(asked > 20, `${asked} requests`);
    return output;
  }

  test('the listener for applications, in clear text', { timeout: 150_000 }, async () => {
    const output = await passes(outbound, '146 tests, 145 passed, 0 skipped, 1 failed');
    // Whoever speaks both versions answers bytes that are neither with a 400 of HTTP/1.1, and h2spec reads frames.
    assert.match(
      output,
      /Failures:[^×]*3\.5\. HTTP\/2 Connection Preface\s+× 2: Sends invalid connection preface[^×]*$/,
    );
  });

  test('the listener for the mesh, in clear text', { timeout: 150_000 }, async () => {
    await passes(inbound, ALL);
  });

  test('the listener for the mesh, over mTLS', { timeout: 150_000 }, async () => {
    await passes(await startSecured(), ALL);
  });
});
