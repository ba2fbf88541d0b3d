/** The life of a server connection: order, back-pressure, time, and its end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Head } from '../head.ts';
import { RESET } from '../message.ts';
import type { ServerStream } from './server-stream.ts';
import { GET, one, respond, send, serve } from './test/recorder.ts';

describe('pipelining', () => {
  it('answers in order, one exchange at a time, the rest unread', () => {
    const s = serve();
    s.connection.feed(GET + GET.replace('/', '/2') + GET.replace('/', '/3'));
    assert.equal(s.receivers.length, 1);
    assert.ok(s.connection.paused);
    for (const n of [1, 2, 3]) {
      assert.equal(s.receivers.length, n);
      respond(s.streams[n - 1] as ServerStream, 200, String(n));
    }
    assert.deepEqual(s.connection.written.match(/\r\n\r\n(\d)/g), ['\r\n\r\n1', '\r\n\r\n2', '\r\n\r\n3']);
    assert.ok(!s.connection.paused);
  });

  it('with answers within onHead does not nest', () => {
    const s = serve((stream) => respond(stream));
    s.connection.feed(GET.repeat(5_000));
    assert.equal(s.receivers.length, 5_000);
  });

  it('stops while nobody takes the responses', () => {
    const s = serve((stream) => {
      respond(stream);
      s.connection.backlog += 30_000;
    });
    s.connection.feed(GET.repeat(10));
    assert.equal(s.receivers.length, 3);
    assert.ok(s.connection.paused);
    s.connection.backlog = 0;
    s.connection.handler.onDrained();
    assert.equal(s.receivers.length, 6);
  });
});

describe('back-pressure', () => {
  const upload = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n';

  it('pauses at 64 KiB of unreleased bytes and resumes when half is released', () => {
    const { s, r, stream } = one(upload);
    s.connection.feed('x'.repeat(40_000));
    assert.ok(!s.connection.paused);
    s.connection.feed('x'.repeat(40_000));
    assert.ok(s.connection.paused);
    s.connection.feed('x'.repeat(40_000));
    assert.equal(r.body.length, 80_000, 'nothing is delivered while paused');
    stream.release(40_000);
    assert.ok(s.connection.paused);
    stream.release(40_000);
    assert.equal(r.body.length, 120_000);
  });

  it('makes the credit whole again when the message ends', () => {
    const { s, stream } = one(upload);
    s.connection.feed('x'.repeat(120_000));
    assert.ok(s.connection.paused);
    stream.release(100_000);
    s.connection.feed('x'.repeat(80_000));
    respond(stream);
    assert.ok(!s.connection.paused);
    s.connection.feed(GET);
    assert.equal(s.receivers.length, 2);
  });

  it('lets go when the message ends within the read that filled the window', () => {
    const chunk = `11170\r\n${'x'.repeat(0x11170)}\r\n`;
    const { s, r } = one(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n`);
    assert.ok(r.done);
    assert.ok(!s.connection.paused, 'the client can be seen to go away while the response is made');
  });

  it('passes onDrained on, and shows the backlog', () => {
    const { s, r, stream } = one(GET);
    stream.sendHead(Head.response(200), false);
    s.connection.backlog = 70_000;
    assert.equal(stream.unsent, 70_000);
    s.connection.handler.onDrained();
    assert.equal(r.writable, 1);
  });
});

describe('discard', () => {
  it('drops the rest of the request and keeps the connection', () => {
    const { s, r, stream } = one('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc');
    respond(stream, 403);
    stream.discard();
    s.connection.feed('x'.repeat(99_997) + GET);
    assert.equal(r.body, 'abc');
    assert.equal(s.receivers.length, 2);
  });

  it('gives up past its bound', () => {
    const { s, stream } = one('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc', {
      maxDiscardBytes: 1000,
    });
    respond(stream, 403);
    stream.discard();
    s.connection.feed('x'.repeat(1_001));
    assert.ok(s.connection.ended);
    s.connection.feed('x'.repeat(98_996) + GET);
    assert.equal(s.receivers.length, 1);
    assert.ok(s.connection.closed, 'what is dropped while closing is bounded too');
  });

  it('does not wait for ever for the rest of an answered request', () => {
    const { s, stream } = one('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc');
    respond(stream, 403);
    stream.discard();
    s.time.advance(61_000);
    assert.ok(s.connection.ended);
  });
});

describe('time', () => {
  it('closes a connection that sends nothing', () => {
    const s = serve();
    s.time.advance(59_900);
    assert.ok(!s.connection.ended);
    s.time.advance(200);
    assert.ok(s.connection.ended);
    assert.equal(s.connection.written, '');
    s.time.advance(3_000);
    assert.ok(s.connection.closed);
  });

  it('answers 408 to a head that trickles, counted from its first byte', () => {
    const s = serve((stream) => respond(stream));
    s.connection.feed(GET);
    s.connection.takeWritten();
    for (const c of 'GET / HTTP/1.1\r\nX:') {
      s.connection.feed(c);
      s.time.advance(3_000);
    }
    s.time.advance(10_000);
    assert.match(s.connection.written, /^HTTP\/1\.1 408 /);
    assert.deepEqual(
      s.refused.map(([status]) => status),
      [408],
    );
    assert.equal(s.receivers.length, 1);
  });

  it('closes between requests after the idle timeout, not before', () => {
    const s = serve((stream) => respond(stream), { idleTimeoutMs: 5_000 });
    s.connection.feed(GET);
    s.time.advance(4_900);
    assert.ok(!s.connection.ended);
    s.connection.feed(GET);
    s.time.advance(4_900);
    assert.ok(!s.connection.ended);
    s.time.advance(200);
    assert.ok(s.connection.ended);
  });

  it('is unbounded where the limit is 0', () => {
    const s = serve((stream) => respond(stream), { headTimeoutMs: 0, idleTimeoutMs: 0 });
    s.time.advance(1e8);
    s.connection.feed(GET);
    s.time.advance(1e8);
    assert.ok(!s.connection.ended);
    assert.equal(s.time.timers.size, 0);
  });

  it("does not end an exchange: that is the router's", () => {
    const { s } = one(GET);
    s.time.advance(1e7);
    assert.ok(!s.connection.ended);
  });

  it('lets a slow reader take the last response as long as it takes something', () => {
    const { s, stream } = one('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    s.connection.backlog = 1_000_000;
    respond(stream);
    for (let i = 0; i < 10; i++) {
      s.connection.backlog -= 10_000;
      s.time.advance(2_010);
      assert.ok(!s.connection.closed);
    }
    s.time.advance(2_100);
    assert.ok(s.connection.closed);
  });
});

describe('drain', () => {
  it('closes an idle connection at once', () => {
    const s = serve((stream) => respond(stream));
    s.connection.feed(GET);
    s.server.drain();
    assert.ok(s.connection.ended);
    s.connection.fin();
    assert.equal(s.closed, 1);
  });

  it('finishes the exchange in flight with Connection: close', () => {
    const { s, stream } = one(GET + GET);
    s.server.drain();
    assert.ok(!s.connection.ended);
    respond(stream, 200, 'ok');
    assert.match(s.connection.written, /connection: close\r\n/);
    assert.ok(s.connection.ended);
    assert.equal(s.receivers.length, 1);
  });

  it('lets a head that has begun finish', () => {
    const s = serve((stream) => respond(stream));
    s.connection.feed(GET.slice(0, 10));
    s.server.drain();
    s.connection.feed(GET.slice(10));
    assert.match(s.connection.written, /200 OK[^]*connection: close/);
    assert.ok(s.connection.ended);
  });
});

describe('a client that goes away', () => {
  it('resets the exchange in flight', () => {
    const { s, r } = one(GET);
    s.connection.destroy('ECONNRESET');
    assert.equal(r.reset, RESET.connection);
    assert.equal(s.closed, 1);
  });
});

describe('a client that half-closes behind a whole request', () => {
  const LAST = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

  it('gets its answer, and then the connection ends in order', () => {
    const { s, r, stream } = one(GET);
    s.connection.fin();
    assert.ok(!s.connection.closed);
    s.time.advance(900);
    respond(stream, 200, 'hi');
    assert.equal(s.connection.written, 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi');
    assert.ok(s.connection.closed);
    assert.equal(s.connection.reason, '');
    assert.equal(r.reset, null);
    assert.equal(s.time.timers.size, 0);
  });

  it('gets the answers to all that it pipelined', () => {
    const s = serve();
    s.connection.feed(GET + GET.replace('/', '/2'));
    s.connection.fin();
    respond(s.streams[0] as ServerStream, 200, '1');
    respond(s.streams[1] as ServerStream, 200, '2');
    assert.deepEqual(s.connection.written.match(/\r\n\r\n(\d)/g), ['\r\n\r\n1', '\r\n\r\n2']);
    assert.equal(s.connection.reason, '');
  });

  it('counts as gone when the response stands still', () => {
    const { s, r, stream } = one(GET);
    s.connection.fin();
    s.time.advance(900);
    stream.sendHead(Head.response(200), false);
    for (let i = 0; i < 5; i++) {
      s.time.advance(900);
      send(stream, 'x', false);
    }
    s.time.advance(900);
    assert.equal(r.reset, null, 'a response that moves goes on: a write finds out who is there');
    s.time.advance(2_000);
    assert.equal(r.reset, RESET.connection);
    assert.ok(s.connection.closed);
  });

  it('is not gone while it reads what waits for it', () => {
    const { s, r, stream } = one(GET);
    stream.sendHead(Head.response(200), false);
    s.connection.backlog = 100_000;
    s.connection.fin();
    for (let i = 0; i < 5; i++) {
      s.connection.backlog -= 1_000;
      s.time.advance(1_010);
    }
    assert.equal(r.reset, null);
    s.time.advance(3_000);
    assert.equal(r.reset, RESET.connection);
  });

  it('is waited for when it said that the request was its last', () => {
    for (const input of [LAST, 'GET / HTTP/1.0\r\n\r\n']) {
      const { s, r, stream } = one(input);
      s.connection.fin();
      s.time.advance(100_000);
      assert.equal(r.reset, null);
      respond(stream, 200, 'late');
      assert.match(s.connection.written, /late$/);
      assert.ok(s.connection.closed);
    }
  });

  it('is gone at once where the limit is 0, and when it resets', () => {
    const strict = one(GET, { halfClosedMs: 0 });
    strict.s.connection.fin();
    assert.equal(strict.r.reset, RESET.connection);
    const { s, r } = one(GET);
    s.connection.fin();
    s.connection.destroy('ECONNRESET');
    assert.equal(r.reset, RESET.connection);
  });

  it('within a request has sent half a request', () => {
    const { s, r } = one('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nx');
    s.connection.fin();
    assert.equal(r.reset, RESET.connection);
    assert.ok(!r.done);
  });

  it('after an empty line has begun nothing', () => {
    const s = serve();
    s.connection.feed('\r\n');
    s.connection.fin();
    assert.deepEqual(s.refused, []);
    assert.equal(s.connection.written, '');
    assert.ok(s.connection.closed);
  });
});
