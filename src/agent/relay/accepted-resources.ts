/** One relayed stream as a bystander reads it: which resources the control plane sent, and which the program accepted. */
import { xdsResource } from '../../xds/content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource } from '../../xds/resource.ts';
import type { StreamProtocol } from '../../xds/service-paths.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../../xds/tables/messages.gen.ts';
import {
  DeltaDiscoveryRequestTable,
  DeltaDiscoveryResponseTable,
  DiscoveryRequestTable,
  DiscoveryResponseTable,
} from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { KIND, Table } from '../../xds/wire/table.ts';
import { isKeptType, type KeptResources } from './kept-resources.ts';

/** Programs answer one response a type before they get the next. */
const MAX_UNANSWERED = 64;
/** What every type of resource has in common: its name is field 1. */
const NamedTable = new Table<{ readonly name: string }>('envoy.Resource', () => [[1, 'name', KIND.string]]);

interface Sent {
  readonly type: TypeUrl;
  readonly changed: readonly XdsResource[];
  readonly removed: readonly string[];
  /** State of the world: what is not in it is gone. */
  readonly isWhole: boolean;
}

export class AcceptedResources {
  readonly #variant: StreamProtocol;
  readonly #kept: KeptResources;
  /** By nonce. */
  readonly #unanswered = new Map<string, Sent>();
  /** Of the state of the world: what this stream has brought. */
  readonly #names = new Map<TypeUrl, ReadonlySet<string>>();

  constructor(variant: StreamProtocol, kept: KeptResources) {
    this.#variant = variant;
    this.#kept = kept;
  }

  /** Throws `invalid` for bytes that are no response. */
  onResponse(message: Uint8Array): void {
    const { nonce, sent } = this.#variant === 'delta' ? deltaResponse(message) : sotwResponse(message);
    if (sent === null) return;
    this.#unanswered.set(nonce, sent);
    for (const oldest of this.#unanswered.keys()) {
      if (this.#unanswered.size <= MAX_UNANSWERED) return;
      this.#unanswered.delete(oldest);
    }
  }

  /** Throws `invalid` for bytes that are no request. */
  onRequest(message: Uint8Array): void {
    if (this.#variant === 'delta') this.#onDelta(decode(DeltaDiscoveryRequestTable, message));
    else this.#onSotw(decode(DiscoveryRequestTable, message));
  }

  #onDelta({ typeUrl, responseNonce, errorDetail, resourceNamesUnsubscribe }: DeltaDiscoveryRequest): void {
    if (!isKeptType(typeUrl)) return;
    const sent = this.#take(responseNonce);
    if (sent !== undefined && errorDetail === undefined) this.#kept.accept(typeUrl, sent.changed, sent.removed);
    if (resourceNamesUnsubscribe.length > 0) this.#kept.accept(typeUrl, [], resourceNamesUnsubscribe);
  }

  #onSotw({ typeUrl, responseNonce, errorDetail, resourceNames }: DiscoveryRequest): void {
    if (!isKeptType(typeUrl)) return;
    const sent = this.#take(responseNonce);
    const before = this.#names.get(typeUrl) ?? new Set<string>();
    let now = before;
    if (sent !== undefined && errorDetail === undefined) {
      const names = sent.changed.map(({ name }) => name);
      now = new Set(sent.isWhole ? names : [...before, ...names]);
    }
    // Without names all are asked for.
    if (resourceNames.length > 0) {
      const asked = new Set(resourceNames);
      now = new Set([...now].filter((name) => asked.has(name) || asked.has('*')));
    }
    this.#names.set(typeUrl, now);
    const gone = [...before].filter((name) => !now.has(name));
    const changed = (errorDetail === undefined ? (sent?.changed ?? []) : []).filter(({ name }) => now.has(name));
    if (gone.length + changed.length > 0) this.#kept.accept(typeUrl, changed, gone);
  }

  #take(nonce: string): Sent | undefined {
    const sent = this.#unanswered.get(nonce);
    this.#unanswered.delete(nonce);
    return sent;
  }
}

interface Response {
  readonly nonce: string;
  /** null: of a type that is not kept. */
  readonly sent: Sent | null;
}

function deltaResponse(message: Uint8Array): Response {
  const { typeUrl: type, nonce, resources, removedResources } = decode(DeltaDiscoveryResponseTable, message);
  if (!isKeptType(type)) return { nonce, sent: null };
  const changed: XdsResource[] = [];
  const removed = [...removedResources];
  // Bytes are copied: a slice would keep the whole message.
  for (const { name, version, resource } of resources) {
    // A name without a body is one that there is nothing of.
    if (resource === undefined) removed.push(name);
    else changed.push({ type, name, version, bytes: new Uint8Array(resource.value), origins: [] });
  }
  return { nonce, sent: { type, changed, removed, isWhole: false } };
}

function sotwResponse(message: Uint8Array): Response {
  const { typeUrl: type, nonce, resources } = decode(DiscoveryResponseTable, message);
  if (!isKeptType(type)) return { nonce, sent: null };
  const changed = resources.map(({ value }) =>
    xdsResource(type, decode(NamedTable, value).name, new Uint8Array(value)),
  );
  const isWhole = type === TYPE_URLS.cluster || type === TYPE_URLS.listener;
  return { nonce, sent: { type, changed, removed: [], isWhole } };
}
