/**
 * Connections that are refused before they carry anything: counted by a closed list of reasons, and named in the log
 * with what came and what would have been accepted.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import type { RouterWorld } from '../router/router-world.ts';
import { TOO_LONG } from './proxy-header.ts';

/** The words are those of `identity/peer-check.ts` and of the runtimes; what is new counts as `handshake`. */
const TLS_REASONS: readonly (readonly [string, RegExp])[] = [
  ['expired', /expired/i],
  ['revoked', /revo/i],
  ['not_pinned', /pinned/i],
  ['foreign_trust_domain', /trust domain/i],
  ['wrong_usage', /not for (?:a TLS|this use)/i],
  ['no_certificate', /sent no certificate/i],
  ['not_spiffe', /URI SAN|SPIFFE/i],
  ['wrong_peer_id', /peer is/i],
  ['foreign_alpn', /no common application protocol/i],
  ['untrusted', /unknown authority|may not issue|does not trust/i],
  ['not_tls', /does not speak TLS/i],
  ['timeout', /in time|too long/i],
];

export class Refusals {
  readonly #world: RouterWorld;
  readonly #listener: string;

  constructor(world: RouterWorld, listener: string) {
    this.#world = world;
    this.#listener = listener;
  }

  noChain(info: ConnectionInfo, why: string): void {
    this.#world.telemetry.counters.counter('no_filter_chain_match', { listener: this.#listener }).add(1);
    this.#count('no_filter_chain_match', info, why);
  }

  /** `reason` as `Net.secure` gave it. */
  tls(info: ConnectionInfo, reason: string): void {
    const text = reason.replace(/^tls:\s*/, '');
    const kind = TLS_REASONS.find(([, pattern]) => pattern.test(text))?.[0] ?? 'handshake';
    this.#count(`tls_${kind}`, info, text);
  }

  noIdentity(info: ConnectionInfo): void {
    this.#count('no_valid_identity', info, this.#world.identity.fault);
  }

  inspectTimeout(info: ConnectionInfo, timeoutMs: number): void {
    this.#count('inspect_timeout', info, `nothing that a filter chain takes came within ${timeoutMs} ms`);
  }

  proxyHeader(info: ConnectionInfo, why: string): void {
    const { telemetry } = this.#world;
    telemetry.counters.counter('downstream_cx_proxy_proto_error', { listener: this.#listener }).add(1);
    if (why === TOO_LONG) telemetry.limit('proxy_header_bytes', this.#listener).add(1);
    this.#count('proxy_header', info, why);
  }

  denied(info: ConnectionInfo, why: string): void {
    this.#count('denied', info, why);
  }

  limit(info: ConnectionInfo, limit: string): void {
    this.#world.telemetry.limit(limit, this.#listener).add(1);
    this.#count('limit', info, `${limit} reached`);
  }

  #count(reason: string, info: ConnectionInfo, why: string): void {
    const { telemetry, throttle, log } = this.#world;
    telemetry.refusal(this.#listener, reason).add(1);
    if (!throttle.allows(`${this.#listener} ${reason}`)) return;
    const { remote, local } = info;
    log.warn('connection refused', {
      listener: this.#listener,
      reason,
      why: why.slice(0, 500),
      remote: `${remote.host}:${remote.port}`,
      local: `${local.host}:${local.port}`,
    });
  }
}
