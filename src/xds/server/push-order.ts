/** Who refers to whom, and so in which order types are sent and removed (make before break). */
import { TYPE_ORDER, TYPE_URLS } from '../resource.ts';

/** A resource is removed only when all who could still name it have settled on a state without it. */
const REFERRERS: Readonly<Record<string, readonly string[]>> = {
  [TYPE_URLS.cluster]: [TYPE_URLS.listener, TYPE_URLS.routes, TYPE_URLS.virtualHosts],
  [TYPE_URLS.endpoints]: [TYPE_URLS.cluster],
  [TYPE_URLS.routes]: [TYPE_URLS.listener],
  [TYPE_URLS.virtualHosts]: [TYPE_URLS.routes],
  [TYPE_URLS.secret]: [TYPE_URLS.listener, TYPE_URLS.cluster],
};

export function referrersOf(type: string): readonly string[] {
  return REFERRERS[type] ?? [];
}

/** Types whose news must be on its way before a listener, a route or a virtual host may name it. */
export function referentsOf(type: string): readonly string[] {
  if (type === TYPE_URLS.virtualHosts) return [...CLUSTER_TYPES, ...LISTENER_TYPES];
  return NAMING_TYPES.includes(type) ? CLUSTER_TYPES : [];
}

const NAMING_TYPES: readonly string[] = [TYPE_URLS.listener, TYPE_URLS.routes, TYPE_URLS.virtualHosts];

/** A CONNECT of a virtual host that was just asked for may lead into a listener that comes along. */
const LISTENER_TYPES: readonly string[] = [TYPE_URLS.listener, TYPE_URLS.routes];

const CLUSTER_TYPES: readonly string[] = [TYPE_URLS.cluster, TYPE_URLS.endpoints];

/** Types that Weft does not serve come last. */
export function sendingRank(type: string): number {
  const rank = (TYPE_ORDER as readonly string[]).indexOf(type);
  return rank === -1 ? TYPE_ORDER.length : rank;
}
