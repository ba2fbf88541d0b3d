/**
 * The log of a process: one JSON object a line for machines, one readable line for people at a terminal. Written without
 * a library, which every sidecar would load at its start, and in step with the program: the last lines before a crash
 * are the ones that matter.
 */
import { writeSync } from 'node:fs';
import { type Log, type LogFields, type LogLevel, levelReaches } from '../../core/log.ts';
import { inSourceLines } from './stack-trace.ts';

export interface LogOptions {
  /** Default: `info`. */
  readonly level?: LogLevel;
  /** Default: true unless the output is a terminal. */
  readonly json?: boolean;
  /** File descriptor; default 2, so that a command's output stays its own. */
  readonly fd?: number;
  /** Where lines go instead of a descriptor: for tests. */
  readonly write?: (line: string) => void;
}

/** Makes the text of a line, without its end. */
type Form = (level: LogLevel, message: string, fields: LogFields) => string;

/** A reader that is this much behind, in tries of a millisecond, loses the line, and what follows until it reads again. */
const MAX_TRIES = 200;

export function createLog(options: LogOptions = {}): Log {
  const fd = options.fd ?? 2;
  const json = options.json ?? !(fd === 2 ? process.stderr : process.stdout).isTTY;
  const write = options.write ?? ((line: string) => writeWhole(fd, line));
  return new LineLog({ level: options.level ?? 'info' }, json ? asJson : asText, write, {});
}

class LineLog implements Log {
  /** Shared with its children. */
  readonly #least: { level: LogLevel };
  readonly #form: Form;
  readonly #write: (line: string) => void;
  readonly #fields: LogFields;

  constructor(least: { level: LogLevel }, form: Form, write: (line: string) => void, fields: LogFields) {
    this.#least = least;
    this.#form = form;
    this.#write = write;
    this.#fields = fields;
  }

  get level(): LogLevel {
    return this.#least.level;
  }

  setLevel(level: LogLevel): void {
    this.#least.level = level;
  }

  enabled(level: LogLevel): boolean {
    return levelReaches(level, this.level);
  }

  debug(message: string, fields?: LogFields): void {
    this.#line('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#line('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#line('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#line('error', message, fields === undefined ? fields : traced(fields));
  }

  child(fields: LogFields): Log {
    return new LineLog(this.#least, this.#form, this.#write, { ...this.#fields, ...fields });
  }

  #line(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (this.enabled(level)) this.#write(`${this.#form(level, message, { ...this.#fields, ...fields })}\n`);
  }
}

/** `{"level":"warn","time":"2026-11-21T12:04:05.000Z","key":"value","message":"the message"}`. */
function asJson(level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date().toISOString();
  try {
    return JSON.stringify({ level, time, ...fields, message }, plain);
  } catch (error) {
    // A field that JSON cannot say must not cost the line.
    return JSON.stringify({ level, time, message, unwritable: String(error) });
  }
}

/** JSON says nothing of an error, and refuses integers beyond 2^53. */
function plain(_name: string, value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === 'bigint' ? value.toString() : value;
}

/** `12:04:05 warn  the message  key=value`. */
function asText(level: LogLevel, message: string, fields: LogFields): string {
  const time = new Date().toTimeString().slice(0, 8);
  let line = `${time} ${level.padEnd(5)} ${printable(message)}`;
  for (const [name, value] of Object.entries(fields)) line += `  ${name}=${textOf(value)}`;
  return line;
}

const PAUSE = new Int32Array(new SharedArrayBuffer(4));
let isLost = false;

/** A pipe whose reader is behind takes a line in parts; one that nobody reads any more, not at all. */
function writeWhole(fd: number, line: string): void {
  const bytes = Buffer.from(line, 'utf8');
  let at = 0;
  for (let tries = isLost ? MAX_TRIES : 1; at < bytes.length; tries += 1) {
    try {
      at += writeSync(fd, bytes, at);
      isLost = false;
    } catch (error) {
      isLost = (error as NodeJS.ErrnoException).code !== 'EAGAIN' || tries >= MAX_TRIES;
      if (isLost) return;
      Atomics.wait(PAUSE, 0, 0, 1);
    }
  }
}

/** What holds a stack trace, in lines of the source. */
function traced(fields: LogFields): LogFields {
  const entries = Object.entries(fields);
  if (!entries.some(([, value]) => isTrace(value))) return fields;
  return Object.fromEntries(entries.map(([name, value]) => [name, isTrace(value) ? inSourceLines(value) : value]));
}

function isTrace(value: unknown): value is string {
  return typeof value === 'string' && value.includes('\n    at ');
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return /^[\w./:@%+-]+$/.test(value) ? value : printable(JSON.stringify(value));
  if (value instanceof Error) return textOf(value.message);
  return printable(JSON.stringify(value) ?? String(value));
}

/** What a peer sent must not move the cursor of whoever reads the log, nor begin a line of its own. */
function printable(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
