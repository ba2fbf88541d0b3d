/** A server by script that does what no server may: each misbehaviour costs what it must, and no more. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RESET, type ResetReason } from '../message.ts';
import { ERROR } from './error-code.ts';
import { FRAME, FRAME_HEAD_BYTES, putFrameHead } from './frame.ts';
import { LIMIT } from './limits.ts';
import { SETTING } from './settings.ts';
import { type Asked, Dialled, OK, send } from './test/dial.ts';
import {
  block,
  data,
  frame,
  type Frame,
  goaway,
  headers,
  ping,
  priority,
  rst,
  settings,
  settingsAck,
  windowUpdate,
} from './test/frames.ts';
import { describe as inWords } from './test/serve.ts';

type Fields = readonly (readonly [string, string])[];
const status = (code: number, ...fields: Fields): Fields => [[':status', String(code)], ...fields];
const trailers = (...fields: Fields): Buffer => headers(1, fields, true);

/** A GET on stream 1, a POST that goes on stream 3, and the server's frames. */
function against(frames: readonly Buffer[], limits = {}): { d: Dialled; get: Asked; post: Asked; ends: string[] } {
  const d = new Dialled(limits).begin();
  const get = d.ask();
  const post = d.ask('POST', false);
  d.take();
  for (const each of frames) if (!d.connection.closed) d.feed(each);
  const isEnd = ({ type }: Frame): boolean => type === FRAME.rstStream || type === FRAME.goaway;
  return { d, get, post, ends: d.take().filter(isEnd).map(inWords) };
}

const tooLong = Buffer.alloc(FRAME_HEAD_BYTES + 16_385);
putFrameHead(tooLong, 0, 16_385, FRAME.data, 0, 1);

