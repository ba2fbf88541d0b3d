/**
 * The compiled form of a RouteConfiguration: what one request is matched against. Built once per version of the
 * resource, in `snapshot/read/`; matched in `snapshot/match-route.ts`.
 */
import type { RouteInfo } from '../http/exchange.ts';
import type { FieldName } from '../http/field-name.ts';
import type { CompiledHeader, HeaderMatch } from '../http/match/header.ts';
import type { Pattern } from '../http/regex/pattern.ts';
import type { ByteTrie } from './byte-trie.ts';
import type { HashPolicy } from './request-hash.ts';
import type { ShownMetadata } from './format/facts.ts';
import type { QueryMatch } from './query-match.ts';
import type { MirrorPolicy } from './mirror-policy.ts';
import type { RetryPolicy } from './retry-policy.ts';
import type { SubsetMatch } from './subset-match.ts';
import type { HostRewrite, PathRewrite, Redirect, RouteEdits } from './route-edits.ts';

export interface HttpFilterConfig {
  readonly name: string;
  readonly type: string;
  readonly config: Uint8Array;
  readonly optional: boolean;
  /** It is asked only where a route says something of it. */
  readonly disabled: boolean;
}

/** What a route says of a filter of the listener. */
export interface FilterOverride {
  /** Of the filter. */
  readonly name: string;
  /** In the place of the listener's; null: the filter is not asked. */
  readonly config: HttpFilterConfig | null;
}

export interface WeightedCluster {
  /** Empty: `header` says it. */
  readonly name: string;
  /** The request's field whose value is the name; null: `name` is. */
  readonly header: FieldName | null;
  readonly weight: number;
  /** Which of its hosts will do; null: all. */
  readonly subset: SubsetMatch | null;
}

/** What a RouteConfiguration says; `compileRoutes` makes a RouteTable of it. */
export interface RouteConfig {
  readonly name: string;
  readonly hosts: readonly VirtualHost[];
  /** Domains are compared with the authority without its port (`ignore_port_in_host_matching`). */
  readonly ignorePort: boolean;
  /** Hosts that it lacks are asked for by the authority of the request (`vhds`). */
  readonly onDemand: boolean;
}

export interface RouteTable extends RouteConfig {
  readonly hostIndex: HostIndex;
  /** In the order of `hosts`. */
  readonly pathIndexes: readonly PathIndex[];
  readonly entries: readonly RouteEntry[];
  /** One of the hosts does. */
  readonly requiresTls: boolean;
}

/** Built by `host-index.ts`. Node values are positions in `hosts` plus 1; 0: none. */
export interface HostIndex {
  readonly exact: ByteTrie;
  readonly exactHost: Int32Array;
  /** Keys of `*suffix`, last byte first. */
  readonly suffix: ByteTrie;
  readonly suffixHost: Int32Array;
  readonly prefix: ByteTrie;
  readonly prefixHost: Int32Array;
  readonly any: number;
}

/** Built by `path-index.ts`. Numbers in lists are positions in the virtual host's `routes`, ascending. */
export interface PathIndex {
  readonly paths: ByteTrie;
  /** Three buckets a node (path ends here, goes on with a slash, goes on otherwise): start of its list; one more at the end. */
  readonly buckets: Int32Array;
  readonly lists: Int32Array;
  readonly regexes: Int32Array;
  readonly connects: Int32Array;
  /** By position of the route; all must hold. */
  readonly headers: readonly (readonly CompiledHeader[])[];
}

export interface VirtualHost {
  readonly name: string;
  /** Exact, `*.suffix`, `prefix.*` or `*`; matched without the case of letters. */
  readonly domains: readonly string[];
  /** In the order of xDS: the first match wins. */
  readonly routes: readonly RouteEntry[];
  /** Who comes without TLS is sent to `https`. */
  readonly requiresTls: boolean;
}

/** Whether something that was asked for is still used. The one thing in a snapshot that changes: a mark, no configuration. */
export interface UseMark {
  used: boolean;
}

