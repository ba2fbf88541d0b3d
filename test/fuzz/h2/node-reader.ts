/** node:http2 (nghttp2) as a strict reader of what a client sends. */
import { performServerHandshake } from 'node:http2';
import { Duplex } from 'node:stream';
import { PREFACE } from '../../../src/http/h2/frame.ts';
import type { ReadMessage, Reading } from './strict-readers.ts';

const RST_STREAM = 3;
const GOAWAY = 7;
const FRAME_HEAD_BYTES = 9;
/** Turns of the event loop after which nothing more comes of a frame. */
const TURNS = 4;

/** Our end of its connection: what it writes is cut into frames. */
class Wire extends Duplex {
  written = Buffer.alloc(0);

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written = Buffer.concat([this.written, chunk]);
    done();
  }

  /** Whether it has complained of anything. */
  complaint(): string {
    for (
      let at = 0;
      at + FRAME_HEAD_BYTES <= this.written.length;
      at += FRAME_HEAD_BYTES + this.written.readUIntBE(at, 3)
    ) {
      const type = this.written[at + 3];
      const code = (offset: number): number => this.written.readUInt32BE(at + FRAME_HEAD_BYTES + offset);
      if (type === RST_STREAM) return `reset ${this.written.readUInt32BE(at + 5)} ${code(0)}`;
      // Without an error it only says goodbye to who said it first.
      if (type === GOAWAY && code(4) !== 0) return `goaway ${code(4)}`;
    }
    return '';
  }
}

export async function nodeReads(frames: readonly Uint8Array[]): Promise<Reading> {
  const wire = new Wire();
  const session = performServerHandshake(wire, {
    settings: { enableConnectProtocol: true },
    strictSingleValueFields: false,
  });
  const streams: ReadMessage[] = [];
  let error = '';
  session.on('error', (e: Error) => (error ||= e.message));
  session.on('stream', (stream, _headers, flags, raw) => {
    const message: ReadMessage = {
      id: stream.id ?? 0,
      fields: pairs(raw as unknown as string[]),
      body: '',
      trailers: null,
      done: (flags & 1) !== 0,
    };
    streams.push(message);
    stream.on('error', () => {});
    stream.on('data', (part: Buffer) => (message.body += part.toString('latin1')));
    stream.on(
      'trailers',
      (_fields, _flags, rawTrailers: unknown) => (message.trailers = pairs(rawTrailers as string[])),
    );
    stream.on('end', () => {
      if (!stream.aborted && !stream.destroyed) message.done = true;
    });
  });
  wire.push(PREFACE);
  await turns();
  let failed = -1;
  for (const [index, each] of frames.entries()) {
    wire.push(each);
    await turns();
    error = wire.complaint() || error;
    if (error === '' && !session.destroyed && !wire.destroyed) continue;
    failed = index;
    break;
  }
  session.destroy();
  wire.destroy();
  return { streams, failed, error: error || (failed >= 0 ? 'closed' : '') };
}

async function turns(): Promise<void> {
  for (let n = 0; n < TURNS; n++) await new Promise((done) => void setImmediate(done));
}

function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, i) => [list[2 * i] ?? '', list[2 * i + 1] ?? '']);
}
