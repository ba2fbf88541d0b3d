/**
 * What a data-plane filter is. A filter object is shared by all exchanges of a route and immutable but for counters and
 * state from its Scope; per-request state lies in the exchange. Modules stand in `filters/`.
 */
import type { Labels } from '../core/counters.ts';
import type { Clock, ConnectionInfo, Random } from '../core/runtime.ts';
import type { Timers } from '../core/timer-wheel.ts';
import type { Exchange } from './exchange.ts';
import type { Head } from './head.ts';
import type { Verdict } from './verdict.ts';

export interface Filter {
  /** In the order of the route's list. */
  onRequest?(exchange: Exchange): Verdict;
  /** In reverse order. */
  onResponse?(exchange: Exchange): Verdict;
  /** In reverse, exactly once for each filter whose onRequest ran; cancels what it began. */
  onEnd?(exchange: Exchange): void;
}

/** What is known of a request besides its head, for decisions that are asked for before they happen. */
export interface Facts {
  /** URI SANs of the caller's verified certificate; empty without one. */
  readonly peerUris: readonly string[];
  readonly remoteHost: string;
  /** Who opened the connection, where a PROXY header told of another `remoteHost`. */
  readonly directHost?: string;
  readonly destinationHost: string;
  readonly destinationPort: number;
  /** SNI; empty without TLS or without one. */
  readonly serverName: string;
}

export interface Decision {
  readonly allowed: boolean;
  /** Which rule decided, for logs and `explain`. */
  readonly rule: string;
  /** The object that it stands in, as origins are written; unset: not known. */
  readonly origin?: string;
}

export interface FilterModule<C = unknown> {
  readonly layer?: 'http';
  /** Type URLs of the configuration messages that this module reads. */
  readonly types: readonly string[];
  /** Throws a WeftError `invalid` with the field path: the reason in a NACK. */
  read(config: Uint8Array): C;
  create(config: C, scope: Scope): Filter;
  /** Pure: `create` and `explain` both call it. */
  decide?(config: C, head: Head, facts: Facts): Decision;
}

/** What looks at a connection before anything of it is read: the same shape with a connection in place of an exchange. */
export interface ConnectionFilter {
  /** null: it may go on, and there is nothing to say of it. */
  admit(connection: ConnectionInfo): Admission | null;
  /** The same of one that was admitted by earlier rules: only a refusal is counted. */
  readmit(connection: ConnectionInfo): Admission | null;
}

export interface Admission {
  readonly allowed: boolean;
  /** For the log. */
  readonly detail: string;
}

export interface ConnectionFilterModule<C = unknown> {
  readonly layer: 'connection';
  /** As those of a FilterModule. */
  readonly types: readonly string[];
  read(config: Uint8Array): C;
  create(config: C, scope: Scope): ConnectionFilter;
  decide(config: C, facts: Facts): Decision;
}

export type AnyFilterModule = FilterModule | ConnectionFilterModule;

export interface Counter {
  add(by: number): void;
}

export interface Scope {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: Timers;
  /** Resolved once, at creation. */
  counter(name: string, labels?: Labels): Counter;
  /** Outlives a swap of configuration as long as the key is named: token buckets. */
  state<T>(key: string, make: () => T): T;
}