export interface RouteEntry {
  /** Dense within its RouteConfiguration, or within its VirtualHost where that came by itself. */
  readonly id: number;
  readonly info: RouteInfo;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  /** One a filter, of all levels together. */
  readonly overrides: readonly FilterOverride[];
  /** Of its virtual host; null: that is there whether it is used or not. */
  readonly mark: UseMark | null;
  /** For formats; unset: none. */
  readonly metadata?: ShownMetadata | undefined;
  /** null: heads pass as they are. */
  readonly edits: RouteEdits | null;
  /** In the place of this entry one for each of its action's clusters, in their order; null: they differ in nothing else. */
  readonly split: readonly RouteEntry[] | null;
}

export interface RouteMatch {
  readonly path: PathMatch;
  /** All must hold; `:method` is matched as a header, as in xDS. */
  readonly headers: readonly HeaderMatch[];
  /** All must hold. */
  readonly query: readonly QueryMatch[];
  /** Matches CONNECT requests only, whatever the path. */
  readonly connect: boolean;
  /** Share of the requests that match, 0–1 (`runtime_fraction`); 1: all. */
  readonly fraction: number;
}

/** Compared with the path without its query. */
export type PathMatch =
  | { readonly kind: 'prefix'; readonly value: Uint8Array }
  | { readonly kind: 'exact'; readonly value: Uint8Array }
  /** A whole path segment: `/a` matches `/a` and `/a/b`, not `/ab`. */
  | { readonly kind: 'segment'; readonly value: Uint8Array }
  | { readonly kind: 'regex'; readonly value: Pattern };

export type RouteAction =
  | ForwardAction
  | { readonly kind: 'direct'; readonly status: number; readonly body: string }
  | ({ readonly kind: 'redirect' } & Redirect);

export interface ForwardAction {
  readonly kind: 'forward';
  readonly clusters: readonly WeightedCluster[];
  readonly totalWeight: number;
  /** From the end of the request to the end of the response; 0: unbounded. Envoy's default is 15 s. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy | null;
  /** Answered when the chosen cluster does not exist; Envoy's default is 503. */
  readonly notFoundStatus: number;
  /** Protocols that may be upgraded to, lower case, such as `websocket`. */
  readonly upgrades: readonly string[];
  /** Those that may not, whatever the listener says. */
  readonly barredUpgrades: readonly string[];
  /** Terminates CONNECT: the tunnel's bytes go to the cluster as TCP. */
  readonly connect: boolean;
  /** Without a byte on the stream, instead of the manager's; 0: unbounded, null: as the manager says. */
  readonly idleTimeoutMs: number | null;
  /** From the request's head to the last byte of the exchange; 0: unbounded, null: as the manager says. */
  readonly maxDurationMs: number | null;
  /** The most that a caller's `grpc-timeout` may ask for; 0: whatever it asks (Envoy's `grpc_timeout_header_max`). */
  readonly maxGrpcTimeoutMs: number;
  /** Taken off a caller's `grpc-timeout`, for the way back. */
  readonly grpcTimeoutOffsetMs: number;
  /** null: one try after the other. */
  readonly hedge: HedgePolicy | null;
  /** Empty: the request has no hash, so a consistent-hash balancer picks at random. */
  readonly hash: readonly HashPolicy[];
  /** null: the path goes on as it is. */
  readonly path: PathRewrite | null;
  /** null: the host goes on as it is. */
  readonly host: HostRewrite | null;
  /** Each try says in `x-envoy-attempt-count` which one it is. */
  readonly countsTries: boolean;
  /** So does the response. */
  readonly tellsTries: boolean;
  /** A host that is rewritten goes on in `x-forwarded-host`. */
  readonly forwardsHost: boolean;
  /** Of a request's body, kept for another try; past it there is none. */
  readonly maxReplayBytes: number;
  /** Empty: requests go nowhere else. */
  readonly mirrors: readonly MirrorPolicy[];
}

/** Several tries of a request at once, the first good response wins. */
export interface HedgePolicy {
  /** Tries that begin together; at least 1. */
  readonly initialTries: number;
  /** Share of requests that begin with one more, 0–1. */
  readonly extraChance: number;
  /** A try whose per-try timeout ends goes on beside the next one. */
  readonly onPerTryTimeout: boolean;
}
