/** Waits until the application's ports accept connections: only then is the workload ready, and only then is it probed no more. */
import type { Clock, ConnectionHandler, Net } from '../core/runtime.ts';
import { pause } from './pause.ts';

const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 500;
const CONNECT_TIMEOUT_MS = 1_000;
const HOST = '127.0.0.1';

/**
 * True when all ports have answered, false when the signal was aborted first. An application that never listens keeps
 * the workload out of the endpoints, for as long as it takes; `onSlow` is told once, after ten seconds.
 */
export async function waitUntilAnswering(
  net: Net,
  clock: Clock,
  ports: readonly number[],
  signal: AbortSignal,
  onSlow: (port: number) => void,
): Promise<boolean> {
  const startedAt = clock.now();
  let told = false;
  for (const port of ports) {
    for (
      let delayMs = FIRST_DELAY_MS;
      !(await answers(net, clock, port));
      delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)
    ) {
      if (!told && clock.now() - startedAt > 10_000) {
        told = true;
        onSlow(port);
      }
      await pause(clock, delayMs, signal);
      if (signal.aborted) return false;
    }
  }
  return !signal.aborted;
}

function answers(net: Net, clock: Clock, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const handler: ConnectionHandler = {
      onOpen() {
        resolve(true);
        // An orderly end: a reset would be an error in the application's log, or the end of a careless one.
        connection.end();
      },
      onBytes() {},
      onDrained() {},
      onEnd() {
        connection.destroy('');
      },
      onClose() {
        cancel();
        resolve(false);
      },
    };
    const cancel = clock.wake(clock.now() + CONNECT_TIMEOUT_MS, () => connection.destroy(''));
    const connection = net.connect({ host: HOST, port }, handler);
  });
}
