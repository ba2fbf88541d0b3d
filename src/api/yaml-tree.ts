/**
 * A YAML or JSON document as a plain value that still knows where each field was written. It walks the syntax tree
 * itself, because the bounds on depth, size and aliases must hold while the value is made, not after.
 */
import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type LineCounter, type Node, visit } from 'yaml';
import type { FieldPath, Place } from './violation.ts';

/** Of one document, after aliases are expanded. */
export interface TreeLimits {
  readonly maxDepth: number;
  readonly maxNodes: number;
}

export interface TreeProblem {
  readonly path: FieldPath;
  readonly message: string;
  readonly place: Place;
}

export class YamlTree {
  /** undefined when the document is empty or has problems. */
  readonly value: unknown;
  readonly problems: readonly TreeProblem[];
  readonly #document: Document;
  readonly #lines: LineCounter;
  readonly #file: string;
  readonly #targets: ReadonlyMap<Alias, Node>;

  constructor(document: Document, lines: LineCounter, file: string, limits: TreeLimits) {
    this.#document = document;
    this.#lines = lines;
    this.#file = file;
    this.#targets = aliasTargets(document);
    // The first error only: those after it are mostly its echoes.
    const problems: TreeProblem[] = document.errors.slice(0, 1).map((error) => ({
      path: [],
      message: `is not valid YAML: ${error.message}`,
      place: this.#placeOf(error.pos[0]),
    }));
    this.problems = problems;
    this.value = problems.length > 0 ? undefined : this.#plain(problems, limits);
    if (problems.length > 0) this.value = undefined;
  }

  get empty(): boolean {
    return this.problems.length === 0 && (this.value === undefined || this.value === null);
  }

  /** Where the field at `path` stands; where its nearest written parent stands when it was not written. */
  place(path: FieldPath): Place {
    let node: unknown = this.#document.contents;
    let offset = startOf(node);
    for (const step of path) {
      node = this.#resolved(node);
      if (isMap(node)) {
        const pair = node.items.find((item) => keyText(item.key) === String(step));
        if (pair === undefined) break;
        offset = startOf(pair.key) ?? offset;
        node = pair.value;
      } else if (isSeq(node) && typeof step === 'number') {
        node = node.items[step];
        offset = startOf(node) ?? offset;
      } else break;
    }
    return this.#placeOf(offset ?? 0);
  }

  #plain(problems: TreeProblem[], limits: TreeLimits): unknown {
    let nodes = 0;
    const walk = (node: unknown, path: (string | number)[]): unknown => {
      nodes += 1;
      if (problems.length > 0 && nodes > limits.maxNodes) return undefined;
      const problem = (message: string, at: unknown) => {
        problems.push({ path: [...path], message, place: this.#placeOf(startOf(at) ?? 0) });
        return undefined;
      };
      if (nodes > limits.maxNodes)
        return problem(`is larger than ${limits.maxNodes} values after aliases are expanded`, node);
      if (path.length > limits.maxDepth) return problem(`is nested deeper than ${limits.maxDepth} levels`, node);
      const target = this.#resolved(node);
      if (isScalar(target)) {
        const { value } = target;
        if (typeof value === 'number' && !Number.isFinite(value)) return problem('must be a finite number', node);
        return value;
      }
      if (isSeq(target)) return target.items.map((item, index) => walk(item, [...path, index]));
      if (!isMap(target)) return target === null || target === undefined ? null : problem('is not a value', node);
      const entries = new Map<string, unknown>();
      for (const { key, value } of target.items) {
        const name = keyText(key);
        if (name === null) problem('must have keys that are strings', key);
        else if (entries.has(name)) problem(`has the field ${JSON.stringify(name)} twice`, key);
        else entries.set(name, walk(value, [...path, name]));
      }
      return Object.fromEntries(entries);
    };
    return walk(this.#document.contents, []);
  }

  #resolved(node: unknown): unknown {
    return isAlias(node) ? this.#targets.get(node) : node;
  }

  #placeOf(offset: number): Place {
    const { line, col } = this.#lines.linePos(offset);
    return { file: this.#file, line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** In one pass: the library's own resolution walks the document once an alias. An anchor may be defined again. */
function aliasTargets(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Node(_, node) {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
  });
  return targets;
}

function keyText(key: unknown): string | null {
  return isScalar(key) && typeof key.value === 'string' ? key.value : null;
}

function startOf(node: unknown): number | undefined {
  return (node as Partial<Node> | null | undefined)?.range?.[0];
}
