/** No import cycles, type-only ones included: a cycle is two files that are one concept, or one concept too many. */
import { resolveImport, type SourceFile } from './source-files.ts';

/** Each cycle as the files along it, once. */
export function importCycles(files: readonly SourceFile[]): string[][] {
  const edges = new Map(
    files.map((file) => [file.path, file.imports.map((edge) => resolveImport(file.path, edge.specifier) ?? '')]),
  );
  const cycles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string) => {
    const at = path.indexOf(file);
    if (at >= 0) {
      cycles.push([...path.slice(at), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const next of edges.get(file) ?? []) if (edges.has(next)) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return cycles;
}
