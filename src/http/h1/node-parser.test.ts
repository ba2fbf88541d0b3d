/** Node's parser as an independent reader: what we write it reads as we meant it, and what it refuses we refuse. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { Duplex } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FieldName } from '../field-name.ts';
import { Head } from '../head.ts';
import { fields, mutated, path, pieces, requestText } from './test/arbitraries.ts';
import { dial } from './test/dial.ts';
import { Recorder, serve } from './test/recorder.ts';

/** A socket in memory: what Node writes is dropped. */
class Wire extends Duplex {
  override _read(): void {}
  override _write(_chunk: unknown, _encoding: string, done: () => void): void {
    done();
  }
}

interface Seen {
  readonly line: string;
  readonly fields: readonly string[];
  readonly body: string;
}

/** Every request that Node's server reads from these bytes, and whether it refused any. */
function nodeReads(bytes: string): Promise<{ seen: Seen[]; refused: boolean }> {
  return new Promise((resolve) => {
    const seen: Seen[] = [];
    let refused = false;
    let open = 0;
    const server = http.createServer({ insecureHTTPParser: false }, (request, response) => {
      let body = '';
      open++;
      request.setEncoding('latin1');
      request.on('data', (text: string) => {
        body += text;
      });
      request.on('end', () => {
        seen.push({ line: `${request.method} ${request.url}`, fields: request.rawHeaders, body });
        open--;
        response.end();
      });
      request.on('error', () => {});
      response.on('error', () => {});
    });
    server.on('clientError', () => {
      refused = true;
    });
    const wire = new Wire();
    wire.on('error', () => {});
    server.emit('connection', wire);
    wire.push(Buffer.from(bytes, 'latin1'));
    let turns = 0;
    const wait = (): void => {
      // In memory everything is done after a few turns; a request that is still open then waits for bytes.
      if (++turns < 6 || (open > 0 && turns < 12)) setImmediate(wait);
      else {
        wire.destroy();
        resolve({ seen, refused });
      }
    };
    setImmediate(wait);
  });
}

describe('Node reads what a client wrote', () => {
  it('with the same line, fields and content', async () => {
    const sample = fc.record({ path, fields, pieces, known: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(sample, async (m) => {
        const d = dial();
        const stream = d.client.open(new Recorder());
        const head = Head.request('POST', m.path, 'a');
        for (const [name, value] of m.fields) head.appendText(new FieldName(name), value);
        const body = m.pieces.join('');
        if (m.known) head.contentLength = body.length;
        stream.sendHead(head, false);
        for (const piece of m.pieces) stream.sendData(Buffer.from(piece, 'latin1'), 0, piece.length, false);
        stream.sendData(Buffer.alloc(0), 0, 0, true);
        const { seen, refused } = await nodeReads(d.connection.written);
        assert.equal(refused, false);
        assert.equal(seen.length, 1);
        assert.equal(seen[0]?.line, `POST ${m.path}`);
        assert.equal(seen[0]?.body, body);
        const own = m.known ? ['content-length', String(body.length)] : ['transfer-encoding', 'chunked'];
        const expected = ['host', 'a', ...m.fields.flatMap(([name, value]) => [name.toLowerCase(), value]), ...own];
        assert.deepEqual(seen[0]?.fields, expected);
      }),
      { numRuns: 150 },
    );
  });
});

describe('what Node refuses as malformed', () => {
  it('is refused here too, or not complete', async () => {
    // Node knows no methods but its own; ours may be any token.
    const known = requestText.filter((text) => !text.startsWith('BREW'));
    await fc.assert(
      fc.asyncProperty(mutated(known), async (text) => {
        const node = await nodeReads(text);
        const s = serve();
        s.connection.feed(text);
        // A second request is held back until the first is answered: only the first is compared.
        const [r] = s.receivers;
        if (r === undefined || !r.done || s.connection.paused) return;
        if (!http.METHODS.includes(r.head?.methodText ?? '')) return;
        assert.ok(!node.refused, JSON.stringify(text));
        assert.equal(node.seen[0]?.body, r.body, JSON.stringify(text));
      }),
      { numRuns: 300 },
    );
  });
});
