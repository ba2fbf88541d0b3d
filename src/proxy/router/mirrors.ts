/** All copies of one request; made for those that a route mirrors and for no other. */
import { copyHead } from '../../http/copy-head.ts';
import type { Head } from '../../http/head.ts';
import { type MirrorPolicy, shadowHost } from '../../snapshot/mirror-policy.ts';
import type { Cluster } from '../cluster/cluster.ts';
import type { Binding } from './binding.ts';
import { Mirror, type Mirrored } from './mirror.ts';
import type { RequestBody } from './request-body.ts';
import { makeAbsolute } from './request-target.ts';

export class Mirrors {
  readonly #mirrors: readonly Mirror[];

  constructor(mirrors: readonly Mirror[]) {
    this.#mirrors = mirrors;
  }

  sendData(bytes: Uint8Array, start: number, end: number, last: boolean): void {
    for (const mirror of this.#mirrors) mirror.sendData(bytes, start, end, last);
  }

  sendTrailers(fields: Head): void {
    for (const mirror of this.#mirrors) mirror.sendTrailers(fields);
  }

  /** The real request has ended. */
  leave(): void {
    for (const mirror of this.#mirrors) mirror.leave();
  }
}

/** Begins those that chance and the clusters allow, with what of the body is here already; null: none. */
export function startMirrors(
  policies: readonly MirrorPolicy[],
  of: Mirrored,
  binding: Binding,
  request: Head,
  body: RequestBody,
): Mirrors | null {
  const { random } = of.world.runtime;
  const begun: Mirror[] = [];
  for (const policy of policies) {
    if (policy.share < 1 && random.next() >= policy.share) continue;
    const cluster = clusterOf(policy, request, binding);
    if (cluster !== null) begun.push(new Mirror(of, cluster, headOf(policy, cluster, request)));
    else of.world.telemetry.mirrored(policy.cluster || 'unknown', 'no-cluster').add(1);
  }
  if (begun.length === 0) return null;
  const mirrors = new Mirrors(begun);
  for (const mirror of begun) mirror.start(body.isEmpty);
  body.copyTo(mirrors);
  return mirrors;
}

/** null: there is none of that name, or the request says none. */
function clusterOf({ cluster, header }: MirrorPolicy, request: Head, binding: Binding): Cluster | null {
  const found = binding.cluster(header === null ? cluster : (request.value(header) ?? ''));
  if (found !== null) found.isUsed = true;
  return found;
}

function headOf({ keepsHost }: MirrorPolicy, cluster: Cluster, request: Head): Head {
  const head = copyHead(request);
  if (!keepsHost && head.authorityEnd > head.authorityStart) head.setAuthority(shadowHost(head.authorityText));
  if (cluster.chained) makeAbsolute(head);
  return head;
}
