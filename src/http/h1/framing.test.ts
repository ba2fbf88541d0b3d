/** The decision table of framing, row by row, through the codecs that act on it. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { FRAMING } from '../framing.ts';
import { Head, UPGRADE_STATE } from '../head.ts';
import { FieldName } from '../field-name.ts';
import { RESET } from '../message.ts';
import { ask, dial, send } from './test/dial.ts';
import { one, Recorder, send as answer, serve } from './test/recorder.ts';

const NAMES = Object.fromEntries(Object.entries(FRAMING).map(([name, value]) => [value, name]));
const tested = new Set<string>();

/** `rows` is a name of the table, or several. */
function row(rows: string, run: () => void): void {
  for (const name of rows.split(' ')) tested.add(name);
  it(rows, run);
}

/** What a request with these fields is to a server: its status when refused, else its framing. */
function request(fields: string, method = 'POST', version = '1.1'): string {
  const target = method === 'CONNECT' ? 'a:80' : '/';
  const s = serve();
  s.connection.feed(`${method} ${target} HTTP/${version}\r\nHost: a\r\n${fields}\r\n`);
  const [refused] = s.refused;
  if (refused === undefined) return NAMES[s.receivers[0]?.head?.framing ?? -1] ?? 'nothing';
  assert.equal(s.receivers.length, 0);
  return String(refused[0]);
}

/** What a response with these fields is to a client. */
function response(fields: string, status = 200, method = 'GET', version = '1.1'): string {
  const d = dial();
  const r = new Recorder();
  const stream = d.client.open(r);
  const head = Head.request(method, method === 'CONNECT' ? '' : '/', 'a:80');
  if (status === 101) {
    head.appendText(new FieldName('upgrade'), 'websocket');
    head.upgrade = UPGRADE_STATE.granted;
  }
  stream.sendHead(head, true);
  const upgrade = status === 101 ? 'Connection: upgrade\r\nUpgrade: websocket\r\n' : '';
  d.connection.feed(`HTTP/${version} ${status} X\r\n${upgrade}${fields}\r\n`);
  if (r.reset === null) return r.interim.length > 0 ? 'none' : (NAMES[r.head?.framing ?? -1] ?? 'nothing');
  assert.equal(r.reset, RESET.protocol);
  assert.equal(r.head, null);
  assert.ok(d.connection.closed);
  return '✗';
}

const CHUNKED = 'Transfer-Encoding: chunked\r\n';
const BAD_CODINGS = [
  'identity',
  'xchunked',
  'chunkedx',
  'chunked, identity',
  'chunked, chunked',
  'chunked,',
  ',chunked',
  'chunked;a=b',
  '"chunked"',
  '\tchunked',
  'chunked\t',
  'chunked \t ',
  'chun ked',
  '\x00chunked',
  '',
];
const BAD_LENGTHS = ['\t1', '1\t', '+1', '-1', '-0', '1, 1', '1 1', '0x1', '1e3', '1.0', '', '"1"', '1;', 'a', '\xb2'];
const TOO_LONG = ['9007199254740992', '99999999999999999', '00000000000000001', '18446744073709551617'];

