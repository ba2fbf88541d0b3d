/** What a benchmark and its processes of simulated proxies say to each other. */
import type { Address } from '../../src/core/runtime.ts';

export interface Fleet {
  /** Of the mesh: its CA makes the proxies' certificates. */
  readonly stateDir: string;
  /** In the order of `memberAt`. */
  readonly first: number;
  readonly count: number;
  readonly services: number;
  readonly xds: Address;
}

export interface Expected {
  readonly type: string;
  readonly name: string;
  /** A text that only the new version has in its bytes. */
  readonly stamp: string;
}

export type Question =
  | { readonly ask: 'make'; readonly fleet: Fleet }
  /** Positions in this process. */
  | { readonly ask: 'connect'; readonly from: number; readonly to: number }
  /** Answered by `taken` when every one of these workloads has it. */
  | { readonly ask: 'expect'; readonly expected: Expected; readonly by: readonly string[] }
  /** Notes who has which stamp, until it is asked with an empty prefix. */
  | { readonly ask: 'stamps'; readonly prefix: string }
  | { readonly ask: 'bytes' }
  | { readonly ask: 'close' };

/** Times are of the machine's monotonic clock. */
export type Answer =
  | { readonly say: 'made' }
  /** One proxy has all of its configuration. */
  | { readonly say: 'synced'; readonly atMs: number }
  | { readonly say: 'taken'; readonly atMs: number }
  | { readonly say: 'bytes'; readonly bytes: number }
  | { readonly say: 'stamps'; readonly seen: readonly Seen[] };

export interface Seen {
  readonly stamp: string;
  /** When the last proxy got it. */
  readonly lastMs: number;
  readonly count: number;
}
