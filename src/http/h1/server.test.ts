/** What a server connection makes of requests, and of the responses to them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldName, HOST } from '../field-name.ts';
import { FRAMING } from '../framing.ts';
import { Head, TARGET } from '../head.ts';
import { RESET } from '../message.ts';
import type { ServerStream } from './server-stream.ts';
import { GET, one, respond, send, serve } from './test/recorder.ts';

describe('a request', () => {
  it('arrives with method, path, authority and fields', () => {
    const { r } = one('GET /a?b HTTP/1.1\r\nHost: Cat:80\r\nX-One:  1 \r\nx-two:2\r\nX-One: 3\r\n\r\n');
    assert.ok(r.head && r.done);
    assert.equal(r.head.methodText, 'GET');
    assert.equal(r.head.pathText, '/a?b');
    assert.equal(r.head.authorityText, 'Cat:80');
    assert.equal(r.head.value(new FieldName('x-one')), '1');
    assert.equal(r.head.text(r.head.find(new FieldName('x-one'), r.head.find(new FieldName('x-one')))), '3');
    assert.equal(r.head.value(new FieldName('x-two')), '2');
    assert.equal(r.head.framing, FRAMING.none);
  });

  it('may be preceded by one empty line', () => {
    assert.equal(one(`\r\n${GET}`).r.head?.pathText, '/');
  });

  it('with names that hold underscores passes untouched', () => {
    assert.equal(one('GET / HTTP/1.1\r\nHost: a\r\nx_y: 1\r\n\r\n').r.head?.value(new FieldName('x_y')), '1');
  });

  it('brings content by length, whatever the method (CL.0, 0.CL)', () => {
    for (const method of ['POST', 'GET', 'DELETE', 'OPTIONS', 'BREW', 'HEAD']) {
      const target = method === 'OPTIONS' ? '*' : '/';
      const smuggled = 'GET /smuggled HTTP/1.1\r\n\r\n';
      const { s, r } = one(
        `${method} ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
      );
      assert.equal(r.body, smuggled);
      assert.ok(r.done);
      assert.equal(s.receivers.length, 1);
    }
  });

  it('brings chunked content, extensions dropped, with trailers', () => {
    const { r } = one(
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: CHUNKED\r\n\r\n' +
        '003;a=b;c="d"\r\nabc\r\nA\r\n0123456789\r\n0;x\r\nX-Sum: 1\r\nx-b:2\r\n\r\n',
    );
    assert.equal(r.body, 'abc0123456789');
    assert.deepEqual(r.trailers, ['X-Sum=1', 'x-b=2']);
    assert.ok(r.done);
  });

  it('in absolute form becomes origin form with the Host of the target', () => {
    const cases: [string, string, string, string][] = [
      ['GET http://Catalog/x?y HTTP/1.1\r\nHost: catalog\r\n\r\n', '/x?y', 'Catalog', 'Catalog'],
      ['GET http://catalog/x HTTP/1.1\r\nHost: catalog\r\n\r\n', '/x', 'catalog', 'catalog'],
      ['GET http://catalog:80/ HTTP/1.1\r\nHost: catalog\r\n\r\n', '/', 'catalog:80', 'catalog:80'],
      ['GET HTTP://catalog HTTP/1.1\r\nHost: catalog\r\n\r\n', '/', 'catalog', 'catalog'],
      ['GET http://catalog?q HTTP/1.1\r\nHost: catalog\r\n\r\n', '/?q', 'catalog', 'catalog'],
      ['OPTIONS http://catalog HTTP/1.1\r\nHost: catalog\r\n\r\n', '*', 'catalog', 'catalog'],
      ['GET http://[::1]:8080/x HTTP/1.0\r\n\r\n', '/x', '[::1]:8080', '[::1]:8080'],
    ];
    for (const [input, path, authority, host] of cases) {
      const { head } = one(input).r;
      assert.ok(head);
      assert.equal(head.target, TARGET.absolute);
      assert.equal(head.scheme, 'http');
      assert.equal(head.pathText, path, input);
      assert.equal(head.authorityText, authority, input);
      assert.equal(head.value(HOST), host, input);
      assert.equal(head.find(HOST, head.find(HOST)), -1);
    }
  });

  it('CONNECT has an authority and no path', () => {
    const { head } = one('CONNECT catalog:80 HTTP/1.1\r\nHost: catalog\r\n\r\n').r;
    assert.equal(head?.authorityText, 'catalog:80');
    assert.equal(head?.pathText, '');
    assert.equal(head?.target, TARGET.authority);
  });

  it('cut short never passes as whole', () => {
    for (const [input, isRefused] of [
      ['GET / HTT', true],
      ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabcd', false],
      ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n', false],
      ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n0\r\nX: y', false],
    ] as const) {
      const s = serve();
      s.connection.feed(input);
      s.connection.fin();
      assert.equal(s.receivers[0]?.done ?? false, false);
      assert.equal(s.receivers[0]?.reset ?? null, isRefused ? null : RESET.connection);
      assert.equal(s.refused.length, isRefused ? 1 : 0);
      assert.ok(s.connection.closed);
      assert.equal(s.closed, 1);
    }
  });
});

describe('fields of this hop only', () => {
  it('are not in what a filter sees as removed, and named ones are gone', () => {
    const { r } = one(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, X-Mine, Authorization, host, Content-Length\r\n' +
        'X-Mine: 1\r\nAuthorization: b\r\n\r\n',
    );
    assert.equal(r.head?.value(new FieldName('x-mine')), null);
    assert.equal(r.head?.value(new FieldName('authorization')), 'b', 'end-to-end fields cannot be stripped by name');
    assert.equal(r.head?.value(HOST), 'a');
  });
});

describe('a response', () => {
  it('is framed by length, by chunks, or not at all', () => {
    const cases: [string, (s: ServerStream) => void, string][] = [
      [GET, (s) => respond(s), 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'],
      [GET, (s) => respond(s, 200, 'hi'), 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi'],
      [GET, (s) => respond(s, 204), 'HTTP/1.1 204 No Content\r\n\r\n'],
      [
        GET,
        (s) => {
          s.sendHead(Head.response(200), false);
          send(s, 'hello', false);
          send(s, '', false);
          send(s, '0123456789abcdef', true);
        },
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n',
      ],
      [
        GET.replace('GET', 'HEAD'),
        (s) => {
          const head = Head.response(200);
          head.contentLength = 1234;
          s.sendHead(head, true);
        },
        'HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n',
      ],
      [
        GET.replace('GET', 'HEAD'),
        (s) => {
          s.sendHead(Head.response(200), false);
          send(s, 'never seen', true);
        },
        'HTTP/1.1 200 OK\r\n\r\n',
      ],
      [
        GET,
        (s) => {
          s.sendHead(Head.response(200), false);
          const trailers = new Head();
          trailers.appendText(new FieldName('x-sum'), '9');
          s.sendTrailers(trailers);
        },
        'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-sum: 9\r\n\r\n',
      ],
    ];
    for (const [input, answer, expected] of cases) {
      const { s, stream } = one(input);
      answer(stream);
      assert.equal(s.connection.takeWritten(), expected);
      s.connection.feed(GET);
      assert.equal(s.receivers.length, 2, 'the connection goes on');
    }
  });

  it('to HTTP/1.0 has no chunks, and ends with the connection when its length is unknown', () => {
    const { s, stream } = one('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n');
    stream.sendHead(Head.response(103), false);
    stream.sendHead(Head.response(200), false);
    send(stream, 'hello', true);
    assert.equal(s.connection.written, 'HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello');
    assert.ok(s.connection.ended);
  });

  it('keeps an HTTP/1.0 connection that asks for it, and no other', () => {
    const kept = one('GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n');
    respond(kept.stream, 200, 'x');
    assert.match(kept.s.connection.written, /connection: keep-alive\r\n/);
    assert.ok(!kept.s.connection.ended);
    const not = one('GET / HTTP/1.0\r\n\r\n');
    respond(not.stream, 200, 'x');
    assert.match(not.s.connection.written, /connection: close\r\n/);
    assert.ok(not.s.connection.ended);
  });

  it('to a request that said close is the last', () => {
    const { s, stream } = one('GET / HTTP/1.1\r\nHost: a\r\nConnection: foo, CLOSE\r\n\r\n');
    respond(stream);
    assert.match(s.connection.written, /connection: close\r\n/);
    assert.ok(s.connection.ended);
  });

  it('that breaks its promise of length ends the connection and tells the sender', () => {
    for (const [first, last] of [
      ['abcdef', false],
      ['abcd', true],
    ] as const) {
      const { s, r, stream } = one(GET);
      const head = Head.response(200);
      head.contentLength = 5;
      stream.sendHead(head, false);
      send(stream, first, last);
      assert.ok(s.connection.closed);
      assert.equal(r.reset, RESET.protocol);
    }
  });

  it('is interim as often as it likes before the final one', () => {
    const { s, stream } = one(GET);
    stream.sendHead(Head.response(100), false);
    stream.sendHead(Head.response(103), false);
    respond(stream);
    assert.equal(
      s.connection.written,
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n',
    );
  });

  it('sent twice, or after the exchange, does nothing to the next one', () => {
    const { s, stream } = one(GET);
    respond(stream);
    s.connection.feed(GET);
    s.connection.takeWritten();
    respond(stream, 500, 'late');
    stream.reset(RESET.cancelled);
    stream.discard();
    stream.release(10);
    assert.equal(s.connection.written, '');
    assert.ok(!s.connection.closed);
    assert.equal(stream.unsent, 0);
  });
});

describe('Expect: 100-continue', () => {
  const expecting = 'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n';

  it('goes on after a 100', () => {
    const { s, stream } = one(expecting);
    stream.sendHead(Head.response(100), false);
    s.connection.feed('hi');
    respond(stream);
    assert.ok(!s.connection.ended);
  });

  it('closes when the final response comes first: nobody knows whether the content follows', () => {
    const { s, stream } = one(expecting);
    respond(stream, 417);
    assert.match(s.connection.written, /connection: close\r\n/);
    assert.ok(s.connection.ended);
    s.connection.feed(`hi${GET}`);
    assert.equal(s.receivers.length, 1);
  });

  it('is end to end, and dropped for HTTP/1.0', () => {
    assert.equal(one(expecting).r.head?.value(new FieldName('expect')), '100-Continue');
  });
});
