/** A handler that writes down what happens to it, and lets a test wait for it. */
import type { ConnectionHandler } from '../../core/runtime.ts';

export class Recorder implements ConnectionHandler {
  events: string[] = [];
  text = '';
  byteCount = 0;
  reason: string | null = null;
  onData: ((bytes: Uint8Array, start: number, end: number) => void) | null = null;
  onEndDo: (() => void) | null = null;
  onOpenDo: (() => void) | null = null;
  onDrainedDo: (() => void) | null = null;

  onOpen(): void {
    this.events.push('open');
    this.onOpenDo?.();
  }

  onBytes(bytes: Uint8Array, start: number, end: number): void {
    this.byteCount += end - start;
    if (this.events.at(-1) !== 'bytes') this.events.push('bytes');
    if (this.byteCount < 65_536) this.text += Buffer.from(bytes.subarray(start, end)).toString('latin1');
    this.onData?.(bytes, start, end);
  }

  onDrained(): void {
    this.events.push('drained');
    this.onDrainedDo?.();
  }

  onEnd(): void {
    this.events.push('end');
    this.onEndDo?.();
  }

  onClose(reason: string): void {
    if (this.reason !== null) throw new Error(`closed twice: ${this.reason}, ${reason}`);
    this.events.push('close');
    this.reason = reason;
  }

  get closed(): boolean {
    return this.reason !== null;
  }
}
