/**
 * Files of resources, read as one set: YAML or JSON, many documents a file, `List` objects included. All violations of
 * all documents are found, each with its place; the set is valid as a whole or not at all.
 */
import { Composer, LineCounter, Parser } from 'yaml';
import { WeftError } from '../core/errors.ts';
import type { KindRegistry } from './registry.ts';
import { keyOf, keyText, type Resource } from './resource.ts';
import { isMap, MAX_DEPTH, readResource } from './validate.ts';
import { type FieldPath, parsePath, type Place, type Violation, violationOf } from './violation.ts';
import { YamlTree } from './yaml-tree.ts';

/** Bounds of one set. */
const MAX_BYTES = 10 * 1024 * 1024;
const MAX_DOCUMENTS = 10_000;
const MAX_NODES_PER_DOCUMENT = 500_000;

export interface SourceText {
  readonly text: string;
  /** As the user named it; `-` for standard input. */
  readonly file: string;
}

export interface ParsedDocument {
  readonly resource: Resource;
  /** The first line of the object. */
  readonly place: Place;
  /** Where a field stands, by the path of a Violation; the nearest written parent of an unwritten one. */
  locate(path: string): Place;
}

export interface ParsedDocuments {
  /** Empty when there are violations. */
  readonly documents: readonly ParsedDocument[];
  /** In the order of files and lines. */
  readonly violations: readonly Violation[];
}

/** Throws `limit-exceeded` when the set is larger than a bound. */
export function parseDocuments(
  kinds: KindRegistry,
  sources: readonly SourceText[],
  defaultNamespace: string,
): ParsedDocuments {
  const documents: ParsedDocument[] = [];
  const violations: Violation[] = [];
  const seen = new Map<string, Place>();
  let bytes = 0;
  for (const source of sources) {
    bytes += Buffer.byteLength(source.text);
    if (bytes > MAX_BYTES) throw tooLarge(`the documents have more than ${MAX_BYTES / 1024 / 1024} MiB`, source.file);
    const found: Violation[] = [];
    for (const { value, tree, path } of objectsOf(source, found)) {
      if (documents.length + 1 > MAX_DOCUMENTS)
        throw tooLarge(`there are more than ${MAX_DOCUMENTS} documents`, source.file);
      const locate = (field: string): Place => tree.place([...path, ...parsePath(field)]);
      const { resource, violations: broken } = readResource(kinds, value, defaultNamespace);
      for (const violation of broken) found.push({ ...violation, place: locate(violation.path) });
      if (resource === null) continue;
      const key = keyText(keyOf(resource));
      const first = seen.get(key);
      const place = locate('');
      if (first !== undefined) {
        const message = `repeats an object of this set, at ${first.file}:${first.line}`;
        found.push({
          ...violationOf(resource, ['metadata', 'name'], message, 'Remove or rename one of them'),
          place: locate('metadata.name'),
        });
      } else seen.set(key, place);
      documents.push({ resource, place, locate });
    }
    violations.push(...found.sort(byPlace));
  }
  return violations.length === 0 ? { documents, violations } : { documents: [], violations };
}

interface FoundObject {
  readonly value: unknown;
  readonly tree: YamlTree;
  /** Of the object in its document: empty, or an item of a List. */
  readonly path: FieldPath;
}

function* objectsOf(source: SourceText, found: Violation[]): Generator<FoundObject> {
  const lines = new LineCounter();
  const options = {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    schema: 'core',
    logLevel: 'silent',
  } as const;
  // Unique keys are checked by YamlTree: the library compares each key with all others.
  const composer = new Composer({ ...options, uniqueKeys: false });
  let count = 0;
  // Composed one by one, so that a bound stops the work where it is passed.
  for (const document of composer.compose(new Parser(lines.addNewLine).parse(source.text))) {
    count += 1;
    if (count > MAX_DOCUMENTS) throw tooLarge(`there are more than ${MAX_DOCUMENTS} documents`, source.file);
    const tree = new YamlTree(document, lines, source.file, { maxDepth: MAX_DEPTH, maxNodes: MAX_NODES_PER_DOCUMENT });
    for (const { path, message, place } of tree.problems) found.push({ ...violationOf({}, path, message), place });
    if (tree.problems.length > 0 || tree.empty) continue;
    const { value } = tree;
    if (isMap(value) && value['kind'] === 'List' && value['apiVersion'] === 'v1' && Array.isArray(value['items'])) {
      for (const [index, item] of value['items'].entries()) yield { value: item, tree, path: ['items', index] };
    } else yield { value, tree, path: [] };
  }
}

function byPlace(a: Violation, b: Violation): number {
  return (a.place?.line ?? 0) - (b.place?.line ?? 0) || (a.place?.column ?? 0) - (b.place?.column ?? 0);
}

function tooLarge(what: string, file: string): WeftError {
  return new WeftError('limit-exceeded', { what, where: file, hint: 'Apply them in several sets' });
}
