/**
 * The connection over which a host is asked, in the protocol that its traffic speaks. Between checks it stays open where
 * the configuration allows it.
 */
import type { Connection } from '../../../core/runtime.ts';
import { Http1Client, type Http1ClientCallbacks } from '../../../http/h1/client.ts';
import { DEFAULT_HTTP1_LIMITS } from '../../../http/h1/limits.ts';
import { Http2Client, type Http2ClientCallbacks } from '../../../http/h2/client.ts';
import type { Http2Limits } from '../../../http/h2/limits.ts';
import { type MessageReceiver, RESET, type Stream } from '../../../http/message.ts';
import { Dial, type DialOwner, type DialTarget } from '../dial.ts';
import type { ProbeParts } from './tcp-probe.ts';

export interface ProbeLineOptions extends ProbeParts {
  /** null: HTTP/1.1. */
  readonly http2: Http2Limits | null;
  readonly reuse: boolean;
}

/** One of the two for each `open`. */
export interface ProbeLineOwner extends MessageReceiver {
  onStream(stream: Stream): void;
  onUnreachable(reason: string): void;
}

export class ProbeLine implements DialOwner, Http1ClientCallbacks, Http2ClientCallbacks {
  readonly #options: ProbeLineOptions;
  readonly #owner: ProbeLineOwner;
  #dial: Dial | null = null;
  #http1: Http1Client | null = null;
  #http2: Http2Client | null = null;
  #stream: Stream | null = null;

  constructor(options: ProbeLineOptions, owner: ProbeLineOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  open(target: DialTarget): void {
    if (this.#http1?.idle) return this.#use(this.#http1.open(this.#owner));
    if (this.#http2 !== null && this.#http2.room > 0) return this.#use(this.#http2.open(this.#owner));
    this.#close();
    this.#dial = new Dial(this.#options.dialer, this, target);
    this.#dial.start(this.#options.connectTimeoutMs);
  }

  /** The answer is known: what is left of it has no reader. `whole`: nothing is left. */
  done(whole: boolean): void {
    const stream = this.#stream;
    this.#stream = null;
    if (!whole) stream?.discard();
    if (!this.#options.reuse) this.#close();
  }

  cancel(): void {
    this.#dial?.cancel();
    this.#dial = null;
    const stream = this.#stream;
    this.#stream = null;
    stream?.reset(RESET.cancelled);
    this.#close();
  }

  dialed(_dial: Dial, connection: Connection): void {
    this.#dial = null;
    const { http2, dialer } = this.#options;
    if (http2 === null) {
      const client = new Http1Client({ limits: DEFAULT_HTTP1_LIMITS, callbacks: this });
      this.#http1 = client;
      client.attach(connection);
      client.onOpen();
      this.#use(client.open(this.#owner));
      return;
    }
    const { timers, runtime } = dialer;
    const client = new Http2Client({ limits: http2, timers, clock: runtime.clock, callbacks: this });
    this.#http2 = client;
    client.attach(connection);
    client.onOpen();
    this.#use(client.open(this.#owner));
  }

  dialFailed(_dial: Dial, reason: string): void {
    this.#dial = null;
    this.#owner.onUnreachable(reason);
  }

  onConnected(): void {}
  onIdle(): void {}
  onRoom(): void {}
  onDraining(): void {}
  onLimit(): void {}

  onGone(client: Http1Client | Http2Client): void {
    if (client === this.#http1) this.#http1 = null;
    if (client === this.#http2) this.#http2 = null;
  }

  #use(stream: Stream): void {
    this.#stream = stream;
    this.#owner.onStream(stream);
  }

  /** What is in flight ends first. */
  #close(): void {
    const [http1, http2] = [this.#http1, this.#http2];
    this.#http1 = null;
    this.#http2 = null;
    http1?.close();
    http2?.close();
  }
}
