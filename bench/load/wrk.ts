/** One run of wrk, the closed-loop load generator, on the core that the proxies do not use. */
import { LOAD_CORE } from '../cores.ts';
import { start } from '../children.ts';

export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Answers other than 2xx and 3xx, and socket errors. A run with any does not count. */
  readonly errors: number;
}

export async function wrk(url: string, connections: number, seconds: number, script: string): Promise<Load> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script, url];
  const running = start(LOAD_CORE, 'wrk', args);
  const code = await new Promise<number | null>((done) => running.child.once('close', done));
  const text = running.output();
  if (code !== 0) throw new Error(`wrk ended with ${code}: ${text}`);
  const number = (pattern: RegExp): number => Number(pattern.exec(text)?.[1] ?? 0);
  const socketErrors = (/Socket errors: (.*)/.exec(text)?.[1] ?? '').match(/\d+/g) ?? [];
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Us: micros(/50%\s+(\S+)/.exec(text)?.[1]),
    p99Us: micros(/99%\s+(\S+)/.exec(text)?.[1]),
    errors: number(/Non-2xx or 3xx responses: (\d+)/) + socketErrors.reduce((sum, n) => sum + Number(n), 0),
  };
}

function micros(text: string | undefined): number {
  const [, value = '', unit = ''] = /^([\d.]+)(us|ms|s)$/.exec(text ?? '') ?? [];
  return Number(value) * (unit === 's' ? 1e6 : unit === 'ms' ? 1e3 : 1);
}
