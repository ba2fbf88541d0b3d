/**
 * The calling end of RPC. Streams to the same target with the same identity share one HTTP/2 connection, which lives
 * as long as one of them; a rotated identity therefore gets a connection of its own.
 */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as http2Connect, constants } from 'node:http2';
import { connect as netConnect, type Socket } from 'node:net';
import type { Address, RpcHandler, RpcStatus, RpcStream, RpcTarget } from '../../../core/runtime.ts';
import type { ConnectionContext } from '../../../core/base-connection.ts';
import { placeOf } from '../socket-address.ts';
import { codeOf, reasonOf, textOfAddress } from '../socket-error.ts';
import { beginHandshake } from '../tls-handshake.ts';
import { keepAlive, SESSION_SETTINGS } from './session.ts';
import { CANCELLED, INTERNAL, statusOfFields, statusOfHead, statusOfReset, unavailable } from './status.ts';
import { FramedStream } from './stream.ts';

const CONNECT_TIMEOUT_MS = 10_000;

export class RpcClient {
  readonly #context: ConnectionContext;
  readonly #channels: Channel[] = [];

  constructor(context: ConnectionContext) {
    this.#context = context;
  }

  open(target: RpcTarget, path: string, handler: RpcHandler): RpcStream {
    let channel = this.#channels.find((candidate) => candidate.serves(target));
    if (channel === undefined) {
      const made = new Channel(target, () => this.#channels.splice(this.#channels.indexOf(made), 1));
      channel = made;
      this.#channels.push(made);
      made.connect();
    }
    const stream = new ClientStream(target.address, path, handler, this.#context.report);
    channel.add(stream);
    return stream;
  }
}

/** One connection and its streams, from the first that needs it to the end of the last. */
class Channel {
  readonly #target: RpcTarget;
  readonly #onGone: () => void;
  readonly #streams = new Set<ClientStream>();
  #session: ClientHttp2Session | null = null;
  #socket: Socket | null = null;
  /** Gives up while there is no session yet. */
  #abort: () => void = ignore;
  #gone = false;
  #timeout: NodeJS.Timeout | undefined;

  constructor(target: RpcTarget, onGone: () => void) {
    this.#target = target;
    this.#onGone = onGone;
  }

  serves({ address, tls }: RpcTarget): boolean {
    const own = this.#target;
    if (own.address.host !== address.host || own.address.port !== address.port) return false;
    if (own.tls === null || tls === null) return own.tls === tls;
    return (
      own.tls === tls ||
      (own.tls.identity === tls.identity &&
        own.tls.serverName === tls.serverName &&
        own.tls.verifyPeer === tls.verifyPeer)
    );
  }

  connect(): void {
    const { address, tls } = this.#target;
    const socket = netConnect({ ...placeOf(address), noDelay: true, autoSelectFamily: false });
    this.#socket = socket;
    this.#timeout = setTimeout(() => this.#lost(`connect: timeout ${textOfAddress(address)}`), CONNECT_TIMEOUT_MS);
    this.#abort = () => clearTimeout(this.#timeout);
    const failed = (error: unknown): void => this.#lost(reasonOf(error, address, true));
    socket.once('error', failed);
    socket.once('connect', () => {
      socket.off('error', failed);
      socket.on('error', ignore);
      if (tls === null) {
        this.#begin(socket);
        return;
      }
      const abortHandshake = beginHandshake(socket, tls, {
        onSecured: (secured) => this.#begin(secured),
        onRefused: (reason) => this.#lost(reason),
      });
      this.#abort = () => {
        clearTimeout(this.#timeout);
        abortHandshake();
      };
    });
  }

  add(stream: ClientStream): void {
    this.#streams.add(stream);
    stream.onGone = () => this.#removed(stream);
    if (this.#session !== null) this.#start(stream, this.#session);
  }

  #begin(socket: Socket): void {
    clearTimeout(this.#timeout);
    this.#abort = ignore;
    const { address, tls } = this.#target;
    const authority = tls?.serverName ?? textOfAddress(address);
    const session = http2Connect(`${tls === null ? 'http' : 'https'}://${authority}`, {
      createConnection: () => socket,
      settings: SESSION_SETTINGS.client,
      maxSessionMemory: SESSION_SETTINGS.memoryMegabytes,
    });
    this.#session = session;
    session.on('error', (error) => this.#lost(`connection: ${codeOf(error)}`));
    session.on('goaway', () => this.#leave());
    session.on('close', () => this.#lost('connection: closed by the peer'));
    keepAlive(session);
    socket.resume();
    for (const stream of this.#streams) this.#start(stream, session);
  }

  #start(stream: ClientStream, session: ClientHttp2Session): void {
    if (session.destroyed || session.closed) {
      stream.lost('connection: closed by the peer');
      return;
    }
    const http = session.request(stream.head, { endStream: false });
    stream.run(http);
  }

  #removed(stream: ClientStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    this.#leave();
    if (this.#session !== null) {
      this.#session.close();
      return;
    }
    this.#abort();
    this.#socket?.destroy();
  }

  /** No new streams here; those that run go on. */
  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#onGone();
  }

  #lost(reason: string): void {
    this.#leave();
    this.#abort();
    for (const stream of [...this.#streams]) stream.lost(reason);
    this.#session?.destroy();
    this.#socket?.destroy();
  }
}

class ClientStream extends FramedStream {
  readonly remote: Address;
  readonly head: Record<string, string>;
  onGone: () => void = () => {};
  #http: ClientHttp2Stream | null = null;
  #status: RpcStatus | null = null;

  constructor(remote: Address, path: string, handler: RpcHandler, report: (error: unknown) => void) {
    super(handler, report);
    this.remote = remote;
    this.head = {
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      'user-agent': 'weft',
    };
  }

  run(http: ClientHttp2Stream): void {
    this.#http = http;
    // At its end a stream no longer knows its session.
    const session = http.session;
    http.on('error', () => {});
    http.on('response', (head) => {
      this.#status = statusOfFields(head);
      const refusal = this.#status === null ? statusOfHead(head) : null;
      if (refusal !== null) this.fail(refusal);
    });
    http.on('trailers', (trailers) => {
      this.#status = statusOfFields(trailers) ?? this.#status;
    });
    // The server's status ends a call whatever this side still meant to say, so the stream must not wait for it.
    http.on('end', () => http.end());
    // Nothing that we could still say would be read.
    http.on('end', () => http.end());
    http.on('close', () => this.#finished(this.#status ?? this.#statusWithoutTrailers(http, session)));
    this.begin(http);
    if (this.ended) this.endWrites();
  }

  override end(): void {
    if (this.closed || this.ended) return;
    this.ended = true;
    this.endWrites();
  }

  override destroy(): void {
    this.fail({ code: CANCELLED, message: 'destroyed' });
  }

  lost(reason: string): void {
    this.#finished(this.#status ?? unavailable(reason));
  }

  protected override fail(status: RpcStatus): void {
    this.#http?.close(constants.NGHTTP2_CANCEL);
    this.#finished(status);
  }

  #statusWithoutTrailers(http: ClientHttp2Stream, session: ClientHttp2Stream['session']): RpcStatus {
    if (session === undefined || session.destroyed) return unavailable('connection: closed by the peer');
    if (http.rstCode !== constants.NGHTTP2_NO_ERROR)
      return statusOfReset(http.rstCode ?? constants.NGHTTP2_INTERNAL_ERROR);
    return { code: INTERNAL, message: 'the peer ended the stream without a status' };
  }

  #finished(status: RpcStatus): void {
    this.close(status);
    const gone = this.onGone;
    this.onGone = () => {};
    gone();
  }
}

function ignore(): void {}
