/**
 * Encoded responses by content: when one change goes to a thousand streams, it is framed once and every stream sends
 * the same bytes. Nonces are serial numbers of the cache; a stream only takes a higher one than its last, so that a
 * nonce is unique on its stream although it is shared.
 */
import { hash } from 'node:crypto';
import { setVersion } from '../content-version.ts';
import { DeltaDiscoveryResponseTable, DiscoveryResponseTable, ResourceTable } from '../tables/tables.gen.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import type { XdsResource } from '../resource.ts';
import type { StreamProtocol } from '../service-paths.ts';

export interface Framed {
  readonly serial: number;
  readonly nonce: string;
  /** A DeltaDiscoveryResponse or DiscoveryResponse, shared: never changed. */
  readonly bytes: Uint8Array;
}

export interface Framing {
  readonly variant: StreamProtocol;
  readonly type: string;
  /** In order of name, as is `removed`. */
  readonly resources: readonly XdsResource[];
  /** State of the world does not say it. */
  readonly removed: readonly string[];
  /** Names that are answered with a resource without content: of virtual hosts only. */
  readonly absent: readonly string[];
}

export class ResponseCache {
  readonly #maxBytes: number;
  /** In order of use, the least recent first. */
  readonly #frames = new Map<string, Framed>();
  #bytes = 0;
  #serial = 0;
  #framings = 0;

  /**
   * `maxBytes` of encoded responses are kept; default 16 MiB: a push to thousands is small, and first answers, which are
   * large, are shared by the replicas of one service that come together. What is sent keeps its bytes alive all the same.
   */
  constructor(maxBytes: number = 16 << 20) {
    this.#maxBytes = maxBytes;
  }

  /** How many responses were encoded: the rest were shared. */
  get framings(): number {
    return this.#framings;
  }

  /** `after`: the serial of the stream's last response of this type. */
  frame(framing: Framing, after: number): Framed {
    const key = keyOf(framing);
    const known = this.#frames.get(key);
    if (known !== undefined) {
      this.#frames.delete(key);
      if (known.serial > after) {
        this.#frames.set(key, known);
        return known;
      }
      this.#bytes -= known.bytes.length;
    }
    const framed = this.#encode(framing);
    this.#keep(key, framed);
    return framed;
  }

  #encode(framing: Framing): Framed {
    this.#framings++;
    const serial = ++this.#serial;
    const nonce = serial.toString(36);
    const bytes = framing.variant === 'delta' ? deltaBytes(framing, nonce) : sotwBytes(framing, nonce);
    return { serial, nonce, bytes };
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

function deltaBytes({ type, resources, removed, absent }: Framing, nonce: string): Uint8Array {
  const response = create(DeltaDiscoveryResponseTable, {
    typeUrl: type,
    nonce,
    removedResources: removed,
    resources: [
      ...resources.map(({ name, version, bytes, aliases = [] }) =>
        create(ResourceTable, { name, version, aliases, resource: { typeUrl: type, value: bytes } }),
      ),
      ...absent.map((name) => create(ResourceTable, { name, aliases: [name] })),
    ],
  });
  return encode(DeltaDiscoveryResponseTable, response);
}

function sotwBytes({ type, resources }: Framing, nonce: string): Uint8Array {
  const response = create(DiscoveryResponseTable, {
    versionInfo: setVersion(resources),
    typeUrl: type,
    nonce,
    resources: resources.map((resource) => ({ typeUrl: type, value: resource.bytes })),
  });
  return encode(DiscoveryResponseTable, response);
}

/** Versions are hashes of content, so they stand for the bytes. */
function keyOf({ variant, type, resources, removed, absent }: Framing): string {
  const named = variant === 'delta' && removed.length + absent.length > 0 ? JSON.stringify([removed, absent]) : '';
  let text = `${variant} ${type} ${named}`;
  for (const { version, name } of resources) text += ` ${version} ${name.length} ${name}`;
  return text.length <= 256 ? text : hash('sha256', text, 'base64url');
}
