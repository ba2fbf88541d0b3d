/** Another proxy as a sidecar: each file of this folder gives one the duties that Weft's sidecars have in the benchmark. */
import type { BackendPorts, Proxies } from '../proxies.ts';

export interface PeerSetting {
  /** Its own. */
  readonly folder: string;
  readonly backends: BackendPorts;
}

export interface Peer {
  readonly name: string;
  /** Why it cannot run on this machine; null when it can. */
  absent(): string | null;
  /** Two of them with mTLS between. */
  startPair(setting: PeerSetting): Promise<Proxies>;
  /** One without TLS, in front of the backend; null: not measured so. */
  readonly startHop: ((setting: PeerSetting) => Promise<Proxies>) | null;
}

export const ROUTES = 100;

/** Path prefixes as the load generator asks for them. */
export function routePrefixes(): readonly string[] {
  return Array.from({ length: ROUTES }, (_, i) => `/api/route${i}/`);
}
