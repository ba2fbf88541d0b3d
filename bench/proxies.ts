/** What is measured: a proxy, or a pair of them, ready for load on one address for each kind of traffic that it carries. */

/** The name of the backend's port, too. */
export type Traffic = 'http' | 'grpc' | 'websocket' | 'bulk';

export interface Proxies {
  /** `weft`, `beside`, or the peer. */
  readonly name: string;
  /** Of a pair: the caller's side last. */
  readonly pids: readonly number[];
  /** Where each kind of traffic enters: `127.0.0.1:20000`. Absent: not carried. */
  readonly addresses: Readonly<Partial<Record<Traffic, string>>>;
}

/** The backends' ports on 127.0.0.1. */
export type BackendPorts = Readonly<Record<Traffic, number>>;
