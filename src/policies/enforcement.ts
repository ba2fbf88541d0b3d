/** Which proxies do not enforce a policy, said of the very policy: what a kind of proxy lacks matters to who asks for it. */
import type { ProxyKind } from '../api/kinds/workload.ts';
import type { Resource } from '../api/resource.ts';
import type { PolicyKind } from './policy-kind.ts';

/** A clause that reads after `is not enforced by it:`; null: all of it is enforced. */
export function unenforcedBy(kind: PolicyKind, policy: Resource, proxy: ProxyKind): string | null {
  const whole = kind.enforcedBy[proxy];
  if (whole === true) return null;
  return kind.unenforced === undefined ? whole : kind.unenforced(policy, proxy);
}
