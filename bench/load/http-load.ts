/** HTTP/1.1 requests in a closed loop, and what each costs the proxies. */
import { join } from 'node:path';
import type { Proxies } from '../proxies.ts';
import { cpuPerAnswer, type Sample } from '../rounds.ts';
import { wrk } from './wrk.ts';

const SCRIPT = join(import.meta.dirname, 'requests.lua');

export interface HttpSample extends Sample {
  readonly cpuUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly requestsPerSecond: number;
}

/** `count`: what the backend has answered. */
export async function loadHttp(
  target: Proxies,
  connections: number,
  seconds: number,
  count: () => Promise<number>,
): Promise<HttpSample> {
  const running = wrk(`http://${target.addresses.http ?? ''}/`, connections, seconds, SCRIPT);
  running.catch(() => {});
  const cpuUs = await cpuPerAnswer(target, seconds, count);
  const { errors, ...load } = await running;
  return { ...load, cpuUs, errors: errors === 0 ? '' : `${errors} errors` };
}
