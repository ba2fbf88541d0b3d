/** A server on a connection in memory, with a client of hand-written frames at the other end. */
import type { Head } from '../../head.ts';
import { Head as HeadClass } from '../../head.ts';
import { ManualTime, MemoryConnection } from '../../h1/test/memory-connection.ts';
import { Recorder } from '../../h1/test/recorder.ts';
import { ERROR } from '../error-code.ts';
import { FRAME } from '../frame.ts';
import { BLOCK, HpackDecoder } from '../hpack/decoder.ts';
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../limits.ts';
import { Http2Server } from '../server.ts';
import type { Http2ServerStream } from '../server-stream.ts';
import { type Frame, hello, parse } from './frames.ts';

export class Served {
  readonly connection = new MemoryConnection();
  readonly time = new ManualTime();
  readonly streams: Http2ServerStream[] = [];
  readonly receivers: Recorder[] = [];
  readonly refused: [number, string][] = [];
  readonly limits: string[] = [];
  readonly server: Http2Server;
  /** Within `onHead`. */
  react: ((stream: Http2ServerStream, head: Head, receiver: Recorder) => void) | null = null;
  closed = 0;
  readonly #decoder = new HpackDecoder(4096, { maxListBytes: 1 << 20, maxFields: 1000 });

  constructor(limits: Partial<Http2Limits> = {}) {
    this.server = new Http2Server(this.connection, {
      limits: { ...DEFAULT_HTTP2_LIMITS, ...limits },
      timers: this.time.timers,
      clock: this.time,
      callbacks: {
        open: (stream) => {
          const receiver = new Recorder();
          this.streams.push(stream);
          this.receivers.push(receiver);
          receiver.onHeadCalled = (head) => this.react?.(stream, head, receiver);
          return receiver;
        },
        onRefused: (status, detail) => this.refused.push([status, detail]),
        onLimit: (name) => this.limits.push(name),
        onClosed: () => {
          this.closed++;
        },
      },
    });
  }

  /** Preface and SETTINGS are through; what was written for them is forgotten. */
  begin(...pairs: readonly (readonly [number, number])[]): this {
    this.connection.feed(hello(...pairs));
    this.take();
    return this;
  }

  feed(...frames: readonly Uint8Array[]): this {
    this.connection.feed(Buffer.concat(frames));
    return this;
  }

  /** Frames written since the last look. */
  take(): Frame[] {
    return parse(Buffer.from(this.connection.takeWritten(), 'latin1'));
  }

  stream(index = 0): Http2ServerStream {
    const stream = this.streams[index];
    if (stream === undefined) throw new Error(`no stream ${index}: ${this.refused.join()}`);
    return stream;
  }

  receiver(index = 0): Recorder {
    const receiver = this.receivers[index];
    if (receiver === undefined) throw new Error(`no stream ${index}: ${this.refused.join()}`);
    return receiver;
  }

  /** `:status` and the other fields of a response's HEADERS; must see every section in order. */
  fields(f: Frame): string[] {
    const head = new HeadClass();
    const code = this.#decoder.decode(f.payload, 0, f.payload.length, head, BLOCK.response);
    if (code !== 0) throw new Error(`section refused: ${code}`);
    const fields = [String(head.status)];
    for (let i = 0; i < head.count; i++) fields.push(`${head.nameText(i)}: ${head.text(i)}`);
    head.free();
    return fields;
  }
}

/** `RST_STREAM(id, code)`, as text; or what else it is. */
export function describe(f: Frame): string {
  const type = Object.entries(FRAME).find(([, value]) => value === f.type)?.[0] ?? `type ${f.type}`;
  const codeName = (at: number): string =>
    Object.entries(ERROR).find(([, value]) => value === f.payload.readUInt32BE(at))?.[0] ?? 'unknown';
  switch (f.type) {
    case FRAME.rstStream:
      return `${type} ${f.id} ${codeName(0)}`;
    case FRAME.goaway:
      return `${type} ${f.payload.readUInt32BE(0)} ${codeName(4)}`;
    case FRAME.windowUpdate:
      return `${type} ${f.id} ${f.payload.readUInt32BE(0)}`;
    case FRAME.data:
      return `${type} ${f.id} ${f.payload.length}${(f.flags & 1) !== 0 ? ' end' : ''}`;
    case FRAME.headers:
      return `${type} ${f.id}${(f.flags & 1) !== 0 ? ' end' : ''}`;
    case FRAME.settings:
    case FRAME.ping:
      return (f.flags & 1) !== 0 ? `${type} ack` : type;
    default:
      return `${type} ${f.id}`;
  }
}

export const described = (frames: readonly Frame[]): string[] => frames.map(describe);
