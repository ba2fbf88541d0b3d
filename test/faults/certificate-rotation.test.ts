/** Certificates of one minute, renewed for three minutes under load: no request fails and no stream is cut. */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LiveMesh } from '../support/live-mesh.ts';
import { failureText, Load, summary } from './load.ts';
import { type Address, loadOn, type Member, startClient, startInstance } from './shop.ts';

const FOR_MS = 180_000;
const TICK_MS = 100;

/** Lines that arrive one after the other, each the next number, until the end that must not come. */
class Ticks {
  count = 0;
  longestGapMs = 0;
  fault = '';
  #lastAt = performance.now();
  #rest = '';

  take(text: string): void {
    const lines = (this.#rest + text).split('\n');
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      if (Number(line) !== this.count) this.fault ||= `"${line}" came instead of ${this.count}`;
      this.count++;
    }
    this.longestGapMs = Math.max(this.longestGapMs, performance.now() - this.#lastAt);
    this.#lastAt = performance.now();
  }

  end(how: string): void {
    this.fault ||= `${how} after ${this.count} ticks`;
  }
}

interface TickStream {
  readonly ticks: Ticks;
  close(): void;
}

function tcpTicks({ host, port }: Address): TickStream {
  const ticks = new Ticks();
  const socket = connect(port, host).setEncoding('utf8');
  socket.on('data', (text: string) => ticks.take(text));
  socket.on('error', (error) => ticks.end(error.message));
  socket.on('close', () => ticks.end('closed'));
  return { ticks, close: () => socket.destroy() };
}

function httpTicks({ host, port }: Address): TickStream {
  const ticks = new Ticks();
  const request = get({ host, port, path: '/ticks', headers: { host: 'catalog' }, agent: false }, (response) => {
    response.setEncoding('utf8').on('data', (text: string) => ticks.take(text));
    response.on('error', (error) => ticks.end(error.message));
    response.on('close', () => ticks.end('closed'));
  });
  request.on('error', (error) => ticks.end(error.message));
  return { ticks, close: () => request.destroy() };
}

function webSocketTicks({ host, port }: Address): TickStream {
  const ticks = new Ticks();
  const key = Buffer.alloc(16).toString('base64');
  const headers = { host: 'catalog', connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-key': key };
  const request = get({ host, port, headers: { ...headers, 'sec-websocket-version': '13' }, agent: false });
  request.on('error', (error) => ticks.end(error.message));
  request.on('response', ({ statusCode }) => ticks.end(`answered with ${statusCode}`));
  request.on('upgrade', (_response, socket, head) => {
    ticks.take(head.toString());
    socket.setEncoding('utf8').on('data', (text: string) => ticks.take(text));
    socket.on('error', (error) => ticks.end(error.message));
    socket.on('close', () => ticks.end('closed'));
  });
  return { ticks, close: () => request.destroy() };
}

/** As gRPC streams: both directions stay open. */
function http2Ticks({ host, port }: Address): TickStream {
  const ticks = new Ticks();
  const session = connectHttp2(`http://${host}:${port}`);
  const stream = session.request({ ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers' });
  stream.setEncoding('utf8').on('data', (text: string) => ticks.take(text));
  for (const each of [session, stream]) {
    each.on('error', (error) => ticks.end(error.message));
    each.on('close', () => ticks.end('closed'));
  }
  return { ticks, close: () => session.destroy() };
}

describe('SVIDs of one minute', () => {
  const mesh = new LiveMesh();
  let members: Member[] = [];
  let client: Member;

  before(async () => {
    await mesh.start('--svid-ttl', '1m');
    members = [await startInstance(mesh, 'catalog-1', { ticks: true })];
    client = await startClient(mesh, ['catalog']);
  });
  after(() => mesh.close());

  test('rotate for three minutes: no request fails, no stream is cut', async (t) => {
    const [, tickPort, http2Port] = members[0]?.record.spec?.ports ?? [];
    const streams = [
      tcpTicks(client.vip('catalog', tickPort?.port)),
      httpTicks(client.vip('catalog')),
      webSocketTicks(client.vip('catalog')),
      http2Ticks(client.vip('catalog', http2Port?.port)),
    ];
    const load = new Load(loadOn(client));
    await sleep(FOR_MS);
    const states = streams.map(({ ticks }) => ({ ...ticks }));
    for (const { close } of streams) close();
    const report = await load.stop();
    t.diagnostic(`${summary(report)}; ticks: ${states.map(({ count }) => count).join(', ')}`);
    assert.equal(failureText(report), '');
    for (const { count, fault, longestGapMs } of states) {
      assert.equal(fault, '');
      assert.ok(count > (FOR_MS / TICK_MS) * 0.8, `${count} ticks`);
      assert.ok(longestGapMs < 3_000, `${longestGapMs} ms without a tick`);
    }
    for (const { child } of [...members, client]) {
      const renewals = child.stderr.match(/"message":"renewed the SVID"/g)?.length ?? 0;
      assert.ok(renewals >= 4, `${child.name}: ${renewals} renewals`);
    }
  });
});
