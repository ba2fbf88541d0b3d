/** Envoy's Address. */
import type { Address as Message, SocketAddress } from '../../xds/tables/messages.gen.ts';
import type { Address } from '../../core/runtime.ts';
import { protoName } from '../../xds/wire/field-name.ts';
import type { EndpointAddress } from '../snapshot.ts';
import { invalid, refuseSet, unsupported } from './problem.ts';

/** IPv4 or IPv6 literal; whether its parts are in range is the socket's to say. */
const LITERAL = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){2,7}(?:\.\d{1,3}){0,3})$/;

export function readSocketAddress(where: string, message: Message | undefined, names: boolean): Address {
  const address = message?.address;
  if (address?.case === undefined) throw invalid(where, 'required');
  if (address.case !== 'socketAddress') {
    throw unsupported(`${where}.${protoName(address.case)}`, 'an address of this kind cannot be used here');
  }
  return readSocket(`${where}.socket_address`, address.value, names);
}

export function readSocket(at: string, socket: SocketAddress, names: boolean): Address {
  if (socket.protocol !== 0) throw unsupported(`${at}.protocol`, 'only TCP is supported');
  refuseSet(`${at}.resolver_name`, socket.resolverName);
  if (socket.portSpecifier.case === 'namedPort') throw unsupported(`${at}.named_port`, 'a port number is required');
  if (socket.portSpecifier.case !== 'portValue') throw invalid(`${at}.port_value`, 'required');
  const port = socket.portSpecifier.value;
  if (port > 65_535) throw invalid(`${at}.port_value`, `${port} is not a port`);
  if (socket.address === '') throw invalid(`${at}.address`, 'required');
  if (!names && !LITERAL.test(socket.address)) throw invalid(`${at}.address`, `${socket.address} is not an IP address`);
  return { host: socket.address, port };
}

export function readEndpointAddress(where: string, message: Message | undefined, names: boolean): EndpointAddress {
  if (message?.address.case === 'envoyInternalAddress') {
    const listener = message.address.value.addressNameSpecifier.value;
    if (listener === undefined || listener === '') {
      throw invalid(`${where}.envoy_internal_address.server_listener_name`, 'required');
    }
    return { kind: 'internal', listener };
  }
  return { kind: 'socket', ...readSocketAddress(where, message, names) };
}
