/** A control plane, a disk and a clock for tests of the ConfigClient: all in memory, and nothing happens by itself. */
import assert from 'node:assert/strict';
import { WeftError } from '../../core/errors.ts';
import { silentLog } from '../../core/log.ts';
import type { Clock, Files, Net, Random, Rpc, RpcHandler, RpcStream, RpcTarget } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import type { Svid } from '../../identity/svid.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import type { DeltaDiscoveryRequest } from '../../xds/tables/messages.gen.ts';
import { DeltaDiscoveryRequestTable, DeltaDiscoveryResponseTable, ResourceTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { createBinding } from '../router/binding.ts';
import { OnDemand } from '../router/on-demand.ts';
import { meshSources } from './mesh-sources.ts';
import type { XdsSources } from './xds-sources.ts';
import { ConfigClient } from './config-client.ts';

/** Virtual time: `pass` moves it and fires what is due. */
class FakeClock implements Clock {
  #now = 0;
  #alarms: { at: number; run: () => void }[] = [];
  now(): number {
    return this.#now;
  }
  wall(): number {
    return 1_800_000_000_000 + this.#now;
  }
  wake(at: number, run: () => void): () => void {
    const alarm = { at, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((each) => each !== alarm);
    };
  }
  pass(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const next = this.#alarms.toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > end) break;
      this.#alarms = this.#alarms.filter((each) => each !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = end;
  }
}

/** The control plane's end of one stream. */
interface Served {
  readonly target: RpcTarget;
  readonly path: string;
  readonly handler: RpcHandler;
  /** As they came. */
  readonly sent: Uint8Array[];
  /** Of a delta stream. */
  readonly requests: DeltaDiscoveryRequest[];
  ended: boolean;
}

export interface FakeMesh {
  readonly clock: FakeClock;
  readonly streams: Served[];
  readonly snapshots: Snapshot[];
  readonly files: Map<string, Uint8Array>;
  svid: Svid;
  readonly renewed: Set<() => void>;
  readonly client: ConfigClient;
  readonly demand: OnDemand;
  /** The stream that is open now. */
  stream(): Served;
  respond(type: string, resources: readonly ReceivedResource[], removed?: readonly string[]): void;
}

const unused = (): never => {
  throw new Error('not used');
};
const NO_NET: Net = {
  listen: unused,
  connect: unused,
  secure: unused,
  originalDestinations: { fault: 'not used', of: unused },
  resolve: unused,
  bindDatagram: unused,
};

let nonces = 0;

export function fakeMesh(
  parts: {
    files?: Map<string, Uint8Array>;
    bind?: (snapshot: Snapshot) => void;
    sources?: XdsSources;
    /** It asks for what is used; those of these clusters count as used. */
    onDemand?: ReadonlySet<string>;
  } = {},
): FakeMesh {
  const clock = new FakeClock();
  const streams: Served[] = [];
  const files = parts.files ?? new Map<string, Uint8Array>();
  const snapshots: Snapshot[] = [];
  const renewed = new Set<() => void>();
  const random: Random = { next: () => 0.5, fill: (bytes) => bytes.fill(7) };
  const rpc: Rpc = {
    serve: () => Promise.reject(new Error('not used')),
    open(target, path, handler): RpcStream {
      const served: Served = { target, path, handler, sent: [], requests: [], ended: false };
      streams.push(served);
      const end = (): void => {
        served.ended = true;
      };
      return {
        remote: target.address,
        writable: true,
        send(bytes) {
          served.sent.push(bytes);
          if (/Delta[A-Z]/.test(path)) served.requests.push(decode(DeltaDiscoveryRequestTable, bytes));
        },
        end,
        destroy: end,
        pause() {},
        resume() {},
      };
    },
  };
  const disk: Files = {
    read(path) {
      const bytes = files.get(path);
      return bytes ? Promise.resolve(bytes) : Promise.reject(new WeftError('file-not-found', { what: 'no file' }));
    },
    write(path, bytes, mode) {
      assert.equal(mode, 0o600);
      files.set(path, bytes);
      return Promise.resolve();
    },
    append: () => Promise.reject(new Error('not used')),
    remove: () => Promise.reject(new Error('not used')),
    list: () => Promise.reject(new Error('not used')),
  };
  const svid: Svid = {
    id: 'spiffe://weft.local/ns/shop/sa/web',
    certificateChainPem: 'CHAIN-1',
    privateKeyPem: 'KEY',
    notBefore: 0,
    notAfter: 4_000_000_000_000,
  };
  const timers = new TimerWheel(clock);
  const demand = new OnDemand(timers);
  const made: FakeMesh = {
    demand,
    clock,
    streams,
    snapshots,
    files,
    svid,
    renewed,
    client: new ConfigClient({
      runtime: { clock, random, rpc, net: NO_NET, files: disk },
      timers,
      log: silentLog,
      node: { id: 'shop/web-1', cluster: 'web', metadata: { kind: 'weft' } },
      locality: { region: 'north', zone: 'north-a', subZone: '' },
      sources: (bundlePem) =>
        parts.sources ??
        meshSources({
          clock,
          address: { host: '127.0.0.1', port: 7444 },
          svid: {
            current: () => made.svid,
            subscribe(changed) {
              renewed.add(changed);
              return () => renewed.delete(changed);
            },
          },
          trustBundlePem: () => bundlePem() ?? 'ROOTS',
        }),
      statePath: '/state/snapshot.bin',
      modules: new Map(),
      ...(parts.onDemand === undefined
        ? {}
        : { demand, takeClusterUsed: (name) => parts.onDemand?.has(name) ?? false }),
      bind(snapshot) {
        parts.bind?.(snapshot);
        return createBinding(snapshot, new Map());
      },
      swap: (binding) => snapshots.push(binding.snapshot),
    }),
    stream() {
      const last = streams.at(-1);
      assert.ok(last !== undefined && !last.ended, 'no open stream');
      return last;
    },
    respond(typeUrl, resources, removedResources = []) {
      const nonce = `n${++nonces}`;
      const response = create(DeltaDiscoveryResponseTable, {
        typeUrl,
        nonce,
        removedResources,
        resources: resources.map(({ name, version, type, bytes }) =>
          create(ResourceTable, { name, version, resource: { typeUrl: type, value: bytes } }),
        ),
      });
      made.stream().handler.onMessage(encode(DeltaDiscoveryResponseTable, response));
    },
  };
  return made;
}
