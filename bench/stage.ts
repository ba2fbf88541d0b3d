/** All that a run measures with, started when it is first asked for and shared by the cases: backends, meshes, peers. */
import { join } from 'node:path';
import { type Backends, startBackends } from './backends/backends.ts';
import type { BenchOptions } from './options.ts';
import { envoy } from './peers/envoy.ts';
import { haproxyHop, haproxyHttp1, haproxyHttp2 } from './peers/haproxy.ts';
import { nginx } from './peers/nginx.ts';
import type { Peer } from './peers/peer.ts';
import type { Proxies, Traffic } from './proxies.ts';
import type { Report } from './report.ts';
import { WeftMesh } from './weft/mesh.ts';
import { startWeftHop, startWeftPair } from './weft/pair.ts';

const PAIRS: readonly Peer[] = [haproxyHttp1, haproxyHttp2, nginx, envoy];
const HOPS: readonly Peer[] = [haproxyHop, nginx, envoy];

export class Stage {
  readonly folder: string;
  readonly options: BenchOptions;
  readonly report: Report;
  readonly #started = new Map<string, Promise<Proxies>>();
  readonly #meshes = new Map<string, Promise<WeftMesh>>();
  #backends: Promise<Backends> | null = null;

  constructor(folder: string, options: BenchOptions, report: Report) {
    this.folder = folder;
    this.options = options;
    this.report = report;
  }

  backends(): Promise<Backends> {
    this.#backends ??= startBackends(join(this.folder, 'backends'));
    return this.#backends;
  }

  /** Weft's first; then the other build, if one was named; then the peers, in the order of `peers`. */
  pairs(name: string, traffic: Traffic, peers: readonly string[]): Promise<Proxies[]> {
    return this.#all(name, traffic, 'pair', named(PAIRS, peers));
  }

  hops(name: string, traffic: Traffic, peers: readonly string[]): Promise<Proxies[]> {
    return this.#all(name, traffic, 'hop', named(HOPS, peers));
  }

  /** Of the build that is measured, or of the one beside it. */
  mesh(name: 'weft' | 'beside'): Promise<WeftMesh> {
    return this.#once(this.#meshes, name, async () => {
      const { bundle, beside, nodeFlags, besideNodeFlags, profile } = this.options;
      const folder = join(this.folder, name);
      const mesh =
        name === 'beside'
          ? new WeftMesh(folder, beside ?? bundle, besideNodeFlags)
          : new WeftMesh(folder, bundle, nodeFlags, profile);
      await mesh.startControlPlane();
      await mesh.warmUp();
      return mesh;
    });
  }

  async #all(name: string, traffic: Traffic, shape: 'pair' | 'hop', peers: readonly Peer[]): Promise<Proxies[]> {
    const { ports } = await this.backends();
    const targets: Proxies[] = [];
    for (const build of this.options.beside === null ? (['weft'] as const) : (['weft', 'beside'] as const)) {
      const startOne = shape === 'pair' ? startWeftPair : startWeftHop;
      const started = this.#once(this.#started, `${build} ${shape}`, async () => {
        return startOne(build, await this.mesh(build), ports);
      });
      targets.push(await started);
    }
    for (const peer of peers) {
      if (!this.options.peers.includes(peer.name.replace(/-h\d$/, ''))) continue;
      const why = peer.absent();
      if (why !== null) {
        this.report.skipped({ case: name, peer: peer.name, skipped: why });
        continue;
      }
      const setting = { folder: join(this.folder, `${peer.name}-${shape}`), backends: ports };
      const begin = shape === 'pair' ? peer.startPair : peer.startHop;
      if (begin !== null) targets.push(await this.#once(this.#started, `${peer.name} ${shape}`, () => begin(setting)));
    }
    for (const target of targets) {
      if (target.addresses[traffic] === undefined) throw new Error(`${target.name} has no address for ${traffic}`);
    }
    return targets;
  }

  #once<T>(known: Map<string, Promise<T>>, key: string, make: () => Promise<T>): Promise<T> {
    const value = known.get(key) ?? make();
    known.set(key, value);
    return value;
  }
}

function named(peers: readonly Peer[], names: readonly string[]): Peer[] {
  return peers.filter(({ name }) => names.includes(name));
}
