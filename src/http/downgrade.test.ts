/**
 * Requests that come over HTTP/2 and go on as HTTP/1.1: what only one of the two can say (a length that lies, a coding, a
 * line break in a value, a second host) is a reset of the stream, and no byte of it reaches the upstream.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { dial, type Dialled } from './h1/test/dial.ts';
import { Recorder } from './h1/test/recorder.ts';
import { FRAME } from './h2/frame.ts';
import { block, data, frame, GET, headers, POST } from './h2/test/frames.ts';
import { described, Served } from './h2/test/serve.ts';

type Fields = readonly (readonly [string, string])[];
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';

/** An HTTP/2 server whose requests go on over HTTP/1.1, one connection each. */
function downgrade(...frames: readonly Uint8Array[]): { s: Served; ups: readonly Dialled[] } {
  const s = new Served().begin();
  const ups: Dialled[] = [];
  s.react = (_stream, head, receiver) => {
    const up = dial();
    ups.push(up);
    const to = up.client.open(new Recorder());
    receiver.onData = (bytes, start, end, last) => to.sendData(bytes, start, end, last);
    receiver.onTrailers = (fields) => to.sendTrailers(fields);
    receiver.onReset = (reason) => to.reset(reason);
    to.sendHead(head, receiver.done);
  };
  s.feed(...frames);
  return { s, ups };
}

/** One pseudo-header field of GET with another value. */
const like = (name: string, value: string): Fields => GET.map(([n, v]) => [n, n === name ? value : v]);

const HEADS: Readonly<Record<string, readonly Fields[]>> = {
  'H2.TE': [
    [...POST, ['transfer-encoding', 'chunked']],
    [...POST, ['transfer-encoding', 'identity']],
    [...POST, ['transfer_encoding', 'chunked']],
    [...POST, ['x', 'y\r\ntransfer-encoding: chunked']],
    [...POST, ['transfer-encoding: chunked\r\nx', 'y']],
    [...POST, ['Transfer-Encoding', 'chunked']],
  ],
  'fields of a connection': [
    [...GET, ['connection', 'close']],
    [...GET, ['connection', 'content-length']],
    [...GET, ['upgrade', 'websocket']],
    [...GET, ['keep-alive', 'x']],
    [...GET, ['proxy-connection', 'x']],
    [...GET, ['te', 'chunked']],
    [...GET, ['te', 'trailers, chunked']],
    [...GET, ['http2-settings', 'x'], ['connection', 'http2-settings']],
  ],
  'H2.CL, in the head': [
    [...POST, ['content-length', '1']],
    [...POST, ['content-length', '0'], ['content-length', '0']],
    [...POST, ['content-length', '0, 0']],
    [...POST, ['content-length', '+0']],
    [...POST, ['content-length', '-0']],
    [...POST, ['content-length', '0x0']],
    [...POST, ['content-length', '']],
    [...POST, ['content-length', ' 0']],
    [...POST, ['content_length', '0']],
  ],
  'splitting through values': [
    '\r\nHost: b',
    '\nx: y',
    '\rx',
    '\0',
    '\r\n\r\n' + SMUGGLED,
    ' a',
    'a ',
    '\ta',
    'a\x7f',
    '\x01',
  ].map((value) => [...GET, ['x', value]]),
  'splitting through names': ['x: y\r\nz', 'x\r\n', 'x ', ' x', 'x:', 'X', 'x\0', 'x\xe9', '', 'x y', ':x', 'x\ny'].map(
    (name) => [...GET, [name, 'v']],
  ),
  'splitting through :path': [
    '/ HTTP/1.1\r\nHost: b\r\n\r\n' + SMUGGLED,
    '/ HTTP/1.1\r\nx: y',
    '/a b',
    '/a\tb',
    '/a\rb',
    '/a\nb',
    '/\0',
    '/\xe9',
    '/#f',
    '',
    'a',
    '*',
    'http://b/',
  ].map((path) => like(':path', path)),
  'splitting through :method': [
    'GET / HTTP/1.1\r\nx: y\r\n\r\n',
    'GET /smuggled HTTP/1.1',
    'G T',
    'GET\t',
    '',
    'GET\r\n',
    'G\0T',
    'GET:',
  ].map((method) => like(':method', method)),
  'splitting through :authority': [
    'a\r\nx: y',
    'a b',
    'a/b',
    'u@a',
    'a#',
    'a?b',
    'a, b',
    '',
    'a:b',
    'a:99999',
    'a\xe9',
  ].map((authority) => like(':authority', authority)),
  'splitting through :scheme': ['http\r\nx: y', 'http://b/?', '', 'HTTP', 'ftp'].map((scheme) =>
    like(':scheme', scheme),
  ),
  'another host': [
    [...GET, ['host', 'b']],
    [...GET, ['host', 'a'], ['host', 'a']],
    [...GET, ['host', 'a:81']],
    [...GET.slice(0, 3), ['host', 'b'], ['host', 'a']],
    [...GET.slice(0, 3), ['host', '']],
    GET.slice(0, 3),
  ],
  'pseudo-header fields': [
    [...GET, [':path', '/smuggled']],
    [...GET, [':authority', 'b']],
    [['x', 'y'], ...GET],
    [...GET, [':status', '200']],
    [...GET, [':unknown', 'x']],
    GET.slice(1),
  ],
  Expect: [
    [...POST, ['expect', 'y 100-continue'], ['content-length', '3']],
    [...POST, ['expect', '100-continue, x']],
    [...POST, ['expect', '100-continue'], ['expect', '100-continue']],
  ],
  'names that others read as ours': [
    [...GET, ['x_forwarded_client_cert', 'URI=spiffe://a/b']],
    [...GET, ['x-forwarded_client-cert', 'URI=spiffe://a/b']],
  ],
};

