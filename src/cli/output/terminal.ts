/** Where a command writes: data to standard output, everything that is said about it to standard error. */
import { isatty } from 'node:tty';
import { type Style, styleFor } from './style.ts';

export interface Terminal {
  readonly isTerminal: boolean;
  readonly columns: number;
  readonly rows: number;
  /** For standard output. */
  readonly style: Style;
  /** For standard error. */
  readonly errorStyle: Style;
  /** A line end is added. */
  line(text: string): void;
  lines(texts: readonly string[]): void;
  errorLine(text: string): void;
  /** Raw, without a line end. */
  write(text: string): void;
}

export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process;
  // A reader that goes away (`weft get … | head`) ends the command, it does not break it.
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
  });
  return {
    isTerminal: isatty(1),
    get columns() {
      return stdout.columns ?? 120;
    },
    get rows() {
      return stdout.rows ?? 40;
    },
    style: styleFor(isatty(1), env),
    errorStyle: styleFor(isatty(2), env),
    line: (text) => void stdout.write(`${text}\n`),
    lines: (texts) => void (texts.length > 0 && stdout.write(`${texts.join('\n')}\n`)),
    errorLine: (text) => void stderr.write(`${text}\n`),
    write: (text) => void stdout.write(text),
  };
}
