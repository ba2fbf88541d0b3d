/** What a Cluster says of looking up names → DnsConfig. Names are asked of the system's resolver, whatever resolver is named. */
import type { Cluster as Message, TypedExtensionConfig } from '../../xds/tables/messages.gen.ts';
import { Cluster_DnsLookupFamily as Family } from '../../xds/tables/messages.gen.ts';
import { CaresDnsResolverConfigTable } from '../../xds/tables/tables.gen.ts';
import type { DnsBackOff, DnsConfig } from '../dns-config.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';

/** Envoy's default for `dns_refresh_rate`; a name that moves faster than twice a second is not followed. */
const REFRESH_MS = 5_000;
const MIN_REFRESH_MS = 500;

const FAMILIES: Readonly<Record<number, DnsConfig['family']>> = {
  [Family.AUTO]: 'auto',
  [Family.V4_ONLY]: 'v4',
  [Family.V6_ONLY]: 'v6',
  [Family.V4_PREFERRED]: 'v4-preferred',
  [Family.ALL]: 'all',
};

const P = 'type.googleapis.com/envoy.extensions.network.dns_resolver.';

export function readDns(message: Message): DnsConfig {
  const family = FAMILIES[message.dnsLookupFamily];
  if (family === undefined) throw invalid('dns_lookup_family', `${message.dnsLookupFamily} is unknown`);
  checkResolver('typed_dns_resolver_config', message.typedDnsResolverConfig);
  return { refreshMs: readRefresh(message), failure: readFailure('dns_failure_refresh_rate', message), family };
}

/** The system's resolver tells no TTL, so to respect it is to ask as often as if nothing were said. */
function readRefresh({ dnsRefreshRate, respectDnsTtl }: Message): number {
  if (dnsRefreshRate === undefined) return REFRESH_MS;
  if (dnsRefreshRate < 1) throw invalid('dns_refresh_rate', 'must be at least 1 ms');
  const rateMs = Math.max(dnsRefreshRate, MIN_REFRESH_MS);
  return respectDnsTtl ? Math.min(rateMs, REFRESH_MS) : rateMs;
}

function readFailure(where: string, { dnsFailureRefreshRate: rate }: Message): DnsBackOff | null {
  if (rate === undefined) return null;
  const baseIntervalMs = rate.baseInterval ?? 0;
  if (baseIntervalMs < 1) throw invalid(`${where}.base_interval`, 'must be at least 1 ms');
  const maxIntervalMs = rate.maxInterval ?? 10 * baseIntervalMs;
  if (maxIntervalMs < baseIntervalMs) throw invalid(`${where}.max_interval`, 'must not be less than base_interval');
  return { baseIntervalMs, maxIntervalMs };
}

/** Another resolver would find other addresses. */
function checkResolver(where: string, config: TypedExtensionConfig | undefined): void {
  if (config?.typedConfig === undefined) return;
  const { typeUrl, value } = config.typedConfig;
  switch (typeUrl) {
    case `${P}getaddrinfo.v3.GetAddrInfoDnsResolverConfig`:
      return;
    case `${P}cares.v3.CaresDnsResolverConfig`:
      return within(`${where}.typed_config`, () => {
        const { resolvers, useResolversAsFallback, dnsResolverOptions } = decodeConfig(
          CaresDnsResolverConfigTable,
          value,
        );
        if (!useResolversAsFallback) refuseSet('resolvers', resolvers);
        refuseSet('dns_resolver_options.no_default_search_domain', dnsResolverOptions?.noDefaultSearchDomain);
      });
    default:
      throw unsupported(where, `no resolver of this proxy reads ${typeUrl}`);
  }
}