describe('a head that HTTP/1.1 would read differently is reset, and no byte reaches the upstream', () => {
  for (const [family, cases] of Object.entries(HEADS)) {
    it(family, () => {
      for (const [index, fields] of cases.entries()) {
        const { s, ups } = downgrade(headers(1, fields));
        const shown = `${index} ${JSON.stringify(fields)}`;
        assert.equal(ups.length, 0, shown);
        assert.deepEqual(described(s.take()), ['rstStream 1 protocol'], shown);
        assert.equal(s.refused.length, 1, shown);
        s.feed(headers(3));
        assert.equal(ups.length, 1, `${shown}: other streams go on`);
      }
    });
  }
});

describe('content that does not add up to its length is never whole upstream', () => {
  const said = (length: string): Buffer => headers(1, [...POST, ['content-length', length]], false);
  const trailers = (fields: Fields): Buffer => frame(FRAME.headers, 5, 1, block(fields));
  const cases: Readonly<Record<string, readonly Buffer[]>> = {
    'H2.CL: more than said': [said('1'), data(1, `x${SMUGGLED}`, true)],
    'H2.CL: more than said, in pieces': [said('1'), data(1, 'x'), data(1, SMUGGLED, true)],
    'H2.CL: more than none': [said('0'), data(1, SMUGGLED, true)],
    'H2.CL: less than said': [said('99'), data(1, 'x', true)],
    'H2.CL: less than said, with trailers': [said('99'), data(1, 'x'), trailers([['x', 'y']])],
    'trailers that split': [headers(1, POST, false), data(1, 'x'), trailers([['x', 'y\r\n\r\nGET /smuggled']])],
    'trailers that frame': [headers(1, POST, false), data(1, 'x'), trailers([['transfer-encoding', 'chunked']])],
    'trailers that say a length': [headers(1, POST, false), data(1, 'x'), trailers([['content-length', '0']])],
    'trailers with a path': [headers(1, POST, false), data(1, 'x'), trailers([[':path', '/smuggled']])],
    'trailers with a host': [headers(1, POST, false), data(1, 'x'), trailers([['host', 'b']])],
  };
  for (const [name, frames] of Object.entries(cases)) {
    it(name, () => {
      const { s, ups } = downgrade(...frames);
      const [up] = ups;
      assert.ok(up?.connection.closed);
      assert.notEqual(up.connection.reason, '', 'by a reset');
      assert.doesNotMatch(up.connection.written, /smuggled|\r\n0\r\n/);
      assert.equal(up.idle, 0);
      assert.deepEqual(
        described(s.take()).filter((text) => !text.startsWith('windowUpdate')),
        ['rstStream 1 protocol'],
      );
    });
  }
});

describe('what both can say goes on, framed anew, with one Host', () => {
  const written = (...frames: readonly Buffer[]): string | undefined => downgrade(...frames).ups[0]?.connection.written;

  it('a request without content', () => {
    assert.equal(written(headers(1)), 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.replace('Host', 'host'));
    assert.equal(
      written(headers(1, [...GET.slice(0, 3), ['x', 'y'], ['host', 'b:80']])),
      'GET / HTTP/1.1\r\nx: y\r\nhost: b:80\r\n\r\n',
    );
    assert.equal(
      written(headers(1, [...GET, ['host', 'A:80'], ['x', 'y']])),
      'GET / HTTP/1.1\r\nhost: a\r\nx: y\r\n\r\n',
    );
  });

  it('content of a known length, and of none', () => {
    assert.equal(
      written(headers(1, [...POST, ['content-length', '02']], false), data(1, 'hi', true)),
      'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi',
    );
    assert.equal(
      written(headers(1, POST, false), data(1, 'hi'), frame(FRAME.headers, 5, 1, block([['x', 'y']]))),
      'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nx: y\r\n\r\n',
    );
  });

  it('Expect with content, and not without', () => {
    const expecting: Fields = [...POST, ['expect', '100-continue']];
    assert.match(written(headers(1, expecting, false)) ?? '', /\r\nexpect: 100-continue\r\n/);
    assert.doesNotMatch(written(headers(1, expecting)) ?? '', /expect/);
  });

  it('cookies in crumbs as one, TE as it must be named', () => {
    assert.equal(
      written(headers(1, [...GET, ['cookie', 'a=b'], ['te', 'trailers'], ['cookie', 'c=d']])),
      'GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\ncookie: a=b; c=d\r\nconnection: te\r\n\r\n',
    );
  });
});
