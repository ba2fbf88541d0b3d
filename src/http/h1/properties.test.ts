/** Properties over generated messages: splits do not matter, what is encoded decodes to itself, rubbish never throws. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FieldName } from '../field-name.ts';
import { Head } from '../head.ts';
import { cut, fields, method, mutated, path, pieces, requestText, responseText } from './test/arbitraries.ts';
import { dial } from './test/dial.ts';
import { Recorder, serve } from './test/recorder.ts';

const cuts = fc.array(fc.nat({ max: 2_000 }), { maxLength: 12 });

function textOf(head: Head | null): string {
  if (head === null) return '-';
  let text = `${head.methodText} ${head.pathText} ${head.authorityText} ${head.status} ${head.framing} ${head.contentLength} ${head.keepAlive}\n`;
  for (let i = 0; i < head.count; i++) {
    if (!head.isRemoved(i)) text += `${head.nameText(i)}=${head.text(i)}\n`;
  }
  return text;
}

function outcome(r: Recorder): unknown {
  return [textOf(r.head), r.interim, r.body, r.trailers, r.done, r.reset];
}

/** All that can be seen of a server that got these reads and then FIN; it answers each request when it is whole. */
function serverSees(reads: readonly string[]): unknown {
  const s = serve((stream, _head, receiver) => {
    const answer = (): void => {
      const head = Head.response(200);
      stream.sendHead(head, true);
      head.free();
    };
    if (receiver.done) answer();
    else {
      receiver.onDataCalled = () => {
        if (receiver.done) answer();
      };
      receiver.onTrailersCalled = answer;
    }
  });
  for (const read of reads) s.connection.feed(read);
  s.connection.fin();
  return [s.receivers.map(outcome), s.refused, s.connection.written, s.connection.ended, s.connection.closed];
}

function clientSees(reads: readonly string[]): unknown {
  const d = dial();
  const r = new Recorder();
  const stream = d.client.open(r);
  stream.sendHead(Head.request('GET', '/', 'a'), true);
  for (const read of reads) d.connection.feed(read);
  d.connection.fin();
  return [outcome(r), d.gone.length, d.connection.closed];
}

describe('any split of the input into reads gives the same events', () => {
  it('for a server', () => {
    const input = fc.array(mutated(requestText), { minLength: 1, maxLength: 3 }).map((list) => list.join(''));
    fc.assert(
      fc.property(input, cuts, (text, at) => {
        const whole = serverSees([text]);
        assert.deepEqual(serverSees(cut(text, at)), whole);
        assert.deepEqual(serverSees([...text]), whole);
      }),
      { numRuns: 600 },
    );
  });

  it('for a client', () => {
    fc.assert(
      fc.property(mutated(responseText), cuts, (text, at) => {
        const whole = clientSees([text]);
        assert.deepEqual(clientSees(cut(text, at)), whole);
        assert.deepEqual(clientSees([...text]), whole);
      }),
      { numRuns: 600 },
    );
  });
});

describe('what one side encodes the other decodes to the same', () => {
  const message = fc.record({ method, path, fields, pieces, trailers: fields, known: fc.boolean(), cuts });

  it('requests', () => {
    fc.assert(
      fc.property(message, (m) => {
        const d = dial();
        const stream = d.client.open(new Recorder());
        const head = Head.request(m.method, m.path, 'a:80');
        for (const [name, value] of m.fields) head.appendText(new FieldName(name), value);
        send(stream, head, m);
        const s = serve();
        for (const read of cut(d.connection.written, m.cuts)) s.connection.feed(read);
        const [r] = s.receivers;
        assert.ok(r?.head, String(s.refused));
        assert.equal(r.head.methodText, m.method);
        assert.equal(r.head.pathText, m.path);
        check(r, m, 1);
      }),
      { numRuns: 500 },
    );
  });

  it('responses', () => {
    fc.assert(
      fc.property(message, (m) => {
        const s = serve();
        s.connection.feed('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
        const [stream] = s.streams;
        assert.ok(stream);
        const head = Head.response(200);
        for (const [name, value] of m.fields) head.appendText(new FieldName(name), value);
        send(stream, head, m);
        const d = dial();
        const r = new Recorder();
        d.client.open(r).sendHead(Head.request('GET', '/', 'a'), true);
        for (const read of cut(s.connection.written, m.cuts)) d.connection.feed(read);
        assert.equal(r.head?.status, 200);
        check(r, m, 0);
        assert.equal(d.idle, 1);
      }),
      { numRuns: 500 },
    );
  });
});

interface Sample {
  readonly fields: readonly (readonly [string, string])[];
  readonly pieces: readonly string[];
  readonly trailers: readonly (readonly [string, string])[];
  readonly known: boolean;
}

function send(stream: ReturnType<ReturnType<typeof dial>['client']['open']>, head: Head, m: Sample): void {
  if (m.known) head.contentLength = m.pieces.join('').length;
  stream.sendHead(head, false);
  for (const piece of m.pieces) stream.sendData(Buffer.from(piece, 'latin1'), 0, piece.length, false);
  const trailers = new Head();
  for (const [name, value] of m.trailers) trailers.appendText(new FieldName(name), value);
  stream.sendTrailers(trailers);
}

function check(r: Recorder, m: Sample, from: number): void {
  assert.ok(r.done);
  assert.equal(r.body, m.pieces.join(''));
  const seen: string[] = [];
  for (let i = from; i < (r.head?.count ?? 0); i++) {
    const name = r.head?.nameText(i).toLowerCase();
    if (name !== 'content-length' && name !== 'transfer-encoding') seen.push(`${name}=${r.head?.text(i)}`);
  }
  assert.deepEqual(
    seen,
    m.fields.map(([name, value]) => `${name.toLowerCase()}=${value}`),
  );
  const carried = m.known || m.trailers.length === 0 ? null : m.trailers.map(([n, v]) => `${n.toLowerCase()}=${v}`);
  assert.deepEqual(r.trailers, carried);
}

describe('rubbish', () => {
  it('never throws and never hangs', () => {
    const rubbish = fc.oneof(
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.stringMatching(/^[\r\n :a-fA-F0-9GETHP/.]{0,120}$/),
      mutated(requestText),
      mutated(responseText),
    );
    fc.assert(
      fc.property(rubbish, (text) => {
        serverSees([text]);
        serverSees([`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${text}`]);
        clientSees([text]);
        clientSees([`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${text}`]);
      }),
      { numRuns: 5_000 },
    );
  });
});
