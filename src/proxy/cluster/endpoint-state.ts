/**
 * What is known of one endpoint besides its configuration. It outlives swaps of configuration as long as its cluster
 * and key do, so that load, ejections and connections survive a push.
 */

import { KEEP_ALIVE } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import type { Endpoint } from '../../snapshot/snapshot.ts';
import type { Pool, UpstreamHost } from './attempt.ts';
import type { UpstreamTransport } from './upstream-transport.ts';

/** After a failed connect the endpoint is left alone for this long, doubled with each further failure. */
const FIRST_EJECTION_MS = 500;
const MAX_EJECTION_MS = 15_000;
/** A request must not meet the server's close on its way. */
const KEEP_ALIVE_MARGIN_MS = 1_000;

export class EndpointState implements UpstreamHost {
  endpoint: Endpoint;
  /** null: plaintext. */
  transport: UpstreamTransport | null;
  /** Connections made under another hash are not used for new requests. */
  transportHash: string;
  active = 0;
  ejectedUntil = 0;
  /** Named by a request and not by the control plane. */
  readonly isForward: boolean;
  requests = 0;
  failures = 0;
  connectFailures = 0;
  /** Made at first use. */
  http: Pool | null = null;
  tunnels: Pool | null = null;
  /** How long the server keeps an idle connection, less a margin; Infinity: it did not say. */
  keepAliveMs = Number.POSITIVE_INFINITY;
  #connectFailuresInRow = 0;
  #hasResponded = false;

  constructor(endpoint: Endpoint, transport: UpstreamTransport | null, transportHash: string, isForward = false) {
    this.isForward = isForward;
    this.endpoint = endpoint;
    this.transport = transport;
    this.transportHash = transportHash;
  }

  get key(): string {
    return this.endpoint.key;
  }

  get secure(): boolean {
    return this.transport !== null;
  }

  get healthy(): boolean {
    return this.endpoint.healthy;
  }

  connectFailed(now: number): void {
    this.connectFailures++;
    const doublings = Math.min(this.#connectFailuresInRow++, 10);
    this.ejectedUntil = now + Math.min(FIRST_EJECTION_MS * 2 ** doublings, MAX_EJECTION_MS);
  }

  connected(): void {
    this.#connectFailuresInRow = 0;
    this.ejectedUntil = 0;
  }

  noteResponse(head: Head): void {
    if (this.#hasResponded) return;
    this.#hasResponded = true;
    const seconds = /(?:^|[\s,;])timeout=(\d{1,6})/.exec(head.value(KEEP_ALIVE) ?? '')?.[1];
    if (seconds !== undefined) this.keepAliveMs = Math.max(Number(seconds) * 1000 - KEEP_ALIVE_MARGIN_MS, 100);
  }

  /** Idle connections close now, busy ones after what they carry. */
  retireConnections(): void {
    this.http?.retire();
    this.tunnels?.retire();
  }
}
