/** SETTINGS: what the peer has said, judged (RFC 9113 section 6.5.2), and what this end says. */
import type { Connection } from '../../core/runtime.ts';
import { ERROR } from './error-code.ts';
import {
  DEFAULT_WINDOW,
  FRAME,
  FRAME_HEAD_BYTES,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  PREFACE,
  putFrameHead,
  putUint32,
  readUint32,
} from './frame.ts';

export const SETTING = {
  headerTableSize: 1,
  enablePush: 2,
  maxConcurrentStreams: 3,
  initialWindowSize: 4,
  maxFrameSize: 5,
  maxHeaderListSize: 6,
  /** RFC 8441 section 3. */
  enableConnectProtocol: 8,
} as const;

/** Identifier and value. */
export const SETTING_BYTES = 6;
/** What is assumed of a peer that has not spoken yet; RFC 9113 section 6.5.2 asks servers to allow no fewer. */
const ASSUMED_STREAMS = 100;

export class PeerSettings {
  /** Whether the peer's first SETTINGS have come. */
  known = false;
  headerTableBytes = 4_096;
  maxConcurrentStreams = ASSUMED_STREAMS;
  initialWindow = DEFAULT_WINDOW;
  connectProtocol = false;

  /** Takes one frame's settings over, in order. Returns 0, or the error code with which the connection ends. */
  apply(bytes: Uint8Array, start: number, end: number, fromServer: boolean): number {
    // Unlimited, once the peer has spoken and not said otherwise.
    if (!this.known) this.maxConcurrentStreams = Number.POSITIVE_INFINITY;
    this.known = true;
    for (let at = start; at < end; at += SETTING_BYTES) {
      const id = ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
      const error = this.#set(id, readUint32(bytes, at + 2), fromServer);
      if (error !== 0) return error;
    }
    return 0;
  }

  #set(id: number, value: number, fromServer: boolean): number {
    switch (id) {
      case SETTING.headerTableSize:
        this.headerTableBytes = value;
        return 0;
      case SETTING.enablePush:
        return value > (fromServer ? 0 : 1) ? ERROR.protocol : 0;
      case SETTING.maxConcurrentStreams:
        this.maxConcurrentStreams = value;
        return 0;
      case SETTING.initialWindowSize:
        if (value > MAX_WINDOW) return ERROR.flowControl;
        this.initialWindow = value;
        return 0;
      case SETTING.maxFrameSize:
        // We never send more than every peer accepts.
        return value < MAX_FRAME_BYTES || value > 0xff_ffff ? ERROR.protocol : 0;
      case SETTING.enableConnectProtocol:
        if (value > 1 || (value === 0 && this.connectProtocol)) return ERROR.protocol;
        this.connectProtocol = value === 1;
        return 0;
      default:
        return 0;
    }
  }
}

/** A client's connection preface begins with 24 bytes of its own (section 3.4). */
export function writePreface(connection: Connection): void {
  connection.write(PREFACE, 0, PREFACE.length);
}

export function writeSettings(connection: Connection, pairs: readonly (readonly [id: number, value: number])[]): void {
  let at = connection.reserve(FRAME_HEAD_BYTES + pairs.length * SETTING_BYTES);
  const { out } = connection;
  at = putFrameHead(out, at, pairs.length * SETTING_BYTES, FRAME.settings, 0, 0);
  for (const [id, value] of pairs) {
    out[at] = id >>> 8;
    out[at + 1] = id;
    at = putUint32(out, at + 2, value);
  }
  connection.commit(at);
}
