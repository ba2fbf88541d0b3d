/** Certificates of one minute, renewed for three minutes under load: no request fails and no connection is cut. */
import assert from 'node:assert/strict';
import { get } from 'node:http';
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

function tcpTicks({ host, port }: Address): { ticks: Ticks; close: () => void } {
  const ticks = new Ticks();
  const socket = connect(port, host).setEncoding('utf8');
  socket.on('data', (text: string) => ticks.take(text));
  socket.on('error', (error) => ticks.end(error.message));
  socket.on('close', () => ticks.end('closed'));
  return { ticks, close: () => socket.destroy() };
}

function httpTicks({ host, port }: Address): { ticks: Ticks; close: () => void } {
  const ticks = new Ticks();
  const request = get({ host, port, path: '/ticks', headers: { host: 'catalog' }, agent: false }, (response) => {
    response.setEncoding('utf8').on('data', (text: string) => ticks.take(text));
    response.on('error', (error) => ticks.end(error.message));
    response.on('close', () => ticks.end('closed'));
  });
  request.on('error', (error) => ticks.end(error.message));
  return { ticks, close: () => request.destroy() };
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

  test('rotate for three minutes: no request fails, no connection is cut', async (t) => {
    const tickPort = members[0]?.record.spec?.ports?.[1]?.port;
    const streams = [tcpTicks(client.vip('catalog', tickPort)), httpTicks(client.vip('catalog'))];
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
