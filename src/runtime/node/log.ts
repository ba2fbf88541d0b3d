/** The log of a process: pino behind the Log seam, JSON for machines and one readable line for people at a terminal. */
import { destination, type LoggerOptions, pino } from 'pino';
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

export function createLog(options: LogOptions = {}): Log {
  const level = options.level ?? 'info';
  const fd = options.fd ?? 2;
  const json = options.json ?? !(fd === 2 ? process.stderr : process.stdout).isTTY;
  const write = options.write;
  if (!json) {
    const out = write ?? ((line: string) => void (fd === 2 ? process.stderr : process.stdout).write(line));
    return new ReadableLog(level, out, {});
  }
  const settings: LoggerOptions = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }) },
  };
  // Synchronous: the last lines before a crash are the ones that matter.
  const sink = write === undefined ? destination({ fd, sync: true }) : { write };
  return new JsonLog(level, pino(settings, sink));
}

type Writer = Pick<ReturnType<typeof pino>, 'debug' | 'info' | 'warn' | 'error'> & {
  child(fields: Record<string, unknown>): Writer;
};

class JsonLog implements Log {
  readonly level: LogLevel;
  readonly #pino: Writer;

  constructor(level: LogLevel, logger: Writer) {
    this.level = level;
    this.#pino = logger;
  }

  enabled(level: LogLevel): boolean {
    return levelReaches(level, this.level);
  }

  debug(message: string, fields: LogFields = {}): void {
    this.#pino.debug(fields, message);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#pino.info(fields, message);
  }

  warn(message: string, fields: LogFields = {}): void {
    this.#pino.warn(fields, message);
  }

  error(message: string, fields: LogFields = {}): void {
    this.#pino.error(traced(fields), message);
  }

  child(fields: LogFields): Log {
    return new JsonLog(this.level, this.#pino.child(fields));
  }
}

/** `12:04:05 warn  the message  key=value`. */
class ReadableLog implements Log {
  readonly level: LogLevel;
  readonly #write: (line: string) => void;
  readonly #fields: LogFields;

  constructor(level: LogLevel, write: (line: string) => void, fields: LogFields) {
    this.level = level;
    this.#write = write;
    this.#fields = fields;
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
    return new ReadableLog(this.level, this.#write, { ...this.#fields, ...fields });
  }

  #line(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (!this.enabled(level)) return;
    const time = new Date().toTimeString().slice(0, 8);
    let line = `${time} ${level.padEnd(5)} ${printable(message)}`;
    for (const [name, value] of Object.entries({ ...this.#fields, ...fields })) line += `  ${name}=${textOf(value)}`;
    this.#write(`${line}\n`);
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
