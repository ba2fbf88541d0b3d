/**
 * The access logs that the configuration names: a buffer for each path, shared by all who write there. What is written
 * is made when a request ends; who names no log pays nothing.
 */
import type { Counter } from '../../core/counters.ts';
import type { Log } from '../../core/log.ts';
import type { Files } from '../../core/runtime.ts';
import type { Timers } from '../../core/timer-wheel.ts';
import type { AccessLogConfig } from '../../snapshot/access-log-config.ts';
import type { FactsOwner } from '../../snapshot/format/facts.ts';
import { LogBuffer } from './log-buffer.ts';

/** Each has half a MiB of address space; a configuration that changes its paths forgets those that have nothing left. */
const MAX_FILES = 64;
/** As Envoy makes them: whoever ships logs is somebody else. The process' umask has the last word. */
const MODE = 0o644;

export class LogFiles {
  readonly #files: Files;
  readonly #timers: Timers;
  readonly #dropped: Counter;
  readonly #log: Log;
  readonly #buffers = new Map<string, LogBuffer>();
  #connections = 0;

  constructor(files: Files, timers: Timers, dropped: Counter, log: Log) {
    this.#files = files;
    this.#timers = timers;
    this.#dropped = dropped;
    this.#log = log;
  }

  /** `%CONNECTION_ID%`: connections of this process, counted from 1. */
  nextConnection(): number {
    return ++this.#connections;
  }

  write(logs: readonly AccessLogConfig[], owner: FactsOwner): void {
    const facts = owner.facts();
    for (const { path, line, filter } of logs) {
      if (filter === null || filter(facts)) this.#writeLine(path, line(facts));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#buffers.values()].map((buffer) => buffer.close()));
  }

  #writeLine(path: string, text: string): void {
    const buffer = this.#buffers.get(path) ?? this.#open(path);
    if (buffer === null) return this.#dropped.add(1);
    const at = buffer.begin(text.length);
    if (at >= 0) buffer.commit(at + buffer.bytes.write(text, at, 'latin1'));
  }

  #open(path: string): LogBuffer | null {
    if (this.#buffers.size >= MAX_FILES) {
      for (const [other, buffer] of this.#buffers) if (buffer.isEmpty) this.#buffers.delete(other);
      if (this.#buffers.size >= MAX_FILES) return null;
    }
    const buffer = new LogBuffer(this.#files, path, this.#timers, this.#dropped, this.#log, MODE);
    this.#buffers.set(path, buffer);
    return buffer;
  }
}
