/**
 * The two fields by which HTTP/1.1 proves that a server understood a WebSocket handshake (RFC 6455 section 4). HTTP/2
 * has none (RFC 8441 section 5), so a proxy between the two makes what one side lacks.
 */
import { createHash } from 'node:crypto';
import type { Random } from '../core/runtime.ts';
import { FieldName, UPGRADE } from './field-name.ts';
import type { Head } from './head.ts';

const KEY = new FieldName('sec-websocket-key');
const ACCEPT = new FieldName('sec-websocket-accept');
const KEY_BYTES = 16;
/** RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const HTTP2 = 20;

/** Gives a WebSocket request from HTTP/2 the key that an HTTP/1.1 server wants. True: it had none. */
export function addWebSocketKey(request: Head, random: Random): boolean {
  // One over HTTP/1.1 without a key is for the server to refuse.
  if (request.version !== HTTP2 || !isWebSocket(request) || request.find(KEY) >= 0) return false;
  const bytes = new Uint8Array(KEY_BYTES);
  random.fill(bytes);
  request.appendText(KEY, Buffer.from(bytes).toString('base64'));
  return true;
}

/**
 * Makes the head that grants a WebSocket right for the caller. `keyIsOurs`: the caller sent none and expects no answer to
 * it; then it is checked here. False: whoever answered did not understand the handshake, so there is no WebSocket.
 */
export function completeWebSocket(request: Head, response: Head, keyIsOurs: boolean): boolean {
  if (!isWebSocket(request)) return true;
  const key = request.value(KEY);
  if (key === null) return true;
  const index = response.find(ACCEPT);
  if (!keyIsOurs) {
    // From HTTP/2, which has granted it without saying so. One that is there is for the caller to check.
    if (index < 0 && response.version === HTTP2) response.appendText(ACCEPT, acceptOf(key));
    return true;
  }
  if (index < 0) return response.version === HTTP2;
  const isRight = response.text(index) === acceptOf(key);
  response.removeAll(ACCEPT);
  return isRight;
}

export function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`, 'latin1').digest('base64');
}

function isWebSocket(request: Head): boolean {
  return request.value(UPGRADE)?.trim().toLowerCase() === 'websocket';
}
