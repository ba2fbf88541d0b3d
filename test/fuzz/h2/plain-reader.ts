/** What bytes carry, read as plainly as can be: what our ends are held against. */
import { FRAME, FRAME_HEAD_BYTES, PADDED, PRIORITY } from '../../../src/http/h2/frame.ts';

export interface Carried {
  /** Content of DATA up to END_STREAM, padding left out. */
  body: string;
  ended: boolean;
  heads: number;
}

export interface Plain {
  readonly streams: ReadonlyMap<number, Carried>;
  /** The most that a stream (0: the connection) was ever allowed to send. */
  granted(id: number): number;
}

const DEFAULT_WINDOW = 65_535;
const INITIAL_WINDOW = 4;

/** To the first frame that is not whole. DATA may be cut short: what is there counts. */
export function plainly(bytes: Buffer): Plain {
  const streams = new Map<number, Carried>();
  const credit = new Map<number, number>();
  let window = DEFAULT_WINDOW;
  for (let at = 0; at + FRAME_HEAD_BYTES <= bytes.length; ) {
    const length = bytes.readUIntBE(at, 3);
    const [type, flags] = [bytes[at + 3], bytes[at + 4] ?? 0];
    const id = bytes.readUInt32BE(at + 5) % 2 ** 31;
    const payload = bytes.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + length);
    const isCut = payload.length < length;
    at += FRAME_HEAD_BYTES + length;
    if (type === FRAME.windowUpdate && length === 4 && !isCut) {
      credit.set(id, (credit.get(id) ?? 0) + (payload.readUInt32BE(0) % 2 ** 31));
    }
    if (type === FRAME.settings && !isCut) {
      for (let i = 0; i + 6 <= length; i += 6) {
        if (payload.readUInt16BE(i) === INITIAL_WINDOW) window = Math.max(window, payload.readUInt32BE(i + 2));
      }
    }
    if (type !== FRAME.data && type !== FRAME.headers) continue;
    const stream = streams.get(id) ?? { body: '', ended: false, heads: 0 };
    streams.set(id, stream);
    if (type === FRAME.headers) stream.heads++;
    else if (!stream.ended) {
      const isPadded = (flags & PADDED) !== 0;
      const end = length - (isPadded ? (payload[0] ?? 0) : 0);
      stream.body += payload.toString('latin1', isPadded ? 1 : 0, Math.max(isPadded ? 1 : 0, end));
    }
    if ((flags & 1) !== 0 && !isCut) stream.ended = true;
  }
  return { streams, granted: (id) => (id === 0 ? DEFAULT_WINDOW : window) + (credit.get(id) ?? 0) };
}

/** The field section in a HEADERS frame and the CONTINUATIONs behind it. */
export function sectionIn(step: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < step.length; ) {
    const [type, flags] = [step[at + 3], step[at + 4] ?? 0];
    let start = at + FRAME_HEAD_BYTES;
    at = start + step.readUIntBE(at, 3);
    let end = at;
    if (type === FRAME.headers && (flags & PADDED) !== 0) end -= step[start++] ?? 0;
    if (type === FRAME.headers && (flags & PRIORITY) !== 0) start += 5;
    parts.push(step.subarray(start, Math.max(start, end)));
  }
  return Buffer.concat(parts);
}
