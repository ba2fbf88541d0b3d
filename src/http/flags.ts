/**
 * Response flags: why an exchange or a connection ended as it did, in the words that Envoy's access log uses, so that
 * existing dashboards read them. They stand in `http/` because codecs, filters and the router all set them.
 */
export const RESPONSE_FLAGS = {
  '': 'No proxy intervened.',
  DC: 'The downstream ended the connection before the response was complete.',
  DO: 'The control plane lets this share of requests be dropped, lest the upstream be overloaded.',
  DPE: 'The downstream broke the protocol.',
  NC: 'The route names a cluster that does not exist.',
  NR: 'No route matches the request.',
  RL: 'A rate limit refused the request.',
  SI: 'The downstream was idle for too long.',
  UAEX: 'An authorization rule denied the request.',
  UC: 'The upstream closed the connection before the response was complete.',
  UF: 'The upstream could not be connected.',
  UH: 'No healthy endpoint.',
  UMSDR: 'The upstream did not answer a try in time and no further try was made.',
  UO: 'A circuit limit was reached.',
  UPE: 'The upstream broke the protocol.',
  UR: 'The upstream reset the stream.',
  URX: 'Every try that the retry policy allows has failed.',
  UT: "The request timeout, or the caller's own deadline, ended.",
  DT: 'The stream lasted as long as it may.',
  LO: 'A limit of this proxy was reached.',
  OM: 'The proxy carries as much as it can, or as its memory allows.',
  SE: 'The identity of this workload has expired.',
  DI: 'A fault was injected: delay.',
  FI: 'A fault was injected: abort.',
} as const;
export type ResponseFlag = keyof typeof RESPONSE_FLAGS;
