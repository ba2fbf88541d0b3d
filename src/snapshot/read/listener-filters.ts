/** Listener filters: what is done with a connection before its filter chain is chosen. They act in one order, which theirs must be. */
import type { Listener as Message, ListenerFilter } from '../../xds/tables/messages.gen.ts';
import { ProxyProtocolConfig_Version as Version } from '../../xds/tables/messages.gen.ts';
import { ProxyProtocolTable } from '../../xds/tables/tables.gen.ts';
import type { Arrival, ProxyHeaderConfig } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';
import type { Terms } from './terms.ts';

const LISTENER = 'type.googleapis.com/envoy.extensions.filters.listener.';
const ORIGINAL_DST = `${LISTENER}original_dst.v3.OriginalDst`;
const PROXY_PROTOCOL = `${LISTENER}proxy_protocol.v3.ProxyProtocol`;
const TLS_INSPECTOR = `${LISTENER}tls_inspector.v3.TlsInspector`;
const HTTP_INSPECTOR = `${LISTENER}http_inspector.v3.HttpInspector`;
/** Where a connection was going, whose it is, what it begins with; the inspectors look at the same bytes in any order. */
const ORDER: ReadonlyMap<string, number> = new Map([
  [ORIGINAL_DST, 0],
  [PROXY_PROTOCOL, 1],
  [TLS_INSPECTOR, 2],
  [HTTP_INSPECTOR, 2],
]);

export interface ListenerFilters {
  readonly arrival: Arrival | null;
  readonly inspectTls: boolean;
  readonly inspectHttp: boolean;
}

export function readListenerFilters(message: Message, terms: Terms): ListenerFilters {
  const handsOver = message.useOriginalDst ?? false;
  if (handsOver) refuseWithoutKernel('use_original_dst', terms);
  let asksKernel = handsOver;
  let proxyHeader: ProxyHeaderConfig | null = null;
  let last = 0;
  const seen = new Set<string>();
  message.listenerFilters.forEach((filter, i) => {
    const where = `listener_filters[${i}].typed_config`;
    const type = filter.configType.value?.typeUrl ?? '';
    const order = ORDER.get(type);
    if (order === undefined) throw unsupported(where, `no listener filter of this proxy reads ${type || 'it'}`);
    if (seen.has(type)) throw invalid(where, 'a filter of this kind stands before it');
    if (order < last) throw unsupported(where, 'it must stand before the filters that look at what it changes');
    last = order;
    seen.add(type);
    if (type === PROXY_PROTOCOL) proxyHeader = within(where, () => readProxyProtocol(filter));
    if (type !== ORIGINAL_DST) return;
    refuseWithoutKernel(where, terms);
    asksKernel = true;
  });
  return {
    arrival: asksKernel || proxyHeader !== null ? { asksKernel, handsOver, proxyHeader } : null,
    inspectTls: seen.has(TLS_INSPECTOR),
    inspectHttp: seen.has(HTTP_INSPECTOR),
  };
}

export function refuseWithoutKernel(where: string, terms: Terms): void {
  const why = terms.noOriginalDestination();
  if (why !== null) throw unsupported(where, why);
}

/** `stat_prefix` names counters that have other names here; `pass_through_tlvs` keeps what no upstream is told of here. */
function readProxyProtocol({ configType }: ListenerFilter): ProxyHeaderConfig {
  const message = decodeConfig(ProxyProtocolTable, configType.value?.value ?? new Uint8Array(0));
  refuseSet('rules', message.rules);
  for (const [i, version] of message.disallowedVersions.entries()) {
    if (version !== Version.V1 && version !== Version.V2) throw unsupported(`disallowed_versions[${i}]`);
  }
  const versions = ([1, 2] as const).filter(
    (version) => !message.disallowedVersions.includes(version === 1 ? Version.V1 : Version.V2),
  );
  if (versions.length === 0) throw invalid('disallowed_versions', 'no version is left');
  return { optional: message.allowRequestsWithoutProxyProtocol, versions };
}
