/**
 * Addresses that this proxy itself listens on. A request for one of them that was taken for a host outside of the mesh
 * would come back to us for ever, each round with one more connection.
 */
import type { Address } from '../../core/runtime.ts';

export class OwnAddresses {
  readonly #keys = new Set<string>();

  add(at: Address): void {
    this.#keys.add(keyOf(at.host, at.port));
  }

  remove(at: Address): void {
    this.#keys.delete(keyOf(at.host, at.port));
  }

  has(host: string, port: number): boolean {
    return this.#keys.has(keyOf(host, port));
  }
}

/** The unspecified address and the mapped form of IPv4 reach the same socket as the address itself, in any notation. */
function keyOf(host: string, port: number): string {
  const plain = host.includes(':') ? canonicalV6(host) : host.toLowerCase();
  const reached = plain === '0.0.0.0' ? '127.0.0.1' : plain === '::' ? '::1' : plain;
  return `${reached}:${port}`;
}

/** RFC 5952, as the URL standard serializes it; a mapped IPv4 address in its own form. */
function canonicalV6(host: string): string {
  const text = `http://[${host}]/`;
  if (!URL.canParse(text)) return host.toLowerCase();
  const canonical = new URL(text).hostname.slice(1, -1);
  const [, high = '', low = ''] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical) ?? [];
  if (low === '') return canonical;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return `${a >> 8}.${a & 255}.${b >> 8}.${b & 255}`;
}