describe('what puts the connection in doubt ends it, with every stream, by the code of the RFC', () => {
  const cases: Readonly<Record<string, readonly [keyof typeof ERROR, ...Buffer[]]>> = {
    'DATA without a stream': ['protocol', data(0, 'x')],
    'DATA on a stream that nobody opened': ['protocol', data(9, 'x')],
    'DATA on a stream of its own': ['protocol', data(2, 'x')],
    'more padding than payload in DATA': ['protocol', frame(FRAME.data, 8, 1, '\x05abc')],
    'more padding than payload in HEADERS': ['protocol', frame(FRAME.headers, 0xc, 1, '\x05abc')],
    'HEADERS without a stream': ['protocol', headers(0, OK)],
    'HEADERS on a stream that nobody opened': ['protocol', headers(9, OK)],
    'HEADERS on a stream of its own': ['protocol', headers(4, OK)],
    'HEADERS again after the end': ['streamClosed', headers(1, OK), headers(1, OK)],
    'HEADERS too short for their priority': ['frameSize', frame(FRAME.headers, 0x24, 1, '\x00\x00')],
    'CONTINUATION of nothing': ['protocol', frame(FRAME.continuation, 4, 1, block(OK))],
    'another frame within a section': ['protocol', frame(FRAME.headers, 0, 1, block(OK)), ping()],
    'another stream within a section': [
      'protocol',
      frame(FRAME.headers, 0, 1, block(OK)),
      frame(FRAME.continuation, 4, 3),
    ],
    'a section that cannot be decoded': ['compression', frame(FRAME.headers, 4, 1, Buffer.from([0xff, 0xff]))],
    'an index of nothing': ['compression', frame(FRAME.headers, 4, 1, Buffer.from([0xc5]))],
    'a table beyond our bound': ['compression', frame(FRAME.headers, 4, 1, Buffer.from([0x3f, 0xff, 0xff, 0x03]))],
    'a pushed promise': ['protocol', frame(FRAME.pushPromise, 4, 1, Buffer.concat([Buffer.alloc(4), block(OK)]))],
    'a pushed promise on a stream that is over': [
      'protocol',
      headers(1, OK),
      frame(FRAME.pushPromise, 4, 1, '\0\0\0\x02'),
    ],
    'RST_STREAM without a stream': ['protocol', rst(0, 8)],
    'RST_STREAM of a stream that nobody opened': ['protocol', rst(9, 8)],
    'RST_STREAM of another size': ['frameSize', frame(FRAME.rstStream, 0, 1, 'abc')],
    'PRIORITY without a stream': ['protocol', priority(0, 1)],
    'SETTINGS on a stream': ['protocol', frame(FRAME.settings, 0, 1)],
    'half a setting': ['frameSize', frame(FRAME.settings, 0, 0, 'abcde')],
    'an acknowledgement with settings': ['frameSize', frame(FRAME.settings, 1, 0, '123456')],
    'a window beyond 2^31-1 in SETTINGS': ['flowControl', settings([SETTING.initialWindowSize, 0x8000_0000])],
    'frames shorter than anybody must take': ['protocol', settings([SETTING.maxFrameSize, 16_383])],
    'frames longer than there are': ['protocol', settings([SETTING.maxFrameSize, 0x100_0000])],
    'permission to push': ['protocol', settings([SETTING.enablePush, 1])],
    'extended CONNECT taken back': [
      'protocol',
      settings([SETTING.enableConnectProtocol, 1]),
      settings([SETTING.enableConnectProtocol, 0]),
    ],
    'SETTINGS that lift a stream’s window too high': [
      'flowControl',
      windowUpdate(3, 0x7fff_ffff - 65_535),
      settings([SETTING.initialWindowSize, 65_536]),
    ],
    'PING on a stream': ['protocol', frame(FRAME.ping, 0, 1, '12345678')],
    'PING of another size': ['frameSize', frame(FRAME.ping, 0, 0, '1234567')],
    'GOAWAY on a stream': ['protocol', frame(FRAME.goaway, 0, 1, Buffer.alloc(8))],
    'GOAWAY of less than 8 bytes': ['frameSize', frame(FRAME.goaway, 0, 0, Buffer.alloc(7))],
    'WINDOW_UPDATE of 0': ['protocol', windowUpdate(0, 0)],
    'WINDOW_UPDATE of another size': ['frameSize', frame(FRAME.windowUpdate, 0, 0, 'abc')],
    'WINDOW_UPDATE of a stream that nobody opened': ['protocol', windowUpdate(9, 1)],
    'a window beyond 2^31-1': ['flowControl', windowUpdate(0, 0x7fff_ffff)],
    'a frame longer than we take': ['frameSize', tooLong],
  };
  for (const [name, [code, ...frames]] of Object.entries(cases)) {
    test(name, () => {
      const { d, post, ends } = against(frames);
      assert.deepEqual(ends, [`goaway 0 ${code}`]);
      assert.equal(post.r.reset, RESET.protocol);
      assert.deepEqual([d.client.room, d.client.active, d.gone.length, d.connection.ended], [0, 0, 1, true]);
    });
  }

  test('SETTINGS that are not the first frame', () => {
    const d = new Dialled();
    d.client.onOpen();
    const { r } = d.ask();
    d.feed(ping());
    assert.deepEqual([r.reset, d.gone.length], [RESET.protocol, 1]);
  });

  test('more DATA than the connection’s window', () => {
    const { post, ends } = against(
      [headers(1, OK, false), ...Array.from({ length: 5 }, () => data(1, Buffer.alloc(16_384)))],
      { streamWindowBytes: 2 ** 20, connectionWindowBytes: 65_535, maxHeldBytes: 65_535 },
    );
    assert.deepEqual([ends, post.r.reset], [['goaway 0 flowControl'], RESET.protocol]);
  });
});

