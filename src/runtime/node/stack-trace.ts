/**
 * Stack traces of the bundle in lines of the source. Node's own support would read and keep the maps at every start, in
 * every sidecar; here they are read when a trace is shown.
 */
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { fileURLToPath } from 'node:url';

const FRAME = /((?:file:\/\/)?\/[^\s():]+\.js):(\d{1,9}):(\d{1,9})/g;
/** A package brings no sources: their paths are told from here, as they are in the repository. */
const UPWARDS = /^(?:\.\.\/)+/;

/** As `text`, where a frame lies in a file that has a map beside it; other frames, and all of a checkout, stay. */
export function inSourceLines(text: string): string {
  const maps = new Map<string, SourceMap | null>();
  return text.replace(FRAME, (frame, place: string, line: string, column: string) => {
    let map = maps.get(place);
    if (map === undefined) {
      map = readMap(place);
      maps.set(place, map);
    }
    const entry = map?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !('originalSource' in entry)) return frame;
    return `${entry.originalSource.replace(UPWARDS, '')}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

/** What ends this process unforeseen is told in lines of the source too. */
export function traceFatalErrors(): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    if (typeof error.stack === 'string') error.stack = inSourceLines(error.stack);
  });
}

/** null: there is none that can be read. */
function readMap(place: string): SourceMap | null {
  try {
    const file = place.startsWith('file:') ? fileURLToPath(place) : place;
    return new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')) as ConstructorParameters<typeof SourceMap>[0]);
  } catch {
    return null;
  }
}
