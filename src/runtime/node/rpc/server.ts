/**
 * The serving end of RPC: TLS and its verification first, then HTTP/2 by Node on the verified socket. Bounded in
 * connections, streams, header bytes and message bytes.
 */
import { createServer, type Socket } from 'node:net';
import { constants, type IncomingHttpHeaders, performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import { Limit } from '../../../core/limit.ts';
import type { Log } from '../../../core/log.ts';
import type { Address, Listener, PeerCertificate, RpcAccept, RpcStatus, TlsOptions } from '../../../core/runtime.ts';
import type { ConnectionContext } from '../../../core/base-connection.ts';
import { keepPrivate, placeOf, remoteOf } from '../socket-address.ts';
import { bindError, codeOf } from '../socket-error.ts';
import { beginHandshake } from '../tls-handshake.ts';
import { keepAlive, SESSION_SETTINGS } from './session.ts';
import { CANCELLED, encodeMessage, INTERNAL, OK, unavailable } from './status.ts';
import { FramedStream } from './stream.ts';

const MAX_CONNECTIONS = 10_000;
const ACCEPT_BACKLOG = 1024;
const LINGER_MS = 1000;
const UNREAD_MS = 10_000;
const GRPC_HEAD = { ':status': 200, 'content-type': 'application/grpc' };

export function serveRpc(
  context: ConnectionContext,
  log: Log,
  at: Address,
  tls: TlsOptions | null,
  accept: RpcAccept,
  maxMessageBytes?: number,
): Promise<Listener> {
  const connections = new Limit('rpc.max_connections', MAX_CONNECTIONS);
  const sockets = new Set<Socket>();
  const begin = (socket: Socket, remote: Address, peer: PeerCertificate | null): void => {
    const session = performServerHandshake(socket, {
      settings: SESSION_SETTINGS.server,
      maxSessionMemory: SESSION_SETTINGS.memoryMegabytes,
    });
    session.on('error', (error) => log.debug('RPC connection failed', { remote: remote.host, reason: codeOf(error) }));
    keepAlive(session);
    session.on('stream', (stream: ServerHttp2Stream, head: IncomingHttpHeaders) => {
      serveStream(context, accept, maxMessageBytes, stream, head, remote, peer);
    });
    socket.resume();
  };
  return new Promise((resolve, reject) => {
    const server = createServer({ noDelay: true, pauseOnConnect: tls !== null, allowHalfOpen: false }, (socket) => {
      if (!connections.take()) {
        log.warn('too many RPC connections', { limit: connections.name, max: connections.max });
        socket.destroy();
        return;
      }
      sockets.add(socket);
      socket.once('close', () => {
        connections.give();
        sockets.delete(socket);
      });
      socket.on('error', () => {});
      const remote = remoteOf(socket);
      if (tls === null) {
        begin(socket, remote, null);
        return;
      }
      beginHandshake(socket, tls, {
        onSecured: (secured, facts) => begin(secured, remote, facts.peer),
        onRefused: (reason) => log.warn('RPC connection refused', { remote: remote.host, reason }),
      });
    });
    server.once('error', (error) => reject(bindError(error, at)));
    server.listen({ ...placeOf(at), backlog: ACCEPT_BACKLOG, exclusive: true }, () => {
      keepPrivate(at);
      server.removeAllListeners('error');
      server.on('error', (error) => log.warn('cannot accept an RPC connection', { reason: codeOf(error) }));
      const bound = server.address();
      const address = typeof bound === 'object' && bound !== null ? { host: bound.address, port: bound.port } : at;
      resolve({
        address,
        close() {
          // A listener of streams that never end by themselves: who stops it wants them gone.
          for (const socket of sockets) socket.destroy();
          return new Promise((done) => server.close(() => done()));
        },
      });
    });
  });
}

function serveStream(
  context: ConnectionContext,
  accept: RpcAccept,
  maxMessageBytes: number | undefined,
  stream: ServerHttp2Stream,
  head: IncomingHttpHeaders,
  remote: Address,
  peer: PeerCertificate | null,
): void {
  // Errors arrive again as 'close' with the reset code.
  stream.on('error', () => {});
  if (head[':method'] !== 'POST' || !/^application\/grpc($|[+;])/.test(head['content-type'] ?? '')) {
    stream.respond({ ':status': 415 }, { endStream: true });
    linger(stream);
    return;
  }
  const path = head[':path'] ?? '';
  const rpc = new ServerStream(stream, remote, context.report, maxMessageBytes);
  let answer: ReturnType<RpcAccept>;
  try {
    answer = accept(rpc, path, peer);
  } catch (error) {
    context.report(error);
    answer = { code: INTERNAL, message: 'internal error' };
  }
  if ('code' in answer) rpc.refuse(answer);
  else rpc.serve(answer);
}

class ServerStream extends FramedStream {
  readonly remote: Address;
  readonly #http: ServerHttp2Stream;
  #status: RpcStatus = { code: OK, message: '' };
  #endedByClient = false;

  constructor(
    stream: ServerHttp2Stream,
    remote: Address,
    report: (error: unknown) => void,
    maxMessageBytes: number | undefined,
  ) {
    super(null, report, maxMessageBytes);
    this.#http = stream;
    this.remote = remote;
  }

  refuse(status: RpcStatus): void {
    this.closed = true;
    if (this.#http.destroyed) return;
    this.#http.respond({ ...GRPC_HEAD, ...trailersOf(status) }, { endStream: true });
    linger(this.#http);
  }

  serve(handler: Parameters<FramedStream['setHandler']>[0]): void {
    this.setHandler(handler);
    const http = this.#http;
    http.on('wantTrailers', () => {
      http.sendTrailers(trailersOf(this.#status));
      linger(http);
    });
    http.on('close', () => {
      const orderly = this.ended && !(this.#endedByClient && http.rstCode !== constants.NGHTTP2_NO_ERROR);
      if (orderly) this.close(this.#status);
      else if (http.rstCode === constants.NGHTTP2_CANCEL)
        this.close({ code: CANCELLED, message: 'the client cancelled' });
      else this.close(unavailable('the connection to the client was lost'));
    });
    // The client has said all it wants to say; a stream of ours never outlives that.
    http.on('end', () => {
      // A stream that is reset ends first, and only its close says so.
      if (this.ended || http.aborted || http.destroyed) return;
      this.#endedByClient = true;
      this.end(this.complete ? undefined : { code: INTERNAL, message: 'the last message is incomplete' });
    });
    http.respond(GRPC_HEAD, { waitForTrailers: true });
    this.begin(http);
    // Ended inside accept.
    if (this.ended) this.endWrites();
  }

  override end(status?: RpcStatus): void {
    if (this.closed || this.ended) return;
    this.ended = true;
    if (status !== undefined) this.#status = status;
    if (this.stream === null) return;
    this.endWrites();
    closeUnread(this.#http);
  }

  override destroy(): void {
    if (this.closed) return;
    this.#http.close(constants.NGHTTP2_CANCEL);
    this.close({ code: CANCELLED, message: 'destroyed' });
  }

  protected override fail(status: RpcStatus): void {
    this.end(status);
    // Nobody reads what else it sends.
    this.close(status);
  }
}

/**
 * We have said the last word and the client has not. What it still sends is thrown away for a while; a reset at once
 * would overtake our own trailers.
 */
function linger(stream: ServerHttp2Stream): void {
  stream.resume();
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_NO_ERROR), LINGER_MS);
  timer.unref();
  stream.once('close', () => clearTimeout(timer));
}

/** A client that does not read never gets to the status: what waits for it is held no longer. */
function closeUnread(stream: ServerHttp2Stream): void {
  const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), UNREAD_MS);
  timer.unref();
  stream.once('close', () => clearTimeout(timer));
}

function trailersOf(status: RpcStatus): Record<string, string> {
  const trailers: Record<string, string> = { 'grpc-status': String(status.code) };
  if (status.message !== '') trailers['grpc-message'] = encodeMessage(status.message);
  return trailers;
}