describe('what is wrong with one response costs that response alone', () => {
  const head = headers(1, status(200), false);
  const cases: Readonly<Record<string, readonly Buffer[]>> = {
    'no status': [headers(1, [['x', 'y']], false)],
    'two statuses': [headers(1, [...OK, ...OK], false)],
    'a status behind a field': [headers(1, [['x', 'y'], ...OK], false)],
    'a pseudo-header field of a request': [headers(1, [...OK, [':path', '/']], false)],
    'a status that is none': [headers(1, [[':status', '20']], false)],
    'a status of four digits': [headers(1, [[':status', '2000']], false)],
    'a status below 100': [headers(1, status(99), false)],
    'a status above 599': [headers(1, status(600), false)],
    'a sign in the status': [headers(1, [[':status', '+20']], false)],
    '101': [headers(1, status(101), false)],
    'an interim response that ends the stream': [headers(1, status(103), true)],
    'content before the head': [data(1, 'x')],
    'content behind an interim response': [headers(1, status(103), false), data(1, 'x')],
    'an interim response behind the final one': [head, headers(1, status(103), false)],
    'a second final response': [head, headers(1, OK, false)],
    'trailers that do not end the stream': [head, headers(1, [['x', 'y']], false)],
    'trailers with a status': [head, data(1, 'x'), trailers(...OK)],
    'trailers that frame': [head, trailers(['transfer-encoding', 'chunked'])],
    'trailers that say a length': [head, data(1, 'x'), trailers(['content-length', '1'])],
    'trailers that split': [head, trailers(['x', 'a\r\n\r\nHTTP/1.1 200 OK'])],
    'an upper-case name': [headers(1, status(200, ['X-A', 'b']), false)],
    Connection: [headers(1, status(200, ['connection', 'close']), false)],
    'Transfer-Encoding': [headers(1, status(200, ['transfer-encoding', 'chunked']), false)],
    Upgrade: [headers(1, status(200, ['upgrade', 'h2c']), false)],
    'Keep-Alive': [headers(1, status(200, ['keep-alive', 'timeout=5']), false)],
    'response splitting in a value': [headers(1, status(200, ['x', 'a\r\nset-cookie: b']), false)],
    'response splitting in a name': [headers(1, status(200, ['x: y\r\nset-cookie', 'b']), false)],
    'a lone LF': [headers(1, status(200, ['x', 'a\nb']), false)],
    NUL: [headers(1, status(200, ['x', 'a\0b']), false)],
    'two lengths': [headers(1, status(200, ['content-length', '1'], ['content-length', '1']), false)],
    'a length that is no number': [headers(1, status(200, ['content-length', '+1']), false)],
    'less content than promised': [headers(1, status(200, ['content-length', '3']), false), data(1, 'ab', true)],
    'more content than promised': [headers(1, status(200, ['content-length', '3']), false), data(1, 'abcd')],
    'trailers in place of content': [headers(1, status(200, ['content-length', '3']), false), trailers(['x', 'y'])],
    'no content where some was promised': [headers(1, status(200, ['content-length', '3']), true)],
    'content behind 204': [headers(1, status(204), false), data(1, 'x')],
    'content behind 304': [headers(1, status(304, ['content-length', '1']), false), data(1, 'x')],
    'WINDOW_UPDATE of 0': [windowUpdate(1, 0)],
    'a priority on itself': [priority(1, 1)],
    'a priority of another size': [frame(FRAME.priority, 0, 1, 'abc')],
  };
  for (const [name, frames] of Object.entries(cases)) {
    test(name, () => {
      const { d, get, post, ends } = against(frames);
      assert.equal(get.r.reset, RESET.protocol);
      assert.equal(get.r.done, false, 'never whole');
      assert.match(ends.join(), /^rstStream 1 (protocol|frameSize)$/);
      assert.deepEqual([post.r.reset, d.gone.length, d.client.active], [null, 0, 1]);
      d.feed(headers(3, OK, true));
      assert.equal(post.r.done, true, 'the other one goes on');
    });
  }

  test('a window beyond 2^31-1', () => {
    const { d, post, ends } = against([windowUpdate(3, 0x7fff_ffff)]);
    assert.deepEqual([ends, post.r.reset, d.gone.length], [['rstStream 3 flowControl'], RESET.protocol, 0]);
  });

  test('more DATA than the stream’s window', () => {
    const { d, get, ends } = against([head, data(1, Buffer.alloc(101))], { streamWindowBytes: 100 });
    assert.deepEqual(
      [ends, get.r.reset, get.r.body, d.gone.length],
      [['rstStream 1 flowControl'], RESET.protocol, '', 0],
    );
  });

  test('DATA after the end, while the request goes on', () => {
    const { d, post, ends } = against([headers(3, OK, true), data(3, 'x')]);
    assert.deepEqual([ends, d.gone.length, d.client.active], [['rstStream 3 streamClosed'], 0, 1]);
    assert.deepEqual([post.r.done, post.r.body], [true, '']);
  });
});

