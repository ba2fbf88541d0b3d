/** The transport over node:https: trusts one root, accepts no server but the control plane, bounds time and size. */
import { Agent, type RequestOptions, request as httpsRequest } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { PeerCertificate } from 'node:tls';
import { WeftError } from '../core/errors.ts';
import { connectionError } from './connection-error.ts';
import type { HttpRequest, HttpResponse, HttpTransport } from './transport.ts';

/** Read for each request, so that a renewed SVID takes effect by itself. */
export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'certificate'; readonly certificateChainPem: string; readonly privateKeyPem: string };

export interface HttpsTransportOptions {
  /** `https://host:port`. */
  readonly server: string;
  /** PEM of the roots that the server's chain must end in. null: unverified; for fetching roots that are then verified by hash. */
  readonly caPem: string | null;
  readonly credential: () => Credential;
}

const MAX_RESPONSE_BYTES = 64 * 1024 * 1024;
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const IDLE_CONNECTIONS = 4;

export function createHttpsTransport(options: HttpsTransportOptions): HttpTransport {
  const url = serverUrl(options.server);
  const agent = new Agent({ keepAlive: true, maxFreeSockets: IDLE_CONNECTIONS });
  const open = (request: HttpRequest) => send(options, url, agent, request);
  return {
    server: url.origin,
    async request(request) {
      const { response, settle } = await open(request);
      try {
        return await readWhole(response, url.origin);
      } catch (error) {
        throw settle(error);
      } finally {
        settle(null);
      }
    },
    async stream(request) {
      const { response, settle, answered } = await open(request);
      answered();
      return { status: response.statusCode ?? 0, lines: lines(response, url.origin, settle) };
    },
    close: () => agent.destroy(),
  };
}

interface OpenRequest {
  readonly response: IncomingMessage;
  /** The head is all that the timeout was for. */
  readonly answered: () => void;
  /** Ends the timeout and the signal's hold; gives the WeftError of a failure. */
  readonly settle: (error: unknown) => WeftError;
}

function send(options: HttpsTransportOptions, url: URL, agent: Agent, request: HttpRequest): Promise<OpenRequest> {
  const { signal, timeoutMs, body } = request;
  return new Promise((resolve, reject) => {
    const outgoing = httpsRequest(requestOptions(options, url, agent, request));
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      outgoing.destroy();
    }, timeoutMs);
    const abort = () => outgoing.destroy();
    const settle = (error: unknown): WeftError => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      if (error instanceof WeftError) return error;
      if (timedOut) return timeout(timeoutMs, url.origin, request);
      if (signal?.aborted === true)
        return new WeftError('unavailable', { what: 'the call was cancelled', where: url.origin });
      return connectionError(error, url.origin);
    };
    outgoing.on('error', (error) => reject(settle(error)));
    outgoing.on('response', (response) => resolve({ response, settle, answered: () => clearTimeout(timer) }));
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    outgoing.end(body ?? undefined);
  });
}

function requestOptions(options: HttpsTransportOptions, url: URL, agent: Agent, request: HttpRequest): RequestOptions {
  const credential = options.credential();
  const headers: Record<string, string | number> = { accept: 'application/json', ...request.headers };
  if (request.body !== null) headers['content-length'] = Buffer.byteLength(request.body);
  if (credential.kind === 'token') headers['authorization'] ??= `Bearer ${credential.token}`;
  const tls: RequestOptions =
    options.caPem === null
      ? { rejectUnauthorized: false }
      : {
          ca: options.caPem,
          rejectUnauthorized: true,
          checkServerIdentity: (_host, peer) => serverIdentityError(peer),
        };
  if (credential.kind === 'certificate')
    Object.assign(tls, { cert: credential.certificateChainPem, key: credential.privateKeyPem });
  return {
    ...tls,
    agent,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? 443 : Number(url.port),
    servername: 'localhost',
    minVersion: 'TLSv1.3',
    method: request.method,
    path: request.path,
    headers,
  };
}

/**
 * Every workload has a certificate of the same root, so the name decides: only the control plane has this SPIFFE id.
 * It holds for any address that the server is reached by, tunnels included.
 */
const CONTROL_PLANE_URI = /^URI:spiffe:\/\/[a-z0-9._-]+\/ns\/weft-system\/sa\/control-plane$/;

function serverIdentityError(peer: PeerCertificate): Error | undefined {
  const uris = (peer.subjectaltname ?? '').split(', ').filter((name) => name.startsWith('URI:'));
  if (uris.length === 1 && CONTROL_PLANE_URI.test(uris[0] ?? '')) return undefined;
  return new WeftError('unauthenticated', {
    what: 'the server is not the control plane',
    where: uris.join(' ') || 'a certificate without a SPIFFE id',
    hint: 'Check the address: another program answers there',
  });
}

async function readWhole(response: IncomingMessage, server: string): Promise<HttpResponse> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_RESPONSE_BYTES) throw tooLarge(`an answer has more than ${MAX_RESPONSE_BYTES} bytes`, server);
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}

async function* lines(
  response: IncomingMessage,
  server: string,
  settle: OpenRequest['settle'],
): AsyncGenerator<string> {
  let pending: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      let start = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
        yield Buffer.concat([...pending, chunk.subarray(start, end)]).toString('utf8');
        pending = [];
        size = 0;
        start = end + 1;
      }
      size += chunk.length - start;
      if (size > MAX_LINE_BYTES) throw tooLarge(`an event has more than ${MAX_LINE_BYTES} bytes`, server);
      if (start < chunk.length) pending.push(chunk.subarray(start));
    }
    if (size > 0) yield Buffer.concat(pending).toString('utf8');
  } catch (error) {
    throw settle(error);
  } finally {
    settle(null);
    response.destroy();
  }
}

function serverUrl(text: string): URL {
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (url.protocol === 'https:') return url;
  }
  throw new WeftError('invalid', { what: 'the server must be https://host:port', where: text });
}

function timeout(timeoutMs: number, server: string, request: HttpRequest): WeftError {
  return new WeftError('timeout', {
    what: `the control plane did not answer within ${timeoutMs} ms`,
    where: `${request.method} ${server}${request.path}`,
  });
}

function tooLarge(what: string, where: string): WeftError {
  return new WeftError('limit-exceeded', { what, where });
}
