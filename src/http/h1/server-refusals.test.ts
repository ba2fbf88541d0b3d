/** Everything that a server must refuse: answered, closed, and nobody behind it hears of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Head } from '../head.ts';
import { ALL_REFUSALS } from './refusal.ts';
import { serve } from './test/recorder.ts';

const HOST = 'Host: a\r\n';
const get = (fields: string): string => `GET / HTTP/1.1\r\n${HOST}${fields}\r\n`;
const post = (fields: string, body = ''): string => `POST / HTTP/1.1\r\n${HOST}${fields}\r\n${body}`;
const line = (text: string): string => `${text}\r\n${HOST}\r\n`;

const CASES: Readonly<Record<string, readonly [status: number, input: string][]>> = {
  'request line': [
    [400, line('GET  / HTTP/1.1')],
    [400, line('GET /  HTTP/1.1')],
    [400, line('GET\t/ HTTP/1.1')],
    [400, line('GET /\tHTTP/1.1')],
    [400, line(' GET / HTTP/1.1')],
    [400, line('GET / HTTP/1.1 ')],
    [400, line('GET /')],
    [400, 'GET /\r\n'],
    [400, line('GET')],
    [400, line('G@T / HTTP/1.1')],
    [400, line('GE(T / HTTP/1.1')],
    [400, line('GET / http/1.1')],
    [400, line('GET / HTTP/1.1x')],
    [400, line('GET / HTTP/11')],
    [400, line('GET / HTTP/1')],
    [400, line('GET / HTTP /1.1')],
    [400, line('GET / HTTP/1.10')],
    [400, line('GET / XTTP/1.1')],
    [505, line('GET / HTTP/2.0')],
    [505, line('GET / HTTP/1.2')],
    [505, line('GET / HTTP/0.9')],
    [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [400, 'GET / HTTP/1.1\nHost: a\n\n'],
    [400, 'GET / HTTP/1.1\r\r\nHost: a\r\n\r\n'],
    [400, 'GET / HTTP/1.1\rHost: a\r\n\r\n'],
    [400, '\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    [400, '\nGET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    [400, '\0GET / HTTP/1.1\r\nHost: a\r\n\r\n'],
    [400, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n'],
  ],
  'names that CGI reads as ours': [
    [400, get('content_length: 1\r\n')],
    [400, get('X_Forwarded_Client_Cert: By=x;URI=spiffe://weft.local/ns/shop/sa/admin\r\n')],
    [400, get('x-forwarded-client_cert: a\r\n')],
    [400, get('x-forwarded_client-cert: a\r\n')],
    [400, get('x_forwarded-client-cert: a\r\n')],
  ],
  target: [
    [400, line('GET /a#b HTTP/1.1')],
    [400, line('GET a HTTP/1.1')],
    [400, line('GET a/b HTTP/1.1')],
    [400, line('GET * HTTP/1.1')],
    [400, line('OPTIONS *a HTTP/1.1')],
    [400, line('GET /\0 HTTP/1.1')],
    [400, line('GET /\x7f HTTP/1.1')],
    [400, line('GET /\xe9 HTTP/1.1')],
    [400, line('GET /a b HTTP/1.1')],
    [400, line('GET ftp://a/ HTTP/1.1')],
    [400, line('GET http:///x HTTP/1.1')],
    [400, line('GET http://u@a/ HTTP/1.1')],
    [400, line('GET http://a:b/ HTTP/1.1')],
    [400, line('GET //a HTTP/1.1').replace('//a', 'http:/a')],
    [400, line('CONNECT a HTTP/1.1')],
    [400, line('CONNECT a: HTTP/1.1')],
    [400, line('CONNECT /x HTTP/1.1')],
    [400, line('CONNECT http://a:80 HTTP/1.1')],
    [400, line('CONNECT b:80 HTTP/1.1')],
    [414, `GET /${'a'.repeat(70_000)} HTTP/1.1\r\n${HOST}\r\n`],
  ],
  Host: [
    [400, 'GET / HTTP/1.1\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a\r\nhOSt: b\r\n\r\n'],
    [400, 'GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a b\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a, b\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a/b\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: u@a\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a:-1\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: [::1\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a?b\r\n\r\n'],
    [400, 'GET / HTTP/1.1\r\nHost: a\xff\r\n\r\n'],
    [400, 'GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n'],
    [400, 'GET http://a:81/ HTTP/1.1\r\nHost: a\r\n\r\n'],
  ],
  'field syntax': [
    [400, get('X : y\r\n')],
    [400, get('X\t: y\r\n')],
    [400, get('X: a\r\n b\r\n')],
    [400, get('X: a\r\n\tb\r\n')],
    [400, 'GET / HTTP/1.1\r\n Host: a\r\n\r\n'],
    [400, get(': y\r\n')],
    [400, get('X\r\n')],
    [400, get('X y: z\r\n')],
    [400, get('X\0: y\r\n')],
    [400, get('X\x7f: y\r\n')],
    [400, get('X\xe9: y\r\n')],
    [400, get('X(): y\r\n')],
    [400, get('X: a\0b\r\n')],
    [400, get('X: a\x01b\r\n')],
    [400, get('X: a\x7fb\r\n')],
    [400, get('X: a\rb\r\n')],
    [400, get('X: a\nY: b\r\n')],
    [400, get('X: a\r\r\n')],
    [400, get('X: y\n')],
    [400, `GET / HTTP/1.1\r\n${HOST}\n`],
    [400, `GET / HTTP/1.1\r\n${HOST}\rX\n`],
    [400, get('Content_Length: 5\r\n')],
    [400, get('Transfer_Encoding: chunked\r\n')],
    [431, get('X: y\r\n'.repeat(101))],
    [431, get(`X: ${'y'.repeat(61_440)}\r\n`)],
    [400, get('Connection: a b\r\n')],
    [400, get('Connection: "close"\r\n')],
    [400, get(`Connection: ${'a,'.repeat(40)}\r\n`)],
  ],
  'Content-Length (CL.CL, signs, lists)': [
    [400, post('Content-Length: 1\r\nContent-Length: 1\r\n', 'x')],
    [400, post('Content-Length: 1\r\nContent-Length: 2\r\n', 'xx')],
    [400, post('Content-Length: 1, 1\r\n', 'x')],
    [400, post('Content-Length: +1\r\n', 'x')],
    [400, post('Content-Length: -1\r\n', 'x')],
    [400, post('Content-Length: -0\r\n')],
    [400, post('Content-Length: 0x1\r\n', 'x')],
    [400, post('Content-Length: 1e1\r\n', 'x')],
    [400, post('Content-Length: 1.0\r\n', 'x')],
    [400, post('Content-Length: 1 2\r\n', 'x')],
    [400, post('Content-Length:\r\n')],
    [400, post('Content-Length: "1"\r\n', 'x')],
    [400, post('Content-Length: a\r\n')],
    [400, post('Content-Length: \xb2\r\n')],
    [400, post('Content-Length: 9007199254740992\r\n')],
    [400, post('Content-Length: 99999999999999999999\r\n')],
    [400, post('Content-Length: 00000000000000001\r\n')],
  ],
  'CL.TE and TE.CL': [
    [400, post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\nG')],
    [400, post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '5c\r\n')],
    [400, post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', '0\r\n\r\n')],
    [400, `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
    [400, `POST / HTTP/1.0\r\n${HOST}Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  ],
  'TE.TE tricks': [
    [400, post('Transfer-Encoding: xchunked\r\n')],
    [400, post('Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n')],
    [400, post('Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n')],
    [400, post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n')],
    [400, post('Transfer-Encoding: chunked, chunked\r\n')],
    [400, post('Transfer-Encoding: chunked, identity\r\n')],
    [400, post('Transfer-Encoding: identity\r\n')],
    [400, post('Transfer-Encoding: gzip\r\n')],
    [400, post('Transfer-Encoding:\r\n')],
    [400, post('Transfer-Encoding: ,chunked\r\n')],
    [400, post('Transfer-Encoding: chunked,\r\n')],
    [400, post('Transfer-Encoding: chunked;q=1\r\n')],
    [400, post('Transfer-Encoding: "chunked"\r\n')],
    [400, post('Transfer-Encoding: chunk\r\n')],
    [400, post('Transfer-Encoding: \x0bchunked\r\n')],
    [400, post('Transfer-Encoding:\n chunked\r\n')],
    [400, post('Transfer-Encoding : chunked\r\n')],
    [400, post('Transfer-Encoding: chunked\0\r\n')],
    [400, post('X: y\nTransfer-Encoding: chunked\r\n')],
    [501, post('Transfer-Encoding: gzip, chunked\r\n')],
  ],
  Expect: [
    [417, post('Expect: 100-continue, x\r\nContent-Length: 1\r\n', 'x')],
    [417, post('Expect: y 100-continue\r\nContent-Length: 1\r\n', 'x')],
    [417, post('Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 1\r\n', 'x')],
    [417, post('Expect:\r\nContent-Length: 1\r\n', 'x')],
    [417, post('Expect: 200-ok\r\nContent-Length: 1\r\n', 'x')],
    [417, get('Expect: 100-continue;q=1\r\n')],
  ],
  'content where none may be': [
    [400, `CONNECT a:80 HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx`],
    [400, `CONNECT a:80 HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n`],
    [400, `TRACE / HTTP/1.1\r\n${HOST}Content-Length: 1\r\n\r\nx`],
  ],
};

describe('a server refuses and closes, and the receiver is never called', () => {
  for (const [family, cases] of Object.entries(CASES)) {
    it(family, () => {
      for (const [status, input] of cases) {
        const shown = JSON.stringify(input.slice(0, 120));
        const s = serve();
        s.connection.feed(input);
        assert.deepEqual(
          s.refused.map(([code]) => code),
          [status],
          `${shown} ${s.refused.join()}`,
        );
        assert.equal(s.receivers.length, 0, shown);
        assert.match(s.connection.written, new RegExp(`^HTTP/1\\.1 ${status} [^\r]+\r\n`), shown);
        assert.match(s.connection.written, /\r\nconnection: close\r\n/, shown);
        assert.ok(s.connection.ended, shown);
        s.connection.feed('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
        assert.equal(s.receivers.length, 0, `${shown}: nothing is read after it`);
        s.time.advance(10_000);
        assert.ok(s.connection.closed, shown);
        assert.equal(s.closed, 1, shown);
      }
    });
  }
});

describe('what a refusal says', () => {
  it('is the rule that was broken', () => {
    for (const [input, detail] of [
      [post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n'), 'both Content-Length and Transfer-Encoding'],
      [post('Content-Length: 1\r\nContent-Length: 1\r\n'), 'more than one Content-Length'],
      [get('X : y\r\n'), 'white space between field name and colon'],
      [get('X: a\r\n b\r\n'), 'field continued on the next line (obs-fold)'],
      ['GET / HTTP/1.1\r\n\r\n', 'missing Host'],
      ['GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n', 'Host differs from the request target'],
      [get('X: y\n'), 'LF without CR'],
    ] as const) {
      const s = serve();
      s.connection.feed(input);
      assert.equal(s.refused[0]?.[1], detail);
      assert.ok(s.connection.written.endsWith(`\r\n\r\n${detail}\n`));
    }
  });
});

describe('a body that breaks its framing', () => {
  const head = post('Transfer-Encoding: chunked\r\n');
  const bad: Readonly<Record<string, string>> = {
    'no size': '\r\n',
    'space before size': ' 1\r\nx\r\n',
    'space after size': '1 \r\nx\r\n',
    sign: '+1\r\nx\r\n',
    'negative size': '-1\r\nx\r\n',
    '0x': '0x1\r\nx\r\n',
    'not hexadecimal': 'g\r\n',
    'size of 17 digits': '00000000000000001\r\nx\r\n',
    'size above 2^53': '20000000000000\r\n',
    'size that would wrap': '10000000000000001\r\nx\r\n',
    'bare LF after size': '1\nx\r\n',
    'CR without LF after size': '1\rx\r\n',
    'bare LF after data': '1\r\nx\n',
    'data longer than its size': '1\r\nxy\r\n',
    'data without CRLF': '1\r\nx0\r\n\r\n',
    'bare LF in extension': '1;a\nx\r\n',
    'control in extension': '1;a\0b\r\nx\r\n',
    'space in an extension': '1;a b\r\nx\r\n',
    'space before an extension': '1 ;a\r\nx\r\n',
    'space around an extension value': '1;a= b\r\nx\r\n',
    'extension without a name': '1;\r\nx\r\n',
    'extension without a value': '1;a=\r\nx\r\n',
    'quoted extension that does not end': '1;a="b\r\nx\r\n',
    'quoted extension that hides a line': '1;a="\r\n0\r\n\r\n"\r\nx\r\n',
    'something after a quoted extension': '1;a="b"c\r\nx\r\n',
    'extensions beyond proportion': `1;${'a'.repeat(250)}\r\nx\r\n`.repeat(70),
    'extension too long': `1;${'a'.repeat(300)}\r\nx\r\n`,
    'bare LF after the last chunk': '0\n\n',
    'bare LF as the end': '0\r\n\n',
    'trailer without colon': '0\r\nX\r\n\r\n',
    'trailer with space before colon': '0\r\nX : y\r\n\r\n',
    'folded trailer': '0\r\nX: y\r\n z\r\n\r\n',
    'Transfer-Encoding as trailer': '0\r\nTransfer-Encoding: chunked\r\n\r\n',
    'Content-Length as trailer': '0\r\ncontent-length: 5\r\n\r\n',
    'Host as trailer': '0\r\nHost: b\r\n\r\n',
    'Authorization as trailer': '0\r\nAuthorization: x\r\n\r\n',
    'Connection as trailer': '0\r\nConnection: close\r\n\r\n',
    'trailers too large': `0\r\n${'X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n'.repeat(99)}X: ${'y'.repeat(9000)}\r\n\r\n`,
  };
  for (const [name, body] of Object.entries(bad)) {
    it(`is refused: ${name}`, () => {
      const s = serve();
      s.connection.feed(head + body);
      assert.equal(s.refused.length, 1);
      assert.equal(s.receivers[0]?.done, false, 'never passed as whole');
      assert.equal(s.receivers[0]?.reset, 3);
      assert.ok(s.connection.ended);
      s.connection.feed('0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n');
      assert.equal(s.receivers.length, 1);
    });
  }

  it('after the response has begun only ends the connection', () => {
    const s = serve();
    s.connection.feed(head);
    const response = s.streams[0];
    assert.ok(response);
    s.connection.feed('1\r\nx\r\n');
    const reply = headOf(200, 10);
    response.sendHead(reply, false);
    s.connection.takeWritten();
    s.connection.feed('zz\r\n');
    assert.equal(s.connection.written, '');
    assert.ok(s.connection.closed);
  });
});

describe('the list of refusals', () => {
  it('has a status that a client understands and a text without bytes of the peer', () => {
    for (const { status, detail } of ALL_REFUSALS) {
      assert.ok([400, 408, 414, 417, 431, 501, 505].includes(status));
      assert.match(detail, /^[ -~]+$/);
    }
  });
});

function headOf(status: number, contentLength: number): Head {
  const head = Head.response(status);
  head.contentLength = contentLength;
  return head;
}
