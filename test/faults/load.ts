/**
 * A steady, open load: requests leave at their time whether or not earlier ones have come back, so that a stall is
 * seen as what it does to callers. Every request that is not answered with 200 is kept with its reason.
 */
import { Agent, request } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface LoadOptions {
  readonly host: string;
  readonly port: number;
  /** Unset: 500. */
  readonly perSecond?: number;
  /** Unset: GET. */
  readonly method?: 'GET' | 'POST';
  /** Unset: `/`. */
  readonly path?: string;
  /** The host that the application asks for. */
  readonly authority: string;
}

export interface LoadReport {
  readonly sent: number;
  readonly answered: number;
  /** `atMs` counts from the start. */
  readonly failures: readonly { readonly atMs: number; readonly tookMs: number; readonly reason: string }[];
  /** Of answered ones, by the instance that answered. */
  readonly instances: ReadonlyMap<string, number>;
  readonly slowestMs: number;
  /** How long this process itself stood still at most: on a machine that is overrun, failures say nothing of the mesh. */
  readonly stalledMs: number;
}

const TICK_MS = 10;
const TIMEOUT_MS = 20_000;

export class Load {
  readonly #options: LoadOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256, scheduling: 'lifo' });
  readonly #delay = monitorEventLoopDelay({ resolution: TICK_MS });
  readonly #startedAt = performance.now();
  readonly #timer: NodeJS.Timeout;
  readonly #failures: LoadReport['failures'][number][] = [];
  #instances = new Map<string, number>();
  #sent = 0;
  #answered = 0;
  #inFlight = 0;
  #slowestMs = 0;
  #drained: (() => void) | null = null;

  /** Starts at once. */
  constructor(options: LoadOptions) {
    this.#options = options;
    this.#delay.enable();
    this.#timer = setInterval(() => this.#catchUp(), TICK_MS);
  }

  /** Since the start. */
  get elapsedMs(): number {
    return performance.now() - this.#startedAt;
  }

  get answered(): number {
    return this.#answered;
  }

  /** Forgets who answered so far. */
  resetInstances(): void {
    this.#instances = new Map();
  }

  get instances(): ReadonlyMap<string, number> {
    return this.#instances;
  }

  /** Sends no more and waits for what is in flight, which is bounded by its own timeout. */
  async stop(): Promise<LoadReport> {
    clearInterval(this.#timer);
    if (this.#inFlight > 0) await new Promise<void>((resolve) => (this.#drained = resolve));
    this.#agent.destroy();
    this.#delay.disable();
    return {
      sent: this.#sent,
      answered: this.#answered,
      failures: this.#failures,
      instances: this.#instances,
      slowestMs: Math.round(this.#slowestMs),
      stalledMs: Math.round(this.#delay.max / 1e6),
    };
  }

  #catchUp(): void {
    const { perSecond = 500 } = this.#options;
    const due = Math.floor(((performance.now() - this.#startedAt) * perSecond) / 1000);
    while (this.#sent < due) this.#send();
  }

  #send(): void {
    const { host, port, method = 'GET', path = '/', authority } = this.#options;
    const begunAt = performance.now();
    this.#sent++;
    this.#inFlight++;
    let over = false;
    const end = (reason: string | null): void => {
      if (over) return;
      over = true;
      clearTimeout(late);
      const tookMs = performance.now() - begunAt;
      this.#slowestMs = Math.max(this.#slowestMs, tookMs);
      if (reason === null) this.#answered++;
      else this.#failures.push({ atMs: Math.round(begunAt - this.#startedAt), tookMs: Math.round(tookMs), reason });
      if (--this.#inFlight === 0) this.#drained?.();
    };
    // The socket's own timeout would not count the time in the agent's queue.
    const late = setTimeout(() => outgoing.destroy(new Error(`no answer within ${TIMEOUT_MS} ms`)), TIMEOUT_MS);
    const body = method === 'POST' ? 'a body' : '';
    const outgoing = request(
      { host, port, method, path, agent: this.#agent, headers: { host: authority, 'content-length': body.length } },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        response.on('end', () => {
          if (response.statusCode !== 200) {
            return end(
              `${response.statusCode} ${String(response.headers['x-weft-flag'] ?? '')} ${text.trim().slice(0, 200)}`,
            );
          }
          const instance = String(response.headers['x-instance'] ?? '');
          this.#instances.set(instance, (this.#instances.get(instance) ?? 0) + 1);
          end(null);
        });
        response.on('error', (error) => end(`response: ${error.message}`));
      },
    );
    outgoing.on('error', (error) => end(error.message));
    outgoing.end(body);
  }
}

/** What failed, a line a reason; empty when nothing did. */
export function failureText({ failures, sent, stalledMs }: LoadReport): string {
  if (failures.length === 0) return '';
  const reasons = Map.groupBy(failures, ({ reason }) => reason);
  const lines = [...reasons].map(
    ([reason, all]) => `${all.length} of ${sent}, from ${all[0]?.atMs} to ${all.at(-1)?.atMs} ms: ${reason}`,
  );
  return [...lines.slice(0, 20), `the load generator stalled for ${stalledMs} ms at most`].join('\n');
}

export function summary({ sent, failures, slowestMs, stalledMs }: LoadReport): string {
  return `${sent} requests, ${failures.length} failed, the slowest took ${slowestMs} ms, the generator stalled ${stalledMs} ms`;
}
