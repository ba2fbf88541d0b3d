/** What a client connection makes of responses, and when it may carry the next request. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FieldName } from '../field-name.ts';
import { FRAMING } from '../framing.ts';
import { Head, UPGRADE_STATE } from '../head.ts';
import { RESET } from '../message.ts';
import { ask, dial, OK, send } from './test/dial.ts';
import { Recorder } from './test/recorder.ts';

describe('a request', () => {
  it('is framed by length, by chunks, or not at all', () => {
    const cases: [string, number, string | null, string][] = [
      ['GET', -1, null, 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'],
      ['DELETE', 0, null, 'DELETE / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n'],
      ['POST', -1, null, 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n'],
      ['POST', 2, 'hi', 'POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nhi'],
      ['POST', -1, 'hi', 'POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n'],
    ];
    for (const [method, length, body, expected] of cases) {
      const d = dial();
      const head = Head.request(method, '/', 'a');
      head.contentLength = length;
      const stream = d.client.open(new Recorder());
      stream.sendHead(head, body === null);
      if (body !== null) send(stream, body, true);
      assert.equal(d.connection.written, expected);
    }
  });

  it('that breaks its promise of length ends the connection', () => {
    const d = dial();
    const r = new Recorder();
    const stream = d.client.open(r);
    const head = Head.request('POST', '/', 'a');
    head.contentLength = 5;
    stream.sendHead(head, false);
    send(stream, 'abc', true);
    assert.ok(d.connection.closed);
    assert.equal(r.reset, RESET.protocol);
  });

  it('is one at a time', () => {
    const d = dial();
    ask(d);
    assert.ok(!d.client.idle);
    assert.throws(() => d.client.open(new Recorder()), /one exchange at a time/);
  });
});

describe('a response', () => {
  it('by length leaves the connection for the next', () => {
    const d = dial();
    for (let i = 1; i <= 3; i++) {
      const { r } = ask(d);
      d.connection.feed(OK);
      assert.equal(r.head?.status, 200);
      assert.equal(r.head?.reasonText, 'OK');
      assert.equal(r.body, 'hi');
      assert.ok(r.done);
      assert.equal(d.idle, i);
    }
    assert.deepEqual(d.gone, []);
  });

  it('is complete after its head where no content can follow', () => {
    for (const [method, head] of [
      ['GET', 'HTTP/1.1 204 No Content\r\n\r\n'],
      ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n'],
      ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n'],
      ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n'],
      ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
      ['GET', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
      ['GET', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n'],
    ] as const) {
      const d = dial();
      const { r } = ask(d, method);
      d.connection.feed(head);
      assert.ok(r.done, head);
      assert.equal(d.idle, 1, head);
    }
  });

  it('keeps the length that HEAD and 304 tell of', () => {
    const d = dial();
    const { r } = ask(d, 'HEAD');
    d.connection.feed('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n');
    assert.equal(r.head?.contentLength, 10);
    assert.equal(r.head?.framing, FRAMING.none);
  });

  it('in chunks, with trailers', () => {
    const d = dial();
    const { r } = ask(d);
    d.connection.feed('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX: y\r\n\r\n');
    assert.equal(r.body, 'hi');
    assert.deepEqual(r.trailers, ['X=y']);
    assert.equal(d.idle, 1);
  });

  it('without length ends with the connection, which is not used again', () => {
    const d = dial();
    const { r } = ask(d);
    d.connection.feed('HTTP/1.1 200 OK\r\n\r\nhel');
    d.connection.feed('lo');
    assert.ok(!r.done);
    d.connection.fin();
    assert.ok(r.done);
    assert.equal(r.body, 'hello');
    assert.equal(d.idle, 0);
    assert.equal(d.gone.length, 1);
  });

  it('without length that is cut off is not whole', () => {
    const d = dial();
    const { r } = ask(d);
    d.connection.feed('HTTP/1.1 200 OK\r\n\r\nhel');
    d.connection.destroy('ECONNRESET');
    assert.ok(!r.done);
    assert.equal(r.reset, RESET.connection);
  });

  it('cut short is reset', () => {
    for (const part of [
      'HTTP/1.1 20',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabcd',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\n',
    ]) {
      const d = dial();
      const { r } = ask(d);
      d.connection.feed(part);
      d.connection.fin();
      assert.ok(!r.done);
      assert.equal(r.reset, RESET.connection);
      assert.equal(d.gone.length, 1);
    }
  });

  it('after interim ones', () => {
    const d = dial();
    const { r } = ask(d);
    d.connection.feed(`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${OK}`);
    assert.deepEqual(r.interim, [100, 103]);
    assert.equal(r.body, 'hi');
    assert.equal(d.idle, 1);
  });

  it('that ends persistence is the last', () => {
    for (const head of [
      'HTTP/1.1 103 Early Hints\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n',
      'HTTP/1.1 200 OK\r\nConnection: keep-alive, Close\r\nContent-Length: 0\r\n\r\n',
    ]) {
      const d = dial();
      const { r } = ask(d);
      d.connection.feed(head);
      assert.ok(r.done);
      assert.equal(d.idle, 0);
      assert.ok(d.connection.closed);
    }
    const d = dial();
    ask(d);
    d.connection.feed('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n');
    assert.equal(d.idle, 1);
  });

  it('before the request is complete ends the request and the connection', () => {
    const d = dial();
    const { r, stream } = ask(d, 'POST', false);
    send(stream, 'part', false);
    d.connection.feed(OK);
    assert.equal(r.body, 'hi');
    assert.ok(r.done);
    assert.equal(r.reset, null);
    assert.equal(d.idle, 0);
    assert.ok(d.connection.closed);
    send(stream, 'late', true);
    stream.release(1);
  });
});

describe('back-pressure and discard', () => {
  const big = 'HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n';

  it('pauses at the window', () => {
    const d = dial();
    const { r, stream } = ask(d);
    d.connection.feed(big + 'x'.repeat(70_000));
    assert.ok(d.connection.paused);
    stream.release(70_000);
    assert.ok(!d.connection.paused);
    assert.equal(r.body.length, 70_000);
  });

  it('drops up to a bound, then the connection', () => {
    const d = dial({ maxDiscardBytes: 100_000 });
    const { r, stream } = ask(d);
    d.connection.feed(`${big}x`);
    stream.discard();
    d.connection.feed('x'.repeat(90_000));
    assert.ok(!d.connection.closed);
    d.connection.feed('x'.repeat(20_000));
    assert.ok(d.connection.closed);
    assert.equal(r.body, 'x');
    const e = dial();
    const small = ask(e);
    small.stream.discard();
    e.connection.feed(OK);
    assert.equal(e.idle, 1, 'a small rest keeps the connection');
  });
});

describe('a tunnel', () => {
  it('opens by 101 to an upgrade that was granted', () => {
    const d = dial();
    const r = new Recorder();
    const stream = d.client.open(r);
    const head = Head.request('GET', '/', 'a');
    head.appendText(new FieldName('upgrade'), 'websocket');
    head.upgrade = UPGRADE_STATE.granted;
    stream.sendHead(head, true);
    d.connection.takeWritten();
    d.connection.feed('HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nearly');
    assert.equal(r.head?.framing, FRAMING.tunnel);
    assert.equal(r.head?.upgrade, UPGRADE_STATE.granted);
    assert.equal(r.body, 'early');
    send(stream, 'ping', false);
    assert.equal(d.connection.written, 'ping');
    send(stream, '', true);
    assert.ok(d.connection.ended && !d.connection.closed);
    d.connection.feed('pong');
    d.connection.fin();
    assert.equal(r.body, 'earlypong');
    assert.ok(r.done);
    assert.equal(r.reset, null);
    assert.ok(d.connection.closed);
    assert.equal(d.idle, 0);
  });

  it('is not opened by a protocol other than the one that was asked for', () => {
    for (const answer of ['h2c', 'websocket, h2c', 'WebSocket/13', '']) {
      const d = dial();
      const r = new Recorder();
      const head = Head.request('GET', '/', 'a');
      head.appendText(new FieldName('upgrade'), 'WebSocket');
      head.upgrade = UPGRADE_STATE.granted;
      d.client.open(r).sendHead(head, true);
      d.connection.feed(`HTTP/1.1 101 Go\r\nConnection: Upgrade\r\nUpgrade: ${answer}\r\n\r\n`);
      assert.equal(r.reset, RESET.protocol, answer);
      assert.ok(d.connection.closed);
    }
  });

  it('opens by 2xx to CONNECT', () => {
    const d = dial();
    const { r, stream } = ask(d, 'CONNECT');
    assert.match(d.connection.takeWritten(), /^CONNECT a:80 HTTP\/1\.1\r\n/);
    d.connection.feed('HTTP/1.1 200 OK\r\n\r\nhello');
    assert.equal(r.body, 'hello');
    send(stream, 'x', false);
    assert.equal(d.connection.written, 'x');
  });
});