describe('a request that comes in', () => {
  row('Q1', () => {
    for (const cl of ['', 'Content-Length: 1\r\n']) assert.equal(request(CHUNKED + cl, 'POST', '1.0'), '400');
    assert.equal(request('Transfer-Encoding: identity\r\n', 'POST', '1.0'), '400');
  });
  row('Q2', () => {
    for (const cl of ['0', '5', 'x']) {
      assert.equal(request(`${CHUNKED}Content-Length: ${cl}\r\n`), '400');
      assert.equal(request(`Content-Length: ${cl}\r\n${CHUNKED}`), '400');
    }
  });
  row('Q3', () => {
    for (const te of ['chunked', 'CHUNKED', 'cHuNkEd', '  chunked  ']) {
      assert.equal(request(`tRANSFER-encoding:${te}\r\n`), 'chunked');
    }
    assert.equal(request(CHUNKED, 'GET'), 'chunked');
  });
  row('Q4', () => {
    for (const te of ['gzip, chunked', 'gzip,deflate, chunked', 'identity, chunked']) {
      assert.equal(request(`Transfer-Encoding: ${te}\r\n`), '501');
    }
  });
  row('Q5', () => {
    for (const te of BAD_CODINGS) assert.equal(request(`Transfer-Encoding: ${te}\r\n`), '400', te);
    assert.equal(request(CHUNKED + CHUNKED), '400');
    assert.equal(request(`Transfer-Encoding: identity\r\n${CHUNKED}`), '400');
  });
  row('Q6', () => {
    for (const [a, b] of [
      ['1', '1'],
      ['1', '2'],
      ['0', '0'],
    ]) {
      assert.equal(request(`Content-Length: ${a}\r\nX: y\r\ncontent-length: ${b}\r\n`), '400');
    }
  });
  row('Q7', () => {
    for (const cl of [...BAD_LENGTHS, ...TOO_LONG]) assert.equal(request(`Content-Length: ${cl}\r\n`), '400', cl);
  });
  row('Q8', () => {
    for (const cl of ['0', '0000']) assert.equal(request(`Content-Length: ${cl}\r\n`), 'none');
  });
  row('Q9', () => {
    for (const method of ['POST', 'GET', 'HEAD', 'DELETE', 'BREW']) {
      assert.equal(request('Content-Length: 9\r\n', method), 'length', method);
    }
    assert.equal(request('Content-Length: 0009\r\n'), 'length');
    assert.equal(request('Content-Length: 9007199254740991\r\n'), 'length');
  });
  row('Q10', () => {
    for (const method of ['POST', 'GET', 'CONNECT']) assert.equal(request('', method), 'none');
  });
  row('Q11', () => {
    for (const method of ['CONNECT', 'TRACE']) {
      assert.equal(request(CHUNKED, method), '400');
      assert.equal(request('Content-Length: 1\r\n', method), '400');
      assert.equal(request('Content-Length: 0\r\n', method), 'none');
    }
  });
});

describe('a response that comes in', () => {
  row('S1', () => {
    const bad = [
      ...BAD_CODINGS.map((te) => `Transfer-Encoding: ${te}\r\n`),
      ...[...BAD_LENGTHS, ...TOO_LONG].map((cl) => `Content-Length: ${cl}\r\n`),
      'Transfer-Encoding: gzip, chunked\r\n',
      `${CHUNKED}Content-Length: 5\r\n`,
      'Content-Length: 5\r\nContent-Length: 5\r\n',
      CHUNKED + CHUNKED,
    ];
    for (const fields of bad) {
      for (const [status, method] of [
        [200, 'GET'],
        [200, 'HEAD'],
        [304, 'GET'],
        [204, 'GET'],
        [103, 'GET'],
      ] as const) {
        assert.equal(response(fields, status, method), '✗', `${status} ${fields}`);
      }
    }
    assert.equal(response(CHUNKED, 200, 'GET', '1.0'), '✗');
  });
  row('S2', () => {
    for (const fields of [CHUNKED, 'Content-Length: 1\r\n']) {
      for (const status of [100, 102, 103, 101, 204])
        assert.equal(response(fields, status), '✗', `${status} ${fields}`);
      assert.equal(response(fields, 204, 'HEAD'), '✗');
      assert.equal(response(fields, 200, 'CONNECT'), '✗');
    }
  });
  row('S3', () => {
    for (const status of [100, 103, 204]) {
      assert.equal(response('', status), 'none');
      assert.equal(response('Content-Length: 0\r\n', status), 'none');
    }
  });
  row('S4', () => {
    assert.equal(response('', 101), 'tunnel');
    assert.equal(response('', 200, 'CONNECT'), 'tunnel');
    assert.equal(response('Content-Length: 0\r\n', 299, 'CONNECT'), 'tunnel');
    assert.equal(response('Content-Length: 1\r\n', 403, 'CONNECT'), 'length');
  });
  row('S5', () => {
    for (const fields of ['', CHUNKED, 'Content-Length: 0\r\n', 'Content-Length: 9\r\n']) {
      assert.equal(response(fields, 304), 'none', fields);
      for (const status of [200, 404, 304]) assert.equal(response(fields, status, 'HEAD'), 'none', fields);
    }
  });
  row('S6', () => assert.equal(response(CHUNKED, 500), 'chunked'));
  row('S7', () => {
    assert.equal(response('Content-Length: 0\r\n'), 'none');
    assert.equal(response('Content-Length: 7\r\n'), 'length');
    assert.equal(response('Content-Length: 7\r\n', 200, 'GET', '1.0'), 'length');
  });
  row('S8', () => {
    for (const [status, version] of [
      [200, '1.1'],
      [200, '1.0'],
      [205, '1.1'],
    ] as const) {
      assert.equal(response('', status, 'GET', version), 'untilClose');
    }
    for (const isWhole of [true, false]) {
      const d = dial();
      const { r } = ask(d);
      d.connection.feed('HTTP/1.1 200 OK\r\n\r\nabc');
      if (isWhole) d.connection.fin();
      else d.connection.destroy('ECONNRESET');
      assert.equal(r.done, isWhole);
      assert.equal(d.idle, 0);
    }
  });
});

