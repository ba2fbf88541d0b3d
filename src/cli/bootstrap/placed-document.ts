/** A bootstrap file as data, with the line of everything in it: YAML, and so JSON too. */
import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { WeftError } from '../../core/errors.ts';
import type { JsonValue } from '../../xds/wire/json.ts';

export interface FilePlace {
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

export interface PlacedDocument {
  readonly value: JsonValue;
  /** Of the key at the end of a path, or of what is nearest above it. */
  place(path: readonly (string | number)[]): FilePlace;
}

const MAX_BYTES = 10 << 20;
const MAX_ALIASES = 1_000;

/** Throws `invalid` with the line where the text is no YAML. */
export function parsePlaced(text: string, file: string): PlacedDocument {
  if (text.length > MAX_BYTES) {
    throw new WeftError('limit-exceeded', { what: `more than ${MAX_BYTES >> 20} MiB`, where: file });
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, merge: true });
  const [error] = document.errors;
  if (error !== undefined) {
    const { line, col } = lines.linePos(error.pos[0]);
    const [what = ''] = error.message.split(' at line ', 1);
    throw new WeftError('invalid', { what, where: `${file}:${line}:${col}` });
  }
  const at = (offset: number): FilePlace => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col };
  };
  return {
    value: document.toJS({ maxAliasCount: MAX_ALIASES }) as JsonValue,
    place: (path) => at(offsetOf(document.contents, path)),
  };
}

function offsetOf(root: Node | null, path: readonly (string | number)[]): number {
  let node: unknown = root;
  let offset = root?.range?.[0] ?? 0;
  for (const step of path) {
    if (isSeq(node)) {
      node = node.items[Number(step)];
    } else if (isMap(node)) {
      const pair = node.items.find(({ key }) => (isScalar(key) ? key.value === step : key === step));
      if (pair === undefined) break;
      offset = startOf(pair.key) ?? offset;
      node = pair.value;
      continue;
    } else break;
    if (node === undefined) break;
    offset = startOf(node) ?? offset;
  }
  return offset;
}

function startOf(node: unknown): number | undefined {
  return (node as Node | undefined)?.range?.[0];
}
