/**
 * Stack traces of the bundle in lines of the source. Node's own support would read and keep the maps at every start, in
 * every sidecar; here they are read when a trace is shown.
 */
import { readFileSync } from 'node:fs';
import { findPackageJSON, SourceMap } from 'node:module';
import { dirname, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const FRAME = /(file:\/\/[^\s()]+?\.js):(\d{1,9}):(\d{1,9})/g;

/** As `text`, where a frame lies in a file that has a map beside it; other frames, and all of a checkout, stay. */
export function inSourceLines(text: string): string {
  const bundles = new Map<string, Bundled | null>();
  return text.replace(FRAME, (frame, url: string, line: string, column: string) => {
    let bundle = bundles.get(url);
    if (bundle === undefined) {
      bundle = readBundled(url);
      bundles.set(url, bundle);
    }
    const entry = bundle?.map.findEntry(Number(line) - 1, Number(column) - 1);
    if (!bundle || entry === undefined || !('originalSource' in entry)) return frame;
    const source = relative(bundle.root, resolve(bundle.folder, entry.originalSource));
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

/** What ends this process unforeseen is told in lines of the source too. */
export function traceFatalErrors(): void {
  process.on('uncaughtExceptionMonitor', (error) => {
    if (typeof error.stack === 'string') error.stack = inSourceLines(error.stack);
  });
}

interface Bundled {
  readonly map: SourceMap;
  readonly folder: string;
  /** A package brings no sources: their paths are told from here, as they are in the repository. */
  readonly root: string;
}

/** null: it has no map, or none that can be read. */
function readBundled(url: string): Bundled | null {
  try {
    const file = fileURLToPath(url);
    const map = JSON.parse(readFileSync(`${file}.map`, 'utf8')) as ConstructorParameters<typeof SourceMap>[0];
    const folder = dirname(file);
    return { map: new SourceMap(map), folder, root: dirname(findPackageJSON(url) ?? file) };
  } catch {
    return null;
  }
}