describe('an interim response of HTTP/1.0', () => {
  row('S9', () => {
    for (const status of [100, 101, 103]) assert.equal(response('', status, 'GET', '1.0'), '✗');
  });
});

/** What is written for a request of this method, said length and content (null: whole with its head). */
function written(method: string, length: number, body: string | null): string {
  const d = dial();
  const stream = d.client.open(new Recorder());
  const head = Head.request(method, '/', 'a');
  head.contentLength = length;
  stream.sendHead(head, body === null);
  if (body !== null) send(stream, body, true);
  return d.connection.closed ? '✗' : d.connection.written.slice(`${method} / HTTP/1.1\r\nhost: a\r\n`.length);
}

describe('a request that goes out', () => {
  row('U1', () => {
    for (const method of ['POST', 'PUT', 'PATCH']) {
      assert.equal(written(method, -1, null), 'content-length: 0\r\n\r\n');
    }
    assert.equal(written('DELETE', 0, null), 'content-length: 0\r\n\r\n');
  });
  row('U2', () => {
    for (const method of ['GET', 'HEAD', 'DELETE', 'BREW']) assert.equal(written(method, -1, null), '\r\n');
  });
  row('U3', () => {
    assert.equal(written('GET', 2, 'hi'), 'content-length: 2\r\n\r\nhi');
    assert.equal(written('POST', 3, 'hi'), '✗');
    assert.equal(written('POST', 1, 'hi'), '✗');
    assert.equal(written('POST', 0, 'hi'), '✗');
  });
  row('U4', () => assert.equal(written('GET', -1, 'hi'), 'transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'));
});

/** The same for a response. */
function answered(start: string, status: number, length: number, body: string | null): string {
  const { s, stream } = one(`${start}\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
  const head = Head.response(status);
  head.contentLength = length;
  stream.sendHead(head, body === null);
  if (body !== null) answer(stream, body, true);
  if (s.connection.closed) return '✗';
  return s.connection.written.replace(/^[^\r]*\r\n/, '').replace(/connection: [^\r]*\r\n/, '');
}

describe('a response that goes out', () => {
  const get = 'GET / HTTP/1.1';
  const head = 'HEAD / HTTP/1.1';
  row('D1', () => {
    assert.equal(answered(get, 204, 5, null), '\r\n');
    assert.equal(answered(get, 103, 5, null), '\r\n');
    assert.equal(answered(get, 101, 5, 'raw'), '\r\nraw');
    assert.equal(answered('CONNECT a:80 HTTP/1.1', 200, 5, 'raw'), '\r\nraw');
    assert.equal(answered(get, 204, -1, 'never sent'), '\r\n');
  });
  row('D2', () => {
    for (const [start, status] of [
      [head, 200],
      [get, 304],
    ] as const) {
      assert.equal(answered(start, status, 5, null), 'content-length: 5\r\n\r\n');
      assert.equal(answered(start, status, -1, null), '\r\n');
      assert.equal(answered(start, status, -1, 'never sent'), '\r\n');
    }
    assert.equal(answered(head, 204, 5, null), '\r\n');
  });
  row('D3', () => assert.equal(answered(get, 200, -1, null), 'content-length: 0\r\n\r\n'));
  row('D4', () => {
    assert.equal(answered(get, 200, 2, 'hi'), 'content-length: 2\r\n\r\nhi');
    assert.equal(answered(get, 200, 3, 'hi'), '✗');
    assert.equal(answered(get, 200, 1, 'hi'), '✗');
  });
  row('D5', () => assert.equal(answered(get, 200, -1, 'hi'), 'transfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'));
  row('D6', () => {
    assert.equal(answered('GET / HTTP/1.0', 200, -1, 'hi'), '\r\nhi');
    assert.equal(answered('GET / HTTP/1.0', 200, 2, 'hi'), 'content-length: 2\r\n\r\nhi');
  });
});

after(() => {
  const table = readFileSync(new URL('framing.ts', import.meta.url), 'utf8');
  const rows = [...table.matchAll(/^ \*  ([A-Z]\d+) /gm)].map((match) => match[1]);
  assert.deepEqual(tested, new Set(rows), 'every row has a case');
});
