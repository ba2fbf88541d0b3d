/** What a proxy under test answers on a connection of ours: static resources to say it with, and a way to ask. */
import { connect, type TcpNetConnectOpts } from 'node:net';

const P = 'type.googleapis.com/envoy.extensions.';

export type Json = Readonly<Record<string, unknown>>;

export const socketAddress = (address: string, port = 0): Json => ({
  socket_address: { address, port_value: port },
});

export const listenerFilter = (kind: string, more: object = {}): Json => ({
  name: kind,
  typed_config: { '@type': `${P}filters.listener.${kind}`, ...more },
});

export const HTTP_INSPECTOR = listenerFilter('http_inspector.v3.HttpInspector');

/** A filter chain whose answer is its name. */
export function namedChain(name: string, match: object, more: object = {}): Json {
  const said = { status: 200, body: { inline_string: name } };
  const manager = {
    '@type': `${P}filters.network.http_connection_manager.v3.HttpConnectionManager`,
    stat_prefix: name,
    route_config: {
      name,
      virtual_hosts: [{ name, domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: said }] }],
    },
    http_filters: [{ name: 'router', typed_config: { '@type': `${P}filters.http.router.v3.Router` } }],
  };
  return { name, filter_chain_match: match, filters: [{ name: 'http', typed_config: manager }], ...more };
}

export const REQUEST = 'GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';

/** The body of the answer to `sent`, or its status where that is an error; `closed` where the connection ended without one. */
export function told(to: TcpNetConnectOpts, sent: string | Uint8Array = REQUEST): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    const socket = connect(to, () => socket.write(sent));
    socket.setTimeout(5_000, () => socket.destroy());
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      // Reset: the same two ports are to be used again.
      if (bodyOf(text) !== null) socket.resetAndDestroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(bodyOf(text) ?? 'closed'));
  });
}

/** null: not all of it is there. */
function bodyOf(text: string): string | null {
  const split = text.indexOf('\r\n\r\n');
  const bytes = /content-length: (\d+)/i.exec(text)?.[1];
  if (split < 0 || bytes === undefined) return null;
  const [, status = ''] = text.split(' ', 2);
  const body = text.slice(split + 4);
  if (body.length < Number(bytes)) return null;
  return status === '200' ? body : status;
}
