/** A client on a connection in memory, with a server of hand-written frames at the other end. */
import { Head } from '../../head.ts';
import type { Stream } from '../../message.ts';
import { ManualTime, MemoryConnection } from '../../h1/test/memory-connection.ts';
import { Recorder } from '../../h1/test/recorder.ts';
import { Http2Client } from '../client.ts';
import { PREFACE } from '../frame.ts';
import { BLOCK, HpackDecoder } from '../hpack/decoder.ts';
import { DEFAULT_HTTP2_LIMITS, type Http2Limits } from '../limits.ts';
import { type Frame, parse, settings, settingsAck } from './frames.ts';

export interface Asked {
  readonly stream: Stream;
  readonly r: Recorder;
}

export class Dialled {
  readonly connection = new MemoryConnection();
  readonly time = new ManualTime();
  readonly gone: string[] = [];
  readonly limits: string[] = [];
  readonly client: Http2Client;
  rooms = 0;
  drainings = 0;
  readonly #decoder = new HpackDecoder(4096, { maxListBytes: 1 << 20, maxFields: 1000 });

  constructor(limits: Partial<Http2Limits> = {}) {
    this.client = new Http2Client({
      limits: { ...DEFAULT_HTTP2_LIMITS, ...limits },
      timers: this.time.timers,
      clock: this.time,
      callbacks: {
        onRoom: () => {
          this.rooms++;
        },
        onDraining: () => {
          this.drainings++;
        },
        onGone: (_client, reason) => this.gone.push(reason),
        onLimit: (name) => this.limits.push(name),
      },
    });
    this.client.attach(this.connection);
  }

  /** The connection is open and both SETTINGS are through. */
  begin(...pairs: readonly (readonly [number, number])[]): this {
    this.client.onOpen();
    this.feed(settings(...pairs), settingsAck);
    this.take();
    return this;
  }

  feed(...frames: readonly Uint8Array[]): this {
    this.connection.feed(Buffer.concat(frames));
    return this;
  }

  /** Frames written since the last look, without the preface. */
  take(): Frame[] {
    const bytes = Buffer.from(this.connection.takeWritten(), 'latin1');
    const hasPreface = bytes.subarray(0, PREFACE.length).equals(PREFACE);
    return parse(hasPreface ? bytes.subarray(PREFACE.length) : bytes);
  }

  ask(method = 'GET', last = true): Asked {
    const r = new Recorder();
    const stream = this.client.open(r);
    const head = Head.request(method, method === 'CONNECT' ? '' : '/', method === 'CONNECT' ? 'a:80' : 'a');
    stream.sendHead(head, last);
    head.free();
    return { stream, r };
  }

  /** Method, target and fields of a request's HEADERS; must see every section in order. */
  fields(f: Frame | undefined): string[] {
    if (f === undefined) throw new Error('no frame');
    const head = new Head();
    const code = this.#decoder.decode(f.payload, 0, f.payload.length, head, BLOCK.request);
    if (code !== 0) throw new Error(`section refused: ${code}`);
    const fields = [`${head.methodText} ${head.authorityText} ${head.pathText}`];
    for (let i = 0; i < head.count; i++) if (!head.isRemoved(i)) fields.push(`${head.nameText(i)}: ${head.text(i)}`);
    head.free();
    return fields;
  }
}

export function send(stream: Stream, text: string, last: boolean): void {
  stream.sendData(Buffer.from(text, 'latin1'), 0, text.length, last);
}

export const OK: readonly (readonly [string, string])[] = [[':status', '200']];
