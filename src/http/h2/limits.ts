/** Bounds of one HTTP/2 connection, either role. Each has a name under which it is counted when it fires. */
import { HIGH_WATER } from '../../core/runtime.ts';

export interface Http2Limits {
  /** Streams that the peer may have open at once (SETTINGS_MAX_CONCURRENT_STREAMS), and at most so many of our own. Default 1000. */
  readonly maxConcurrentStreams: number;
  /** Of a field section without compression, as RFC 9113 section 6.5.2 counts: 32 a field more than its bytes. Default 60 KiB, as Envoy's `max_request_headers_kb`. */
  readonly maxHeadBytes: number;
  /** Default 100. */
  readonly maxFields: number;
  /** Default 8 KiB. */
  readonly maxTrailerBytes: number;
  /** Of one field section as it comes over the wire. A section that may not be kept must be decoded all the same. Default 128 KiB. */
  readonly maxBlockBytes: number;
  /** CONTINUATION frames of one field section. Nobody needs one below 16 KiB (CVE-2024-27316). Default 16. */
  readonly maxContinuations: number;
  /**
   * Takes an authority as it comes. For programs at a Unix socket, which name it by its path: gRPC's C-core does, with
   * percent-encoding. Unset: refused unless it is a host and a port.
   */
  readonly anyAuthority?: boolean;
  /** Dynamic table of either direction. Default 4096, the protocol's own. */
  readonly maxTableBytes: number;

  /** What a stream may send before it gets credit: at first, and at most after growth. Default 128 KiB and 2 MiB. */
  readonly streamWindowBytes: number;
  readonly maxStreamWindowBytes: number;
  /** The same for all streams together: what may be under way. Default 4 MiB and 16 MiB. */
  readonly connectionWindowBytes: number;
  readonly maxConnectionWindowBytes: number;
  /**
   * Content of all streams that nobody has taken yet, with what the window allows: what a connection can make us hold.
   * From a quarter of it on, streams get smaller windows, so that those that stand still never hold up the others. At
   * least twice `maxConnectionWindowBytes`. Default 32 MiB.
   */
  readonly maxHeldBytes: number;

  /** Streams that the peer resets before they have ended (CVE-2023-44487): so many at once, so many a second; each stream that ends in order earns one more. Default 500 and 50. */
  readonly resetBurst: number;
  readonly resetsPerSecond: number;
  /** Streams that the peer makes us reset (CVE-2025-8671) or opens beyond the limit. Default 500 and 20. */
  readonly provokedResetBurst: number;
  readonly provokedResetsPerSecond: number;
  /** SETTINGS, PING, PRIORITY, WINDOW_UPDATE, empty DATA, unknown frames and frames on closed streams, beyond what the traffic itself asks for. Default 2000 and 200. */
  readonly controlFrameBurst: number;
  readonly controlFramesPerSecond: number;
  /** Answers to control frames that a peer who does not read lets pile up. Default 1000, as Envoy's `max_outbound_control_frames`. */
  readonly maxQueuedAnswers: number;
  /** Of all frames that wait for a peer who does not read. Default 8 MiB. */
  readonly maxBacklogBytes: number;
  /** Of content that nobody listens to any more, before the stream is reset. Default 256 KiB. */
  readonly maxDiscardBytes: number;
  /** 100, 102, 103… for one request. Default 32. */
  readonly maxInterim: number;

  /** From the start to the peer's SETTINGS and its acknowledgement of ours. 0: unbounded. Default 20 s. */
  readonly settingsTimeoutMs: number;
  /** From the first to the last byte of a field section, and of any frame. 0: unbounded. Default 60 s. */
  readonly headTimeoutMs: number;
  /** Without any stream. 0: unbounded. Default 1 h. */
  readonly idleTimeoutMs: number;
  /**
   * A stream with data to send that the peer takes less than `minProgressBytes` of in this time is reset, and so is a
   * request of which less than that comes, though it may, and which is no conversation (`server-stream.ts`). 0: unbounded.
   * Default 60 s and 1 KiB.
   */
  readonly stallTimeoutMs: number;
  readonly minProgressBytes: number;
  /** How long a request goes on to be read when its response is complete, and a closing connection. Default 2 s. */
  readonly lingerMs: number;
  /** Between the two GOAWAYs of a drain, if the peer does not answer the PING between them. Default 1 s. */
  readonly drainGraceMs: number;
  /** Silence after which a PING asks whether the peer is there. 0: never, as Envoy. */
  readonly keepAliveIntervalMs: number;
  /** From that PING to the end of the connection. Default 20 s. */
  readonly keepAliveTimeoutMs: number;
}

export const DEFAULT_HTTP2_LIMITS: Http2Limits = {
  maxConcurrentStreams: 1_000,
  maxHeadBytes: 61_440,
  maxFields: 100,
  maxTrailerBytes: 8_192,
  maxBlockBytes: 131_072,
  maxContinuations: 16,
  maxTableBytes: 4_096,
  streamWindowBytes: 2 * HIGH_WATER,
  maxStreamWindowBytes: 2 ** 21,
  connectionWindowBytes: 2 ** 22,
  maxConnectionWindowBytes: 2 ** 24,
  maxHeldBytes: 2 ** 25,
  resetBurst: 500,
  resetsPerSecond: 50,
  provokedResetBurst: 500,
  provokedResetsPerSecond: 20,
  controlFrameBurst: 2_000,
  controlFramesPerSecond: 200,
  maxQueuedAnswers: 1_000,
  maxBacklogBytes: 2 ** 23,
  maxDiscardBytes: 262_144,
  maxInterim: 32,
  settingsTimeoutMs: 20_000,
  headTimeoutMs: 60_000,
  idleTimeoutMs: 3_600_000,
  stallTimeoutMs: 60_000,
  minProgressBytes: 1_024,
  lingerMs: 2_000,
  drainGraceMs: 1_000,
  keepAliveIntervalMs: 0,
  keepAliveTimeoutMs: 20_000,
};

/** What `onLimit` is told: the bound that fired. */
export const LIMIT = {
  streams: 'h2.max_concurrent_streams',
  resets: 'h2.rapid_reset',
  provokedResets: 'h2.provoked_reset',
  continuations: 'h2.continuation_flood',
  blockBytes: 'h2.header_block_bytes',
  headBytes: 'h2.header_list_bytes',
  settings: 'h2.settings_flood',
  pings: 'h2.ping_flood',
  priorities: 'h2.priority_flood',
  windowUpdates: 'h2.window_update_flood',
  emptyData: 'h2.empty_data_flood',
  otherFrames: 'h2.other_frame_flood',
  lateFrames: 'h2.late_frame_flood',
  answers: 'h2.queued_answers',
  backlog: 'h2.backlog_bytes',
  discarded: 'h2.discarded_bytes',
  held: 'h2.held_bytes',
  interim: 'h2.interim_responses',
  settingsTimeout: 'h2.settings_timeout',
  headTimeout: 'h2.head_timeout',
  idle: 'h2.idle_timeout',
  stalledStream: 'h2.stalled_stream',
  trickle: 'h2.trickling_stream',
  stalledConnection: 'h2.stalled_connection',
  keepAlive: 'h2.keep_alive_timeout',
} as const;
export type LimitName = (typeof LIMIT)[keyof typeof LIMIT];
