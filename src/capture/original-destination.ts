/**
 * Where a captured connection was meant to go. Loopback addresses a service answer with their own address; a kernel
 * redirect will answer with what the kernel remembers, behind this same interface.
 */
import type { Address, ConnectionInfo } from '../core/runtime.ts';

export interface OriginalDestination {
  /** Pure and cheap: it is asked once for each accepted connection, before the first byte. */
  of(connection: ConnectionInfo): Address;
}

/** The address that the application connected to is the one that was bound: explicit proxies and loopback addresses. */
export const localAddress: OriginalDestination = {
  of: (connection) => connection.local,
};
