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

/** The unspecified address and the mapped form of IPv4 reach the same socket as the address itself. */
function keyOf(host: string, port: number): string {
  const plain = host.toLowerCase().replace(/^::ffff:(?=\d+\.)/, '');
  const reached = plain === '0.0.0.0' ? '127.0.0.1' : plain === '::' ? '::1' : plain;
  return `${reached}:${port}`;
}
