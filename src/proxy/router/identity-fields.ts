/**
 * The fields by which a proxy says who: a request id where there is none, and the caller's verified identity. They are
 * the proxy's to say, so what a caller claims in `x-forwarded-client-cert` never passes.
 */
import type { Random } from '../../core/runtime.ts';
import { FORWARDED_CLIENT_CERT, REQUEST_ID } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';

const POOL_BYTES = 4_096;
const ID_BYTES = 16;
const ID_CHARACTERS = 36;
const HYPHEN = 0x2d;
const HEX = Buffer.from('0123456789abcdef', 'latin1');

export class IdentityFields {
  readonly #random: Random;
  readonly #pool = new Uint8Array(POOL_BYTES);
  #at = POOL_BYTES;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A random UUID (RFC 9562 version 4), written in place. */
  addRequestId(head: Head): void {
    if (head.find(REQUEST_ID) >= 0) return;
    if (this.#at + ID_BYTES > POOL_BYTES) {
      this.#random.fill(this.#pool);
      this.#at = 0;
    }
    const pool = this.#pool;
    const from = this.#at;
    this.#at += ID_BYTES;
    pool[from + 6] = ((pool[from + 6] as number) & 0x0f) | 0x40; // within the pool: see above
    pool[from + 8] = ((pool[from + 8] as number) & 0x3f) | 0x80;
    let p = head.begin(REQUEST_ID, ID_CHARACTERS);
    const out = head.bytes;
    for (let i = 0; i < ID_BYTES; i++) {
      if (i === 4 || i === 6 || i === 8 || i === 10) out[p++] = HYPHEN;
      const byte = pool[from + i] as number;
      out[p++] = HEX[byte >> 4] as number;
      out[p++] = HEX[byte & 15] as number;
    }
    head.seal(p);
  }

  /** `verified` as made by `clientCertField`; null: the caller is not known, and nothing is said. */
  setClientCert(head: Head, verified: Uint8Array | null): void {
    if (head.find(FORWARDED_CLIENT_CERT) >= 0) head.removeAll(FORWARDED_CLIENT_CERT);
    if (verified !== null) head.append(FORWARDED_CLIENT_CERT, verified);
  }
}

/** Envoy's form. SPIFFE ids hold no character that would need quoting. */
export function clientCertField(own: string, peer: string): Uint8Array {
  return Buffer.from(`By=${own};URI=${peer}`, 'latin1');
}
