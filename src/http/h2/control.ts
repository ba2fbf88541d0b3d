/**
 * The frames that concern the connection as a whole (SETTINGS, PING) and its clocks: what was agreed, whether the peer
 * is still there, and what it may ask of us without bringing work.
 */
import type { Connection } from '../../core/runtime.ts';
import { ALARM, type AlarmKind } from './alarm.ts';
import { Budget } from './budget.ts';
import { ERROR } from './error-code.ts';
import { ACK, MAX_WINDOW } from './frame.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import type { Http2Stream } from './http2-stream.ts';
import { LIMIT, type LimitName } from './limits.ts';
import { Http2Link, type LinkOptions } from './link.ts';
import { PROBE } from './receive-windows.ts';
import { PeerSettings, SETTING_BYTES } from './settings.ts';
import { writePing, writeSettingsAck } from './write-frame.ts';

/** Settings that cost as much as a frame of their own. */
const SETTINGS_PER_CONTROL = 8;
/** A change of the initial window is work for every stream: so many of them cost as much as a frame. */
const STREAMS_PER_CONTROL = 8;
/** One more for so many bytes of content that we sent: who takes content gives credit. */
const BYTES_PER_CONTROL = 512;

const PING_BYTES = 8;
const KEEP_ALIVE: Uint8Array = Buffer.from('weftlive', 'latin1');
/** Between the two GOAWAYs of a drain. */
const DRAIN: Uint8Array = Buffer.from('weftlast', 'latin1');

export abstract class Http2Control<S extends Http2Stream> extends Http2Link<S> {
  protected readonly peer = new PeerSettings();
  protected readonly decoder: HpackDecoder;
  /** Of frames that ask for work and bring none. */
  protected readonly control: Budget;
  /** Reads, and frames, so that whoever waits can see whether anything came. */
  protected reads = 0;
  protected frames = 0;
  readonly #isServer: boolean;
  /** Our SETTINGS that the peer has not acknowledged: by how much each changed the window of all streams. */
  readonly #unacknowledged: number[] = [0];
  /** Answers written since the output was last empty. */
  #answers = 0;
  #paidBytes = 0;
  #framesWhenArmed = 0;
  #readsWhenArmed = 0;
  #asksForLife = false;

  constructor(connection: Connection, options: LinkOptions, isServer: boolean) {
    super(connection, options);
    const { limits, clock } = options;
    this.#isServer = isServer;
    this.decoder = new HpackDecoder(limits.maxTableBytes, {
      anyAuthority: limits.anyAuthority === true,
      maxListBytes: limits.maxHeadBytes,
      maxFields: limits.maxFields,
    });
    this.control = new Budget(clock, limits.controlFrameBurst, limits.controlFramesPerSecond);
    this.alarms.arm(ALARM.settings, limits.settingsTimeoutMs);
    this.alarms.arm(ALARM.idle, limits.idleTimeoutMs);
    this.alarms.arm(ALARM.keepAlive, limits.keepAliveIntervalMs);
  }

  /** The peer's SETTINGS have come, or have changed. */
  protected abstract settingsChanged(): void;
  /** The PING of a drain is answered, or has waited long enough. */
  protected abstract drainAnswered(): void;

