/** A connection, something to say, and what must come back; with nothing to say or to hear, the connection is enough. */
import { copyBytes } from '../../../core/bytes.ts';
import type { Connection, ConnectionHandler } from '../../../core/runtime.ts';
import type { TcpProbeConfig } from '../../../snapshot/health-check-config.ts';
import { Dial, type Dialer, type DialOwner, type DialTarget } from '../dial.ts';
import type { Probe, ProbeOwner } from './probe.ts';

/** Of an answer; what is sought must be found within. */
const MAX_BYTES = 4_096;

export interface ProbeParts {
  readonly dialer: Dialer;
  readonly owner: ProbeOwner;
  readonly connectTimeoutMs: number;
}

export class TcpProbe implements Probe, DialOwner, ConnectionHandler {
  readonly #config: TcpProbeConfig;
  readonly #parts: ProbeParts;
  readonly #heard = new Uint8Array(MAX_BYTES);
  #used = 0;
  #dial: Dial | null = null;
  #connection: Connection | null = null;

  constructor(config: TcpProbeConfig, parts: ProbeParts) {
    this.#config = config;
    this.#parts = parts;
  }

  run(target: DialTarget): void {
    this.#used = 0;
    this.#dial = new Dial(this.#parts.dialer, this, target);
    this.#dial.start(this.#parts.connectTimeoutMs);
  }

  cancel(): void {
    this.#dial?.cancel();
    this.#dial = null;
    const connection = this.#connection;
    this.#connection = null;
    connection?.destroy('');
  }

  dialed(_dial: Dial, connection: Connection): void {
    this.#dial = null;
    this.#connection = connection;
    connection.handler = this;
    const { send, receive } = this.#config;
    if (send.length > 0) connection.write(send, 0, send.length);
    if (receive.length === 0) this.#end('');
  }

  dialFailed(_dial: Dial, reason: string): void {
    this.#dial = null;
    this.#end(reason);
  }

  onOpen(): void {}
  onDrained(): void {}

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    const taken = Math.min(end, start + MAX_BYTES - this.#used);
    this.#used = copyBytes(bytes, start, taken, this.#heard, this.#used);
    if (this.#hasAll()) this.#end('');
    else if (this.#used === MAX_BYTES) this.#end('the answer is another one');
  }

  onEnd(): void {
    this.#end('closed before the whole answer came');
  }

  onClose(reason: string): void {
    if (this.#connection !== null) this.#end(reason || 'closed before the whole answer came');
  }

  #hasAll(): boolean {
    const heard = Buffer.from(this.#heard.buffer, 0, this.#used);
    let from = 0;
    for (const part of this.#config.receive) {
      const at = heard.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return true;
  }

  #end(fault: string): void {
    const connection = this.#connection;
    this.#connection = null;
    // With FIN: what was sent still arrives.
    connection?.end();
    connection?.destroy('');
    this.#parts.owner.probed(fault, false);
  }
}
