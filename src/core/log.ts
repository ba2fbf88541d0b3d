/**
 * The log as the rest of Weft sees it: a message and flat fields, so that no module depends on a logging library. The
 * writer to a terminal or a file stands in `runtime/node/log.ts`; here are the silent one and the one tests read.
 */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];
export type LogFields = Readonly<Record<string, unknown>>;

/** Fields never hold secrets: keys, tokens, request bodies. Field names are camelCase and carry their unit. */
export interface Log {
  /** The least severe level that is written. */
  readonly level: LogLevel;
  /** Asked before an expensive field is computed. */
  enabled(level: LogLevel): boolean;
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** Of this log, of the one that it is a child of, and of all children of that. */
  setLevel(level: LogLevel): void;
  /** A log whose every line carries these fields too. */
  child(fields: LogFields): Log;
}

export function isLogLevel(text: string): text is LogLevel {
  return (LOG_LEVELS as readonly string[]).includes(text);
}

/** True when a line of level `line` is written by a log of level `least`. */
export function levelReaches(line: LogLevel, least: LogLevel): boolean {
  return line !== 'silent' && LOG_LEVELS.indexOf(line) >= LOG_LEVELS.indexOf(least);
}

export const silentLog: Log = {
  level: 'silent',
  enabled: () => false,
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  setLevel: () => {},
  child: () => silentLog,
};

export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Keeps every line, in order; children write to the same list. For tests. */
export class RecordingLog implements Log {
  readonly lines: LogLine[];
  level: LogLevel;
  readonly #fields: LogFields;

  constructor(level: LogLevel = 'debug', fields: LogFields = {}, lines: LogLine[] = []) {
    this.level = level;
    this.#fields = fields;
    this.lines = lines;
  }

  enabled(level: LogLevel): boolean {
    return levelReaches(level, this.level);
  }

  debug(message: string, fields?: LogFields): void {
    this.#add('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#add('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#add('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#add('error', message, fields);
  }

  setLevel(level: LogLevel): void {
    this.level = level;
  }

  child(fields: LogFields): Log {
    return new RecordingLog(this.level, { ...this.#fields, ...fields }, this.lines);
  }

  /** The messages of one level. */
  messages(level: LogLevel): string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  #add(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (this.enabled(level)) this.lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}
