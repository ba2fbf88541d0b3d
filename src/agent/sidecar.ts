/** What the agent asks of a data plane beside the application. The CLI joins it with Weft's proxy; tests bring their own. */
import type { Address } from '../core/runtime.ts';
import type { SvidSource } from '../identity/svid.ts';

export interface SidecarOptions {
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: Readonly<Record<string, string>> };
  readonly xds: Address;
  readonly svid: SvidSource;
  /** As it came with the newest SVID. */
  readonly trustBundlePem: () => string;
  readonly admin: Address;
  /** Where the last good configuration is kept; private to the user. */
  readonly statePath: string;
  /** The proxy that other hosts are reached through. */
  readonly egressProxy: Address | null;
  /** Where the workload runs; null: unknown. */
  readonly locality: { readonly region: string; readonly zone: string; readonly subZone: string } | null;
}

export interface Sidecar {
  /** Variables by which the application finds it. Absent: traffic is led to it instead, and the application knows nothing of it. */
  readonly environment?: Readonly<Record<string, string>>;
  /** True: somebody else starts it, when they like. Absent: it must be ready within 30 s. */
  readonly isExternal?: boolean;
  /** Resolves when the first configuration serves, from the control plane or from disk. */
  readonly ready: Promise<void>;
  /** Resolves when the requests that it passes to the application have been answered, or after `graceMs`. Refuses nothing. */
  settle(graceMs: number): Promise<void>;
  /**
   * The workload is about to be no member of the mesh any more, and what it is sent from now on says so: nothing of it is
   * for its next start. Absent: it keeps no such thing.
   */
  sealState?(): void;
  /** Takes no new work, and waits until what is under way has ended, at most `graceMs`. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

export type StartSidecar = (options: SidecarOptions) => Promise<Sidecar>;
