/**
 * The fields by which a proxy says who: a request id where there is none, and the caller's verified identity. They are
 * the proxy's to say, so what a caller claims in `x-forwarded-client-cert` never passes.
 */
import { FORWARDED_CLIENT_CERT, REQUEST_ID } from '../../http/field-name.ts';
import { type Origin, sayOrigin } from './origin-fields.ts';
import { Head } from '../../http/head.ts';
import type { RandomHex } from './random-hex.ts';

const ID_BYTES = 16;
const ID_CHARACTERS = 36;
const HYPHEN = 0x2d;
/** Bytes of a UUID between its hyphens. */
const GROUPS = [4, 2, 2, 2, 6] as const;

export class IdentityFields {
  readonly #ids: RandomHex;

  constructor(ids: RandomHex) {
    this.#ids = ids;
  }

  /** A random UUID as a text. */
  uuid(): string {
    const head = new Head();
    this.addRequestId(head);
    const text = head.value(REQUEST_ID) ?? '';
    head.free();
    return text;
  }

  /** A random UUID (RFC 9562 version 4), written in place. */
  addRequestId(head: Head): void {
    if (head.find(REQUEST_ID) >= 0) return;
    const from = this.#ids.take(ID_BYTES);
    const { bytes } = this.#ids;
    bytes[from + 6] = ((bytes[from + 6] as number) & 0x0f) | 0x40; // within the pool: see take
    bytes[from + 8] = ((bytes[from + 8] as number) & 0x3f) | 0x80;
    const at = head.begin(REQUEST_ID, ID_CHARACTERS);
    const out = head.bytes;
    let p = at;
    let done = 0;
    for (const size of GROUPS) {
      if (done > 0) out[p++] = HYPHEN;
      p = this.#ids.putBytes(out, p, from + done, size);
      done += size;
    }
    head.seal(p);
  }

  /** Before `addRequestId`: on the edge, an id that a client made up is replaced. */
  setOrigin(head: Head, origin: Origin): void {
    if (origin.config.isEdge && !origin.config.keepsRequestId) head.removeAll(REQUEST_ID);
    sayOrigin(head, origin);
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
