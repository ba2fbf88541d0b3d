/** One way of asking a host whether it is well. */
import type { DialTarget } from '../dial.ts';

export interface Probe {
  /** Asks once; the owner is told once, perhaps before this returns, unless `cancel` is called first. */
  run(target: DialTarget): void;
  /** Nobody waits any longer; what is open closes. */
  cancel(): void;
}

export interface ProbeOwner {
  /** `fault` empty: it is well. `decisive`: what it said leaves no doubt, so no threshold is waited for. */
  probed(fault: string, decisive: boolean): void;
}
