/**
 * The environment that sends an application's HTTP through its sidecar: each runtime reads other variables, and what a
 * wrong one breaks is broken silently, so that they are made in this one pure function.
 */

export interface ProxyEnvironmentOptions {
  /** The sidecar's explicit proxy on 127.0.0.1. */
  readonly httpProxyPort: number;
  /** What the application would get otherwise. */
  readonly inherited: Readonly<Record<string, string | undefined>>;
  /** Absolute path of `node-preload.cjs`; null leaves Node below 24 without HTTP through the mesh. */
  readonly nodePreloadPath: string | null;
  /** Names of services in the workload's own namespace: `no_proxy` must not take them away. */
  readonly services: readonly string[];
  /** Addresses that services have here: a client that is led to one must not ask the proxy for it as for a host outside. */
  readonly vipAddresses: readonly string[];
}

export interface ProxyEnvironment {
  /** To be laid over the inherited environment. */
  readonly variables: Readonly<Record<string, string>>;
  /** Sentences for the user about what was left out of his variables. */
  readonly warnings: readonly string[];
}

/** CIDR forms are not written: Python and Node ignore them. */
const ALWAYS_DIRECT = ['localhost', '127.0.0.1', '::1'];
/** Domains of service names; an entry that covers them would take the whole mesh out. */
const MESH_DOMAINS = ['svc', 'svc.cluster.local', 'cluster.local', 'local'];

export function proxyEnvironment(options: ProxyEnvironmentOptions): ProxyEnvironment {
  const { httpProxyPort, inherited, nodePreloadPath } = options;
  const url = `http://127.0.0.1:${httpProxyPort}`;
  const direct = directHosts(inherited, options.services);
  const noProxy = [...new Set([...ALWAYS_DIRECT, ...options.vipAddresses, ...direct.kept])].join(',');
  const warnings = direct.dropped.map(
    (entry) => `no_proxy entry ${entry} is left out: it would take services out of the mesh`,
  );
  const variables: Record<string, string> = {
    http_proxy: url,
    HTTP_PROXY: url,
    // CONNECT, so that TLS stays the application's own; gRPC libraries look here for clear-text targets too.
    https_proxy: url,
    HTTPS_PROXY: url,
    no_proxy: noProxy,
    NO_PROXY: noProxy,
    NODE_USE_ENV_PROXY: '1',
    JAVA_TOOL_OPTIONS: append(inherited['JAVA_TOOL_OPTIONS'], javaOptions(httpProxyPort, direct.kept)),
  };
  // grpc_proxy and all_proxy come before the others in some clients; an inherited one would lead around the sidecar.
  for (const name of ['grpc_proxy', 'all_proxy', 'ALL_PROXY']) if (inherited[name]) variables[name] = url;
  // Versions of Node that read the variables themselves leave the file at once.
  if (nodePreloadPath !== null) {
    variables['NODE_OPTIONS'] = append(inherited['NODE_OPTIONS'], `--require ${quote(nodePreloadPath)}`);
  }
  return { variables, warnings };
}

function directHosts(inherited: ProxyEnvironmentOptions['inherited'], services: readonly string[]) {
  const users = `${inherited['no_proxy'] ?? ''},${inherited['NO_PROXY'] ?? ''}`.split(',').map((entry) => entry.trim());
  const named = [...new Set(users.filter((entry) => entry !== ''))];
  const dropped = named.filter((entry) => coversMesh(entry, services));
  const kept = [...new Set([...ALWAYS_DIRECT, ...named.filter((entry) => !dropped.includes(entry))])];
  return { kept, dropped };
}

function coversMesh(entry: string, services: readonly string[]): boolean {
  const name = entry
    .toLowerCase()
    .replace(/^\*?\./, '')
    .replace(/:\d+$/, '');
  return name === '*' || MESH_DOMAINS.includes(name) || services.includes(name);
}

/** Java's list is separated by bars and knows a star at an end; a leading dot becomes one. */
function javaOptions(port: number, direct: readonly string[]): string {
  const hosts = direct.map((entry) => (entry.includes(':') ? `[${entry}]` : entry.replace(/^\./, '*.')));
  const plain = [...hosts, '127.*'].filter((entry) => /^[A-Za-z0-9.*_:[\]-]+$/.test(entry));
  return [
    '-Dhttp.proxyHost=127.0.0.1',
    `-Dhttp.proxyPort=${port}`,
    '-Dhttps.proxyHost=127.0.0.1',
    `-Dhttps.proxyPort=${port}`,
    `-Dhttp.nonProxyHosts=${plain.join('|')}`,
  ].join(' ');
}

function append(before: string | undefined, more: string): string {
  return before === undefined || before.trim() === '' ? more : `${before} ${more}`;
}

/** NODE_OPTIONS splits at spaces and knows double quotes with backslash escapes, since Node 12. */
function quote(path: string): string {
  return `"${path.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
