/** Frames by hand: written as a peer would, and read back from what we wrote. */
import { FRAME, FRAME_HEAD_BYTES, PREFACE, putFrameHead, putUint32, readUint31 } from '../frame.ts';

export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, id: number, payload: Uint8Array | string = ''): Buffer {
  const bytes = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : payload;
  const out = Buffer.alloc(FRAME_HEAD_BYTES + bytes.length);
  putFrameHead(out, 0, bytes.length, type, flags, id);
  out.set(bytes, FRAME_HEAD_BYTES);
  return out;
}

export function word(value: number): Buffer {
  const out = Buffer.alloc(4);
  putUint32(out, 0, value);
  return out;
}

export const settings = (...pairs: readonly (readonly [number, number])[]): Buffer =>
  frame(
    FRAME.settings,
    0,
    0,
    Buffer.concat(pairs.map(([id, value]) => Buffer.concat([Buffer.from([id >>> 8, id]), word(value)]))),
  );
export const settingsAck = frame(FRAME.settings, 1, 0);
export const data = (id: number, payload: Uint8Array | string, last = false): Buffer =>
  frame(FRAME.data, last ? 1 : 0, id, payload);
export const windowUpdate = (id: number, increment: number): Buffer =>
  frame(FRAME.windowUpdate, 0, id, word(increment));
export const rst = (id: number, code: number): Buffer => frame(FRAME.rstStream, 0, id, word(code));
export const ping = (payload = '12345678', ack = false): Buffer => frame(FRAME.ping, ack ? 1 : 0, 0, payload);
export const goaway = (lastId: number, code: number): Buffer =>
  frame(FRAME.goaway, 0, 0, Buffer.concat([word(lastId), word(code)]));
export const priority = (id: number, dependsOn: number): Buffer =>
  frame(FRAME.priority, 0, id, Buffer.concat([word(dependsOn), Buffer.from([15])]));

/** A field section without a dynamic table: every field a literal. */
export function block(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.from([0]), literal(name), literal(value)]));
}

function literal(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1');
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes]);
  const rest = [127];
  let left = bytes.length - 127;
  for (; left >= 128; left >>>= 7) rest.push((left & 127) | 128);
  return Buffer.concat([Buffer.from([...rest, left]), bytes]);
}

export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'a'],
];
export const POST: readonly (readonly [string, string])[] = [[':method', 'POST'], ...GET.slice(1)];

export function headers(id: number, fields: readonly (readonly [string, string])[] = GET, last = true): Buffer {
  return frame(FRAME.headers, last ? 5 : 4, id, block(fields));
}

/** What a client sends first. */
export const hello = (...pairs: readonly (readonly [number, number])[]): Buffer =>
  Buffer.concat([PREFACE, settings(...pairs), settingsAck]);

/** The frames in `bytes`; throws where they are cut short. */
export function parse(bytes: Uint8Array): Frame[] {
  const frames: Frame[] = [];
  let at = 0;
  while (at < bytes.length) {
    const length = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const start = at + FRAME_HEAD_BYTES;
    if (start + length > bytes.length) throw new Error('half a frame was written');
    frames.push({
      type: bytes[at + 3] ?? 0,
      flags: bytes[at + 4] ?? 0,
      id: readUint31(bytes, at + 5),
      payload: Buffer.from(bytes.subarray(start, start + length)),
    });
    at = start + length;
  }
  return frames;
}
