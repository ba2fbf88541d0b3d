/** The xDS server of a test: a publisher over mTLS that gives what the test offers, and one client's identity. */
import { Counters } from '../../src/core/counters.ts';
import { silentLog } from '../../src/core/log.ts';
import type { Listener, TlsIdentity } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { LoadMetrics } from '../../src/control/loads/load-metrics.ts';
import { LOAD_STATS_PATH, openLoadStream } from '../../src/control/loads/load-stream.ts';
import { TestViews, WEB_ID } from '../../src/control/publish/publisher.fixture.ts';
import { Publisher } from '../../src/control/publish/publisher.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { createAuthority } from '../../src/runtime/test/certificates.ts';

export class XdsPublisher {
  readonly views = new TestViews();
  readonly counters = new Counters();
  readonly #runtime = createNodeRuntime();
  readonly publisher: Publisher;
  #served: { readonly listener: Listener; readonly client: TlsIdentity } | null = null;

  /** `loadReportMs`: how often clients are asked for their load; unset: as the control plane asks. */
  constructor(loadReportMs?: number) {
    const loads = new LoadMetrics(this.counters);
    const { clock } = this.#runtime;
    this.publisher = new Publisher({
      ...{ clock, timers: new TimerWheel(clock), log: silentLog, views: this.views, authorize: () => null },
      services: (callers) =>
        new Map([[LOAD_STATS_PATH, (stream) => openLoadStream(stream, callers, loads, loadReportMs)]]),
    });
  }

  /** `node`: the client's. */
  async listen(node: string): Promise<void> {
    const authority = await createAuthority('weft test');
    const client = await authority.issue({ uris: [WEB_ID], commonName: node });
    const identity = await authority.issue({ dnsNames: ['localhost'] });
    const tls = { role: 'server', alpn: ['h2'], serverName: null, requirePeerCertificate: true } as const;
    const at = { host: '127.0.0.1', port: 0 };
    const listener = await this.publisher.listen(this.#runtime.rpc, at, { ...tls, verifyPeer: null, identity });
    this.#served = { listener, client };
  }

  get port(): number {
    return this.#listening.listener.address.port;
  }

  /** Of the client. */
  get identity(): TlsIdentity {
    return this.#listening.client;
  }

  async close(): Promise<void> {
    this.publisher.close();
    await this.#served?.listener.close();
  }

  get #listening() {
    if (this.#served === null) throw new Error('it does not listen yet');
    return this.#served;
  }
}
