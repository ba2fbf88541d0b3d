/** A control plane that is measured: the same mesh, the same proxies, the same changes for each. */
import type { Address } from '../../src/core/runtime.ts';

export interface Subject {
  readonly name: string;
  /** The same after a restart. */
  readonly xds: Address;
  /** Of its process. */
  readonly pid: number;
  /** With the whole mesh, on the measured core. */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** The first endpoint of a service moves to the address of this change. Resolves when the change is accepted. */
  moveEndpoint(service: number, change: number): Promise<void>;
  /** The route of a service gets another match. */
  changeRoute(service: number, change: number): Promise<void>;
}

export interface Scale {
  readonly services: number;
  readonly proxies: number;
  /** Of each kind of change. */
  readonly changes: number;
  /** Of sustained change. */
  readonly seconds: number;
}
