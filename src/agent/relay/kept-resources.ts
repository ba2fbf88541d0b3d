/**
 * What the program beside us has last accepted, in memory and on disk: so that one that starts while the control plane is
 * away gets what it had. It tells who talks to whom, so the file is for its owner only; no key is ever among it.
 */
import { dirname, join } from 'node:path';
import { isWeftError, messageOf } from '../../core/errors.ts';
import { Limit } from '../../core/limit.ts';
import type { Log } from '../../core/log.ts';
import type { Clock, Files } from '../../core/runtime.ts';
import { decodeSavedState, encodeSavedState } from '../../xds/client/saved-state.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../xds/resource.ts';

const MODE = 0o600;
/** Changes come in bursts; the disk sees one write a burst. */
const DEBOUNCE_MS = 1_000;
const MAX_BYTES = 32 << 20;
const MAX_RESOURCES = 50_000;

const TYPES: ReadonlySet<string> = new Set(Object.values(TYPE_URLS));

export function isKeptType(type: string): type is TypeUrl {
  return TYPES.has(type);
}

/** Beside what Weft's own proxy keeps under the same name. Programs of different kinds get different resources. */
export function keptPath(statePath: string, kind: 'envoy' | 'grpc'): string {
  return join(dirname(statePath), `relayed-${kind}.bin`);
}

export interface KeptOptions {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  /** Absolute. */
  readonly path: string;
  /** Default 32 MiB. Past it nothing is kept: a part would be worse than nothing. */
  readonly maxBytes?: number;
}

export class KeptResources {
  readonly bytes: Limit;
  readonly count = new Limit('relay.kept_resources', MAX_RESOURCES);
  readonly #options: KeptOptions;
  #view = new Map<TypeUrl, Map<string, XdsResource>>();
  /** What the disk had, until the control plane has been heard. */
  #isOfThePast = true;
  #isBeyond = false;
  #isSealed = false;
  #cancelWrite: (() => void) | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: KeptOptions) {
    this.#options = options;
    this.bytes = new Limit('relay.kept_bytes', options.maxBytes ?? MAX_BYTES);
  }

  /** A file that is damaged, cut short or of another format is as none; why is logged. */
  async load(): Promise<void> {
    const { files, path, log } = this.#options;
    try {
      for (const { type, name, version, bytes } of decodeSavedState(await files.read(path))) {
        if (isKeptType(type) && this.#isOfThePast) this.#put({ type, name, version, bytes, origins: [] });
      }
    } catch (error) {
      if (isWeftError(error, 'file-not-found')) return;
      log.warn('the resources that were kept cannot be used', { path, error: messageOf(error) });
    }
  }

  /** null: nothing. A copy, as immutable as views are. */
  get view(): XdsView | null {
    if (this.#view.size === 0) return null;
    return new Map([...this.#view].map(([type, named]) => [type, new Map(named)]));
  }

  /** The program has accepted it. */
  accept(type: TypeUrl, changed: readonly XdsResource[], removed: Iterable<string>): void {
    if (this.#isBeyond || this.#isSealed) return;
    if (this.#isOfThePast) this.#clear();
    this.#isOfThePast = false;
    for (const name of removed) this.#drop(type, name);
    for (const resource of changed) this.#put(resource);
    this.#changed();
  }

  /** Stays as it is: what comes after is not worth keeping. */
  seal(): void {
    this.#isSealed = true;
  }

  /** Writes what is due and resolves when the disk has it. */
  async close(): Promise<void> {
    if (this.#cancelWrite !== null) {
      this.#cancelWrite();
      this.#write();
    }
    await this.#writing;
  }

  #put(resource: XdsResource): void {
    if (this.#isBeyond) return;
    const { type, name, bytes } = resource;
    this.#drop(type, name);
    const named = this.#view.get(type) ?? new Map<string, XdsResource>();
    if (!this.count.take()) return this.#giveUp(this.count);
    if (!this.bytes.take(bytes.length)) return this.#giveUp(this.bytes);
    this.#view.set(type, named.set(name, resource));
  }

  #drop(type: TypeUrl, name: string): void {
    const named = this.#view.get(type);
    const known = named?.get(name);
    if (named === undefined || known === undefined) return;
    this.count.give();
    this.bytes.give(known.bytes.length);
    named.delete(name);
    if (named.size === 0) this.#view.delete(type);
  }

  #clear(): void {
    this.#view = new Map();
    this.count.give(this.count.used);
    this.bytes.give(this.bytes.used);
  }

  #giveUp({ name, max }: Limit): void {
    this.#isBeyond = true;
    this.#clear();
    this.#changed();
    this.#options.log.warn('too much to keep for a start without the control plane', { limit: name, max });
  }

  #changed(): void {
    const { clock } = this.#options;
    this.#cancelWrite ??= clock.wake(clock.now() + DEBOUNCE_MS, () => this.#write());
  }

  #write(): void {
    const { files, path, log } = this.#options;
    this.#cancelWrite = null;
    const bytes = encodeSavedState([...this.#view.values()].flatMap((named) => [...named.values()]));
    // One after the other, so that an older state never lands on a newer one.
    this.#writing = this.#writing
      .then(() => files.write(path, bytes, MODE))
      .catch((error: unknown) => {
        log.warn('the resources cannot be kept', { path, error: messageOf(error) });
      });
  }
}
