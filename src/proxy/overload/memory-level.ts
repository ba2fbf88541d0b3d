/** How close the process is to its memory ceiling, in steps that are left later than they are entered. */

export const MEMORY = {
  calm: 0,
  /** No new connections. */
  tight: 1,
  /** No new requests either, and the fullest connections are cut. */
  critical: 2,
} as const;
export type MemoryLevel = (typeof MEMORY)[keyof typeof MEMORY];

const TIGHT = 0.85;
const CRITICAL = 0.93;
/** Below its threshold by this much a level is left: one collection more or less must not flap. */
const BACK = 0.05;

/** `share` of the ceiling that is in use, 0–1. */
export function memoryLevel(share: number, before: MemoryLevel): MemoryLevel {
  if (share >= CRITICAL || (before === MEMORY.critical && share >= CRITICAL - BACK)) return MEMORY.critical;
  if (share >= TIGHT || (before !== MEMORY.calm && share >= TIGHT - BACK)) return MEMORY.tight;
  return MEMORY.calm;
}
