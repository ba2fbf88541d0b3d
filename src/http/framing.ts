/** How the content of a message is delimited. A fact of one hop: each codec decides it anew for its own side. */
export const FRAMING = {
  /** No content follows the head. */
  none: 0,
  /** `contentLength` bytes follow. */
  length: 1,
  /** Chunks, and perhaps trailers. */
  chunked: 2,
  /** Content ends with the connection; responses only. */
  untilClose: 3,
  /** Raw bytes both ways, each direction until its FIN: after 101, and after 2xx to CONNECT. */
  tunnel: 4,
} as const;
export type Framing = (typeof FRAMING)[keyof typeof FRAMING];
