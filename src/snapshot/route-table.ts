/**
 * The compiled form of a RouteConfiguration: what one request is matched against. Built once per version of the
 * resource, in `snapshot/read/`; matched in `snapshot/match-route.ts`.
 */
import type { RouteInfo } from '../http/exchange.ts';

export interface HttpFilterConfig {
  readonly name: string;
  readonly type: string;
  readonly config: Uint8Array;
  readonly optional: boolean;
}

export interface WeightedCluster {
  readonly name: string;
  readonly weight: number;
}

export interface RouteTable {
  readonly name: string;
  readonly hosts: readonly VirtualHost[];
}

export interface VirtualHost {
  readonly name: string;
  /** Exact, `*.suffix`, `prefix.*` or `*`; matched without the case of letters. */
  readonly domains: readonly string[];
  /** In the order of xDS: the first match wins. */
  readonly routes: readonly RouteEntry[];
}

export interface RouteEntry {
  /** Dense within its table: index of verdict caches and counters. */
  readonly id: number;
  readonly info: RouteInfo;
  readonly match: RouteMatch;
  readonly action: RouteAction;
  /** Per-route configuration that replaces the listener's, by filter name. */
  readonly overrides: readonly HttpFilterConfig[];
}

export interface RouteMatch {
  readonly path: PathMatch;
  /** All must hold; `:method` is matched as a header, as in xDS. */
  readonly headers: readonly HeaderMatch[];
  /** Matches CONNECT requests only. */
  readonly connect: boolean;
}

export type PathMatch =
  | { readonly kind: 'prefix'; readonly value: Uint8Array }
  | { readonly kind: 'exact'; readonly value: Uint8Array }
  /** A whole path segment: `/a` matches `/a` and `/a/b`, not `/ab`. */
  | { readonly kind: 'segment'; readonly value: Uint8Array }
  | { readonly kind: 'regex'; readonly value: RegExp };

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  readonly kind: 'present' | 'exact' | 'prefix' | 'suffix' | 'contains' | 'regex';
  readonly value: string;
  readonly regex: RegExp | null;
  readonly invert: boolean;
}

export type RouteAction =
  | ForwardAction
  | { readonly kind: 'direct'; readonly status: number; readonly body: string };

export interface ForwardAction {
  readonly kind: 'forward';
  readonly clusters: readonly WeightedCluster[];
  readonly totalWeight: number;
  /** From the end of the request to the end of the response; 0: unbounded. Envoy's default is 15 s. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy | null;
  /** Protocols that may be upgraded to, lower case, such as `websocket`. */
  readonly upgrades: readonly string[];
  /** Terminates CONNECT: the tunnel's bytes go to the cluster as TCP. */
  readonly connect: boolean;
}

export interface RetryPolicy {
  /** Retries after the first try. */
  readonly retries: number;
  /** 0: the request timeout only. */
  readonly perTryTimeoutMs: number;
  readonly onConnectFailure: boolean;
  readonly onRefusedStream: boolean;
  /** Any reset, a disconnect without a response included. */
  readonly onReset: boolean;
  readonly onGatewayError: boolean;
  readonly on5xx: boolean;
  readonly statusCodes: readonly number[];
  readonly baseIntervalMs: number;
  readonly maxIntervalMs: number;
}
