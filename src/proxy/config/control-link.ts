/**
 * The stream to the control plane: opened with this workload's SVID, opened anew when that changes or the stream ends,
 * later and later while nobody answers. It moves messages; what they mean is the DeltaClient's.
 */
import type { Log } from '../../core/log.ts';
import type {
  Address,
  Clock,
  PeerCertificate,
  Random,
  RpcCaller,
  RpcHandler,
  RpcStatus,
  RpcStream,
  TlsOptions,
} from '../../core/runtime.ts';
import { CallbackTimer, type Timers } from '../../core/timer-wheel.ts';
import { messageOf } from '../../core/errors.ts';
import { verifySpiffePeer } from '../../identity/peer-check.ts';
import { readSpiffeId } from '../../identity/spiffe-id.ts';
import { isValid, type SvidSource } from '../../identity/svid.ts';
import type { DeltaClient } from '../../xds/client/delta-client.ts';
import { BackOff } from './back-off.ts';

const PATH = '/envoy.service.discovery.v3.AggregatedDiscoveryService/DeltaAggregatedResources';
/** A name in every control plane's certificate, whatever its address. */
const SERVER_NAME = 'localhost';

export interface ControlLinkOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly rpc: RpcCaller;
  readonly timers: Timers;
  readonly log: Log;
  readonly address: Address;
  readonly svid: SvidSource;
  /** Roots of the control plane's certificate, asked for at each connection. */
  readonly trustBundlePem: () => string;
  readonly client: DeltaClient;
  /** After each message that was taken in. */
  readonly onMessage: () => void;
  /** An attempt failed, or a stream ended. */
  readonly onDown: () => void;
}

export class ControlLink {
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
    this.#unsubscribe = options.svid.subscribe(() => this.open());
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
    const { timers, client, rpc, address, log } = this.#options;
    if (this.#closed) return;
    this.#drop();
    timers.disarm(this.#retry);
    const tls = this.#tls();
    if (tls === null) {
      log.warn('no valid identity to show to the control plane');
      this.#later();
      return;
    }
    client.open();
    const generation = ++this.#generation;
    const stream = rpc.open({ address, tls }, PATH, this.#handler(generation));
    // It may have failed before `open` returned.
    if (generation !== this.#generation) return;
    this.#stream = stream;
    this.flush();
  }

  /** Sends what the client has to say, as far as the stream takes it. */
  flush(): void {
    while (this.#stream?.writable === true) {
      const request = this.#options.client.next();
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
    this.#options.client.close();
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
    const { client, clock, log, onMessage } = this.#options;
    try {
      client.onMessage(bytes);
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
    const { log, address } = this.#options;
    log.warn('the stream to the control plane ended', {
      address: `${address.host}:${address.port}`,
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

  /** Null without a valid SVID: the control plane would refuse, and a plaintext stream would give our names away. */
  #tls(): TlsOptions | null {
    const { svid: source, clock, trustBundlePem } = this.#options;
    const svid = source.current();
    if (svid === null || !isValid(svid, clock.wall())) return null;
    const own = readSpiffeId(svid.id);
    if (typeof own === 'string') return null;
    const { trustDomain } = own;
    const ids = [`spiffe://${trustDomain}/ns/weft-system/sa/control-plane`];
    return {
      role: 'client',
      identity: {
        certificateChainPem: svid.certificateChainPem,
        privateKeyPem: svid.privateKeyPem,
        trustBundlePem: trustBundlePem(),
      },
      alpn: ['h2'],
      serverName: SERVER_NAME,
      requirePeerCertificate: true,
      verifyPeer: (peer: PeerCertificate) => verifySpiffePeer(peer, { trustDomain, role: 'server', ids }, clock.wall()),
    };
  }
}
