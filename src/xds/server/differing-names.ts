/** Where two offers differ, found once for all streams that go from the one to the other, as all replicas of a workload do. */
import type { XdsResource } from '../resource.ts';

type Offered = ReadonlyMap<string, XdsResource>;

interface Step {
  readonly from: WeakRef<Offered>;
  readonly names: readonly string[];
}

/** The last that was found for each offer: proxies that share it come from the same one. */
const steps = new WeakMap<Offered, Step>();

/** Names under which there is another resource, or there is one in one of the two alone. */
export function differingNames(from: Offered, to: Offered): readonly string[] {
  const known = steps.get(to);
  if (known?.from.deref() === from) return known.names;
  const names: string[] = [];
  for (const [name, resource] of to) if (from.get(name) !== resource) names.push(name);
  for (const name of from.keys()) if (!to.has(name)) names.push(name);
  steps.set(to, { from: new WeakRef(from), names });
  return names;
}
