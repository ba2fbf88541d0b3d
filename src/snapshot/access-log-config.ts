/** Access logs that the configuration names: where lines go, which exchanges have one, and what it says. */
import type { Facts } from './format/facts.ts';
import type { TextFormat } from './format/text-format.ts';

export interface AccessLogConfig {
  /** `/dev/stdout` and `/dev/stderr` are this process' own. Logs of one path share a file and its buffer. */
  readonly path: string;
  /** With the line's end, if the format has one. One character a byte. */
  readonly line: TextFormat;
  /** null: of every exchange or connection. */
  readonly filter: LogFilter | null;
}

export type LogFilter = (facts: Facts) => boolean;