describe('floods end by the name of their bound', () => {
  const reasons: Readonly<Record<string, readonly [string, (i: number) => Buffer, object, ResetReason]>> = {
    SETTINGS: [LIMIT.settings, () => settings(), { controlFrameBurst: 20 }, RESET.limit],
    PING: [LIMIT.pings, () => ping(), { controlFrameBurst: 20 }, RESET.limit],
    'answers to a PING that was never sent': [
      LIMIT.pings,
      () => ping('abcdefgh', true),
      { controlFrameBurst: 20 },
      RESET.limit,
    ],
    'acknowledgements of nothing': [LIMIT.settings, () => settingsAck, { controlFrameBurst: 20 }, RESET.limit],
    PRIORITY: [LIMIT.priorities, () => priority(1, 3), { controlFrameBurst: 20 }, RESET.limit],
    'GOAWAY, again and again': [LIMIT.otherFrames, () => goaway(3, 0), { controlFrameBurst: 20 }, RESET.limit],
    'credit in crumbs': [LIMIT.windowUpdates, () => windowUpdate(0, 1), { controlFrameBurst: 50 }, RESET.limit],
    'frames of an extension': [LIMIT.otherFrames, () => frame(77, 0, 0), { controlFrameBurst: 20 }, RESET.limit],
    CONTINUATION: [
      LIMIT.continuations,
      (i) => (i === 0 ? frame(FRAME.headers, 0, 1) : frame(FRAME.continuation, 0, 1, '\0\x01x\x01y')),
      {},
      RESET.limit,
    ],
    'a section without end': [
      LIMIT.blockBytes,
      (i) => frame(i === 0 ? FRAME.headers : FRAME.continuation, 0, 1, Buffer.alloc(16_000)),
      { maxContinuations: 100 },
      RESET.limit,
    ],
  };
  for (const [name, [limit, make, limits, reason]] of Object.entries(reasons)) {
    test(name, () => {
      const { d, post, ends } = against(
        Array.from({ length: 60 }, (_, i) => make(i)),
        limits,
      );
      assert.deepEqual([d.limits, ends.at(-1), post.r.reset], [[limit], 'goaway 0 enhanceYourCalm', reason]);
    });
  }

  test('empty DATA', () => {
    const empty = Array.from({ length: 60 }, () => data(1, ''));
    const { d } = against([headers(1, OK, false), ...empty], { controlFrameBurst: 20 });
    assert.deepEqual(d.limits, [LIMIT.emptyData]);
  });

  test('interim responses, too many fields and too large a head cost their stream alone', () => {
    const many = Array.from({ length: 8 }, (_, i) => [`x-${i}`, 'y'] as const);
    const long: Fields = [['x', 'y'.repeat(900)]];
    for (const [limit, limits, frames] of [
      [LIMIT.interim, { maxInterim: 3 }, Array.from({ length: 4 }, () => headers(1, status(103), false))],
      [LIMIT.headBytes, { maxFields: 6 }, [headers(1, status(200, ...many), false)]],
      [LIMIT.headBytes, { maxHeadBytes: 600 }, [headers(1, status(200, ...long), false)]],
      [LIMIT.headBytes, { maxTrailerBytes: 600 }, [headers(1, OK, false), trailers(...long)]],
    ] as const) {
      const { d, get, post } = against(frames, limits);
      assert.deepEqual([d.limits, post.r.reset, d.gone.length], [[limit], null, 0]);
      assert.ok(get.r.reset !== null && !get.r.done);
    }
  });

  test('a server that never acknowledges SETTINGS, or never sends its own', () => {
    for (const said of [[settings()], []]) {
      const d = new Dialled({ settingsTimeoutMs: 1_000 });
      d.client.onOpen();
      const { r } = d.ask();
      d.feed(...said);
      d.time.advance(1_100);
      assert.deepEqual([d.limits, r.reset, d.gone.length], [[LIMIT.settingsTimeout], RESET.limit, 1]);
    }
  });

  test('a section, or a frame, that never ends', () => {
    for (const bytes of [frame(FRAME.headers, 0, 1, block(OK)), headers(1, OK).subarray(0, 12)]) {
      const d = new Dialled({ headTimeoutMs: 1_000 }).begin();
      const { r } = d.ask();
      d.feed(bytes);
      d.time.advance(1_100);
      assert.deepEqual([d.limits, r.reset], [[LIMIT.headTimeout], RESET.limit]);
    }
  });

  test('a server that takes no content', () => {
    const d = new Dialled({ stallTimeoutMs: 1_000 }).begin([SETTING.initialWindowSize, 10]);
    const { stream, r } = d.ask('POST', false);
    send(stream, 'x'.repeat(50), true);
    d.time.advance(3_000);
    assert.deepEqual([d.limits, r.reset, d.gone.length], [[LIMIT.stalledStream], RESET.timeout, 0]);
  });
});

