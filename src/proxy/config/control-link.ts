/**
 * One stream to a server of xDS: opened anew when it ends or when its channel changes, later and later while nobody
 * answers. It moves messages; what they mean is the XdsStream's.
 */
import type { RpcCaller, RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';
import { messageOf } from '../../core/errors.ts';
import { CallbackTimer } from '../../core/timer-wheel.ts';
import type { XdsStream } from '../../xds/client/xds-stream.ts';
import { BackOff } from './back-off.ts';
import type { XdsLink, XdsLinkOptions } from './xds-link.ts';

export interface ControlLinkOptions extends XdsLinkOptions {
  readonly rpc: RpcCaller;
  /** The method that is called. */
  readonly path: string;
  readonly stream: XdsStream;
}

export class ControlLink implements XdsLink {
  readonly #options: ControlLinkOptions;
  readonly #backOff: BackOff;
  readonly #retry: CallbackTimer;
  readonly #unsubscribe: () => void;
  #stream: RpcStream | null = null;
  /** Counts streams: a call from one that was replaced is of the past. */
  #generation = 0;
  #answered = false;
  #lastContact: number;
  #closed = false;

  constructor(options: ControlLinkOptions) {
    this.#options = options;
    this.#backOff = new BackOff(options.random);
    this.#retry = new CallbackTimer(() => this.open());
    this.#lastContact = options.clock.now();
    this.#unsubscribe = options.channel.subscribe(() => this.open());
  }

  /** The control plane has answered on the stream that is open now. */
  get connected(): boolean {
    return this.#stream !== null && this.#answered;
  }

  /** Seconds since the control plane was last in contact; 0 while it is. */
  get staleSeconds(): number {
    return this.connected ? 0 : (this.#options.clock.now() - this.#lastContact) / 1000;
  }

  /** Opens a stream; one that is open is replaced. What is held stays in use and is not sent again. */
  open(): void {
    const { timers, stream: client, rpc, channel, path, log } = this.#options;
    if (this.#closed) return;
    this.#drop();
    timers.disarm(this.#retry);
    const target = channel.target();
    if (target === null) {
      log.warn('no valid identity to show to the control plane');
      this.#later();
      return;
    }
    client.open();
    const generation = ++this.#generation;
    const stream = rpc.open(target, path, this.#handler(generation));
    // It may have failed before `open` returned.
    if (generation !== this.#generation) return;
    this.#stream = stream;
    this.flush();
  }

  /** Sends what the client has to say, as far as the stream takes it. */
  flush(): void {
    while (this.#stream?.writable === true) {
      const request = this.#options.stream.next();
      if (request === null) return;
      this.#stream.send(request);
    }
  }

  close(): void {
    this.#closed = true;
    this.#unsubscribe();
    this.#options.timers.disarm(this.#retry);
    this.#drop();
  }

  #drop(): void {
    const stream = this.#stream;
    if (this.connected) this.#lastContact = this.#options.clock.now();
    this.#stream = null;
    this.#answered = false;
    this.#generation++;
    this.#options.stream.close();
    stream?.destroy();
  }

  #handler(generation: number): RpcHandler {
    return {
      onMessage: (bytes) => {
        if (generation === this.#generation) this.#onMessage(bytes);
      },
      onWritable: () => {
        if (generation === this.#generation) this.flush();
      },
      onClose: (status) => {
        if (generation === this.#generation) this.#onClose(status);
      },
    };
  }

  #onMessage(bytes: Uint8Array): void {
    const { stream, clock, log, onMessage } = this.#options;
    try {
      stream.onMessage(bytes);
    } catch (error) {
      log.error('the control plane sent what is no response', { error: messageOf(error) });
      this.#drop();
      this.#later();
      return;
    }
    if (!this.#answered) log.info('connected to the control plane');
    this.#answered = true;
    this.#lastContact = clock.now();
    this.#backOff.reset();
    onMessage();
    this.flush();
  }

  #onClose(status: RpcStatus): void {
    const { log, channel, path } = this.#options;
    log.warn('the stream to the control plane ended', {
      address: channel.name,
      method: path.slice(path.lastIndexOf('/') + 1),
      code: status.code,
      reason: status.message,
    });
    this.#drop();
    this.#later();
  }

  #later(): void {
    this.#options.timers.arm(this.#retry, this.#backOff.nextMs());
    this.#options.onDown();
  }
}
