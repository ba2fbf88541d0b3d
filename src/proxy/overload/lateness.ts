/**
 * How late the event loop is because of its own work. Work that came and was not looked at waits as long as a turn of
 * the loop takes, so a late timer tells of a queue; but a loop that did not get the core is late too, with nothing to do,
 * and refusing would help nobody. Only the CPU that the thread itself used counts.
 */

/** Between samples. */
export const SAMPLE_MS = 20;
/** The wheel's resolution: so much later a timer may fire in a loop that is on time. */
const TOLERANCE_MS = 10;

export class Lateness {
  #at = 0;
  #cpuMs = 0;

  /** `cpuMs`: used by this thread until now. */
  begin(now: number, cpuMs: number): void {
    this.#at = now;
    this.#cpuMs = cpuMs;
  }

  /** Asked by a timer of `SAMPLE_MS` after the last call. */
  sample(now: number, cpuMs: number): number {
    const lateMs = now - this.#at - SAMPLE_MS - TOLERANCE_MS;
    const workedMs = cpuMs - this.#cpuMs;
    this.begin(now, cpuMs);
    return Math.max(0, Math.min(lateMs, workedMs));
  }
}