describe('races that are nobody’s fault', () => {
  test('a whole response followed by RST_STREAM(NO_ERROR) stands: the rest of the request is not wanted', () => {
    const { d, post } = against([headers(3, OK, false), data(3, 'too large', true), rst(3, ERROR.none)]);
    assert.deepEqual([post.r.done, post.r.body], [true, 'too large']);
    assert.deepEqual([d.client.active, d.gone.length], [1, 0]);
    send(post.stream, 'late', true);
    assert.deepEqual(d.take().map(inWords), []);
  });

  test('half a response followed by RST_STREAM(NO_ERROR) is no response', () => {
    const { post } = against([headers(3, OK, false), data(3, 'half'), rst(3, ERROR.none)]);
    assert.deepEqual([post.r.done, post.r.reset], [false, RESET.aborted]);
  });

  test('a reset of a stream that has ended, ours or theirs, is counted and nothing else', () => {
    const { d, post, ends } = against([headers(1, OK), rst(1, ERROR.cancel), windowUpdate(1, 10), priority(1, 3)]);
    assert.deepEqual([ends, d.gone.length, post.r.reset], [[], 0, null]);
  });

  test('GOAWAY that names more streams than there are, then fewer', () => {
    const { d, get, post } = against([goaway(99, ERROR.none), goaway(1, ERROR.none)]);
    assert.deepEqual([get.r.reset, post.r.reset, d.drainings, d.client.room], [null, RESET.refused, 1, 0]);
    d.feed(headers(1, OK, true));
    assert.deepEqual([get.r.done, d.connection.ended], [true, true]);
  });

  test('GOAWAY with an error: streams that it names may still be answered, and fail with the connection', () => {
    const { d, get, post } = against([goaway(1, ERROR.internal)]);
    assert.deepEqual([get.r.reset, post.r.reset], [null, RESET.refused]);
    d.connection.destroy('the server closed the connection');
    assert.equal(get.r.reset, RESET.connection);
  });

  test('GOAWAY before anything: every stream was refused, none is lost', () => {
    const { get, post } = against([goaway(0, ERROR.none)]);
    assert.deepEqual([get.r.reset, post.r.reset], [RESET.refused, RESET.refused]);
  });

  test('frames for streams that GOAWAY refused are late, not wrong', () => {
    const { d, get } = against([
      goaway(1, ERROR.none),
      headers(3, OK, false),
      data(3, 'x'),
      rst(3, ERROR.refusedStream),
    ]);
    assert.deepEqual([get.r.reset, d.gone.length], [null, 0]);
  });

  test('SETTINGS that allow fewer streams than are open, and none, end none', () => {
    const { d, get } = against([settings([SETTING.maxConcurrentStreams, 0])]);
    assert.deepEqual([d.client.room, get.r.reset], [0, null]);
    d.feed(headers(1, OK), settings([SETTING.maxConcurrentStreams, 2]));
    assert.deepEqual([get.r.done, d.client.room], [true, 1]);
  });

  test('a window that SETTINGS make negative is waited out', () => {
    const d = new Dialled().begin([SETTING.initialWindowSize, 10]);
    const { stream } = d.ask('POST', false);
    send(stream, 'x'.repeat(10), false);
    d.take();
    d.feed(settings([SETTING.initialWindowSize, 4]));
    send(stream, 'yyy', true);
    d.feed(windowUpdate(1, 6));
    assert.deepEqual(d.take().map(inWords), ['settings ack']);
    d.feed(windowUpdate(1, 3));
    assert.deepEqual(d.take().map(inWords), ['data 1 3 end']);
  });
});
