/**
 * The proxy that was set before ours, which other hosts must go on reaching: it is taken out of the environment that
 * the application gets and chained behind the sidecar.
 */

export interface InheritedProxy {
  /** A name or an IP literal, without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface InheritedProxies {
  /** null: none, or one that cannot be chained. */
  readonly proxy: InheritedProxy | null;
  /** What was found and is not honoured, as sentences for the user. They hold no credentials. */
  readonly warnings: readonly string[];
}

/** curl reads only the lower-case form of http_proxy, so that it comes first. */
const NAMES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'];

export function readInheritedProxy(env: Readonly<Record<string, string | undefined>>): InheritedProxies {
  const warnings: string[] = [];
  for (const name of NAMES) {
    const value = env[name]?.trim() ?? '';
    if (value === '') continue;
    const read = readProxyUrl(value);
    if (typeof read !== 'string') return { proxy: read, warnings };
    warnings.push(`${name} is not chained: ${read}`);
  }
  return { proxy: null, warnings };
}

function readProxyUrl(value: string): InheritedProxy | string {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  if (!URL.canParse(text)) return 'it is not a URL';
  const url = new URL(text);
  if (url.protocol !== 'http:') return `proxies of type ${url.protocol.slice(0, -1)} are not supported`;
  if (url.username !== '' || url.password !== '') return 'proxies with credentials are not supported';
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: url.port === '' ? 80 : Number(url.port) };
}
