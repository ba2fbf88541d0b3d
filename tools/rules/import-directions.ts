/** The import rule: a folder of `src/` imports only folders on lines above its own; folders on one line do not know each other. */
import { isTest, resolveImport, type SourceFile } from './source-files.ts';

const LINES: readonly (readonly string[])[] = [
  ['core'],
  ['runtime', 'http', 'api', 'identity', 'capture', 'protos'],
  ['xds', 'client'],
  ['snapshot', 'filters', 'policies'],
  ['proxy', 'control', 'agent', 'dialects'],
  ['inprocess'],
  ['cli'],
];

/** Inside `proxy/`, each folder may import itself and those before it. */
const PROXY_ORDER = ['telemetry', 'overload', 'cluster', 'router', 'listener'];
const PROXY_TOP = ['config', 'admin'];

export function importViolations(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const file of files) {
    for (const edge of file.imports) {
      const target = resolveImport(file.path, edge.specifier);
      const problem = target === null ? null : violation(file.path, target);
      if (problem !== null) found.push(`${file.path}:${edge.line} imports ${target}: ${problem}`);
    }
  }
  return found;
}

function violation(from: string, to: string): string | null {
  if (!to.startsWith('src/')) return isTest(from) ? null : 'sources import only sources';
  const [, source = ''] = from.split('/');
  const [, target = ''] = to.split('/');
  if (target === 'runtime' && source !== 'runtime') {
    const free = source === 'cli' || isTest(from) || from.endsWith('/main.ts');
    return free ? null : 'only main.ts files, cli/ and tests construct a runtime';
  }
  if (isTest(from)) return null;
  if (source === target) return source === 'proxy' ? insideProxy(from, to) : null;
  const sourceLine = lineOf(source);
  const targetLine = lineOf(target);
  if (sourceLine < 0 || targetLine < 0)
    return `${sourceLine < 0 ? source : target}/ is not in the tree of ARCHITECTURE.md`;
  return targetLine < sourceLine
    ? null
    : `${source}/ is on line ${sourceLine + 1}, ${target}/ on line ${targetLine + 1}`;
}

function insideProxy(from: string, to: string): string | null {
  const [, , source = '', ...deeperSource] = from.split('/');
  const [, , target = '', ...deeperTarget] = to.split('/');
  const sourceIsFolder = deeperSource.length > 0;
  if (!sourceIsFolder) return null;
  if (deeperTarget.length === 0) return `files of proxy/ itself may not be imported from proxy/${source}/`;
  if (source === target) return null;
  const rank = (folder: string) => (PROXY_TOP.includes(folder) ? PROXY_ORDER.length : PROXY_ORDER.indexOf(folder));
  return rank(target) < rank(source)
    ? null
    : `inside proxy/ the order is ${PROXY_ORDER.join(' ← ')} ← ${PROXY_TOP.join(', ')}`;
}

function lineOf(folder: string): number {
  return LINES.findIndex((line) => line.includes(folder));
}
