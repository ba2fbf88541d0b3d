/**
 * One request and its response as a filter sees them. The interface stands here, below the filters; the class that
 * lives it stands in `proxy/router/`. An exchange is mutated only by the router and the filter that is running, ends
 * exactly once and is never reused; late callbacks find `ended` and return.
 */
import type { ConnectionInfo } from '../core/runtime.ts';
import type { ResponseFlag } from './flags.ts';
import type { Head } from './head.ts';
import type { Verdict } from './verdict.ts';

export interface RouteInfo {
  /** The name that metrics, logs and `explain` show: the HTTPRoute rule, or the virtual host. */
  readonly name: string;
  readonly virtualHost: string;
  /** Id of the origin (file:line or object) that caused this route, from the xDS metadata; empty when unknown. */
  readonly origin: string;
  /** Faults of this route end then, on the wall clock; 0 or unset: when the route no longer has them. */
  readonly faultsUntilMs?: number;
}

/** Values that filters keep, by the index that their Scope reserved. Empty slots are undefined. */
export type Slots = unknown[];

export interface Exchange {
  readonly request: Head;
  readonly response: Head | null;
  readonly ended: boolean;
  readonly connection: ConnectionInfo;
  readonly route: RouteInfo | null;
  /** `Clock.now()` at the arrival of the request head. */
  readonly startedAt: number;
  /** Per connection and Binding: cached verdicts. */
  readonly memo: Slots;
  /** Per exchange; filled only by filters that need it. */
  readonly state: Slots;
  /**
   * The one place where an error becomes a response. `detail` goes to the access log and names the rule or limit;
   * `body` is what the caller may know, one line of text. After the response head has gone the stream is reset instead.
   * `grpcStatus` is for a gRPC caller; unset or negative: what gRPC makes of the HTTP status.
   */
  reply(status: number, flag: ResponseFlag, detail: string, body?: string, grpcStatus?: number): Verdict;
  /** For the access log, whatever becomes of it; the flag stands where nothing else sets one. */
  note(text: string, flag?: ResponseFlag): void;
  /** After SUSPENDED: goes on with the next filter. */
  resume(): void;
  /** Matches the route again after a filter changed what is matched; allowed once. */
  reroute(): Verdict;
  /** Only a filter that touches bytes pays for bytes. */
  stage(direction: 'request' | 'response', stage: BodyStage): void;
}

export interface BodySink {
  onData(bytes: Uint8Array, start: number, end: number, last: boolean): void;
}

export interface BodyStage {
  onData(bytes: Uint8Array, start: number, end: number, last: boolean, next: BodySink): void;
}
