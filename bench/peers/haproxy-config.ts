/**
 * HAProxy's configuration with a sidecar's duties: outbound one hundred routes, request and trace ids; inbound a method
 * rule and the caller's identity in a header; both sides write a JSON access log.
 */

export interface Frontend {
  readonly name: string;
  /** `tcp`: bytes and no more. */
  readonly side: 'in' | 'out' | 'tcp';
  /** Address and options of its `bind` line. */
  readonly bind: string;
  /** Address and options of its `server` line. */
  readonly server: string;
}

export function haproxyConfig(frontends: readonly Frontend[], mapFile: string): string {
  return `global
  nbthread 1
  maxconn 9000
  log stdout format raw local0 info
  tune.h2.max-concurrent-streams 500
defaults
  mode http
  log global
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  http-reuse always
${frontends.map((frontend) => section(frontend, mapFile)).join('')}`;
}

function section({ name, side, bind, server }: Frontend, mapFile: string): string {
  const mode = side === 'tcp' ? '  mode tcp\n' : '';
  return `frontend ${name}-in
${mode}  bind ${bind} backlog 4096
${side === 'tcp' ? '' : LOG_FORMAT}${RULES[side](mapFile)}  default_backend ${name}-out
backend ${name}-out
${mode}  balance leastconn
  option redispatch
  retries 2
  server only ${server}
`;
}

const LOG_FORMAT = `  log-format '{"time":"%t","method":"%HM","path":"%[capture.req.uri,json]","status":%ST,"durationMs":%Tt,"bytesOut":%B,"upstream":"%si:%sp","requestId":"%ID","route":"%[var(txn.route)]"}'
`;

const RULES: Readonly<Record<Frontend['side'], (mapFile: string) => string>> = {
  out: (mapFile) => `  unique-id-format %{+X}o%ci%cp%fi%fp%Ts%rt%pid
  unique-id-header x-request-id
  http-request set-var(txn.route) path,map_beg(${mapFile},other)
  http-request del-header x-forwarded-client-cert
  http-request set-header traceparent 00-%[rand]-%[rand]-01 unless { req.hdr(traceparent) -m found }
`,
  in: () => `  acl known method GET HEAD POST PUT DELETE PATCH OPTIONS
  http-request deny if !known
  http-request set-header x-forwarded-client-cert URI=%[ssl_c_s_dn]
`,
  tcp: () => '',
};
