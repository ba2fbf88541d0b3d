/**
 * Desync attacks on the whole pair of sidecars, with applications that are careless: whatever a client or an
 * application does, the application sees the requests that were meant, and each client the answer to its own.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FRAME } from '../http/h2/frame.ts';
import { block, data, frame, GET, headers, hello, parse, POST } from '../http/h2/test/frames.ts';
import { llhttpReads } from '../../test/fuzz/h1/llhttp.ts';
import {
  type MeshOptions,
  ok,
  type RawPeer,
  responseOf,
  type SimMesh,
  startMesh,
} from '../../test/support/sim-mesh.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: catalog\r\n\r\n';
const NEXT = 'GET /next HTTP/1.1\r\nHost: catalog\r\n\r\n';

interface Attack {
  readonly mesh: SimMesh;
  /** What each connection of the application received, in order of opening. */
  readonly apps: RawPeer[];
  /** One client connection that sends this; until it has an answer, is closed, or nothing happens. */
  send(bytes: string | Uint8Array): Promise<RawPeer>;
  /** Whether a request for this path reached the application as a request of its own. */
  reached(path: string): boolean;
}

/** Called each time that a connection has received more; all that it has received is in the peer. */
type App = (peer: RawPeer) => void;

async function attackable(inner: MeshOptions['inner'], app: App): Promise<Attack> {
  const apps: RawPeer[] = [];
  const mesh = await startMesh({
    seed: 7,
    ...(inner === undefined ? {} : { inner }),
    app: (peer) => {
      apps.push(peer);
      peer.onText = () => app(peer);
    },
  });
  return {
    mesh,
    apps,
    async send(bytes) {
      const peer = mesh.connect();
      peer.send(bytes);
      await mesh.sim.run(() => peer.closed !== null || responseOf(peer) !== null, 20_000);
      await mesh.sim.run(() => false, 500);
      return peer;
    },
    reached: (path) => apps.some((peer) => requestsIn(peer).includes(path)),
  };
}

/** Targets of the requests that a strict reader finds. */
function requestsIn(peer: RawPeer): string[] {
  return llhttpReads('request', peer.bytes, false, false).messages.map(({ url }) => url);
}

/** Answers each request once it is whole. */
function careful(answer: (target: string) => string): App {
  const answered = new Map<RawPeer, number>();
  return (peer) => {
    const whole = llhttpReads('request', peer.bytes, false, false).messages.filter(({ complete }) => complete);
    for (const { url } of whole.slice(answered.get(peer) ?? 0)) peer.send(answer(url));
    answered.set(peer, whole.length);
  };
}

const named: App = careful((target) => ok(`answer to ${target}`));

