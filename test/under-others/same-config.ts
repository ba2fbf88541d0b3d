/**
 * One static configuration under two proxies, Weft's and Envoy: what each answers to the same requests, and what their back
 * ends saw of them. Back ends are told apart by the cluster that they stand for.
 */
import { createServer, type IncomingMessage, request as httpRequest, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type RunningEnvoy, startEnvoy, startWeftProxy } from '../envoy/running.ts';

type Json = Readonly<Record<string, unknown>>;

export const KINDS = ['weft', 'envoy'] as const;
export type Kind = (typeof KINDS)[number];

/** A request as a back end saw it. */
export interface Seen {
  readonly cluster: string;
  /** From 0; of a cluster that has more than one. */
  readonly endpoint: number;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface SameConfig {
  ask(kind: Kind, question?: Question): Promise<Answer>;
  /** What the back ends have seen of the requests of a proxy, in the order in which they came; forgets it. */
  take(kind: Kind): readonly Seen[];
  /** The text of an admin endpoint. */
  admin(kind: Kind, path: string): Promise<string>;
  close(): Promise<void>;
}

export interface Setup {
  /** `route_config` of the one listener. */
  readonly routes: Json;
  /** Each with a back end of its own; the values are merged into the clusters. */
  readonly clusters: Readonly<Record<string, Json>>;
  /** Back ends of a cluster that has more than one. */
  readonly endpoints?: Readonly<Record<string, number>>;
  /** Merged into the HttpConnectionManager. */
  readonly manager?: Json;
}

/** The cluster of this name has an endpoint without one; others have `<cluster>.host`. */
const NAMELESS = 'nameless';

/** Says by which proxy a request came: both see the same back ends. */
const BY = 'x-asked-of';

/** What back ends do: `x-answer` is the status, `x-answer-…` a field of the answer. */
export async function startSameConfig({ routes, clusters, endpoints = {}, manager = {} }: Setup): Promise<SameConfig> {
  const seen: (Seen & { readonly by: string })[] = [];
  const servers: Server[] = [];
  const made: Json[] = [];
  const serve = async (name: string, endpoint: number): Promise<number> => {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('error', () => {});
      request.on('end', () => {
        const headers = textsOf(request);
        const { [BY]: by = '' } = headers;
        const { method = '', url: path = '' } = request;
        const body = Buffer.concat(chunks).toString('latin1');
        seen.push({ by, cluster: name, endpoint, method, path, headers, body });
        const fields = Object.entries(headers).flatMap(([field, value]) =>
          field.startsWith('x-answer-') ? [[field.slice('x-answer-'.length), value]] : [],
        );
        response.writeHead(Number(headers['x-answer'] ?? 200), Object.fromEntries(fields));
        response.end(`answer of ${name}`);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    return (server.address() as AddressInfo).port;
  };
  for (const [name, parts] of Object.entries(clusters)) {
    const ports: number[] = [];
    for (let i = 0; i < (endpoints[name] ?? 1); i++) ports.push(await serve(name, i));
    made.push(clusterAt(name, ports, parts));
  }
  const bootstrap = {
    static_resources: { listeners: [listener(routes, manager)], clusters: made },
  };
  const node = { id: 'same', cluster: 'same' };
  const proxies: Partial<Record<Kind, RunningEnvoy>> = {};
  const close = async (): Promise<void> => {
    for (const server of servers) {
      server.closeAllConnections();
      server.close();
    }
    for (const kind of KINDS) await proxies[kind]?.stop();
  };
  try {
    proxies.weft = await startWeftProxy({ node, ...bootstrap });
    proxies.envoy = await startEnvoy({ node, ...bootstrap });
  } catch (error) {
    await close();
    throw error;
  }
  const { weft, envoy } = proxies;
  const proxyOf = (kind: Kind): RunningEnvoy => (kind === 'weft' ? weft : envoy);
  return {
    ask: (kind, question = {}) => ask(proxyOf(kind).ports.get('same') ?? 0, kind, question),
    take(kind) {
      const own = seen.filter(({ by }) => by === kind);
      seen.splice(0, seen.length, ...seen.filter(({ by }) => by !== kind));
      return own.map(({ by: _by, ...rest }) => rest);
    },
    admin: (kind, path) => proxyOf(kind).admin(path),
    close,
  };
}

function clusterAt(name: string, ports: readonly number[], parts: Json): Json {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '2s',
    load_assignment: {
      cluster_name: name,
      endpoints: [
        {
          lb_endpoints: ports.map((port) => ({
            endpoint: {
              address: { socket_address: { address: '127.0.0.1', port_value: port } },
              hostname: name === NAMELESS ? '' : `${name}.host`,
            },
          })),
        },
      ],
    },
    ...parts,
  };
}

function listener(routes: Json, manager: Json): Json {
  const type = 'type.googleapis.com/envoy.extensions.filters';
  return {
    name: 'same',
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    filter_chains: [
      {
        filters: [
          {
            name: 'http',
            typed_config: {
              '@type': `${type}.network.http_connection_manager.v3.HttpConnectionManager`,
              stat_prefix: 'same',
              route_config: routes,
              http_filters: [{ name: 'router', typed_config: { '@type': `${type}.http.router.v3.Router` } }],
              ...manager,
            },
          },
        ],
      },
    ],
  };
}

function ask(port: number, kind: Kind, question: Question): Promise<Answer> {
  const { method = 'GET', path = '/', host = 'shop.test', headers = {}, body } = question;
  return new Promise((resolve, reject) => {
    const all = { host, [BY]: kind, ...headers };
    const request = httpRequest({ host: '127.0.0.1', port, method, path, headers: all, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('latin1');
        resolve({ status: response.statusCode ?? 0, headers: textsOf(response), body: text });
      });
    });
    request.on('error', reject);
    request.end(body);
  });
}

function textsOf({ headers }: IncomingMessage): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
