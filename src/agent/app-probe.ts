/** Waits until the application's ports accept connections: only then is the workload ready, and only then is it probed no more. */
import type { Address, Clock, ConnectionHandler, Net } from '../core/runtime.ts';
import { pause } from './pause.ts';

const FIRST_DELAY_MS = 20;
const MAX_DELAY_MS = 500;
const CONNECT_TIMEOUT_MS = 1_000;

export interface AppProbe {
  readonly host: string;
  readonly ports: readonly number[];
  /**
   * How long a connection must stay open to count. 0: it is enough that it was accepted. A gRPC server that waits for its
   * configuration accepts and closes (gRFC A36).
   */
  readonly heldMs: number;
  /** Told once, after ten seconds. */
  readonly onSlow: (port: number) => void;
}

/**
 * True when all ports have answered, false when the signal was aborted first. An application that never listens keeps
 * the workload out of the endpoints, for as long as it takes.
 */
export async function waitUntilAnswering(
  net: Net,
  clock: Clock,
  { host, ports, heldMs, onSlow }: AppProbe,
  signal: AbortSignal,
): Promise<boolean> {
  const startedAt = clock.now();
  let told = false;
  for (const port of ports) {
    for (
      let delayMs = FIRST_DELAY_MS;
      !(await answers(net, clock, { host, port }, heldMs));
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

function answers(net: Net, clock: Clock, at: Address, heldMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const held = (): void => {
      resolve(true);
      // An orderly end: a reset would be an error in the application's log, or the end of a careless one.
      connection.end();
    };
    let release = (): void => {};
    const handler: ConnectionHandler = {
      onOpen() {
        if (heldMs === 0) held();
        else release = clock.wake(clock.now() + heldMs, held);
      },
      onBytes() {},
      onDrained() {},
      onEnd() {
        connection.destroy('');
      },
      onClose() {
        cancel();
        release();
        resolve(false);
      },
    };
    const cancel = clock.wake(clock.now() + CONNECT_TIMEOUT_MS, () => connection.destroy(''));
    const connection = net.connect(at, handler);
  });
}
