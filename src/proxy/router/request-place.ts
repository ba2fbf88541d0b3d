/**
 * The hash by which a request finds its host again, and the cookie that makes the next one find it: Envoy's
 * `hash_policy`, for routes that have one.
 */
import { hash32 } from '../../core/hash.ts';
import type { ConnectionInfo, Random } from '../../core/runtime.ts';
import { FieldName } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import { type HashPolicy, missingCookie, requestHash } from '../../snapshot/request-hash.ts';

export const NO_HASH = -1;

const SET_COOKIE = new FieldName('set-cookie');
const COOKIE_BYTES = 8;

export interface RequestPlace {
  /** An unsigned 32-bit number, or NO_HASH. */
  readonly hash: number;
  /** The value of the response's Set-Cookie; empty: none. */
  readonly setCookie: string;
}

export const NO_PLACE: RequestPlace = { hash: NO_HASH, setCookie: '' };

export function placeOf(
  policies: readonly HashPolicy[],
  request: Head,
  info: ConnectionInfo,
  random: Random,
): RequestPlace {
  const cookie = missingCookie(policies, request);
  const made = cookie === null ? null : Buffer.from(randomText(random), 'latin1');
  const hash = requestHash(policies, request, { sourceHash: sourceHash(info), madeCookie: made });
  if (cookie === null || made === null) return { hash, setCookie: '' };
  return {
    hash,
    setCookie: `${Buffer.from(cookie.name).toString('latin1')}=${made.toString('latin1')}${cookie.attributes}`,
  };
}

/** The same for requests and for connections of raw bytes. */
export function sourceHash({ remote }: ConnectionInfo): number {
  const address = Buffer.from(remote.host, 'latin1');
  return hash32(address, 0, address.length);
}

export function addCookie(response: Head, place: RequestPlace): void {
  if (place.setCookie !== '') response.appendText(SET_COOKIE, place.setCookie);
}

function randomText(random: Random): string {
  const bytes = new Uint8Array(COOKIE_BYTES);
  random.fill(bytes);
  return Buffer.from(bytes).toString('hex');
}
