/**
 * A relayed stream of a program that starts: while the control plane is away it is answered with what was kept, and cut
 * when the control plane is heard, so that the program asks anew. One that has resources already is left to wait.
 */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { Clock, Random, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { TYPE_URLS, type XdsView } from '../../xds/resource.ts';
import { Quarantine } from '../../xds/server/quarantine.ts';
import { ResponseCache } from '../../xds/server/response-cache.ts';
import { type ClientTraits, type Dialect, Session } from '../../xds/server/session.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../../xds/tables/messages.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import { AcceptedResources } from './accepted-resources.ts';
import type { KeptResources } from './kept-resources.ts';
import { MAX_REQUEST_BYTES, TOO_LARGE } from './relayed-stream.ts';
import { withUnreachable } from './unreachable-hosts.ts';

/** A control plane that has said nothing for this long counts as away. */
const SILENCE_MS = 2_000;
const RETRY_MS = 2_000;
const UNAVAILABLE = 14;
const INVALID_ARGUMENT = 3;
const RESOURCE_EXHAUSTED = 8;
const AWAY: RpcStatus = { code: UNAVAILABLE, message: 'the control plane is away' };
const NO_IDENTITY: RpcStatus = { code: UNAVAILABLE, message: 'the workload has no valid identity' };

type AnyRequest = DeltaDiscoveryRequest | DiscoveryRequest;

export interface SteadyOptions<Request extends AnyRequest> {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly dialect: Dialect<Request>;
  readonly client: ClientTraits;
  readonly kept: KeptResources;
  /** A new stream to the control plane; null without a valid identity. */
  readonly open: (handler: RpcHandler) => RpcStream | null;
  /** Without one nothing that was kept is served either. */
  readonly hasIdentity: () => boolean;
  /** Once, with the status that ended it. */
  readonly onEnd: (status: RpcStatus) => void;
}

export class SteadyStream<Request extends AnyRequest> implements RpcHandler {
  readonly #down: RpcStream;
  readonly #options: SteadyOptions<Request>;
  readonly #accepted: AcceptedResources;
  /** `asking`: the control plane has not answered yet. */
  #state: 'asking' | 'through' | 'kept' | 'over' = 'asking';
  #up: RpcStream | null = null;
  /** What the program has said before there was an answer. */
  #asked: Uint8Array[] = [];
  #askedBytes = 0;
  #session: Session<Request> | null = null;
  /** What was kept, and what stands for what was not. */
  #offered: XdsView = new Map();
  #cancelTimer: () => void = () => {};

  constructor(down: RpcStream, options: SteadyOptions<Request>) {
    this.#down = down;
    this.#options = options;
    this.#accepted = new AcceptedResources(options.dialect.variant, options.kept);
  }

  /** Separate from construction: what it opens may be over at once. */
  start(): void {
    this.#open();
    this.#after(SILENCE_MS, () => {
      if (!this.#serveKept() && this.#up === null) this.#end(AWAY);
    });
  }

  onMessage(message: Uint8Array): void {
    if (message.length > MAX_REQUEST_BYTES) return this.#end(TOO_LARGE);
    if (this.#state === 'kept') return this.#answer(message);
    this.#read(() => this.#accepted.onRequest(message));
    if (this.#state === 'asking') this.#keepAsked(message);
    if (this.#up === null) {
      if (!this.#serveKept()) this.#end(AWAY);
      return;
    }
    this.#up.send(message);
    if (!this.#up.writable) this.#down.pause();
  }

  onWritable(): void {
    this.#up?.resume();
    this.#pump();
  }

  onClose(status: RpcStatus): void {
    this.#finish(status);
  }

  #open(): RpcStream | null {
    const up = this.#options.open({
      onMessage: (message) => this.#onResponse(message),
      onWritable: () => this.#down.resume(),
      onClose: (status) => this.#onUpClosed(status),
    });
    if (up === null) this.#end(NO_IDENTITY);
    else this.#up = up;
    return up;
  }

  #onResponse(message: Uint8Array): void {
    if (this.#state === 'over') return;
    if (this.#state === 'kept') {
      this.#options.log.info('the control plane is back');
      return this.#end({ code: UNAVAILABLE, message: 'the control plane is back' });
    }
    if (this.#state === 'asking') {
      this.#state = 'through';
      this.#asked = [];
      this.#cancelTimer();
    }
    this.#read(() => this.#accepted.onResponse(message));
    this.#down.send(message);
    if (!this.#down.writable) this.#up?.pause();
  }

  #onUpClosed(status: RpcStatus): void {
    this.#up = null;
    // The next tick asks again.
    if (this.#state === 'kept') return;
    if (this.#state === 'asking' && status.code === UNAVAILABLE) {
      // It has not said yet what it wants.
      if (this.#asked.length === 0 && !this.#isLong && this.#options.kept.view !== null) return;
      if (this.#serveKept()) return;
    }
    this.#end(status);
  }

  /** False: there is nothing, or the program has something already. */
  #serveKept(): boolean {
    const { kept, dialect, client, clock, log } = this.#options;
    const { view } = kept;
    if (this.#state !== 'asking' || view === null || !this.#isFresh()) return false;
    log.warn('the control plane is away: the data plane gets what was kept', { types: view.size });
    this.#state = 'kept';
    this.#session = new Session(dialect, {
      ...{ nodeId: '', client, responses: new ResponseCache(0), quarantine: new Quarantine() },
      wallMs: () => clock.wall(),
      onNack: ({ name, reason }) => log.warn('the data plane refuses what was kept', { name, reason }),
    });
    this.#offered = view;
    this.#session.offer(view);
    for (const message of this.#asked) this.#answer(message);
    this.#asked = this.#asked.slice(0, 1);
    this.#tick();
    return true;
  }

  /** While the control plane is away: whether it is back, and whether the identity still holds. */
  #tick(): void {
    const { random, hasIdentity } = this.#options;
    this.#after(RETRY_MS * (0.5 + random.next() / 2), () => {
      if (!hasIdentity()) return this.#end(NO_IDENTITY);
      if (this.#up === null) {
        const up = this.#open();
        const [first] = this.#asked;
        if (first !== undefined) up?.send(first);
      }
      if (this.#state === 'kept') this.#tick();
    });
  }

  #isFresh(): boolean {
    if (this.#asked.length === 0 || this.#isLong) return false;
    try {
      return this.#asked.every((message) => !hasResources(this.#decoded(message)));
    } catch {
      return false;
    }
  }

  #keepAsked(message: Uint8Array): void {
    this.#askedBytes += message.length;
    if (this.#isLong) this.#asked = [];
    else this.#asked.push(new Uint8Array(message));
  }

  get #isLong(): boolean {
    return this.#askedBytes > MAX_REQUEST_BYTES;
  }

  #answer(message: Uint8Array): void {
    try {
      const request = this.#decoded(message);
      if ('resourceNamesSubscribe' in request && request.typeUrl === TYPE_URLS.virtualHosts) {
        this.#offered = withUnreachable(this.#offered, request.resourceNamesSubscribe);
        this.#session?.offer(this.#offered);
      }
      this.#session?.onRequest(request);
    } catch (error) {
      const code = isWeftError(error, 'limit-exceeded') ? RESOURCE_EXHAUSTED : INVALID_ARGUMENT;
      return this.#end({ code, message: messageOf(error) });
    }
    this.#pump();
  }

  #pump(): void {
    while (this.#session !== null && this.#state === 'kept' && this.#down.writable) {
      const response = this.#session.next();
      if (response === null) return;
      this.#down.send(response.bytes);
    }
  }

  #decoded(message: Uint8Array): Request {
    return decode(this.#options.dialect.table, message, { maxBytes: MAX_REQUEST_BYTES });
  }

  /** What cannot be read is passed on all the same: the control plane says what is wrong with it. */
  #read(read: () => void): void {
    try {
      read();
    } catch (error) {
      this.#options.log.debug('a relayed message cannot be read', { reason: messageOf(error) });
    }
  }

  #after(ms: number, run: () => void): void {
    const { clock } = this.#options;
    this.#cancelTimer();
    this.#cancelTimer = clock.wake(clock.now() + ms, run);
  }

  #end(status: RpcStatus): void {
    if (this.#state === 'over') return;
    this.#finish(status);
    this.#down.end(status);
  }

  #finish(status: RpcStatus): void {
    if (this.#state === 'over') return;
    this.#state = 'over';
    this.#cancelTimer();
    this.#session?.close();
    this.#asked = [];
    this.#up?.destroy();
    this.#options.onEnd(status);
  }
}

/** What a program says that comes back with what it had. */
function hasResources(request: AnyRequest): boolean {
  return 'versionInfo' in request ? request.versionInfo !== '' : request.initialResourceVersions.size > 0;
}
