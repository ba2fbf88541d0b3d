/** Where copies of a route's requests go besides: Envoy's `request_mirror_policies`. Their answers reach nobody. */
import type { FieldName } from '../http/field-name.ts';

export interface MirrorPolicy {
  /** Empty: `header` names it. */
  readonly cluster: string;
  /** The request's field whose value is the cluster; a request without it is not copied. null: `cluster` says it. */
  readonly header: FieldName | null;
  /** Share of the requests that are copied, 0–1. */
  readonly share: number;
  /** The host goes on as it is, instead of with `-shadow` behind its name. */
  readonly keepsHost: boolean;
}

/** What every request has that nobody copies. */
export const NO_MIRRORS: readonly MirrorPolicy[] = [];

const PORT = /:\d+$/;

/** `shop:80` → `shop-shadow:80`, as Envoy marks it; a literal of IPv6 has no place for that and stays. */
export function shadowHost(authority: string): string {
  if (authority.startsWith('[')) return authority;
  const port = PORT.exec(authority)?.[0] ?? '';
  return `${authority.slice(0, authority.length - port.length)}-shadow${port}`;
}
