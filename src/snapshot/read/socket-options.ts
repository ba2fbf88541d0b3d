/** What a Cluster says of the sockets of its connections → SocketOptions. */
import type { Address, SocketOptions, TcpKeepAlive } from '../../core/runtime.ts';
import type { BindConfig, Cluster as Message, TcpKeepalive } from '../../xds/tables/messages.gen.ts';
import { readSocket } from './address.ts';
import { invalid, refuseSet } from './problem.ts';

/** The kernel's own bounds (tcp(7)), in seconds and probes. */
const MAX_SECONDS = 32_767;
const MAX_PROBES = 127;

/** Null where nothing is said that changes a socket. */
export function readSocketOptions(message: Message): SocketOptions | null {
  const sources = readSources('upstream_bind_config', message.upstreamBindConfig);
  const keepAlive = readKeepAlive(
    'upstream_connection_options.tcp_keepalive',
    message.upstreamConnectionOptions?.tcpKeepalive,
  );
  return sources.length === 0 && keepAlive === null ? null : { sources, keepAlive };
}

function readSources(where: string, config: BindConfig | undefined): readonly Address[] {
  if (config === undefined) return [];
  // Both need options of the socket that Node does not set.
  refuseSet(`${where}.freebind`, config.freebind);
  refuseSet(`${where}.socket_options`, config.socketOptions);
  refuseSet(`${where}.additional_source_addresses`, config.additionalSourceAddresses);
  refuseSet(`${where}.local_address_selector`, config.localAddressSelector);
  const { sourceAddress, extraSourceAddresses } = config;
  if (sourceAddress === undefined) {
    refuseSet(`${where}.extra_source_addresses`, extraSourceAddresses);
    return [];
  }
  const extra = extraSourceAddresses.map(({ address, socketOptions }, i) => {
    const at = `${where}.extra_source_addresses[${i}]`;
    refuseSet(`${at}.socket_options`, socketOptions);
    if (address === undefined) throw invalid(`${at}.address`, 'required');
    return readSocket(`${at}.address`, address, false);
  });
  return [readSocket(`${where}.source_address`, sourceAddress, false), ...extra];
}

function readKeepAlive(where: string, message: TcpKeepalive | undefined): TcpKeepAlive | null {
  if (message === undefined) return null;
  const within = (field: string, value: number | undefined, most: number): number => {
    if (value !== undefined && value > most) throw invalid(`${where}.${field}`, `at most ${most}`);
    return value ?? 0;
  };
  return {
    idleSeconds: within('keepalive_time', message.keepaliveTime, MAX_SECONDS),
    intervalSeconds: within('keepalive_interval', message.keepaliveInterval, MAX_SECONDS),
    probes: within('keepalive_probes', message.keepaliveProbes, MAX_PROBES),
  };
}
