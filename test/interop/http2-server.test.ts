/** Our HTTP/2 server end with clients that we did not write. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { Child } from '../support/child.ts';
import { missing, program } from '../support/components.ts';
import { type Echo, GREETING, serveEcho } from '../support/h2-echo.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-h2-'));
const big = randomBytes(3_000_000);
const file = join(directory, 'big');
let echo: Echo;
let url = '';

before(async () => {
  writeFileSync(file, big);
  echo = await serveEcho(createNodeRuntime());
  url = `http://127.0.0.1:${echo.listener.address.port}/`;
});
after(async () => {
  rmSync(directory, { recursive: true });
  await echo.close();
});

interface Reply {
  readonly status: number;
  readonly body: Buffer;
  readonly trailers: IncomingHttpHeaders;
}

function ask(session: ClientHttp2Session, body: Buffer | null, trailers: Record<string, string> = {}): Promise<Reply> {
  return new Promise((done, failed) => {
    const stream = session.request(
      { ':path': '/', ':method': body === null ? 'GET' : 'POST' },
      { waitForTrailers: true },
    );
    const parts: Buffer[] = [];
    let status = 0;
    let got: IncomingHttpHeaders = {};
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    stream.on('response', (headers) => (status = headers[':status'] ?? 0));
    stream.on('trailers', (headers) => (got = headers));
    stream.on('data', (part: Buffer) => parts.push(part));
    stream.on('end', () => done({ status, body: Buffer.concat(parts), trailers: got }));
    stream.on('error', failed);
    if (body === null) stream.end();
    else stream.end(body);
  });
}

describe('node:http2', () => {
  test('many streams at once, large content both ways, trailers', async () => {
    // In MB; its own bound on what it holds for sending.
    const session = connect(url, { maxSessionMemory: 100 });
    const replies = await Promise.all([
      ...Array.from({ length: 200 }, () => ask(session, null)),
      ...Array.from({ length: 4 }, () => ask(session, big, { 'x-checksum': 'abc' })),
    ]);
    for (const [i, { status, body, trailers }] of replies.entries()) {
      assert.equal(status, 200);
      if (i < 200) assert.equal(body.toString(), GREETING);
      else assert.deepEqual([body.equals(big), trailers['x-checksum']], [true, 'abc']);
    }
    session.close();
    assert.deepEqual(echo.limits, []);
  });

  test('a client that resets what it asks for, over and over, is told to calm down', async () => {
    // No answer comes before the reset.
    const slow = await serveEcho(createNodeRuntime(), { delayMs: 5_000 });
    const session = connect(`http://127.0.0.1:${slow.listener.address.port}/`);
    session.on('error', () => {});
    const code = await new Promise<number>((done) => {
      session.on('goaway', done);
      const storm = (): void => {
        if (session.destroyed || session.closed) return;
        const streams = Array.from({ length: 50 }, () => session.request({ ':path': '/' }));
        for (const stream of streams) stream.on('error', () => {});
        // In the next turn: a reset before its HEADERS have left would take them back.
        setImmediate(() => {
          for (const stream of streams) stream.close(8);
          setImmediate(storm);
        });
      };
      session.on('connect', storm);
    });
    assert.deepEqual([code, slow.limits], [11, ['h2.rapid_reset']]);
    session.destroy();
    await slow.close();
  });
});

describe('curl', { skip: missing('curl') }, () => {
  test('by prior knowledge, with content of any size', async () => {
    const args = ['-sS', '-m', '20', '--http2-prior-knowledge'];
    const get = await new Child(program('curl'), [...args, '-w', '%{http_version}', url]).finished(30_000);
    assert.equal(get.stdout, `${GREETING}2`, get.stderr);
    const out = join(directory, 'out');
    const post = await new Child(program('curl'), [...args, '--data-binary', `@${file}`, '-o', out, url]).finished(
      30_000,
    );
    assert.equal(post.code, 0, post.stderr);
    const same = await new Child(program('cmp'), [file, out]).finished();
    assert.equal(same.code, 0);
  });
});

describe('nghttp2', { skip: missing('nghttp', 'h2load') }, () => {
  test('h2load: every request of many on many streams', async () => {
    const args = ['-n', '5000', '-c', '5', '-m', '40', '-T', '20', url];
    const { stdout } = await new Child(program('h2load'), args).finished(40_000);
    assert.match(stdout, /5000 succeeded, 0 failed, 0 errored, 0 timeout/);
  });

  test('nghttp: priorities, trailers, padding and small windows', async () => {
    const args = ['-v', '-w', '10', '-W', '16', '-b', '100', '-d', file, '--trailer', 'x-end: yes', url];
    const { stdout, code } = await new Child(program('nghttp'), args).finished(40_000);
    assert.equal(code, 0);
    assert.match(stdout, /x-end: yes/);
    assert.doesNotMatch(stdout, /recv (RST_STREAM|GOAWAY)/);
  });
});
