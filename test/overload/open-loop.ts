/**
 * Load that comes whatever the answers are: so many requests a second over so many connections, one at a time on each.
 * A request for which no connection is free is not made up for: its user has gone.
 */
import { connect, type Socket } from 'node:net';

export interface Tally {
  readonly seconds: number;
  /** Answered 200 within a second. */
  readonly good: number;
  readonly late: number;
  /** Answered 503 by the proxy itself. */
  readonly refused: number;
  /** Any other answer, and connections that broke. */
  readonly failed: number;
  /** Nobody was free to ask. */
  readonly unasked: number;
  /** Sorted, ms. */
  readonly goodMs: readonly number[];
  readonly refusedMs: readonly number[];
}

const REQUEST = 'GET / HTTP/1.1\r\nhost: app\r\n\r\n';
const TICK_MS = 5;
const LATE_MS = 1_000;

interface Client {
  readonly socket: Socket;
  sentAt: number;
}

/** `rate` Infinity: each connection asks again as soon as it is answered. The first `warmUpMs` are not counted. */
export async function offer(
  port: number,
  rate: number,
  connections: number,
  forMs: number,
  warmUpMs: number,
): Promise<Tally> {
  const free: Client[] = [];
  const goodMs: number[] = [];
  const refusedMs: number[] = [];
  let late = 0;
  let failed = 0;
  let unasked = 0;
  let counts = false;
  const ask = (client: Client): void => {
    client.sentAt = performance.now();
    client.socket.write(REQUEST);
  };
  const answered = (client: Client, bytes: Buffer): void => {
    const tookMs = performance.now() - client.sentAt;
    if (counts) {
      const status = bytes.toString('latin1', 9, 12);
      if (status === '503' && bytes.includes('x-weft-flag: OM')) refusedMs.push(tookMs);
      else if (status !== '200') failed++;
      else if (tookMs > LATE_MS) late++;
      else goodMs.push(tookMs);
    }
    if (rate === Number.POSITIVE_INFINITY) ask(client);
    else free.push(client);
  };
  const all = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true });
      const client: Client = { socket, sentAt: 0 };
      await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
      socket.on('error', () => failed++);
      socket.on('data', (bytes: Buffer) => answered(client, bytes));
      return client;
    }),
  );
  let owed = 0;
  let last = performance.now();
  const startedAt = last;
  if (rate === Number.POSITIVE_INFINITY) all.forEach(ask);
  else free.push(...all);
  const ticks = setInterval(() => {
    const now = performance.now();
    counts = now - startedAt > warmUpMs;
    if (rate === Number.POSITIVE_INFINITY) return;
    owed += ((now - last) * rate) / 1_000;
    last = now;
    for (; owed >= 1; owed--) {
      const client = free.shift();
      if (client !== undefined) ask(client);
      else if (counts) unasked++;
    }
  }, TICK_MS);
  await new Promise((done) => setTimeout(done, forMs));
  clearInterval(ticks);
  counts = false;
  for (const { socket } of all) socket.destroy();
  const byTime = (a: number, b: number): number => a - b;
  const seconds = (forMs - warmUpMs) / 1_000;
  return {
    seconds,
    good: goodMs.length,
    late,
    refused: refusedMs.length,
    failed,
    unasked,
    goodMs: goodMs.sort(byTime),
    refusedMs: refusedMs.sort(byTime),
  };
}

export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}
