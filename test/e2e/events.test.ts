/** What a server says bit by bit arrives bit by bit: events and long polls, between any two versions of HTTP. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const apps = join(import.meta.dirname, 'apps');
const node = `'${process.execPath}'`;
const reader = `${node} '${join(apps, 'events-client.mjs')}'`;
const EVENTS = 10;
/** Events leave every 100 ms, and all of them within a second: whoever buffers is later than this with the first. */
const LATE_MS = 400;

const mesh = new LiveMesh();
let shell: MeshShell;

before(async () => {
  await mesh.start();
  for (const [service, protocol, version] of [
    ['events-h1', 'http', ''],
    ['events-h2', 'http2', 'h2'],
  ] as const) {
    const port = await freePort();
    const command = [process.execPath, join(apps, 'events-server.mjs'), String(port), version];
    await mesh.serve({ service, ports: [`main=${port}:${protocol}`] }, ...command);
  }
  shell = await mesh.shell({ service: 'reader', uses: ['events-h1', 'events-h2'] });
});
after(() => mesh.close());

const CURL = { h1: '--http1.1', h2: '--http2-prior-knowledge' } as const;

for (const server of ['h1', 'h2'] as const) {
  const variable = `EVENTS_${server.toUpperCase()}_SERVICE`;
  const address = `http://$${variable}_HOST:$${variable}_PORT`;
  describe(`a server that speaks ${server}`, () => {
    for (const client of ['h1', 'h2'] as const) {
      test(`gives Node over ${client} each event at once`, async () => {
        assertPrompt(await shell.output(`${reader} ${client} "${address}/events"`), EVENTS);
      });

      test(`gives curl over ${client} each event at once`, { skip: missing('curl') }, async () => {
        const curl = `curl -sSN -m 20 ${CURL[client]} "${address}/events"`;
        assertPrompt(await shell.output(`${curl} | ${reader} stdin`), EVENTS);
      });

      test(`lets a poll of curl over ${client} wait`, { skip: missing('curl') }, async () => {
        const curl = `curl -sSN -m 20 ${CURL[client]} "${address}/poll"`;
        assertPrompt(await shell.output(`${curl} | ${reader} stdin`), 1);
      });
    }

    test('gives Node by name, through the proxy of the environment, each event at once', async () => {
      assertPrompt(await shell.output(`${reader} h1 http://events-${server}/events`), EVENTS);
    });
  });
}

test('all of it was carried with mTLS, as HTTP', async () => {
  for (const server of ['events-h1', 'events-h2']) {
    await mesh.assertSecure(server, 'requests', 'inbound', ['reader', server], 7);
  }
});

function assertPrompt(output: string, count: number): void {
  const { events, latestMs } = JSON.parse(output) as { events: number; latestMs: number };
  assert.equal(events, count);
  assert.ok(latestMs < LATE_MS, `an event came ${latestMs} ms late`);
}
