/** One proxy's stream: the bytes of an Rpc on one side, a Session on the other, and the transport's pace between them. */
import { isWeftError, messageOf, type WeftError } from '../../core/errors.ts';
import type { PeerCertificate, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import type { XdsView } from '../../xds/resource.ts';
import type { Session, TypeStatus } from '../../xds/server/session.ts';
import type { DeltaDiscoveryRequest } from '../../xds/tables/messages.gen.ts';
import { DeltaDiscoveryRequestTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { RPC_STATUS } from './rpc-status.ts';
import type { ProxyNode } from './views.ts';

/** Room for the greatest number of names with their versions. */
const MAX_REQUEST_BYTES = 8 << 20;

export interface ProxyStatus {
  readonly node: ProxyNode;
  readonly userAgent: string;
  readonly remoteHost: string;
  /** Milliseconds since the Unix epoch. */
  readonly connectedSinceMs: number;
  /** The stream's own state: read it, do not keep it. */
  readonly types: readonly TypeStatus[];
}

/** A proxy that was let in. */
export interface Admitted {
  readonly node: ProxyNode;
  readonly session: Session;
  readonly connectedSinceMs: number;
}

export interface StreamOwner {
  /** The first message. A status ends the stream. */
  admit(stream: ProxyStream, request: DeltaDiscoveryRequest): Admitted | RpcStatus;
  /** A request was worked in, which may have been an acknowledgement. */
  onProgress(stream: ProxyStream): void;
  /** Once, last of all. */
  onGone(stream: ProxyStream, status: RpcStatus): void;
}

export class ProxyStream implements RpcHandler {
  readonly peer: PeerCertificate;
  readonly #rpc: RpcStream;
  readonly #owner: StreamOwner;
  #admitted: Admitted | null = null;
  #userAgent = '';
  #isOver = false;

  constructor(rpc: RpcStream, peer: PeerCertificate, owner: StreamOwner) {
    this.#rpc = rpc;
    this.peer = peer;
    this.#owner = owner;
  }

  /** null until the first message was accepted. */
  get admitted(): Admitted | null {
    return this.#admitted;
  }

  get remoteHost(): string {
    return this.#rpc.remote.host;
  }

  status(): ProxyStatus | null {
    if (this.#admitted === null) return null;
    const { node, session, connectedSinceMs } = this.#admitted;
    const { remoteHost } = this;
    return { node, userAgent: this.#userAgent, remoteHost, connectedSinceMs, types: session.status() };
  }

  offer(view: XdsView): void {
    this.#admitted?.session.offer(view);
    this.#pump();
  }

  onMessage(message: Uint8Array): void {
    if (this.#isOver) return;
    try {
      const request = decode(DeltaDiscoveryRequestTable, message, { maxBytes: MAX_REQUEST_BYTES });
      const session = this.#admitted?.session ?? this.#admit(request);
      if (session === null) return;
      session.onRequest(request);
    } catch (error) {
      this.end(statusOf(error));
      return;
    }
    this.#pump();
    this.#owner.onProgress(this);
  }

  onWritable(): void {
    this.#pump();
  }

  onClose(status: RpcStatus): void {
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
    this.#owner.onGone(this, status);
  }

  #admit(request: DeltaDiscoveryRequest): Session | null {
    const admitted = this.#owner.admit(this, request);
    if ('code' in admitted) {
      this.end(admitted);
      return null;
    }
    this.#admitted = admitted;
    this.#userAgent = [request.node?.userAgentName, versionOf(request)].filter(Boolean).join('/').slice(0, 100);
    return admitted.session;
  }

  /** What is not sent now stays in the session and merges with what comes. */
  #pump(): void {
    const session = this.#admitted?.session;
    if (session === undefined) return;
    while (!this.#isOver && this.#rpc.writable) {
      const response = session.next();
      if (response === null) return;
      this.#rpc.send(response.bytes);
    }
  }
}

function versionOf(request: DeltaDiscoveryRequest): string | undefined {
  const version = request.node?.userAgentVersionType;
  return version?.case === 'userAgentVersion' ? version.value : undefined;
}

const CODES: Partial<Record<WeftError['code'], number>> = {
  invalid: RPC_STATUS.invalidArgument,
  'limit-exceeded': RPC_STATUS.resourceExhausted,
};

function statusOf(error: unknown): RpcStatus {
  const code = isWeftError(error) ? CODES[error.code] : undefined;
  return { code: code ?? RPC_STATUS.internal, message: messageOf(error) };
}
