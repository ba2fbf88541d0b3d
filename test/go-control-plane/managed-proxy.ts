/** Weft's proxy as a program under a management server of the go-control-plane library, in one of the library's modes. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child, until } from '../support/child.ts';
import { program } from '../support/components.ts';
import { freePort } from '../support/live-mesh.ts';
import { startWeft } from '../support/weft-program.ts';

/** As the library's own integration test names and counts them; `mux` is `xds` with another cache. */
export const MODES = ['ads', 'delta-ads', 'xds', 'delta', 'rest', 'mux'] as const;
export type Mode = (typeof MODES)[number];

/** Fields as the server's `snapshot` has them. */
export interface ManagedSnapshot {
  readonly Version: string;
  readonly Clusters: Readonly<Record<string, readonly number[]>>;
  readonly Routes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly Listeners: readonly {
    readonly Name: string;
    readonly Port: number;
    readonly Route: string;
    readonly TLS?: boolean;
  }[];
  readonly TCP?: readonly { readonly Name: string; readonly Port: number; readonly Cluster: string }[];
  readonly Chain?: string;
  readonly Key?: string;
  readonly Bad?: string;
}

const BUILD_LIMIT_MS = 600_000;

/** Built once; modules may have to be fetched, by the versions and hashes of go.sum. */
export function buildServer(): { readonly path: string; remove(): void } {
  const directory = mkdtempSync(join(tmpdir(), 'weft-gcp-'));
  const path = join(directory, 'server');
  const env = { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GOFLAGS: '-mod=readonly -buildvcs=false' };
  const cwd = join(import.meta.dirname, 'server');
  execFileSync(program('go'), ['build', '-o', path, '.'], { cwd, env, timeout: BUILD_LIMIT_MS, stdio: 'pipe' });
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

export class ManagedProxy {
  readonly adminPort: number;
  readonly #server: Child;
  readonly #proxy: Child;
  readonly #control: number;
  readonly #directory: string;

  private constructor(server: Child, proxy: Child, ports: { control: number; admin: number }, directory: string) {
    this.#server = server;
    this.#proxy = proxy;
    this.#control = ports.control;
    this.adminPort = ports.admin;
    this.#directory = directory;
  }

  static async start(serverPath: string, mode: Mode): Promise<ManagedProxy> {
    const xds = mode === 'mux' ? 'xds' : mode;
    const server = new Child(serverPath, [`-xds=${xds}`, `-mux=${mode === 'mux'}`]);
    const [, streams, polls, control] = await server.said(/"streams":(\d+),"polls":(\d+),"control":(\d+)/);
    const directory = mkdtempSync(join(tmpdir(), 'weft-gcp-'));
    const admin = await freePort();
    const file = join(directory, 'envoy.json');
    writeFileSync(file, JSON.stringify(bootstrap(xds, admin, Number(xds === 'rest' ? polls : streams))));
    const proxy = startWeft(['proxy', '-c', file, '--drain-time', '1']);
    return new ManagedProxy(server, proxy, { control: Number(control), admin }, directory);
  }

  /** Throws with what the library says of a snapshot that it refuses. */
  async set(snapshot: ManagedSnapshot): Promise<void> {
    const url = `http://127.0.0.1:${this.#control}/snapshot`;
    const answer = await fetch(url, { method: 'POST', body: JSON.stringify(snapshot) });
    if (!answer.ok) throw new Error(await answer.text());
  }

  /** What the proxy has refused, as the server was told. */
  async refusals(): Promise<readonly { readonly Type: string; readonly Message: string }[]> {
    const answer = await fetch(`http://127.0.0.1:${this.#control}/refusals`);
    return (await answer.json()) as { Type: string; Message: string }[];
  }

  /** Of the proxy, on its admin endpoint. */
  async admin(path: string): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.adminPort}${path}`)).text();
  }

  get log(): string {
    return this.#proxy.stderr;
  }

  /** Waits until the proxy serves on that port. */
  async serves(port: number): Promise<void> {
    await until(`the proxy serves on ${port}`, 20_000, async () => {
      const listeners = await this.admin('/listeners').catch(() => '');
      return listeners.includes(`::127.0.0.1:${port}\n`) ? true : null;
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.#proxy.stop(), this.#server.stop(500)]);
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** The library's sample bootstraps, each in one form. */
function bootstrap(xds: string, adminPort: number, serverPort: number): unknown {
  const address = (port: number) => ({ socket_address: { address: '127.0.0.1', port_value: port } });
  const isDelta = xds.startsWith('delta');
  const stream = {
    api_type: isDelta ? 'DELTA_GRPC' : 'GRPC',
    transport_api_version: 'V3',
    set_node_on_first_message_only: true,
    grpc_services: [{ envoy_grpc: { cluster_name: 'xds_cluster' } }],
  };
  const poll = { api_type: 'REST', transport_api_version: 'V3', cluster_names: ['xds_cluster'], refresh_delay: '0.2s' };
  const separate = { resource_api_version: 'V3', api_config_source: xds === 'rest' ? poll : stream };
  const aggregated = { resource_api_version: 'V3', ads: {} };
  const isAds = xds.endsWith('ads');
  const http2 = {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
      '@type': 'type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      explicit_http_config: { http2_protocol_options: {} },
    },
  };
  return {
    node: { id: 'edge-1', cluster: 'edge' },
    admin: { address: address(adminPort) },
    dynamic_resources: {
      ...(isAds ? { ads_config: stream } : {}),
      lds_config: isAds ? aggregated : separate,
      cds_config: isAds ? aggregated : separate,
    },
    static_resources: {
      clusters: [
        {
          name: 'xds_cluster',
          type: 'STATIC',
          connect_timeout: '1s',
          ...(xds === 'rest' ? {} : { typed_extension_protocol_options: http2 }),
          load_assignment: {
            cluster_name: 'xds_cluster',
            endpoints: [{ lb_endpoints: [{ endpoint: { address: address(serverPort) } }] }],
          },
        },
      ],
    },
  };
}
