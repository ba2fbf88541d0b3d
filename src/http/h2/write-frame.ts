/** Small frames, straight into the connection's output. */
import { copyBytes } from '../../core/bytes.ts';
import type { Connection } from '../../core/runtime.ts';
import { ACK, FRAME, FRAME_HEAD_BYTES, putFrameHead, putUint32 } from './frame.ts';

const OPAQUE_BYTES = 8;

export function writeWindowUpdate(connection: Connection, id: number, increment: number): void {
  writeWord(connection, FRAME.windowUpdate, id, increment);
}

export function writeReset(connection: Connection, id: number, code: number): void {
  writeWord(connection, FRAME.rstStream, id, code);
}

export function writeSettingsAck(connection: Connection): void {
  const at = connection.reserve(FRAME_HEAD_BYTES);
  connection.commit(putFrameHead(connection.out, at, 0, FRAME.settings, ACK, 0));
}

/** Eight bytes from `start`: ours to recognise the answer by, or the peer's own when `flags` is ACK. */
export function writePing(connection: Connection, flags: number, bytes: Uint8Array, start: number): void {
  const at = connection.reserve(FRAME_HEAD_BYTES + OPAQUE_BYTES);
  const payload = putFrameHead(connection.out, at, OPAQUE_BYTES, FRAME.ping, flags, 0);
  connection.commit(copyBytes(bytes, start, start + OPAQUE_BYTES, connection.out, payload));
}

/** `detail` is for whoever reads a capture: it never says what the peer should not know. */
export function writeGoaway(connection: Connection, lastId: number, code: number, detail: string): void {
  const bytes = Buffer.from(detail, 'latin1');
  const at = connection.reserve(FRAME_HEAD_BYTES + 8 + bytes.length);
  const { out } = connection;
  let to = putFrameHead(out, at, 8 + bytes.length, FRAME.goaway, 0, 0);
  to = putUint32(out, to, lastId);
  to = putUint32(out, to, code);
  connection.commit(copyBytes(bytes, 0, bytes.length, out, to));
}

function writeWord(connection: Connection, type: number, id: number, word: number): void {
  const at = connection.reserve(FRAME_HEAD_BYTES + 4);
  const payload = putFrameHead(connection.out, at, 4, type, 0, id);
  connection.commit(putUint32(connection.out, payload, word));
}
