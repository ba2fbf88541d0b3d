/** A relay on a socket of its own between a test and a control plane over mTLS that keeps what it is told. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../core/log.ts';
import type { Address, Listener, PeerCertificate, RpcStream } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { unixAddress } from '../../core/unix-path.ts';
import type { Svid } from '../../identity/svid.ts';
import { createNodeRuntime } from '../../runtime/node/runtime.ts';
import { type Authority, createAuthority } from '../../runtime/test/certificates.ts';
import { Peer } from '../../xds/rpc/peer.fixture.ts';
import { rpcOverHttp2 } from '../../xds/rpc/rpc-over-http2.ts';
import { serveRpc } from '../../xds/rpc/rpc-server.ts';
import { SvidHolder } from '../svid-holder.ts';
import { KeptResources } from './kept-resources.ts';
import { startRelay } from './relay.ts';

export const ID = 'spiffe://weft.test/ns/shop/sa/web';

const ADS = '/envoy.service.discovery.v3.AggregatedDiscoveryService';
export const DELTA_ADS = `${ADS}/DeltaAggregatedResources`;
export const SOTW_ADS = `${ADS}/StreamAggregatedResources`;

interface Accepted {
  readonly stream: RpcStream;
  readonly peer: Peer;
  readonly path: string;
  readonly certificate: PeerCertificate | null;
}

export interface RelayParts {
  /** Default: true. */
  readonly isPrivate?: boolean;
  readonly isGrpc?: boolean;
  readonly maxKeptBytes?: number;
}

export class RelayBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-relay-'));
  readonly keptPath = join(this.folder, 'kept.bin');
  readonly #runtime = createNodeRuntime();
  readonly #parts = { ...this.#runtime, timers: new TimerWheel(this.#runtime.clock) };
  readonly #open: Listener[] = [];
  readonly #authority: Authority;

  private constructor(authority: Authority) {
    this.#authority = authority;
  }

  static async create(): Promise<RelayBench> {
    return new RelayBench(await createAuthority('weft test root'));
  }

  /** Ends what is open. */
  async end(): Promise<void> {
    for (const listener of this.#open.splice(0)) await listener.close();
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  async svid(validForMs = 3_600_000): Promise<Svid> {
    const { certificateChainPem, privateKeyPem } = await this.#authority.issue({ uris: [ID] });
    const now = Date.now();
    return { id: ID, certificateChainPem, privateKeyPem, notBefore: now - 60_000, notAfter: now + validForMs };
  }

  /** `at`: where an earlier one was. */
  async controlPlane(at: Address = { host: '127.0.0.1', port: 0 }) {
    const identity = await this.#authority.issue({
      uris: ['spiffe://weft.test/ns/weft-system/sa/control-plane'],
      dnsNames: ['localhost'],
    });
    const tls = { role: 'server', identity, alpn: ['h2'], serverName: null, requirePeerCertificate: true } as const;
    const accepted: Accepted[] = [];
    const accept = (stream: RpcStream, path: string, certificate: PeerCertificate | null): Peer => {
      const peer = new Peer();
      accepted.push({ stream, peer, path, certificate });
      return peer;
    };
    const listener = await this.#runtime.rpc.serve(at, { ...tls, verifyPeer: null }, accept);
    this.#open.push(listener);
    return { address: listener.address, accepted, listener };
  }

  async relay(controlPlane: Address, { isPrivate = true, isGrpc = false, maxKeptBytes }: RelayParts = {}) {
    const { clock, random, files, rpc } = this.#runtime;
    const svid = new SvidHolder();
    svid.set(await this.svid());
    const at = isPrivate ? unixAddress(join(this.folder, 'xds.sock')) : { host: '127.0.0.1', port: 0 };
    const bound = maxKeptBytes === undefined ? {} : { maxBytes: maxKeptBytes };
    const kept = new KeptResources({ files, clock, log: silentLog, path: this.keptPath, ...bound });
    await kept.load();
    const relay = await startRelay({
      ...{ clock, random, log: silentLog, rpc: rpcOverHttp2(this.#parts), controlPlane, svid, kept, isPrivate, isGrpc },
      serve: (accept) => serveRpc(this.#parts, silentLog, at, accept),
      trustBundlePem: () => this.#authority.rootPem,
    });
    this.#open.push(relay);
    const call = (path: string): { readonly peer: Peer; readonly stream: RpcStream } => {
      const peer = new Peer();
      return { peer, stream: rpc.open({ address: relay.address, tls: null }, path, peer) };
    };
    return { svid, call, kept };
  }
}

export async function until(what: string, holds: () => boolean): Promise<void> {
  const start = performance.now();
  while (!holds()) {
    assert.ok(performance.now() - start < 10_000, `not within 10 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
