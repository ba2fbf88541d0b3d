/** Our blocks read by node:http2 (nghttp2), and its blocks read by us, over many streams of one connection. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerHttp2Stream } from 'node:http2';
import { duplexPair } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { FieldName } from '../../field-name.ts';
import { Head } from '../../head.ts';
import { END_HEADERS, END_STREAM, FRAME, FRAME_HEAD_BYTES, PREFACE, putFrameHead } from '../frame.ts';
import { BLOCK, HpackDecoder } from './decoder.ts';
import { HpackEncoder } from './encoder.ts';
import { decoded, fieldsOf, LIMITS } from './test/blocks.ts';

const HEADER_TABLE_SIZE = 1;

const name = fc.constantFrom(
  'x-a',
  'x-b',
  'accept',
  'user-agent',
  'x-request-id',
  'cache-control',
  'x-long-name-of-a-field',
);
const value = fc.oneof(fc.constantFrom('1', 'text/html', 'v'.repeat(200)), fc.stringMatching(/^[!-~]{1,40}$/));
const exchange = fc.record({
  path: fc.stringMatching(/^\/[a-z0-9/]{0,20}$/),
  request: fc.uniqueArray(fc.tuple(name, value), { selector: ([each]) => each, maxLength: 6 }),
  response: fc.uniqueArray(fc.tuple(name, value), { selector: ([each]) => each, maxLength: 6 }),
});

function frame(type: number, flags: number, id: number, payload: Uint8Array): Buffer {
  const out = Buffer.alloc(FRAME_HEAD_BYTES + payload.length);
  out.set(payload, putFrameHead(out, 0, payload.length, type, flags, id));
  return out;
}

function settings(tableBytes: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(HEADER_TABLE_SIZE, 0);
  payload.writeUInt32BE(tableBytes, 2);
  return frame(FRAME.settings, 0, 0, payload);
}

describe('node:http2', () => {
  for (const [theirs, ours] of [
    [4096, 4096],
    [0, 0],
    [200, 300],
    [16_384, 16_384],
  ] as const) {
    it(`agrees, with a table of ${theirs} bytes there and ${ours} here`, async () => {
      const exchanges = fc.sample(exchange, { numRuns: 150, seed: 7 + theirs });
      const seen: Record<string, unknown>[] = [];
      const server = createServer({ settings: { headerTableSize: theirs } });
      server.on('stream', (stream: ServerHttp2Stream, headers) => {
        seen.push(Object.fromEntries(Object.entries(headers)));
        const answer = exchanges[seen.length - 1]?.response ?? [];
        stream.respond({ ':status': 200, ...Object.fromEntries(answer) }, { endStream: true });
      });
      const [near, far] = duplexPair();
      server.emit('connection', far);
      const encoder = new HpackEncoder(4096);
      const decoder = new HpackDecoder(ours, LIMITS);
      const answers: string[][] = [];
      let unread = Buffer.alloc(0);
      let isReady = false;
      near.on('data', (bytes: Buffer) => {
        unread = Buffer.concat([unread, bytes]);
        while (unread.length >= 9 && unread.length >= 9 + unread.readUIntBE(0, 3)) {
          const end = 9 + unread.readUIntBE(0, 3);
          const [type, flags, payload] = [unread[3], unread[4] ?? 0, unread.subarray(9, end)];
          if (type === FRAME.settings && (flags & 1) !== 0) decoder.onSettingsAcknowledged(ours);
          if (type === FRAME.settings && (flags & 1) === 0) {
            encoder.onPeerTableBytes(theirs);
            near.write(frame(FRAME.settings, 1, 0, Buffer.alloc(0)));
            isReady = true;
            near.emit('ready');
          }
          if (type === FRAME.headers) {
            const head = decoded(decoder, payload, BLOCK.response);
            answers.push(fieldsOf(head).filter((line) => !line.startsWith('date: ')));
            near.emit('answer');
          }
          unread = unread.subarray(end);
        }
      });
      near.write(PREFACE);
      near.write(settings(ours));
      if (!isReady) await once(near, 'ready');
      const out = Buffer.alloc(65_536);
      for (const [i, each] of exchanges.entries()) {
        const head = Head.request('GET', each.path, 'shop:80');
        for (const [one, text] of each.request) head.appendText(new FieldName(one), text);
        const block = out.subarray(0, encoder.encode(head, -1, out, 0));
        const answered = once(near, 'answer');
        near.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 2 * i + 1, block));
        await answered;
      }
      for (const [i, each] of exchanges.entries()) {
        const wanted = { ':method': 'GET', ':scheme': 'http', ':path': each.path, ':authority': 'shop:80' };
        assert.deepEqual(seen[i], { ...wanted, ...Object.fromEntries(each.request) });
        assert.deepEqual(
          answers[i],
          each.response.map(([one, text]) => `${one}: ${text}`),
        );
      }
      near.destroy();
      far.destroy();
      server.close();
    });
  }
});
