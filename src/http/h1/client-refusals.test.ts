/** Responses that are refused, connections that are lost, and what the pool is told. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RESET, type ResetReason } from '../message.ts';
import { ask, dial, type Dialled, OK } from './test/dial.ts';
import { type Recorder } from './test/recorder.ts';

describe('a response that is refused', () => {
  const cases: Readonly<Record<string, string>> = {
    'CL and TE': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'two CL': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi',
    'CL list': 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nhi',
    'signed CL': 'HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nhi',
    'TE not chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n',
    'TE gzip, chunked': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
    'TE twice': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n',
    'TE in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '204 with content': 'HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi',
    '204 in chunks': 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    '100 with content': 'HTTP/1.1 100 Continue\r\nContent-Length: 2\r\n\r\nhi',
    'bare LF': 'HTTP/1.1 200 OK\nContent-Length: 2\n\nhi',
    'obs-fold': 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n',
    'space before colon': 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi',
    'bad status': 'HTTP/1.1 20 OK\r\n\r\n',
    'status 600': 'HTTP/1.1 600 No\r\n\r\n',
    'status 099': 'HTTP/1.1 099 No\r\n\r\n',
    'status 2000': 'HTTP/1.1 2000 OK\r\n\r\n',
    'lower-case version': 'http/1.1 200 OK\r\n\r\n',
    'HTTP/2.0': 'HTTP/2.0 200 OK\r\n\r\n',
    'two spaces': 'HTTP/1.1  200 OK\r\n\r\n',
    'NUL in reason': 'HTTP/1.1 200 O\0K\r\n\r\n',
    'empty line first': '\r\nHTTP/1.1 200 OK\r\n\r\n',
    '101 unasked': 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n',
    'bad chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhix',
    'forbidden trailer': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSet-Cookie: a\r\n\r\n',
    'endless interim responses': 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(40),
  };
  for (const [name, bytes] of Object.entries(cases)) {
    it(name, () => {
      const d = dial();
      const { r } = ask(d);
      d.connection.feed(bytes);
      assert.equal(r.reset, RESET.protocol);
      assert.ok(!r.done);
      assert.ok(d.connection.closed);
      assert.equal(d.idle, 0);
      assert.equal(d.gone.length, 1);
    });
  }

  it('past a limit is told apart', () => {
    for (const bytes of [
      `HTTP/1.1 200 OK\r\nX: ${'y'.repeat(70_000)}`,
      `HTTP/1.1 200 OK\r\n${'X: y\r\n'.repeat(101)}\r\n`,
    ]) {
      const d = dial();
      const { r } = ask(d);
      d.connection.feed(bytes);
      assert.equal(r.reset, RESET.limit);
    }
  });
});

describe('the reason of a reset', () => {
  const after = (what: (d: Dialled) => Recorder): ResetReason | null => {
    const d = dial();
    const r = what(d);
    d.connection.destroy('ECONNRESET');
    assert.equal(d.gone.length, 1);
    return r.reset;
  };

  it('is stale on a used connection without a byte of response, else connection', () => {
    assert.equal(
      after((d) => ask(d).r),
      RESET.connection,
      'fresh',
    );
    const used = (d: Dialled): void => {
      ask(d);
      d.connection.feed(OK);
    };
    const reusedBy = (then: (d: Dialled) => void) => (d: Dialled) => {
      used(d);
      const { r } = ask(d);
      then(d);
      return r;
    };
    assert.equal(after(reusedBy(() => {})), RESET.stale);
    assert.equal(after(reusedBy((d) => d.connection.feed('H'))), RESET.connection);
  });

  it('is connect when the connection never opened', () => {
    const d = dial({}, false);
    const { r } = ask(d);
    d.connection.destroy('ECONNREFUSED');
    assert.equal(r.reset, RESET.connect);
    assert.deepEqual(d.gone, ['ECONNREFUSED']);
  });

  it('does not come after a reset of ours', () => {
    const d = dial();
    const { r, stream } = ask(d);
    stream.reset(RESET.cancelled);
    assert.equal(r.reset, null);
    assert.ok(d.connection.closed);
    assert.equal(d.gone.length, 1);
  });
});

describe('an idle connection', () => {
  it('closes at a byte that nobody asked for', () => {
    const d = dial();
    ask(d);
    d.connection.feed(OK);
    d.connection.feed('HTTP/1.1 200 OK\r\n\r\n');
    assert.ok(d.connection.closed);
    assert.equal(d.gone.length, 1);
  });

  it('is never offered when bytes came with the end of the response', () => {
    const d = dial();
    const { r } = ask(d);
    d.connection.feed(OK + OK);
    assert.equal(r.body, 'hi');
    assert.equal(d.idle, 0);
    assert.ok(d.connection.closed);
  });

  it('closes when a response comes before the request has left', () => {
    const d = dial();
    ask(d);
    d.connection.feed(OK);
    d.connection.keepsUnflushed = true;
    const { r } = ask(d);
    d.connection.feed(OK);
    assert.equal(r.head, null);
    assert.equal(r.reset, RESET.protocol);
    assert.ok(d.connection.closed);
  });

  it('takes a response that comes before the kernel has told that the request left', () => {
    const d = dial();
    d.connection.keepsBacklog = true;
    const { r } = ask(d);
    d.connection.feed(OK);
    assert.equal(r.body, 'hi');
    assert.equal(r.reset, null);
    assert.ok(!d.connection.closed);
  });

  it('leaves when the server closes it, and when told to', () => {
    const d = dial();
    d.connection.fin();
    assert.equal(d.gone.length, 1);
    const e = dial();
    e.client.close();
    assert.equal(e.gone.length, 1);
    const f = dial();
    const { r } = ask(f);
    f.client.close();
    f.connection.feed(OK);
    assert.ok(r.done);
    assert.equal(f.idle, 0);
    assert.equal(f.gone.length, 1);
  });
});