  override onAlarm(kind: AlarmKind): void {
    switch (kind) {
      case ALARM.settings:
        return this.fail(ERROR.settingsTimeout, LIMIT.settingsTimeout, LIMIT.settingsTimeout);
      case ALARM.head:
        if (this.frames !== this.#framesWhenArmed) return this.watchHead();
        return this.fail(ERROR.enhanceYourCalm, LIMIT.headTimeout, LIMIT.headTimeout);
      case ALARM.idle:
        if (this.active === 0) this.fail(ERROR.none, LIMIT.idle, LIMIT.idle);
        return;
      case ALARM.keepAlive:
        return this.#keepAlive();
      case ALARM.watch:
        return this.findStalled();
      case ALARM.drain:
        return this.drainAnswered();
      default:
        if (this.over) this.connection.destroy('');
        else this.endLingering();
    }
  }

  /** A field section has begun and must end in time. */
  protected watchHead(): void {
    this.#framesWhenArmed = this.frames;
    this.alarms.arm(ALARM.head, this.limits.headTimeoutMs);
  }

  /** Bytes have come. */
  protected isRead(): void {
    this.reads++;
    const { backlog } = this.connection;
    if (backlog === 0) this.#answers = 0;
    else if (backlog > this.limits.maxBacklogBytes) this.fail(ERROR.enhanceYourCalm, LIMIT.backlog, LIMIT.backlog);
  }

  /** A frame that brings nothing. False: there have been too many, and the connection is over. */
  protected pay(cost: number, limit: LimitName): boolean {
    if (this.control.spend(cost)) return true;
    this.fail(ERROR.enhanceYourCalm, limit, limit);
    return false;
  }

  /** The same for credit, which content that we sent has paid for. */
  protected payForCredit(cost: number): boolean {
    const { sentBytes } = this.scheduler;
    this.control.earn((sentBytes - this.#paidBytes) / BYTES_PER_CONTROL);
    this.#paidBytes = sentBytes;
    return this.pay(cost, LIMIT.windowUpdates);
  }

  protected onSettings(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) return this.fail(ERROR.protocol, 'SETTINGS on a stream');
    if ((flags & ACK) !== 0) {
      if (end > start) return this.fail(ERROR.frameSize, 'an acknowledgement with settings');
      return this.#acknowledged();
    }
    if ((end - start) % SETTING_BYTES !== 0) return this.fail(ERROR.frameSize, 'half a setting');
    if (!this.pay(1 + (end - start) / SETTING_BYTES / SETTINGS_PER_CONTROL, LIMIT.settings)) return;
    const window = this.peer.initialWindow;
    const error = this.peer.apply(bytes, start, end, !this.#isServer);
    if (error !== 0) return this.fail(error, 'a setting out of its range');
    this.encoder.onPeerTableBytes(this.peer.headerTableBytes);
    if (!this.#answer()) return;
    writeSettingsAck(this.connection);
    const change = this.peer.initialWindow - window;
    if (change !== 0 && this.pay(this.streams.size / STREAMS_PER_CONTROL, LIMIT.settings)) this.#shiftWindows(change);
    if (!this.over) this.settingsChanged();
  }

  protected onPing(flags: number, id: number, bytes: Uint8Array, start: number, end: number): void {
    if (id !== 0) return this.fail(ERROR.protocol, 'PING on a stream');
    if (end - start !== PING_BYTES) return this.fail(ERROR.frameSize, 'PING is not 8 bytes');
    if ((flags & ACK) === 0) {
      if (this.pay(1, LIMIT.pings) && this.#answer()) writePing(this.connection, ACK, bytes, start);
    } else if (this.windows.probing && isSame(PROBE, bytes, start)) this.windows.probed();
    else if (this.alarms.armed(ALARM.drain) && isSame(DRAIN, bytes, start)) this.drainAnswered();
    // What is answered unasked costs; to be asked for a sign of life and give it does not.
    else if (!this.#asksForLife || !isSame(KEEP_ALIVE, bytes, start)) this.pay(1, LIMIT.pings);
  }

  protected askBeforeDrain(): void {
    writePing(this.connection, 0, DRAIN, 0);
    this.alarms.arm(ALARM.drain, this.limits.drainGraceMs);
  }

  #acknowledged(): void {
    const change = this.#unacknowledged.shift();
    if (change === undefined) {
      this.pay(1, LIMIT.settings);
      return;
    }
    if (change < 0) {
      this.windows.resized(change);
      this.#changeReceiveWindows(change);
    }
    this.decoder.onSettingsAcknowledged(this.limits.maxTableBytes);
    if (this.#unacknowledged.length === 0 && this.peer.known) this.alarms.disarm(ALARM.settings);
  }

  /** More is held for streams that nobody reads than should be, or no longer. */
  protected resizeWindows(): void {
    const change = this.windows.resize();
    if (change === 0) return;
    this.#unacknowledged.push(change);
    if (change < 0) this.onLimit(LIMIT.held);
    // What the peer gains counts at once, though it will know later.
    else this.#changeReceiveWindows(change);
  }

  #changeReceiveWindows(change: number): void {
    for (const stream of this.streams.list()) stream.receiveWindowChanged(change);
  }

  /** RFC 9113 section 6.9.2: the change counts for every stream. */
  #shiftWindows(change: number): void {
    for (const stream of this.streams.list()) {
      stream.sendWindow += change;
      if (stream.sendWindow > MAX_WINDOW) return this.fail(ERROR.flowControl, 'a window beyond its bound');
      if (change > 0) stream.windowGrew();
    }
  }

  /** False: a peer that does not read them has asked for too many answers. */
  #answer(): boolean {
    if (++this.#answers <= this.limits.maxQueuedAnswers) return true;
    this.fail(ERROR.enhanceYourCalm, LIMIT.answers, LIMIT.answers);
    return false;
  }

  #keepAlive(): void {
    const { keepAliveIntervalMs, keepAliveTimeoutMs } = this.limits;
    if (this.reads !== this.#readsWhenArmed) {
      this.#asksForLife = false;
      this.#readsWhenArmed = this.reads;
      this.alarms.arm(ALARM.keepAlive, keepAliveIntervalMs);
    } else if (this.#asksForLife) {
      this.onLimit(LIMIT.keepAlive);
      this.connection.destroy(LIMIT.keepAlive);
    } else {
      this.#asksForLife = true;
      writePing(this.connection, 0, KEEP_ALIVE, 0);
      this.alarms.arm(ALARM.keepAlive, keepAliveTimeoutMs);
    }
  }
}

function isSame(ours: Uint8Array, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < PING_BYTES; i++) if (ours[i] !== bytes[start + i]) return false;
  return true;
}
