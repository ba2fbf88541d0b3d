/**
 * Nothing on the data plane, nor in `xds/`, `identity/` and `agent/`, reaches past Runtime: time, timers, chance,
 * sockets and files come from it, or the simulation would not be the program.
 */
import { isTest, lineAt, type SourceFile } from './source-files.ts';

const FOLDERS = ['http', 'proxy', 'filters', 'snapshot', 'xds', 'identity', 'inprocess', 'agent', 'capture'];

const FORBIDDEN_CALLS =
  /\b(?:Date\.now|performance\.now|process\.hrtime(?:\.bigint)?|setTimeout|setInterval|setImmediate|queueMicrotask|Math\.random|randomBytes|randomUUID|randomFill(?:Sync)?|getRandomValues)\s*\(|new Date\(\)/g;

const FORBIDDEN_MODULES =
  /^(?:node:)?(?:net|tls|fs|fs\/promises|dgram|dns|dns\/promises|http|https|http2|timers|timers\/promises|worker_threads)$/;

export function runtimeViolations(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  for (const file of files) {
    const folder = file.path.split('/')[1] ?? '';
    if (!FOLDERS.includes(folder) || isTest(file.path)) continue;
    for (const edge of file.imports) {
      if (FORBIDDEN_MODULES.test(edge.specifier)) found.push(`${file.path}:${edge.line} imports ${edge.specifier}`);
    }
    for (const match of withoutComments(file.text).matchAll(FORBIDDEN_CALLS)) {
      found.push(`${file.path}:${lineAt(file.text, match.index)} calls ${match[0]}`);
    }
  }
  return found;
}

/** Comments become blanks of the same length, so that offsets stay. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[^]*?\*\/|(?<!:)\/\/[^\n]*/g, (comment) => comment.replace(/[^\n]/g, ' '));
}
