/**
 * How long an exchange may take, and what its caller is told when that is over. Between what is remembered of an
 * exchange and what it does; the route says the times, and of a gRPC call the caller as well.
 */
import type { ResponseFlag } from '../../http/flags.ts';
import type { ForwardAction } from '../../snapshot/route-table.ts';
import { EXPIRY, type Expiry } from './exchange-clock.ts';
import { ExchangeRecord } from './exchange-record.ts';
import { FormatNotes } from './format-notes.ts';
import { callerDeadline } from './grpc-deadline.ts';

/** What the callee is told of its deadline is rounded down to whole milliseconds. */
const ROUNDING_MS = 1;

export abstract class TimedExchange extends ExchangeRecord {
  abstract reply(status: number, flag: ResponseFlag, detail: string): unknown;
  /** The caller has sent all that it will. */
  protected abstract readonly requestEnded: boolean;

  protected override onSilence(idleMs: number): void {
    const seconds = idleMs / 1000;
    if (this.requestEnded) this.reply(504, 'UT', `no byte for ${seconds} s`);
    else this.reply(408, 'SI', `no byte of the request for ${seconds} s`);
  }

  protected override onExpiry(expiry: Expiry): void {
    if (expiry === EXPIRY.request) {
      this.reply(504, 'UT', `request timeout of ${this.#timeoutMs} ms ended for ${this.serviceName}`);
    } else if (expiry === EXPIRY.deadline) {
      this.reply(504, 'UT', `the caller's deadline ended for ${this.serviceName}`);
    } else {
      this.reply(this.requestEnded ? 504 : 408, 'DT', 'the stream lasted as long as it may');
    }
  }

  get pastDeadline(): boolean {
    return this.timeNow(this.startedAt) >= this.deadlineAt - ROUNDING_MS;
  }

  endAtDeadline(): void {
    this.onExpiry(EXPIRY.deadline);
  }

  /** The route has formats, whether the manager has or not. */
  protected keepNotes(): void {
    this.notes ??= new FormatNotes(this.request);
    if (this.requestEnded) this.notes.requestEndedAt = this.startedAt;
  }

  /** `routeMs` null: the route leaves it to the manager. */
  protected limitDuration(routeMs: number | null, now: number): void {
    const ms = routeMs ?? this.down.manager.maxStreamDurationMs;
    if (ms > 0) this.expireAt(this.startedAt + ms, EXPIRY.stream, now);
  }

  /** From here on the times of the route count. False: the caller's deadline has passed already, and it was told so. */
  protected watchTimes(action: ForwardAction): boolean {
    const { startedAt } = this;
    const now = this.timeNow(startedAt);
    if (action.idleTimeoutMs !== null) this.watchSilence(action.idleTimeoutMs, now);
    this.limitDuration(action.maxDurationMs, now);
    if (!this.isGrpc) return true;
    this.deadlineAt = callerDeadline(this.request, action, startedAt);
    if (this.deadlineAt <= now) {
      this.onExpiry(EXPIRY.deadline);
      return false;
    }
    this.expireAt(this.deadlineAt, EXPIRY.deadline, now);
    return true;
  }

  /** Counts from the end of the request, as Envoy's route timeout does. */
  protected startTimeout(): void {
    const timeoutMs = this.#timeoutMs;
    if (timeoutMs === 0) return;
    const now = this.timeNow(this.startedAt);
    this.expireAt(now + timeoutMs, EXPIRY.request, now);
  }

  get #timeoutMs(): number {
    const action = this.entry === null ? null : this.entry.action;
    return action !== null && action.kind === 'forward' ? action.timeoutMs : 0;
  }
}
