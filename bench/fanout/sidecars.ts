/**
 * The configuration half of many sidecars in one process: the client that `weft run` has, each with its own identity and
 * its own mTLS stream, reading, validating and binding all that it gets. A change is acknowledged when it is in use.
 */
import { silentLog } from '../../src/core/log.ts';
import type { Address } from '../../src/core/runtime.ts';
import { TimerWheel } from '../../src/core/timer-wheel.ts';
import { FILTER_MODULES } from '../../src/filters/all.ts';
import { ConfigClient } from '../../src/proxy/config/config-client.ts';
import { meshSources } from '../../src/proxy/config/mesh-sources.ts';
import { createBinding } from '../../src/proxy/router/binding.ts';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { type Member, NAMESPACE } from './member.ts';

export class Sidecars {
  readonly #clients: ConfigClient[];
  #waiting = new Set<string>();
  #done: () => void = () => {};

  constructor(members: readonly Member[]) {
    const runtime = createNodeRuntime();
    const timers = new TimerWheel(runtime.clock);
    this.#clients = members.map(
      (member) =>
        new ConfigClient({
          runtime,
          timers,
          log: silentLog,
          node: { id: `${NAMESPACE}/${member.name}`, cluster: 'sidecar', metadata: { kind: 'weft' } },
          sources: (bundlePem) =>
            meshSources({
              clock: runtime.clock,
              address: addressOf(member.xds),
              svid: member.source,
              trustBundlePem: () => bundlePem() ?? member.trustBundlePem,
            }),
          statePath: null,
          modules: FILTER_MODULES,
          bind: (snapshot) => createBinding(snapshot, new Map()),
          swap: () => this.#took(member.name),
        }),
    );
  }

  async start(): Promise<void> {
    for (const client of this.#clients) client.start();
    await Promise.all(this.#clients.map((client) => client.ready));
  }

  /** Resolves when every one of `names` has taken a new configuration into use. */
  next(names: Iterable<string>): Promise<void> {
    this.#waiting = new Set(names);
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.close()));
  }

  #took(name: string): void {
    if (this.#waiting.delete(name) && this.#waiting.size === 0) this.#done();
  }
}

function addressOf(text: string): Address {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon), port: Number(text.slice(colon + 1)) };
}
