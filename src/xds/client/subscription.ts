/**
 * One type from one source as the client sees it: what it wants and what it holds. It lives on from stream to stream;
 * what was said on a stream is the stream's.
 */
import type { TypeUrl } from '../resource.ts';
import type { ReceivedResource } from './received.ts';
import { type ResourceSource, sourceKey } from './resource-source.ts';

/** How one name stands, for CSDS. */
export interface ResourceState {
  readonly type: string;
  readonly name: string;
  /** `missing`: the server says that there is none. */
  readonly state: 'requested' | 'missing' | 'acked' | 'nacked';
  /** What is in use: null before the first accepted version. */
  readonly held: ReceivedResource | null;
  /** Of the last change of `held`; milliseconds since the Unix epoch, 0 when there was none. */
  readonly updatedAtMs: number;
  readonly refused: RefusedVersion | null;
}

export interface RefusedVersion {
  readonly resource: ReceivedResource;
  readonly reason: string;
  readonly atMs: number;
}

export class Subscription {
  readonly type: TypeUrl;
  readonly source: ResourceSource;
  readonly sourceKey: string;
  /** Everything of the type that the server sends by itself; beside it there may be names. */
  readonly wildcard: boolean;
  #wanted: ReadonlySet<string> = new Set();
  readonly #entries = new Map<string, ResourceState>();

  constructor(type: TypeUrl, wildcard: boolean, source: ResourceSource) {
    this.type = type;
    this.wildcard = wildcard;
    this.source = source;
    this.sourceKey = sourceKey(source);
  }

  get entries(): ReadonlyMap<string, ResourceState> {
    return this.#entries;
  }

  get wanted(): ReadonlySet<string> {
    return this.#wanted;
  }

  want(names: ReadonlySet<string>): void {
    this.#wanted = names;
    if (this.wildcard) {
      for (const { name, state } of this.#entries.values()) {
        if (state === 'missing' && !names.has(name)) this.#entries.delete(name);
      }
      return;
    }
    for (const name of this.#entries.keys()) if (!names.has(name)) this.#entries.delete(name);
    for (const name of names) if (!this.#entries.has(name)) this.#set({ name, state: 'requested' });
  }

  wants(name: string): boolean {
    return this.wildcard || this.#wanted.has(name);
  }

  hold(resource: ReceivedResource, atMs: number): void {
    this.#set({ name: resource.name, state: 'acked', held: resource, updatedAtMs: atMs });
  }

  refuse(resource: ReceivedResource, reason: string, atMs: number): void {
    const last = this.#entries.get(resource.name);
    this.#set({
      name: resource.name,
      state: 'nacked',
      held: last?.held ?? null,
      updatedAtMs: last?.updatedAtMs ?? 0,
      refused: { resource, reason, atMs },
    });
  }

  remove(name: string): void {
    if (this.#wanted.has(name)) this.#set({ name, state: 'missing' });
    else this.#entries.delete(name);
  }

  #set(entry: Partial<ResourceState> & { name: string; state: ResourceState['state'] }): void {
    this.#entries.set(entry.name, { type: this.type, held: null, updatedAtMs: 0, refused: null, ...entry });
  }
}
