/**
 * Sets of resources that make up views. A view that is derived anew keeps the very maps of what stayed equal, and what
 * many proxies have in common is one map under all of them: so a change costs what it concerns, and memory too.
 */
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../../xds/resource.ts';

type Named = ReadonlyMap<string, XdsResource>;

const TYPES: readonly TypeUrl[] = Object.values(TYPE_URLS);
const NONE: Named = new Map();

/** No resources of any type. */
export const NOTHING: XdsView = new Map();

/** `previous`: the view of last time. Where it has equal resources its maps are kept, and where all are equal it is. */
export function resourceSet(resources: Iterable<XdsResource | null>, previous: XdsView = NOTHING): XdsView {
  const types = new Map<TypeUrl, Map<string, XdsResource>>();
  for (const resource of resources) {
    if (resource === null) continue;
    let named = types.get(resource.type);
    if (named === undefined) types.set(resource.type, (named = new Map()));
    named.set(resource.name, resource);
  }
  return merged(previous, (type, before) => {
    const now = types.get(type) ?? NONE;
    return sameNamed(now, before) ? before : now;
  });
}

/** One resource in place of another of the same name. */
export type Replacement = readonly [before: XdsResource, after: XdsResource];

/** Copies the maps of the types that are concerned, and no others. */
export function replaced(previous: XdsView, replacements: readonly Replacement[]): XdsView {
  const next = new Map(previous);
  const copies = new Map<TypeUrl, Map<string, XdsResource>>();
  for (const [{ type, name }, after] of replacements) {
    let copy = copies.get(type);
    if (copy === undefined) {
      copies.set(type, (copy = new Map(previous.get(type))));
      next.set(type, copy);
    }
    copy.set(name, after);
  }
  return next;
}

/** `own` over `shared`, without a copy of either. `previous`: as above. */
export function layered(own: XdsView, shared: XdsView, previous: XdsView = NOTHING): XdsView {
  return merged(previous, (type, before) => {
    const [above = NONE, below = NONE] = [own.get(type), shared.get(type)];
    if (above.size === 0) return below;
    if (below.size === 0) return above;
    return before instanceof Layers && before.above === above && before.below === below
      ? before
      : new Layers(above, below);
  });
}

/** What `layered` makes of a `previous` of its own after one of the two became another; undefined: it was none of them. */
export function relayered(previous: XdsView, before: XdsView, after: XdsView): XdsView | undefined {
  const next = new Map(previous);
  for (const type of TYPES) {
    const from = before.get(type);
    const to = after.get(type);
    if (from === to) continue;
    // What has nothing of a type has no map of it.
    const was = previous.get(type);
    const named = was === undefined || from === undefined || to === undefined ? undefined : inPlace(was, from, to);
    if (named === undefined) return undefined;
    next.set(type, named);
  }
  return next;
}

function inPlace(was: Named, from: Named, to: Named): Named | undefined {
  if (was === from) return to;
  if (!(was instanceof Layers)) return undefined;
  if (was.below === from) return new Layers(was.above, to);
  return was.above === from ? new Layers(to, was.below) : undefined;
}

/** Types without resources are left out. */
function merged(previous: XdsView, namedOf: (type: TypeUrl, before: Named) => Named): XdsView {
  const next = new Map<TypeUrl, Named>();
  let isSame = true;
  for (const type of TYPES) {
    const before = previous.get(type) ?? NONE;
    const named = namedOf(type, before);
    if (named.size > 0) next.set(type, named);
    isSame &&= named === before || named.size + before.size === 0;
  }
  return isSame ? previous : next;
}

function sameNamed(a: Named, b: Named): boolean {
  if (a.size !== b.size) return false;
  for (const [name, resource] of a) if (b.get(name) !== resource) return false;
  return true;
}

/** Two maps as one. The names of the two are apart: what stands in both counts twice in `size`, and comes twice. */
class Layers implements ReadonlyMap<string, XdsResource> {
  readonly above: Named;
  readonly below: Named;

  constructor(above: Named, below: Named) {
    this.above = above;
    this.below = below;
  }

  get size(): number {
    return this.above.size + this.below.size;
  }

  get(name: string): XdsResource | undefined {
    return this.above.get(name) ?? this.below.get(name);
  }

  has(name: string): boolean {
    return this.above.has(name) || this.below.has(name);
  }

  *entries(): MapIterator<[string, XdsResource]> {
    yield* this.above.entries();
    yield* this.below.entries();
  }

  *keys(): MapIterator<string> {
    yield* this.above.keys();
    yield* this.below.keys();
  }

  *values(): MapIterator<XdsResource> {
    yield* this.above.values();
    yield* this.below.values();
  }

  [Symbol.iterator](): MapIterator<[string, XdsResource]> {
    return this.entries();
  }

  forEach(each: (resource: XdsResource, name: string, all: ReadonlyMap<string, XdsResource>) => void): void {
    for (const [name, resource] of this) each(resource, name, this);
  }
}
