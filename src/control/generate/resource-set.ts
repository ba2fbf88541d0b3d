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
