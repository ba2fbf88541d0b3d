/** What a child process writes, line by line; a line that never ends comes in pieces. */
import type { Readable } from 'node:stream';

/** A line longer than this comes in pieces. */
const MAX_LINE_CHARS = 16_384;

/** Resolves when the stream has ended. */
export function readLines(source: Readable | null, onLine: (line: string) => void): Promise<void> {
  let rest = '';
  source?.setEncoding('utf8');
  source?.on('data', (text: string) => {
    const lines = (rest + text).split(/\r?\n/);
    rest = lines.pop() ?? '';
    for (const line of lines) onLine(line);
    if (rest.length > MAX_LINE_CHARS) {
      onLine(rest);
      rest = '';
    }
  });
  return new Promise((resolve) => {
    source?.once('end', () => {
      if (rest !== '') onLine(rest);
      resolve();
    });
  });
}
