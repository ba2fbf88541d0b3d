/**
 * Encoded responses by content: when one change goes to a thousand streams, it is framed once and every stream sends
 * the same bytes. Nonces are serial numbers of the cache; a stream only takes a higher one than its last, so that a
 * nonce is unique on its stream although it is shared.
 */
import { hash } from 'node:crypto';
import { DeltaDiscoveryResponseTable, ResourceTable } from '../tables/tables.gen.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import type { XdsResource } from '../resource.ts';

export interface Framed {
  readonly serial: number;
  readonly nonce: string;
  /** A DeltaDiscoveryResponse, shared: never changed. */
  readonly bytes: Uint8Array;
}

export class ResponseCache {
  readonly #maxBytes: number;
  /** In order of use, the least recent first. */
  readonly #frames = new Map<string, Framed>();
  #bytes = 0;
  #serial = 0;
  #framings = 0;

  /** `maxBytes` of encoded responses are kept; default 64 MiB. What is sent keeps its bytes alive all the same. */
  constructor(maxBytes: number = 64 << 20) {
    this.#maxBytes = maxBytes;
  }

  /** How many responses were encoded: the rest were shared. */
  get framings(): number {
    return this.#framings;
  }

  /** `resources` and `removed` in order of name. `after`: the serial of the stream's last response of this type. */
  frame(type: string, resources: readonly XdsResource[], removed: readonly string[], after: number): Framed {
    const key = keyOf(type, resources, removed);
    const known = this.#frames.get(key);
    if (known !== undefined) {
      this.#frames.delete(key);
      if (known.serial > after) {
        this.#frames.set(key, known);
        return known;
      }
      this.#bytes -= known.bytes.length;
    }
    const framed = this.#encode(type, resources, removed);
    this.#keep(key, framed);
    return framed;
  }

  #encode(type: string, resources: readonly XdsResource[], removed: readonly string[]): Framed {
    this.#framings++;
    const serial = ++this.#serial;
    const nonce = serial.toString(36);
    const response = create(DeltaDiscoveryResponseTable, {
      typeUrl: type,
      nonce,
      removedResources: removed,
      resources: resources.map((resource) =>
        create(ResourceTable, {
          name: resource.name,
          version: resource.version,
          resource: { typeUrl: type, value: resource.bytes },
        }),
      ),
    });
    return { serial, nonce, bytes: encode(DeltaDiscoveryResponseTable, response) };
  }

  #keep(key: string, framed: Framed): void {
    if (framed.bytes.length > this.#maxBytes / 8) return;
    this.#frames.set(key, framed);
    this.#bytes += framed.bytes.length;
    for (const [oldest, victim] of this.#frames) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#frames.delete(oldest);
      this.#bytes -= victim.bytes.length;
    }
  }
}

/** Versions are hashes of content, so they stand for the bytes. */
function keyOf(type: string, resources: readonly XdsResource[], removed: readonly string[]): string {
  const text = JSON.stringify([type, removed, resources.map((resource) => [resource.name, resource.version])]);
  return text.length <= 256 ? text : hash('sha256', text, 'base64url');
}
