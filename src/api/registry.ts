/**
 * All kinds that a program knows, by every name a person or a protocol uses for them. It is built from lists, so that
 * `api/` need not know the policies; `policies/kinds.ts` holds the complete one.
 */
import { apiVersionOf, type Kind } from './kind.ts';
import { suggest } from './suggest.ts';

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly kinds: readonly Kind[];
}

export class KindRegistry {
  readonly all: readonly Kind[];
  /** Core first, then by name. */
  readonly groupVersions: readonly GroupVersion[];
  readonly #byKind = new Map<string, Kind>();
  readonly #byType = new Map<string, Kind>();
  readonly #byWord = new Map<string, Kind>();

  /** Throws when two kinds claim one name. */
  constructor(kinds: readonly Kind[]) {
    this.all = [...kinds];
    for (const kind of kinds) {
      claim(this.#byKind, kind.kind, kind);
      for (const version of [kind.version, ...kind.alsoVersions]) {
        claim(this.#byType, `${apiVersionOf({ group: kind.group, version })} ${kind.kind}`, kind);
      }
      for (const word of new Set([kind.kind.toLowerCase(), kind.plural, kind.singular, ...kind.shortNames])) {
        claim(this.#byWord, word, kind);
        if (kind.group !== '') claim(this.#byWord, `${word}.${kind.group}`, kind);
      }
    }
    this.groupVersions = grouped(kinds);
  }

  /** By the first two lines of a document. */
  byType(apiVersion: string, kind: string): Kind | null {
    return this.#byType.get(`${apiVersion} ${kind}`) ?? null;
  }

  /** By the `kind` of a Key, which is unique in a mesh. */
  byKind(kind: string): Kind | null {
    return this.#byKind.get(kind) ?? null;
  }

  /** By the path of the API; empty group: core. */
  byPlural(group: string, version: string, plural: string): Kind | null {
    return this.all.find((kind) => kind.group === group && kind.version === version && kind.plural === plural) ?? null;
  }

  /** By what a person types: kind, singular, plural or short name, in any case, with or without `.group`. */
  byWord(word: string): Kind | null {
    return this.#byWord.get(word.toLowerCase()) ?? null;
  }

  /** The plural that `word` was meant to be, or null. */
  suggestWord(word: string): string | null {
    const best = suggest(word, this.#byWord.keys());
    return best === null ? null : (this.#byWord.get(best)?.plural ?? null);
  }
}

function claim(table: Map<string, Kind>, name: string, kind: Kind): void {
  const other = table.get(name);
  if (other !== undefined) throw new Error(`${kind.kind} and ${other.kind} both claim the name ${name}`);
  table.set(name, kind);
}

function grouped(kinds: readonly Kind[]): GroupVersion[] {
  const groups = new Map<string, { group: string; version: string; kinds: Kind[] }>();
  for (const kind of kinds) {
    const id = apiVersionOf(kind);
    const entry = groups.get(id) ?? { group: kind.group, version: kind.version, kinds: [] };
    entry.kinds.push(kind);
    groups.set(id, entry);
  }
  return [...groups.values()].sort((a, b) => (a.group < b.group ? -1 : a.group > b.group ? 1 : 0));
}