for (const inner of ['http/1.1', 'weft-http1'] as const) {
  describe(`between the sidecars ${inner}`, () => {
    const refused: Readonly<Record<string, string>> = {
      'CL.TE': `POST / HTTP/1.1\r\nHost: catalog\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      'TE.CL': `POST / HTTP/1.1\r\nHost: catalog\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n8\r\nSMUGGLED\r\n0\r\n\r\n${SMUGGLED}`,
      'TE.TE': `POST / HTTP/1.1\r\nHost: catalog\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      'CL.CL': `POST / HTTP/1.1\r\nHost: catalog\r\nContent-Length: 0\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
      'names with underscores': `POST / HTTP/1.1\r\nHost: catalog\r\nContent_Length: 44\r\n\r\n${SMUGGLED}`,
      'NUL in a value': `GET / HTTP/1.1\r\nHost: catalog\r\nX: a\0b\r\n\r\n${SMUGGLED}`,
      'a bare LF': `GET / HTTP/1.1\r\nHost: catalog\r\nX: a\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
      'obs-fold': `GET / HTTP/1.1\r\nHost: catalog\r\nX: a\r\n Content-Length: 44\r\n\r\n${SMUGGLED}`,
      'two hosts': `GET / HTTP/1.1\r\nHost: catalog\r\nHost: b\r\n\r\n${SMUGGLED}`,
      'an expectation that hides': `POST / HTTP/1.1\r\nHost: catalog\r\nContent-Length: 44\r\nExpect: y 100-continue\r\n\r\n${SMUGGLED}`,
      'CONNECT with content': `CONNECT catalog:80 HTTP/1.1\r\nHost: catalog:80\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
      'a chunk size with a sign': `POST / HTTP/1.1\r\nHost: catalog\r\nTransfer-Encoding: chunked\r\n\r\n+1\r\nx\r\n0\r\n\r\n${SMUGGLED}`,
      'trailers that frame': `POST / HTTP/1.1\r\nHost: catalog\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
      'a version of its own': `GET / HTTP/1.9\r\nHost: catalog\r\n\r\n${SMUGGLED}`,
    };
    for (const [family, bytes] of Object.entries(refused)) {
      test(`${family}: one refusal, and what is pipelined behind it is nobody's request`, async () => {
        const attack = await attackable(inner, named);
        const peer = await attack.send(bytes);
        assert.match(peer.text, /^HTTP\/1\.1 (400|417|505) /);
        assert.equal(peer.text.split('HTTP/1.1 ').length, 2, 'one answer');
        assert.ok(peer.closed !== null || peer.ended, 'the connection ends');
        assert.ok(!attack.reached('/smuggled'));
        const next = await attack.send(NEXT);
        assert.equal(responseOf(next)?.body, 'answer to /next');
      });
    }

    test('CL.0: an application that takes content for its next request poisons no queue of answers', async () => {
      // Answers at the end of each head, and so once more for the request that it finds in the content.
      const answered = new Map<RawPeer, number>();
      const attack = await attackable(inner, (peer) => {
        const heads = peer.text.split('\r\n\r\n').slice(0, -1);
        for (const head of heads.slice(answered.get(peer) ?? 0)) peer.send(ok(`answer to ${head.split(' ')[1]}`));
        answered.set(peer, heads.length);
      });
      const post = `POST / HTTP/1.1\r\nHost: catalog\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`;
      const first = await attack.send(post);
      assert.equal(responseOf(first)?.body, 'answer to /');
      assert.ok([...answered.values()].includes(2), 'the application did answer twice');
      for (let i = 0; i < 3; i++) assert.equal(responseOf(await attack.send(NEXT))?.body, 'answer to /next');
    });

    test('an answer before the end of the request: the rest of it is not the next request, on either side', async () => {
      const early = new Set<RawPeer>();
      const attack = await attackable(inner, (peer) => {
        if (peer.text.startsWith('GET /next')) return named(peer);
        if (early.has(peer)) return;
        early.add(peer);
        peer.send(ok('early'));
      });
      const peer = attack.mesh.connect();
      peer.send(`POST / HTTP/1.1\r\nHost: catalog\r\nContent-Length: 10000\r\n\r\n`);
      await attack.mesh.sim.run(() => responseOf(peer) !== null, 5_000);
      assert.equal(responseOf(peer)?.body, 'early');
      peer.send(SMUGGLED);
      await attack.mesh.sim.run(() => false, 5_000);
      assert.equal(peer.text.split('HTTP/1.1 ').length, 2, 'one answer');
      assert.equal(responseOf(await attack.send(NEXT))?.body, 'answer to /next');
      assert.ok(!attack.reached('/smuggled'));
    });

    test('Expect: a final answer without 100 leaves nobody in doubt whether content follows', async () => {
      const attack = await attackable(inner, named);
      const peer = attack.mesh.connect();
      peer.send(
        `POST /a HTTP/1.1\r\nHost: catalog\r\nExpect: 100-continue\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n`,
      );
      await attack.mesh.sim.run(() => responseOf(peer) !== null || peer.closed !== null, 5_000);
      // Half of the clients send their content all the same, half go on with a request.
      if (peer.closed === null) peer.send(SMUGGLED);
      await attack.mesh.sim.run(() => false, 5_000);
      assert.equal(peer.text.split('HTTP/1.1 ').length, 2, 'one answer');
      assert.equal(responseOf(await attack.send(NEXT))?.body, 'answer to /next');
      assert.ok(!attack.reached('/smuggled'));
    });

    test('Upgrade: h2c goes no further, and an application that grants it all the same is not believed', async () => {
      const attack = await attackable(inner, (peer) =>
        peer.send('HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n'),
      );
      const fields =
        'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n';
      const peer = await attack.send(`GET / HTTP/1.1\r\nHost: catalog\r\n${fields}\r\n${SMUGGLED}`);
      assert.doesNotMatch(peer.text, /101/);
      assert.match(peer.text, /^HTTP\/1\.1 50[23] /);
      for (const { text } of attack.apps) assert.doesNotMatch(text, /upgrade|http2-settings/i);
    });

    test('a WebSocket that the application does not grant is no tunnel for the requests behind it', async () => {
      const attack = await attackable(
        inner,
        careful((target) => ok(`answer to ${target}`)),
      );
      const fields =
        'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 1337\r\nSec-WebSocket-Key: x\r\n';
      const peer = attack.mesh.connect();
      peer.send(`GET /chat HTTP/1.1\r\nHost: catalog\r\n${fields}\r\n${SMUGGLED}`);
      await attack.mesh.sim.run(() => false, 5_000);
      // Behind an upgrade that fails the bytes were meant for a tunnel, or are the next request: either way each has one answer.
      const answers = peer.text.split('HTTP/1.1 ').length - 1;
      assert.ok(answers <= 2);
      assert.equal(attack.reached('/smuggled'), answers === 2);
      assert.equal(responseOf(await attack.send(NEXT))?.body, 'answer to /next');
    });

    test('CONNECT that no route takes opens nothing for the requests behind it', async () => {
      const attack = await attackable(inner, named);
      const peer = await attack.send(`CONNECT catalog:80 HTTP/1.1\r\nHost: catalog:80\r\n\r\n${SMUGGLED}`);
      assert.doesNotMatch(peer.text, /HTTP\/1\.1 2/);
      assert.equal(peer.text.split('HTTP/1.1 ').length, 2);
      assert.ok(!attack.reached('/smuggled'));
    });

    const bodies: Readonly<Record<string, readonly [request: string, answer: string]>> = {
      'HEAD answered with content': [
        NEXT.replace('GET /next', 'HEAD /head'),
        ok('HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison'),
      ],
      '304 with content': [
        NEXT.replace('/next', '/304'),
        `HTTP/1.1 304 Not Modified\r\ncontent-length: 44\r\n\r\n${ok('poison')}`,
      ],
      '204 with content': [NEXT.replace('/next', '/204'), `HTTP/1.1 204 No Content\r\n\r\n${ok('poison')}`],
      'two answers to one request': [NEXT.replace('/next', '/two'), ok('mine') + ok('poison')],
      'an answer with two lengths': [
        NEXT.replace('/next', '/cl'),
        `HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 0\r\n\r\n${ok('poison')}`,
      ],
      'an answer with a length and chunks': [
        NEXT.replace('/next', '/te'),
        `HTTP/1.1 200 OK\r\ncontent-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${ok('poison')}`,
      ],
      'trailers that frame, in an answer': [
        NEXT.replace('/next', '/trailers'),
        `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\ncontent-length: 0\r\n\r\n${ok('poison')}`,
      ],
      'a split answer': [
        NEXT.replace('/next', '/split'),
        `HTTP/1.1 200 OK\r\nX: a\nX: b\r\ncontent-length: 0\r\n\r\n${ok('poison')}`,
      ],
    };
    for (const [name, [request, answer]] of Object.entries(bodies)) {
      test(`${name}: what is behind it is nobody's answer`, async () => {
        const attack = await attackable(
          inner,
          careful((target) => (target === '/next' ? ok('answer to /next') : answer)),
        );
        const first = await attack.send(request);
        const [, ...others] = first.text.split(/(?=HTTP\/1\.1 )/);
        assert.deepEqual(others, [], 'one answer');
        assert.doesNotMatch(first.text, /\r\n\r\n[^]*poison/);
        for (let i = 0; i < 3; i++) assert.equal(responseOf(await attack.send(NEXT))?.body, 'answer to /next');
      });
    }

    const overHttp2: Readonly<Record<string, readonly Uint8Array[]>> = {
      'H2.TE': [headers(1, [...POST, ['transfer-encoding', 'chunked']], false), data(1, `0\r\n\r\n${SMUGGLED}`, true)],
      'H2.CL, too short': [headers(1, [...POST, ['content-length', '0']], false), data(1, SMUGGLED, true)],
      'H2.CL, too long': [headers(1, [...POST, ['content-length', '99']], false), data(1, SMUGGLED, true)],
      'splitting through a value': [headers(1, [...GET, ['x', `a\r\n\r\n${SMUGGLED}`]])],
      'splitting through :path': [
        headers(1, [
          [':method', 'GET'],
          [':scheme', 'http'],
          [':path', `/ HTTP/1.1\r\n\r\n${SMUGGLED}`],
          [':authority', 'a'],
        ]),
      ],
      'trailers that frame': [
        headers(1, POST, false),
        data(1, 'x'),
        frame(FRAME.headers, 5, 1, block([['content-length', '44']])),
      ],
      'CONNECT with content': [
        headers(
          1,
          [
            [':method', 'CONNECT'],
            [':authority', 'catalog:80'],
            ['content-length', '44'],
          ],
          false,
        ),
        data(1, SMUGGLED, true),
      ],
      'extended CONNECT to a route without WebSockets': [
        headers(1, [[':method', 'CONNECT'], [':protocol', 'websocket'], ...GET.slice(1)], false),
        data(1, SMUGGLED),
      ],
      'CONNECT to a route without tunnels': [
        headers(
          1,
          [
            [':method', 'CONNECT'],
            [':authority', 'catalog:80'],
          ],
          false,
        ),
        data(1, SMUGGLED),
      ],
    };
    for (const [family, frames] of Object.entries(overHttp2)) {
      test(`over HTTP/2, ${family}: the stream ends, nothing is smuggled, and the next one is served`, async () => {
        const attack = await attackable(inner, named);
        const peer = attack.mesh.connect();
        peer.send(Buffer.concat([hello(), ...frames]));
        await attack.mesh.sim.run(() => false, 3_000);
        assert.ok(!attack.reached('/smuggled'));
        peer.send(
          headers(
            3,
            GET.map(([name, value]) => [name, name === ':path' ? '/next' : value]),
          ),
        );
        await attack.mesh.sim.run(() => false, 3_000);
        const answered = parse(peer.bytes).filter(({ id, type }) => id === 3 && type === FRAME.data);
        assert.equal(Buffer.concat(answered.map(({ payload }) => payload)).toString(), 'answer to /next');
        assert.equal(responseOf(await attack.send(NEXT))?.body, 'answer to /next');
      });
    }
  });
}
