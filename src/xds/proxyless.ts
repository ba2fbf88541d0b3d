/**
 * What the two ends of a proxyless gRPC program's configuration agree on: the control plane names its resources by it,
 * and the agent writes it into the program's bootstrap file (gRFC A27, A36).
 */

/** `server_listener_resource_name_template`: `%s` is the address that a server bound, such as `0.0.0.0:50051`. */
export const SERVER_LISTENER_TEMPLATE = 'weft/server/%s';

/** The certificate provider instance of the bootstrap file: own SVID and the roots, from files (gRFC A29). */
export const CERTIFICATE_PROVIDER = 'weft';

/** The name of a server's listener. `host`: an IP literal, IPv6 without brackets. */
export function serverListenerName(host: string, port: number): string {
  const bound = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
  return SERVER_LISTENER_TEMPLATE.replace('%s', bound);
}
