/** One proxy's stream: the bytes of an Rpc on one side, a Session on the other, and the transport's pace between them. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { PeerCertificate, RpcHandler, RpcStatus } from '../../core/runtime.ts';
import type { XdsView } from '../../xds/resource.ts';
import {
  type AnySession,
  Session,
  type SessionOptions,
  type TypeStatus,
  type XdsRequest,
} from '../../xds/server/session.ts';
import type { Node } from '../../xds/tables/messages.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import type { XdsMethod } from './methods.ts';
import type { GuardedStream } from './guarded-stream.ts';
import { STREAM_ENDINGS, type StreamEnding } from './stream-endings.ts';
import type { ProxyNode } from './views.ts';

/** Room for the greatest number of names with their versions. */
export const MAX_REQUEST_BYTES = 8 << 20;

export interface ProxyStatus {
  readonly node: ProxyNode;
  readonly userAgent: string;
  readonly remoteHost: string;
  /** Milliseconds since the Unix epoch. */
  readonly connectedSinceMs: number;
  /** `DeltaAggregatedResources`, `StreamEndpoints`…, each once. */
  readonly methods: readonly string[];
  /** The streams' own state: read it, do not keep it. */
  readonly types: readonly TypeStatus[];
}

/** A proxy that was let in. */
export interface Admitted {
  readonly node: ProxyNode;
  readonly connectedSinceMs: number;
  readonly session: SessionOptions;
}

/** A stream of either variant, as those see it who do not feed it. */
export interface ProxyStream extends RpcHandler {
  readonly peer: PeerCertificate;
  readonly path: string;
  /** A newer one of its proxy ends it. */
  readonly isSole: boolean;
  readonly remoteHost: string;
  /** null until the first message was accepted. */
  readonly node: ProxyNode | null;
  readonly session: AnySession | null;
  status(): ProxyStatus | null;
  offer(view: XdsView): void;
  end(status: RpcStatus): void;
}

export interface StreamOwner {
  /** The node of the first message. A status ends the stream. */
  admit(stream: GuardedStream, node: Node | undefined): Admitted | RpcStatus;
  /** Counts the ending and says what the client sees of it. */
  ending(reason: StreamEnding, message: string): RpcStatus;
  onSent(type: string, bytes: number): void;
  /** The stream has its session now, which waits for a first view. A status ends it. */
  onAdmitted(stream: ProxyStream, node: ProxyNode): RpcStatus | null;
  /** A request changed what the stream asks for or has; nothing was sent in answer yet. */
  onRequest(stream: ProxyStream): void;
  /** A request was worked in, which may have been an acknowledgement. */
  onProgress(stream: ProxyStream): void;
  /** Once, last of all. */
  onGone(stream: ProxyStream, status: RpcStatus): void;
}

export function openProxyStream<Request extends XdsRequest>(
  rpc: GuardedStream,
  method: XdsMethod<Request>,
  owner: StreamOwner,
): ProxyStream {
  return new Stream(rpc, method, owner);
}

class Stream<Request extends XdsRequest> implements ProxyStream {
  readonly peer: PeerCertificate;
  readonly path: string;
  readonly #method: XdsMethod<Request>;
  readonly #rpc: GuardedStream;
  readonly #owner: StreamOwner;
  #admitted: Admitted | null = null;
  #session: Session<Request> | null = null;
  #userAgent = '';
  #isOver = false;

  constructor(rpc: GuardedStream, method: XdsMethod<Request>, owner: StreamOwner) {
    this.#rpc = rpc;
    this.peer = rpc.peer;
    this.path = method.path;
    this.#method = method;
    this.#owner = owner;
  }

  get node(): ProxyNode | null {
    return this.#admitted?.node ?? null;
  }

  get isSole(): boolean {
    return this.#method.isSole && this.#admitted?.session.client.isGrpc !== true;
  }

  get session(): AnySession | null {
    return this.#session;
  }

  get remoteHost(): string {
    return this.#rpc.remote.host;
  }

  status(): ProxyStatus | null {
    if (this.#admitted === null || this.#session === null) return null;
    const { node, connectedSinceMs } = this.#admitted;
    const { remoteHost } = this;
    const methods = [this.path.slice(this.path.lastIndexOf('/') + 1)];
    return { node, userAgent: this.#userAgent, remoteHost, connectedSinceMs, methods, types: this.#session.status() };
  }

  offer(view: XdsView): void {
    this.#session?.offer(view);
    this.#pump();
  }

  onMessage(message: Uint8Array): void {
    if (this.#isOver) return;
    try {
      const request = this.#decode(message);
      const session = request === null ? null : (this.#session ?? this.#admit(request));
      if (request === null || session === null) return;
      session.onRequest(request);
      this.#owner.onRequest(this);
    } catch (error) {
      this.end(this.#owner.ending(endingOf(error), messageOf(error)));
      return;
    }
    this.#pump();
    this.#owner.onProgress(this);
  }

  #decode(message: Uint8Array): Request | null {
    try {
      return decode(this.#method.dialect.table, message, { maxBytes: MAX_REQUEST_BYTES });
    } catch (error) {
      const reason = isWeftError(error, 'limit-exceeded') ? 'message-too-large' : 'malformed';
      this.end(this.#owner.ending(reason, messageOf(error)));
      return null;
    }
  }

  onWritable(): void {
    this.#pump();
  }

  onClose(status: RpcStatus): void {
    // The transport refuses a message of its own accord before it has read it.
    if (!this.#isOver && status.code === STREAM_ENDINGS['message-too-large']) {
      this.#owner.ending('message-too-large', status.message);
    }
    this.#finish(status);
  }

  end(status: RpcStatus): void {
    if (this.#isOver) return;
    this.#rpc.end(status);
    this.#finish(status);
  }

  #finish(status: RpcStatus): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#session?.close();
    this.#owner.onGone(this, status);
  }

  #admit(request: Request): Session<Request> | null {
    const admitted = this.#owner.admit(this.#rpc, request.node);
    if ('code' in admitted) {
      this.end(admitted);
      return null;
    }
    const { dialect, type } = this.#method;
    const session = new Session(dialect, { ...admitted.session, onlyType: type });
    this.#admitted = admitted;
    this.#session = session;
    this.#userAgent = [request.node?.userAgentName, versionOf(request.node)].filter(Boolean).join('/').slice(0, 100);
    const refusal = this.#owner.onAdmitted(this, admitted.node);
    if (refusal !== null) this.end(refusal);
    return refusal === null ? session : null;
  }

  /** What is not sent now stays in the session and merges with what comes. */
  #pump(): void {
    const session = this.#session;
    if (session === null) return;
    while (!this.#isOver && this.#rpc.writable) {
      const response = session.next();
      if (response === null) return;
      this.#rpc.send(response.bytes);
      this.#owner.onSent(response.type, response.bytes.length);
    }
  }
}

function versionOf(node: Node | undefined): string | undefined {
  const version = node?.userAgentVersionType;
  if (version?.case === 'userAgentVersion') return version.value;
  const { majorNumber, minorNumber, patch } = version?.value?.version ?? {};
  return majorNumber === undefined ? undefined : `${majorNumber}.${minorNumber}.${patch}`;
}

function endingOf(error: unknown): StreamEnding {
  if (isWeftError(error, 'invalid')) return 'malformed';
  return isWeftError(error, 'limit-exceeded') ? 'too-many-names' : 'internal';
}
