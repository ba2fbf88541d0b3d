/**
 * What an operator of a format may ask of an exchange or a connection. The interface stands here, beside the operators;
 * who lives it stands in `proxy/router/`. Made only for what is formatted, so its members may cost something.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { ResponseFlag } from '../../http/flags.ts';
import type { Head } from '../../http/head.ts';
import type { JsonObject } from '../../xds/wire/json.ts';

export interface Facts {
  readonly logType: LogType;
  /** null: raw TCP. */
  readonly request: Head | null;
  /** null: none went out so far. */
  readonly response: Head | null;
  /** Of the response; null: it had none, or nobody wanted them. */
  readonly trailers: Head | null;
  /** The target as it came, before the route rewrote it; empty: raw TCP. */
  readonly originalPath: string;
  /** 0: no response. */
  readonly status: number;
  readonly flag: ResponseFlag;
  /** How the response came to be, in Envoy's words where it has one; empty: unknown. */
  readonly codeDetails: string;
  /** What our own answer would say, while it is being made; else empty. */
  readonly replyBody: string;
  /** -1: no gRPC call, or it ended without. */
  readonly grpcStatus: number;
  readonly bytesIn: number;
  readonly bytesOut: number;

  /** On the wall clock, ms with fractions. */
  readonly startedAtWallMs: number;
  nowWallMs(): number;
  /** From the beginning to the end, or to now. */
  readonly durationMs: number;
  /** From the beginning to the last byte of the request; negative: it has not come, or nobody wrote it down. */
  readonly requestMs: number;
  /** From the beginning to the first byte of the upstream's response; negative likewise. */
  readonly responseMs: number;

  readonly connection: ConnectionInfo;
  readonly connectionId: number;
  readonly chainName: string;
  /** Empty: no route. */
  readonly routeName: string;
  /** Empty: no cluster was chosen. */
  readonly clusterName: string;
  /** `host:port` of the endpoint of the last try; empty: none was picked. */
  readonly upstreamHost: string;
  /** Of a request that went to it: `HTTP/1.1` or `HTTP/2`; else empty. */
  readonly upstreamProtocol: string;
  /** To that endpoint; null: there is none, or its transport says nothing of itself. */
  readonly upstream: ConnectionInfo | null;
  /** Tries so far; 0: none was begun. */
  readonly attempts: number;
  /** What the resource says under `metadata`; undefined: nothing, or there is no such resource. */
  metadata(of: MetadataOf): ShownMetadata | undefined;
  /** Uniform in [0, 1). */
  random(): number;
  /** A fresh UUID. */
  uniqueId(): string;
}

/** Of a resource, by namespace; only what formats may show. */
export type ShownMetadata = ReadonlyMap<string, JsonObject>;

/** Envoy's AccessLogType: of an exchange, of raw bytes, of a connection as its listener sees it. */
export type LogType = 'DownstreamEnd' | 'TcpConnectionEnd' | 'NotSet';

export type MetadataOf = 'route' | 'cluster' | 'listener' | 'host';

/** Who can be asked for facts, but makes them only then. */
export interface FactsOwner {
  facts(): Facts;
}
