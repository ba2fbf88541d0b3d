/**
 * Every known way to make two readers of one connection disagree, sent through the server and the client codec as a
 * request goes through the proxy: what is ambiguous is refused, and of what is refused no byte reaches the upstream.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESET } from '../message.ts';
import { relay } from './test/relay.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n';
const get = (fields: string): string => `GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`;
const post = (fields: string, body = SMUGGLED): string => `POST / HTTP/1.1\r\nHost: a\r\n${fields}\r\n${body}`;
const start = (line: string): string => `${line}\r\nHost: a\r\n\r\n${SMUGGLED}`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

/** Refused with this status before the upstream hears of anything. */
const HEADS: Readonly<Record<string, readonly (readonly [status: number, input: string])[]>> = {
  'CL.TE': [
    [400, post(`Content-Length: 6\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`)],
    [400, post(`Content-Length: 0\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`)],
    [400, post(`Content-Length: 44\r\nContent-Encoding: x\r\n${CHUNKED}`, `0\r\n\r\n${SMUGGLED}`)],
  ],
  'TE.CL': [
    [400, post(`${CHUNKED}Content-Length: 4\r\n`, `2c\r\n${SMUGGLED}\r\n0\r\n\r\n`)],
    [400, post(`${CHUNKED}Content-length: 3\r\n`, `8\r\nSMUGGLED\r\n0\r\n\r\n`)],
  ],
  'TE.TE, obfuscated': [
    ...[
      'Transfer-Encoding: xchunked',
      'Transfer-Encoding : chunked',
      'Transfer-Encoding\t: chunked',
      'Transfer-Encoding\x0b: chunked',
      ' Transfer-Encoding: chunked',
      'Transfer-Encoding:\tchunked',
      'Transfer-Encoding: chunked\t',
      'Transfer-Encoding: \x0bchunked',
      'Transfer-Encoding: \x0cchunked',
      'Transfer-Encoding: \0chunked',
      'Transfer-Encoding: chunked\0',
      'Transfer-Encoding: chunked\x7f',
      'Transfer-Encoding: ch\xfcnked',
      'Transfer-Encoding: "chunked"',
      "Transfer-Encoding: 'chunked'",
      'Transfer-Encoding: chunked;',
      'Transfer-Encoding: chunked, ',
      'Transfer-Encoding: ,chunked',
      'Transfer-Encoding: chunked, cow',
      'Transfer-Encoding: chunked, identity',
      'Transfer-Encoding: chunked chunked',
      'Transfer-Encoding: identity',
      'Transfer-Encoding: cow',
      'Transfer-Encoding:',
      'Transfer-Encoding:\n chunked',
      'Transfer-Encoding:\r\n chunked',
      'Transfer-Encoding: chunked\r\n\tx',
      'Transfer-Encoding: chunked\rX: y',
      'Transfer-Encoding: chunked\nX: y',
      'X: y\nTransfer-Encoding: chunked',
      'X: y\rTransfer-Encoding: chunked',
      'Transfer_Encoding: chunked',
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: cow',
      'Transfer-encoding: cow\r\nTransfer-Encoding: chunked',
      'Transfer-Encoding: chunked\r\nTRANSFER-ENCODING: chunked',
      '\x00Transfer-Encoding: chunked',
      '\xa0Transfer-Encoding: chunked',
      'Transfer\xadEncoding: chunked',
      'Transfer-Encoding\xa0: chunked',
    ].map((line) => [400, post(`${line}\r\n`, `0\r\n\r\n${SMUGGLED}`)] as const),
    [501, post('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${SMUGGLED}`)],
  ],
  'TE in HTTP/1.0': [
    [400, `POST / HTTP/1.0\r\nHost: a\r\n${CHUNKED}\r\n0\r\n\r\n${SMUGGLED}`],
    [400, `POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n${CHUNKED}Content-Length: 4\r\n\r\n${SMUGGLED}`],
  ],
  'CL.CL, lists, signs, spaces': [
    ...[
      '1, 1',
      '0, 44',
      '+44',
      '-1',
      '44 ',
      '4 4',
      '0x2c',
      '44;',
      '4,4',
      '44.0',
      '4e1',
      '"44"',
      '\x0b44',
      '44\0',
      '٤',
      '',
    ]
      .filter((value) => value !== '44 ')
      .map((value) => [400, post(`Content-Length: ${Buffer.from(value).toString('latin1')}\r\n`)] as const),
    [400, post('Content-Length: 44\r\nContent-Length: 44\r\n')],
    [400, post('Content-Length: 0\r\ncontent-length: 44\r\n')],
    [400, post('Content-Length : 44\r\n')],
    [400, post('Content_Length: 44\r\n')],
    [400, post('Content-Length: 44\n\r\n')],
    [400, post('Content-Length:\r\n 44\r\n')],
    [400, post('Content-Length: 00000000000000044\r\n')],
    [400, post('Content-Length: 18446744073709551660\r\n')],
  ],
  'Expect, which makes 0.CL of CL.CL': [
    [417, post('Content-Length: 44\r\nExpect: y 100-continue\r\n')],
    [417, post('Content-Length: 44\r\nExpect: 100-continue, 100-continue\r\n')],
    [417, post('Content-Length: 44\r\nExpect: 100-continue\r\nExpect: x\r\n')],
  ],
  'content of methods that have none': [
    [400, `CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`],
    [400, `TRACE / HTTP/1.1\r\nHost: a\r\n${CHUNKED}\r\n0\r\n\r\n${SMUGGLED}`],
  ],
  'bare LF and CR, folds, control bytes': [
    [400, `GET / HTTP/1.1\nHost: a\n\n${SMUGGLED}`],
    [400, `GET / HTTP/1.1\r\nHost: a\n\r\n${SMUGGLED}`],
    [400, `GET / HTTP/1.1\r\nHost: a\r\r\n\r\n${SMUGGLED}`],
    [400, get('X: a\n\nGET /smuggled HTTP/1.1\r\n')],
    [400, get('X: a\r\rGET /smuggled HTTP/1.1\r\n')],
    [400, get('X: a\r\n\rContent-Length: 44\r\n')],
    [400, get('X: a\r\n b\r\n')],
    [400, get('X: a\r\n\tb\r\n')],
    [400, get('X: a\0Content-Length: 44\r\n')],
    [400, get('X: a\x0b\r\n')],
    [400, `GET / HTTP/1.1\r\nHost: a\r\n\n${SMUGGLED}`],
    [400, `GET / HTTP/1.1\r\n Host: a\r\n\r\n${SMUGGLED}`],
  ],
  'field names': [
    ...[
      'X : y',
      'X\t: y',
      ': y',
      'X',
      'X y: z',
      'X\0: y',
      'X\xe9: y',
      '"X": y',
      'X(: y',
      'X/: y',
      '\x7fX: y',
      'X\r: y',
    ].map((line) => [400, get(`${line}\r\n`)] as const),
    [400, get('Content_Length: 44\r\n')],
    [400, get('transfer_encoding: chunked\r\n')],
  ],
  'request lines': [
    ...[
      'GET  / HTTP/1.1',
      'GET\t/ HTTP/1.1',
      'GET /\tHTTP/1.1',
      'GET / HTTP/1.1 ',
      'GET /  HTTP/1.1',
      'GET / HTTP/1.1\x0b',
      ' GET / HTTP/1.1',
      '\tGET / HTTP/1.1',
      'GET / x HTTP/1.1',
      'GET /#f HTTP/1.1',
      'GET /\xa0 HTTP/1.1',
      'GET /\0 HTTP/1.1',
      'GET /a\\b\x01 HTTP/1.1',
      'GET http://u:p@a/ HTTP/1.1',
      'GET http://a#f HTTP/1.1',
      'GET http://a:80:80/ HTTP/1.1',
      'GET http://b/ HTTP/1.1',
      'GET a HTTP/1.1',
      'GET ?x HTTP/1.1',
      'GET * HTTP/1.1',
      'GET / HTTP/1.1\r\r',
      'GET / http/1.1',
      'GET / HTTP/1,1',
      'GET / HTTP/+1.1',
      'GET / HTTP/1.01',
      'GET /',
      'G\0T / HTTP/1.1',
      'GET: / HTTP/1.1',
      '\r\n\r\nGET / HTTP/1.1',
      '\nGET / HTTP/1.1',
      '\rGET / HTTP/1.1',
    ].map((line) => [400, start(line)] as const),
    [505, start('GET / HTTP/2.0')],
    [505, start('GET / HTTP/1.9')],
    [505, start('GET / HTTP/0.9')],
  ],
  'Host, two of it, none, or another': [
    [400, `GET / HTTP/1.1\r\n\r\n${SMUGGLED}`],
    [400, get('Host: b\r\n')],
    [400, get('hOST: a\r\n')],
    [400, `GET / HTTP/1.1\r\nHost: a, b\r\n\r\n`],
    [400, `GET / HTTP/1.1\r\nHost: a@b\r\n\r\n`],
    [400, `GET / HTTP/1.1\r\nHost: a/../b\r\n\r\n`],
    [400, `GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n`],
    [400, `CONNECT a:80 HTTP/1.1\r\nHost: b\r\n\r\n`],
  ],
  'more than is held': [
    [414, `GET /${'a'.repeat(70_000)} HTTP/1.1\r\n\r\n`],
    [431, get(`X: ${'y'.repeat(70_000)}\r\n`)],
    [431, get('X: y\r\n'.repeat(200))],
  ],
};

describe('a request that two readers could take apart differently is refused, and no byte reaches the upstream', () => {
  for (const [family, cases] of Object.entries(HEADS)) {
    it(family, () => {
      for (const [status, input] of cases) {
        for (const reads of [[input], [...input.slice(0, 300)].concat(input.slice(300))]) {
          const shown = JSON.stringify(input.slice(0, 200));
          const { down, up } = relay();
          for (const read of reads) if (!down.connection.closed) down.connection.feed(read);
          assert.equal(up.connection.written, '', shown);
          assert.equal(up.client.exchanges, 0, shown);
          assert.match(down.connection.written, new RegExp(`^HTTP/1\\.1 ${status} `), shown);
          assert.ok(down.connection.ended || down.connection.closed, shown);
        }
      }
    });
  }
});

/** The head is unambiguous; what follows it is not. */
const CHUNKS: Readonly<Record<string, readonly string[]>> = {
  sizes: [
    ' 1\r\nx\r\n0\r\n\r\n',
    '1 \r\nx\r\n0\r\n\r\n',
    '\t1\r\nx\r\n0\r\n\r\n',
    '+1\r\nx\r\n0\r\n\r\n',
    '-1\r\nx\r\n0\r\n\r\n',
    '0x1\r\nx\r\n0\r\n\r\n',
    '1h\r\nx\r\n0\r\n\r\n',
    '1_0\r\nx\r\n0\r\n\r\n',
    '１\r\nx\r\n0\r\n\r\n',
    '\r\nx\r\n0\r\n\r\n',
    '\0\r\n\r\n',
    '100000000000000001\r\nx\r\n0\r\n\r\n',
    'ffffffffffffffff\r\nx\r\n0\r\n\r\n',
    '20000000000000\r\nx\r\n0\r\n\r\n',
    '00000000000000001\r\nx\r\n0\r\n\r\n',
  ],
  terminators: [
    '1\nx\n0\n\n',
    '1\r\nx\n0\r\n\r\n',
    '1\rx\r\n0\r\n\r\n',
    '1\r\nx\r0\r\n\r\n',
    '1\r\nxy\r\n0\r\n\r\n',
    '1\r\nx0\r\n\r\n',
    '1\r\nx\r\r\n0\r\n\r\n',
    '1\r\r\nx\r\n0\r\n\r\n',
    '0\n\r\n',
    '0\r\n\n',
    '0\r\r\n\r\n',
    '0\r\n\rX',
  ],
  'extensions (TERM.EXT, EXT.TERM)': [
    '1;\nxx\r\n0\r\n\r\n',
    '1;a\nxx\r\n0\r\n\r\n',
    '1;a\rb\r\nx\r\n0\r\n\r\n',
    '1;a=b\n\r\nx\r\n0\r\n\r\n',
    '1;a="\n"\r\nx\r\n0\r\n\r\n',
    '1;a\0\r\nx\r\n0\r\n\r\n',
    '1 ;a\r\nx\r\n0\r\n\r\n',
    '1; a\r\nx\r\n0\r\n\r\n',
    '0;a\nX: y\r\n\r\n',
    `1;${'a'.repeat(300)}\r\nx\r\n0\r\n\r\n`,
  ],
  trailers: [
    '0\r\nX : y\r\n\r\n',
    '0\r\n X: y\r\n\r\n',
    '0\r\nX\r\n\r\n',
    '0\r\nX: y\n\r\n',
    '0\r\nX: y\r\n z\r\n\r\n',
    '0\r\nTransfer-Encoding: chunked\r\n\r\n',
    '0\r\nContent-Length: 44\r\n\r\n',
    '0\r\nContent_Length: 44\r\n\r\n',
    '0\r\nHost: b\r\n\r\n',
    '0\r\nAuthorization: x\r\n\r\n',
    '0\r\nX-Forwarded-Client-Cert: x\r\n\r\n',
    '0\r\nX_Forwarded_Client_Cert: x\r\n\r\n',
  ],
};

describe('chunks that two readers could end differently never become a whole request upstream', () => {
  for (const [family, bodies] of Object.entries(CHUNKS)) {
    it(family, () => {
      for (const body of bodies) {
        const bytes = Buffer.from(post(CHUNKED, body) + SMUGGLED).toString('latin1');
        for (const reads of [[bytes], [...bytes]]) {
          const shown = JSON.stringify(body);
          const { down, up } = relay();
          for (const read of reads) if (!down.connection.closed) down.connection.feed(read);
          assert.ok(up.connection.closed, `${shown}: the upstream is told`);
          assert.notEqual(up.connection.reason, '', `${shown}: by a reset`);
          assert.doesNotMatch(up.connection.written, /\r\n0\r\n/, `${shown}: no end of the message`);
          assert.doesNotMatch(up.connection.written, /smuggled/, shown);
          assert.match(down.connection.written, /^HTTP\/1\.1 400 /, shown);
          assert.equal(up.idle, 0, shown);
        }
      }
    });
  }
});

describe('what is not ambiguous goes through as one request, framed anew', () => {
  const cases: Readonly<Record<string, readonly [input: string, written: string]>> = {
    'CL.0: content by length of a method that seldom has any': [
      `GET / HTTP/1.1\r\nHost: a\r\nContent-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
      `GET / HTTP/1.1\r\nHost: a\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    ],
    '0.CL: a length with leading zeros': [
      post(`Content-Length: 00${SMUGGLED.length}\r\n`),
      `POST / HTTP/1.1\r\nHost: a\r\ncontent-length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
    ],
    'chunks with extensions, zeros and trailers': [
      post(CHUNKED, '0003;a;b=c;d="e\\"f"\r\nabc\r\n000;x\r\nX-Sum: 1\r\n\r\n'),
      `POST / HTTP/1.1\r\nHost: a\r\n${CHUNKED.toLowerCase()}\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`,
    ],
    'Connection that names what must stay': [
      post('Connection: Content-Length, Transfer-Encoding, Host\r\nContent-Length: 3\r\n', 'abc'),
      'POST / HTTP/1.1\r\nHost: a\r\ncontent-length: 3\r\n\r\nabc',
    ],
  };
  for (const [name, [input, written]] of Object.entries(cases)) {
    it(name, () => {
      const { down, up } = relay();
      down.connection.feed(input);
      assert.equal(up.connection.written, written);
    });
  }
});

describe('a response that two readers could take apart differently', () => {
  const OK = 'HTTP/1.1 200 OK\r\n';
  const cases: Readonly<Record<string, string>> = {
    'CL and TE': `${OK}Content-Length: 5\r\n${CHUNKED}\r\n0\r\n\r\nHTTP/1.1 200 smuggled\r\n\r\n`,
    'TE, obfuscated': `${OK}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n`,
    'TE twice': `${OK}${CHUNKED}${CHUNKED}\r\n0\r\n\r\n`,
    'CL twice': `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi`,
    'CL list': `${OK}Content-Length: 2, 2\r\n\r\nhi`,
    'TE in HTTP/1.0': `HTTP/1.0 200 OK\r\n${CHUNKED}\r\n0\r\n\r\n`,
    '1xx with a length': `HTTP/1.1 103 X\r\nContent-Length: 9\r\n\r\nsmuggled!${OK}\r\n`,
    '1xx in chunks': `HTTP/1.1 100 X\r\n${CHUNKED}\r\n0\r\n\r\n`,
    '204 with content': 'HTTP/1.1 204 X\r\nContent-Length: 8\r\n\r\nsmuggled',
    'splitting by LF': `${OK}X: a\n\nHTTP/1.1 200 smuggled\r\n\r\n`,
    'splitting by CR': `${OK}X: a\rContent-Length: 0\r\n\r\n`,
    'NUL in a value': `${OK}X: a\0b\r\n\r\n`,
    'obs-fold': `${OK}X: a\r\n b\r\n\r\n`,
    '101 unasked': 'HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nsmuggled',
    'an empty line first': `\r\n${OK}Content-Length: 0\r\n\r\n`,
    'a body first': `smuggled${OK}Content-Length: 0\r\n\r\n`,
    lookalike: `${OK}Content_Length: 5\r\n\r\n`,
  };
  for (const [name, bytes] of Object.entries(cases)) {
    it(`never reaches the client, and its connection carries nothing more: ${name}`, () => {
      for (const reads of [[bytes], [...bytes]]) {
        const { down, up, answers } = relay();
        down.connection.feed(get(''));
        for (const read of reads) if (!up.connection.closed) up.connection.feed(read);
        assert.equal(down.connection.written, '');
        assert.equal(answers[0]?.reset, RESET.protocol);
        assert.ok(up.connection.closed);
        assert.equal(up.idle, 0);
      }
    });
  }

  it('has bytes behind its end: they are nobody’s, and the connection carries nothing more', () => {
    const tails = {
      GET: `${OK}Content-Length: 2\r\n\r\nhi`,
      HEAD: `${OK}Content-Length: 8\r\n\r\n`,
    };
    for (const [method, whole] of Object.entries(tails)) {
      for (const reads of [[`${whole}HTTP/1.1 200 smuggled\r\n\r\n`], [whole, 'HTTP/1.1 200 smuggled\r\n\r\n']]) {
        const { down, up } = relay();
        down.connection.feed(get('').replace('GET', method));
        for (const read of reads) if (!up.connection.closed) up.connection.feed(read);
        assert.doesNotMatch(down.connection.written, /smuggled/);
        assert.ok(up.connection.closed);
      }
    }
  });

  it('is cut short: the client is told by a reset, whatever the framing', () => {
    for (const part of [
      `${OK}Content-Length: 9\r\n\r\npart`,
      `${OK}${CHUNKED}\r\n9\r\npart`,
      `${OK}${CHUNKED}\r\n4\r\npart\r\n`,
      `${OK}${CHUNKED}\r\n4\r\npart\r\n0\r\n`,
    ]) {
      const { down, up } = relay();
      down.connection.feed(get(''));
      up.connection.feed(part);
      up.connection.fin();
      assert.ok(down.connection.closed, part);
      assert.notEqual(down.connection.reason, '', part);
      assert.doesNotMatch(down.connection.written, /\r\n0\r\n/, part);
    }
    const { down, up } = relay();
    down.connection.feed('GET / HTTP/1.0\r\n\r\n');
    up.connection.feed(`${OK}\r\npart`);
    up.connection.destroy('ECONNRESET');
    assert.notEqual(down.connection.reason, '', 'until close: only the reset tells');
  });
});
