/** What our end wrote, held against what any reader of HTTP/2 demands, and brought into a form that reads do not change. */
import assert from 'node:assert/strict';
import { FRAME, MAX_FRAME_BYTES } from '../../../src/http/h2/frame.ts';
import { Head } from '../../../src/http/head.ts';
import { type Block, HpackDecoder } from '../../../src/http/h2/hpack/decoder.ts';
import type { Frame } from '../../../src/http/h2/test/frames.ts';

const MAX_WINDOW = 2 ** 31 - 1;

interface Written {
  heads: number;
  bytes: number;
  ended: boolean;
  reset: number | null;
}

/** By stream, with what concerns the connection under 0. */
export type Summary = Record<number, unknown[]>;

/** Throws where a reader would; `kind` says what our field sections are, `granted` what the peer allowed a stream at most. */
export function writtenWell(frames: readonly Frame[], kind: Block, granted: (id: number) => number): Summary {
  const decoder = new HpackDecoder(4096, { maxListBytes: 1 << 20, maxFields: 1_000 });
  const streams = new Map<number, Written>();
  const summary: Summary = { 0: [] };
  let total = 0;
  assert.equal(frames[0]?.type, FRAME.settings, 'SETTINGS come first');
  for (const { type, flags, id, payload } of frames) {
    assert.ok(payload.length <= MAX_FRAME_BYTES);
    const stream = streams.get(id) ?? { heads: 0, bytes: 0, ended: false, reset: null };
    if (id !== 0) streams.set(id, stream);
    summary[id] ??= [];
    const say = summary[id];
    switch (type) {
      case FRAME.headers:
      case FRAME.data: {
        assert.ok(!stream.ended && stream.reset === null, `stream ${id} is over`);
        stream.ended = (flags & 1) !== 0;
        if (type === FRAME.data) {
          assert.ok(stream.heads > 0, 'a head comes first');
          stream.bytes += payload.length;
          total += payload.length;
          break;
        }
        stream.heads++;
        const head = new Head();
        const block = stream.heads > 1 && stream.ended ? 2 : kind;
        assert.equal(decoder.decode(payload, 0, payload.length, head, block as Block), 0, 'a field section');
        say.push(head.status);
        head.free();
        break;
      }
      case FRAME.rstStream:
        assert.equal(stream.reset, null, `stream ${id} is reset twice`);
        stream.reset = payload.readUInt32BE(0);
        break;
      case FRAME.goaway:
        say.push(`goaway ${payload.readUInt32BE(0)} ${payload.readUInt32BE(4)}`);
        break;
      case FRAME.ping:
        say.push(`ping ${flags}`);
        break;
      case FRAME.settings:
        say.push(`settings ${flags}`);
        break;
      case FRAME.windowUpdate:
        assert.ok(payload.readUInt32BE(0) > 0 && payload.readUInt32BE(0) <= MAX_WINDOW);
        break;
      default:
        assert.fail(`frame of type ${type}`);
    }
  }
  for (const [id, { bytes, ended, reset }] of streams) {
    assert.ok(bytes <= granted(id), `stream ${id} has sent ${bytes} bytes of ${granted(id)}`);
    summary[id]?.push(bytes, ended, reset);
  }
  assert.ok(total <= granted(0), `${total} bytes sent of ${granted(0)}`);
  return summary;
}

/** The first RST_STREAM or GOAWAY with an error, in words; empty: none. */
export function complaintIn(frames: readonly Frame[]): string {
  for (const { type, payload } of frames) {
    if (type === FRAME.rstStream) return `reset ${payload.readUInt32BE(0)}`;
    if (type === FRAME.goaway && payload.readUInt32BE(4) !== 0) return payload.toString('latin1', 8);
  }
  return '';
}
