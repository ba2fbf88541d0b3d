/** Where a reference to another resource may point. Which of these places a proxy asks is the applier's to say. */
import { ADS, type ResourceSource } from '../../xds/client/resource-source.ts';
import type { ApiConfigSource, ConfigSource } from '../../xds/tables/messages.gen.ts';
import { ApiConfigSource_ApiType as ApiType, ApiVersion } from '../../xds/tables/messages.gen.ts';
import { invalid, unsupported } from './problem.ts';

const MIN_REFRESH_MS = 100;

/** `self` means the stream that the reference came on, and is read as ADS. Unset is refused, as Envoy refuses it. */
export function readSource(where: string, source: ConfigSource | undefined): ResourceSource {
  const specifier = source?.configSourceSpecifier;
  switch (specifier?.case) {
    case 'ads':
    case 'self':
      return ADS;
    case 'apiConfigSource':
      return readApiSource(`${where}.api_config_source`, specifier.value);
    case undefined:
      throw unsupported(where, 'resources come over ADS or from an API server');
  }
}

/** ADS itself is no place to ask for one type: its own `api_config_source` is read by `readApiProtocol`. */
function readApiSource(where: string, api: ApiConfigSource): ResourceSource {
  const protocol = readApiProtocol(where, api);
  if (protocol === 'rest') {
    if (api.refreshDelay === undefined) throw invalid(`${where}.refresh_delay`, 'required');
    const refreshMs = Math.max(MIN_REFRESH_MS, api.refreshDelay);
    return { kind: 'service', protocol, cluster: readApiCluster(where, api), refreshMs };
  }
  return { kind: 'service', protocol, cluster: readApiCluster(where, api), refreshMs: 0 };
}

export function readApiProtocol(where: string, api: ApiConfigSource): 'delta' | 'sotw' | 'rest' {
  // Unset counts as V3: Envoy has no other left.
  if (api.transportApiVersion !== ApiVersion.V3 && api.transportApiVersion !== ApiVersion.AUTO)
    throw unsupported(`${where}.transport_api_version`, 'only V3 is spoken');
  switch (api.apiType) {
    case ApiType.GRPC:
      return 'sotw';
    case ApiType.DELTA_GRPC:
      return 'delta';
    case ApiType.REST:
      return 'rest';
    default:
      throw unsupported(`${where}.api_type`);
  }
}

/** The cluster of the bootstrap behind which the server is. */
export function readApiCluster(where: string, api: ApiConfigSource): string {
  if (api.apiType === ApiType.REST) {
    const [cluster, ...more] = api.clusterNames;
    if (cluster === undefined) throw invalid(`${where}.cluster_names`, 'required');
    if (more.length > 0) throw unsupported(`${where}.cluster_names[1]`, 'one server is asked');
    return cluster;
  }
  const [service, ...more] = api.grpcServices;
  if (service === undefined) throw invalid(`${where}.grpc_services`, 'required');
  if (more.length > 0) throw unsupported(`${where}.grpc_services[1]`, 'one server is asked');
  if (service.targetSpecifier.case !== 'envoyGrpc') {
    throw unsupported(`${where}.grpc_services[0]`, 'a server is reached through a cluster: envoy_grpc');
  }
  const { clusterName } = service.targetSpecifier.value;
  if (clusterName === '') throw invalid(`${where}.grpc_services[0].envoy_grpc.cluster_name`, 'required');
  return clusterName;
}

/** `ads` and `self` only. */
export function expectAds(where: string, source: ConfigSource | undefined): void {
  const { kind } = readSource(where, source);
  if (kind !== 'ads') throw unsupported(where, 'it comes over ADS only');
}
