/** Finds and parses the sources that the structure rules look at. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { parseSync } from 'oxc-parser';

export interface SourceFile {
  /** Relative to the root, with forward slashes: `src/http/head.ts`. */
  readonly path: string;
  readonly text: string;
  /** What it imports, as written, type-only imports and re-exports included. */
  readonly imports: readonly ImportEdge[];
}

export interface ImportEdge {
  readonly specifier: string;
  readonly line: number;
}

export function readSources(root: string, folder: string): SourceFile[] {
  const files: SourceFile[] = [];
  for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || !entry.name.endsWith('.ts')) continue;
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(root.length + 1).replaceAll('\\', '/');
    files.push(parseSource(path, readFileSync(full, 'utf8')));
  }
  return files.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

export function parseSource(path: string, text: string): SourceFile {
  const { module } = parseSync(path, text);
  const imports: ImportEdge[] = [];
  const add = (specifier: string, offset: number) => imports.push({ specifier, line: lineAt(text, offset) });
  for (const found of module.staticImports) add(found.moduleRequest.value, found.start);
  for (const found of module.staticExports)
    for (const entry of found.entries) if (entry.moduleRequest) add(entry.moduleRequest.value, found.start);
  for (const found of module.dynamicImports) {
    const written = text.slice(found.moduleRequest.start, found.moduleRequest.end);
    if (/^['"`][^'"`$]*['"`]$/.test(written)) add(written.slice(1, -1), found.start);
  }
  for (const match of text.matchAll(/\bimport\(\s*'([^']+)'\s*\)\s*[.[]/g)) add(match[1] ?? '', match.index);
  return { path, text, imports };
}

/** The path that a relative import points to, or null for a package. */
export function resolveImport(from: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return normalize(join(dirname(from), specifier)).replaceAll('\\', '/');
}

export function isTest(path: string): boolean {
  return /\.(?:test|fixture)\.ts$/.test(path) || /\/test(?:ing)?\//.test(path);
}

export function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i >= 0 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
