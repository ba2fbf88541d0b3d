/** One call of the API: JSON in, JSON out, a WeftError for every answer that is not a success. */
import { WeftError } from '../core/errors.ts';
import { statusError } from './status-error.ts';
import type { HttpTransport } from './transport.ts';

export interface CallOptions {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  /** Unset: application/json. */
  readonly contentType?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Unset: 30 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export const DEFAULT_TIMEOUT_MS = 30_000;

/** The answer's JSON. Its type is the caller's claim: the control plane is authenticated and of the same version family. */
export async function call<T>(
  transport: HttpTransport,
  method: string,
  path: string,
  options: CallOptions = {},
): Promise<T> {
  const { status, body } = await transport.request(httpRequest(method, path, options));
  const where = `${method} ${transport.server}${path}`;
  if (status < 200 || status > 299) throw statusError(status, body, where);
  return parseJson(body, where) as T;
}

/** The answer's JSON, a line each. */
export async function* callLines<T>(transport: HttpTransport, path: string, options: CallOptions): AsyncGenerator<T> {
  const where = `GET ${transport.server}${path}`;
  const { status, lines } = await transport.stream(httpRequest('GET', path, options));
  if (status < 200 || status > 299) {
    let body = '';
    for await (const line of lines) body += line;
    throw statusError(status, body, where);
  }
  for await (const line of lines) if (line !== '') yield parseJson(line, where) as T;
}

function httpRequest(method: string, path: string, options: CallOptions) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options.query ?? {}))
    if (value !== undefined) query.set(name, String(value));
  const type = options.body === undefined ? {} : { 'content-type': options.contentType ?? 'application/json' };
  return {
    method,
    path: query.size === 0 ? path : `${path}?${query.toString()}`,
    headers: { ...type, ...options.headers },
    body: options.body === undefined ? null : JSON.stringify(options.body),
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

function parseJson(body: string, where: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw new WeftError('invalid', { what: 'the control plane answered something that is not JSON', where, cause });
  }
}
