/**
 * Pooled storage of heads: bytes and field offsets. Allocating both per request costs more than scanning them. Only
 * storage is pooled, never Head objects, so a late reader of a freed head cannot see another request.
 */

import { viewOf } from '../core/bytes.ts';

/** Int32 slots a field. */
export const FIELD_WIDTH = 6;

/** Typical heads are 1 KiB with 15 fields; larger ones grow out of the pool and are left to the collector. */
const POOLED_BYTES = 4096;
const POOLED_FIELDS = 64;
/** About 2.8 MiB when full: 256 exchanges at once without an allocation. */
const POOL_SIZE = 512;

export interface HeadStorage {
  readonly bytes: Buffer;
  /** Of `bytes`. */
  readonly view: DataView;
  readonly fields: Int32Array;
}

const pool: HeadStorage[] = [];

/** Contents are whatever they were: the owner reads only what it wrote. */
export function takeStorage(): HeadStorage {
  return pool.pop() ?? newStorage();
}

function newStorage(): HeadStorage {
  const bytes = Buffer.allocUnsafeSlow(POOLED_BYTES);
  return { bytes, view: viewOf(bytes), fields: new Int32Array(FIELD_WIDTH * POOLED_FIELDS) };
}

export function giveStorage(storage: HeadStorage): void {
  if (pool.length < POOL_SIZE) pool.push(storage);
}

/** For tests: how many are waiting to be used again. */
export function pooledStorages(): number {
  return pool.length;
}
