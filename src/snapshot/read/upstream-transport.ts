/** The transport socket of a cluster: TLS or none, in a wrapping that announces the client where there is one. */
import type { TransportSocket } from '../../xds/tables/messages.gen.ts';
import { ProxyProtocolConfig_Version as Version } from '../../xds/tables/messages.gen.ts';
import { ProxyProtocolUpstreamTransportTable } from '../../xds/tables/tables.gen.ts';
import type { UpstreamTls } from '../snapshot.ts';
import { decodeConfig } from './decode-config.ts';
import { invalid, refuseSet, unsupported, within } from './problem.ts';
import type { Terms } from './terms.ts';
import { readUpstreamTls } from './tls-context.ts';

const PROXY_PROTOCOL =
  'type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport';

interface UpstreamTransport {
  readonly announces: 0 | 1 | 2;
  readonly tls: UpstreamTls | null;
}

export function readUpstreamTransport(
  where: string,
  socket: TransportSocket | undefined,
  terms: Terms,
): UpstreamTransport {
  const wrapping = socket?.configType.value;
  if (wrapping?.typeUrl !== PROXY_PROTOCOL) return { announces: 0, tls: readUpstreamTls(where, socket, terms) };
  return within(`${where}.typed_config`, () => {
    // Sidecars know each other by their certificates.
    if (terms.tls === 'mesh') throw unsupported('', 'peers of a mesh are not told of by PROXY headers');
    const { config, transportSocket } = decodeConfig(ProxyProtocolUpstreamTransportTable, wrapping.value);
    if (transportSocket === undefined) throw invalid('transport_socket', 'required');
    // What a downstream header says besides its ends is not kept.
    refuseSet('config.pass_through_tlvs', config?.passThroughTlvs);
    const version = config?.version ?? Version.V1;
    if (version !== Version.V1 && version !== Version.V2) throw unsupported('config.version');
    const tls = readUpstreamTls('transport_socket', transportSocket, terms);
    return { announces: version === Version.V1 ? 1 : 2, tls };
  });
}
