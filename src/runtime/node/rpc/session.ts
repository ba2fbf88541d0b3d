/** Settings and keep-alive of an HTTP/2 connection, the same at both ends. */
import type { Http2Session } from 'node:http2';

/** A push of configuration fills this window before it waits for a round trip. */
const WINDOW_BYTES = 1024 * 1024;
/** gRPC servers commonly refuse pings that come more often than every 15 s to 5 min; a dead peer is seen within 40 s. */
const PING_INTERVAL_MS = 30_000;
const PING_TIMEOUT_MS = 10_000;

const COMMON = { initialWindowSize: WINDOW_BYTES, maxHeaderListSize: 16_384, enablePush: false };

export const SESSION_SETTINGS = {
  client: COMMON,
  /** Envoy without ADS has a stream for each resource on one connection, and waits for all of them. */
  server: { ...COMMON, maxConcurrentStreams: 1_000 },
  /** What Node lets one connection hold, its queue of unsent messages included. */
  memoryMegabytes: 256,
};

/** Destroys the session when its peer does not answer a ping, and widens the window of the connection itself. */
export function keepAlive(session: Http2Session): void {
  let answered = true;
  const widen = (): void => {
    if (!session.destroyed) session.setLocalWindowSize(WINDOW_BYTES * 4);
  };
  if (session.connecting) session.once('connect', widen);
  else widen();
  let deadline: NodeJS.Timeout | undefined;
  const interval = setInterval(() => {
    if (!answered || session.destroyed || session.connecting) return;
    answered = false;
    deadline = setTimeout(() => session.destroy(new Error('no answer to a keep-alive ping')), PING_TIMEOUT_MS);
    deadline.unref();
    session.ping(() => {
      answered = true;
      clearTimeout(deadline);
    });
  }, PING_INTERVAL_MS);
  interval.unref();
  session.once('close', () => {
    clearInterval(interval);
    clearTimeout(deadline);
  });
}
