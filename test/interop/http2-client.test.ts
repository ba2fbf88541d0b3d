/** Our HTTP/2 client end with servers that we did not write. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { Child } from '../support/child.ts';
import { missing, program } from '../support/components.ts';
import { type Asker, connectH2 } from '../support/h2-ask.ts';
import { freePort } from '../support/live-mesh.ts';

const runtime = createNodeRuntime();
const directory = mkdtempSync(join(tmpdir(), 'weft-h2-'));
const big = randomBytes(2_000_000);
after(() => rmSync(directory, { recursive: true }));

/** Many at once, and large ones among them. */
async function exercise(asker: Asker): Promise<void> {
  const small = Array.from({ length: 90 }, (_, i) => Buffer.from(`request ${i}`));
  const bodies = [...small, big, big, big];
  const answers = await Promise.all(bodies.map((body) => asker.ask('/', body)));
  for (const [i, { status, body }] of answers.entries()) {
    assert.equal(status, 200);
    assert.ok(body.equals(bodies[i] ?? Buffer.alloc(0)), `content ${i}`);
  }
}

describe('node:http2', () => {
  let server: Http2Server;
  let asker: Asker;

  before(async () => {
    server = createServer({ settings: { initialWindowSize: 20_000, maxConcurrentStreams: 200 } });
    server.on('stream', (stream: ServerHttp2Stream, headers) => {
      stream.additionalHeaders({ ':status': 103, link: '</a>' });
      stream.respond({ ':status': 200, 'x-method': headers[':method'] }, { waitForTrailers: true });
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-end': 'yes' }));
      stream.pipe(stream);
    });
    await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
    asker = connectH2(runtime, (server.address() as AddressInfo).port);
  });
  after(() => {
    asker.close();
    server.close();
  });

  test('content of any size both ways, interim responses, trailers', async () => {
    await exercise(asker);
    const { fields, trailers } = await asker.ask('/', Buffer.from('x'));
    assert.deepEqual([fields.get('x-method'), trailers.get('x-end')], ['POST', 'yes']);
  });
});

describe('nghttpd', { skip: missing('nghttpd') }, () => {
  test('serves a file, over and over on one connection', async () => {
    writeFileSync(join(directory, 'big'), big);
    const port = await freePort();
    const child = new Child(program('nghttpd'), ['--no-tls', '-a', '127.0.0.1', '-d', directory, String(port)]);
    try {
      await sleep(300);
      const asker = connectH2(runtime, port);
      for (let round = 0; round < 3; round++) {
        const answers = await Promise.all(Array.from({ length: 5 }, () => asker.ask('/big')));
        for (const { status, body } of answers) assert.deepEqual([status, body.equals(big)], [200, true]);
      }
      assert.equal((await asker.ask('/none')).status, 404);
      assert.equal((await asker.ask('/big', null, 'HEAD')).body.length, 0);
      asker.close();
    } finally {
      await child.stop(2_000);
    }
  });
});

/** `http.Protocols` came with Go 1.24. */
const oldGo = (): string | false => {
  const absent = missing('go');
  if (absent !== false) return absent;
  const version = execFileSync(program('go'), ['version'], { encoding: 'utf8' });
  return Number(/go1\.(\d+)/.exec(version)?.[1]) >= 24 ? false : `needs Go 1.24, this machine has ${version}`;
};

describe("Go's net/http", { skip: oldGo() }, () => {
  test('clear text by prior knowledge: content, trailers, and its own idea of windows', {
    timeout: 200_000,
  }, async () => {
    const binary = join(directory, 'go-h2c');
    const env = { ...process.env, GO111MODULE: 'off', GOTOOLCHAIN: 'local', GOPROXY: 'off', CGO_ENABLED: '0' };
    const source = join(import.meta.dirname, 'go-h2c', 'main.go');
    execFileSync(program('go'), ['build', '-o', binary, source], { env, timeout: 150_000 });
    const child = new Child(binary, []);
    try {
      for (let i = 0; i < 100 && !child.stdout.includes('\n'); i++) await sleep(50);
      const asker = connectH2(runtime, Number(child.stdout));
      await exercise(asker);
      const { fields, trailers } = await asker.ask('/', Buffer.from('four'));
      assert.deepEqual([fields.get('x-proto'), trailers.get('x-bytes')], ['HTTP/2.0', '4']);
      asker.close();
    } finally {
      await child.stop(2_000);
    }
  });
});
