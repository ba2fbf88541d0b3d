/** A Connection in memory for the codecs' tests: bytes in by `feed`, bytes out in `written`, time and backlog by hand. */
import type { Clock, Connection, ConnectionHandler, ConnectionInfo } from '../../../core/runtime.ts';
import { TimerWheel } from '../../../core/timer-wheel.ts';

const NOBODY: ConnectionHandler = {
  onOpen() {},
  onBytes() {},
  onDrained() {},
  onEnd() {},
  onClose() {},
};

const OUT = new Uint8Array(65_536);

export class MemoryConnection implements Connection {
  handler: ConnectionHandler = NOBODY;
  info: ConnectionInfo = {
    local: { host: '127.0.0.1', port: 1 },
    remote: { host: '127.0.0.1', port: 2 },
    tls: null,
  };
  /** One for all: what is committed is copied at once. */
  out = OUT;
  backlog = 0;
  unflushed = 0;
  /** Whether what is written stays in `backlog`, as with a kernel that is slow to tell. */
  keepsBacklog = false;
  /** Whether what is written stays in `unflushed` too, as in a turn that has not ended. */
  keepsUnflushed = false;
  closed = false;
  paused = false;
  ended = false;
  reason = '';
  #inbox: Buffer[] = [];
  #finReceived = false;
  #finDelivered = false;
  #delivering = false;
  #reserved = 0;
  #sent: Buffer[] = [];

  get written(): string {
    return Buffer.concat(this.#sent).toString('latin1');
  }

  /** Bytes that the handler has not read. */
  get unreadBytes(): string {
    return Buffer.concat(this.#inbox).toString('latin1');
  }

  takeWritten(): string {
    const text = this.written;
    this.#sent = [];
    return text;
  }

  feed(text: string | Uint8Array): void {
    this.#inbox.push(typeof text === 'string' ? Buffer.from(text, 'latin1') : Buffer.from(text));
    this.pump();
  }

  fin(): void {
    this.#finReceived = true;
    this.pump();
  }

  pump(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    while (!this.paused && !this.closed && this.#inbox.length > 0) {
      const bytes = this.#inbox.shift() ?? Buffer.alloc(0);
      // Borrowed: what the handler keeps without a copy turns into rubbish; and not from offset 0.
      const lent = Buffer.alloc(bytes.length + 3, 0x21);
      lent.set(bytes, 2);
      this.handler.onBytes(lent, 2, 2 + bytes.length);
      lent.fill(0x21);
    }
    if (this.#finReceived && !this.#finDelivered && !this.paused && !this.closed && this.#inbox.length === 0) {
      this.#finDelivered = true;
      this.handler.onEnd();
      this.#closeWhenBothEnded();
    }
    this.#delivering = false;
  }

  reserve(bytes: number): number {
    if (bytes > 65_536) throw new Error('more than 64 KiB reserved');
    this.out.fill(0x3f, 0, bytes);
    this.#reserved = bytes;
    return 0;
  }

  commit(end: number): void {
    if (end > this.#reserved) throw new Error(`${end} bytes committed, ${this.#reserved} reserved`);
    this.write(this.out, 0, end);
  }

  write(bytes: Uint8Array, start: number, end: number): void {
    if (this.closed) throw new Error('written after close');
    if (this.ended) throw new Error('written after end');
    if (this.keepsBacklog) this.backlog += end - start;
    if (this.keepsUnflushed) this.unflushed += end - start;
    this.#sent.push(Buffer.from(bytes.subarray(start, end)));
  }

  unread(bytes: Uint8Array, start: number, end: number): void {
    this.#inbox.unshift(Buffer.from(bytes.subarray(start, end)));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
    this.pump();
  }

  end(): void {
    if (this.ended) throw new Error('ended twice');
    this.ended = true;
    this.#closeWhenBothEnded();
  }

  destroy(reason: string): void {
    if (this.closed) return;
    this.closed = true;
    this.reason = reason;
    this.handler.onClose(reason);
  }

  #closeWhenBothEnded(): void {
    if (this.ended && this.#finDelivered && !this.closed) this.destroy('');
  }
}

/** Time that moves when told to, and a wheel on it. */
export class ManualTime implements Clock {
  readonly timers: TimerWheel;
  #now = 0;
  #alarms: { at: number; run: () => void }[] = [];

  constructor() {
    this.timers = new TimerWheel(this);
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now;
  }

  wake(at: number, run: () => void): () => void {
    const alarm = { at, run };
    this.#alarms.push(alarm);
    return () => {
      this.#alarms = this.#alarms.filter((a) => a !== alarm);
    };
  }

  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = this.#alarms.filter((a) => a.at <= until).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#alarms = this.#alarms.filter((a) => a !== next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
    }
    this.#now = until;
  }
}
