/** One run of wrk, the closed-loop load generator, on the core that the proxies do not use. */
import { execFileSync } from 'node:child_process';

export interface Load {
  readonly requests: number;
  readonly requestsPerSecond: number;
  readonly p50Us: number;
  readonly p99Us: number;
  /** Answers other than 2xx and 3xx, and socket errors. A run with any does not count. */
  readonly errors: number;
}

export function wrk(url: string, connections: number, seconds: number, script: string): Load {
  const args = ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script, url];
  const text = execFileSync('taskset', args, { encoding: 'utf8', timeout: (seconds + 20) * 1000 });
  const number = (pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0);
  const socketErrors = [...(/Socket errors: (.*)/.exec(text)?.[1] ?? '').matchAll(/\d+/g)].reduce(
    (sum, [n]) => sum + Number(n),
    0,
  );
  return {
    requests: number(/(\d+) requests in/),
    requestsPerSecond: number(/Requests\/sec:\s+([\d.]+)/),
    p50Us: micros(/50%\s+(\S+)/.exec(text)?.[1]),
    p99Us: micros(/99%\s+(\S+)/.exec(text)?.[1]),
    errors: number(/Non-2xx or 3xx responses: (\d+)/) + socketErrors,
  };
}

function micros(text: string | undefined): number {
  const [, value = '', unit = ''] = /^([\d.]+)(us|ms|s)$/.exec(text ?? '') ?? [];
  return Number(value) * (unit === 's' ? 1e6 : unit === 'ms' ? 1e3 : 1);
}
