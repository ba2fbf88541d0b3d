/**
 * A radix trie over bytes in flat arrays: the index behind host and path matching. It stands apart from both because
 * they differ only in direction and in what they keep at its nodes. Indices are in range by construction, hence `!`.
 */

export interface ByteTrie {
  /** Byte → class of bytes that this trie does not tell apart (cases of a letter); 0: no key has it. */
  readonly classes: Uint16Array;
  readonly width: number;
  /** `node * width + class` → child; 0: none, because the root is nobody's child. */
  readonly next: Int32Array;
  /** Classes of the bytes that follow the first byte of an edge. */
  readonly labels: Uint16Array;
  readonly labelStart: Int32Array;
  readonly labelEnd: Int32Array;
}

export interface BuiltTrie {
  readonly trie: ByteTrie;
  /** Node of each key, in the order of the keys. */
  readonly nodes: readonly number[];
  readonly count: number;
  readonly parents: readonly number[];
  /** First byte of the edge that leads to a node (one of its class). */
  readonly firstBytes: readonly number[];
}

interface Draft {
  label: number[];
  children: Map<number, number>;
  parent: number;
  firstByte: number;
}

/** Equal keys share a node. `ignoreCase` covers ASCII letters. */
export function buildTrie(keys: readonly Uint8Array[], ignoreCase: boolean): BuiltTrie {
  const { classes, width } = classify(keys, ignoreCase);
  const drafts: Draft[] = [{ label: [], children: new Map(), parent: 0, firstByte: 0 }];
  const nodes = keys.map((key) => insert(drafts, classes, key));

  const next = new Int32Array(drafts.length * width);
  const labelStart = new Int32Array(drafts.length);
  const labelEnd = new Int32Array(drafts.length);
  const labels: number[] = [];
  drafts.forEach((draft, node) => {
    labelStart[node] = labels.length;
    for (const value of draft.label) labels.push(value);
    labelEnd[node] = labels.length;
    for (const [klass, child] of draft.children) next[node * width + klass] = child;
  });
  return {
    trie: { classes, width, next, labels: Uint16Array.from(labels), labelStart, labelEnd },
    nodes,
    count: drafts.length,
    parents: drafts.map((draft) => draft.parent),
    firstBytes: drafts.map((draft) => draft.firstByte),
  };
}

/** The child of `node` whose whole edge matches from `at` going by `step` (1 or -1) towards `end` (exclusive), or 0. */
export function descend(
  trie: ByteTrie,
  node: number,
  bytes: Uint8Array,
  at: number,
  end: number,
  step: 1 | -1,
): number {
  const classes = trie.classes;
  const child = trie.next[node * trie.width + classes[bytes[at]!]!]!;
  if (child === 0) return 0;
  let label = trie.labelStart[child]!;
  const labelEnd = trie.labelEnd[child]!;
  if (labelEnd - label >= (end - at) * step) return 0;
  const labels = trie.labels;
  for (let i = at + step; label < labelEnd; i += step, label++) {
    if (classes[bytes[i]!]! !== labels[label]!) return 0;
  }
  return child;
}

/** How many bytes lie on the edge that leads to `node`. */
export function edgeLength(trie: ByteTrie, node: number): number {
  return trie.labelEnd[node]! - trie.labelStart[node]! + 1;
}

function classify(keys: readonly Uint8Array[], ignoreCase: boolean): { classes: Uint16Array; width: number } {
  const classes = new Uint16Array(256);
  let width = 1;
  for (const key of keys) {
    for (const byte of key) {
      const lower = ignoreCase && byte >= 65 && byte <= 90 ? byte + 32 : byte;
      if (classes[lower] === 0) classes[lower] = width++;
    }
  }
  if (ignoreCase) for (let upper = 65; upper <= 90; upper++) classes[upper] = classes[upper + 32]!;
  return { classes, width };
}

function insert(drafts: Draft[], classes: Uint16Array, key: Uint8Array): number {
  let node = 0;
  let at = 0;
  while (at < key.length) {
    const firstByte = key[at]!;
    const klass = classes[firstByte]!;
    const draft = drafts[node]!;
    const child = draft.children.get(klass);
    if (child === undefined) {
      const label = Array.from(key.subarray(at + 1), (byte) => classes[byte]!);
      drafts.push({ label, children: new Map(), parent: node, firstByte });
      draft.children.set(klass, drafts.length - 1);
      return drafts.length - 1;
    }
    const below = drafts[child]!;
    let same = 0;
    while (
      same < below.label.length &&
      at + 1 + same < key.length &&
      below.label[same] === classes[key[at + 1 + same]!]!
    ) {
      same++;
    }
    if (same < below.label.length) split(drafts, classes, node, klass, child, same, key[at]!);
    node = drafts[node]!.children.get(klass)!;
    at += 1 + same;
  }
  return node;
}

/** Puts a node into the edge to `child` after `same` bytes of its label. */
function split(
  drafts: Draft[],
  classes: Uint16Array,
  node: number,
  klass: number,
  child: number,
  same: number,
  firstByte: number,
): void {
  const below = drafts[child]!;
  const middle: Draft = { label: below.label.slice(0, same), children: new Map(), parent: node, firstByte };
  const branch = below.label[same]!;
  drafts.push(middle);
  middle.children.set(branch, child);
  drafts[node]!.children.set(klass, drafts.length - 1);
  below.label = below.label.slice(same + 1);
  below.parent = drafts.length - 1;
  below.firstByte = classes.indexOf(branch);
}
