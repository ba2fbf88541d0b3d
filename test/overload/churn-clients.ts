/** Clients as they come and go: polite ones, hasty ones, and those that leave in the middle of a word. */
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const HERE = '127.0.0.1';
const SHORT = 'GET / HTTP/1.1\r\nhost: app\r\n\r\n';
const BIG = 'GET /big HTTP/1.1\r\nhost: app\r\n\r\n';
const BODY = 'x'.repeat(3_000);
const POST = `POST / HTTP/1.1\r\nhost: app\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const ATTEMPT_MS = 2_000;

export interface Visits {
  answered: number;
  /** Left unanswered, on purpose or not. */
  left: number;
}

type Visit = (port: number, visits: Visits) => Promise<void>;

/** One after the other: a connection, some requests, the end. */
const VISITS: readonly Visit[] = [
  (port, visits) =>
    converse(
      port,
      Array.from({ length: 5 }, () => SHORT),
      visits,
    ),
  (port, visits) => converse(port, [POST, SHORT], visits),
  (port, visits) => leaveAfter(port, BIG, 5, visits),
  (port, visits) => leaveAfter(port, SHORT.slice(0, 12), 3, visits),
  (port, visits) => leaveAfter(port, POST.slice(0, -100), 3, visits),
  (port, visits) => leaveAfter(port, '', 20, visits),
  (port, visits) => streams(port, visits),
];

/** Until `until` says so; `index` tells visitors apart. */
export async function visit(
  ports: readonly number[],
  index: number,
  visits: Visits,
  until: () => boolean,
): Promise<void> {
  for (let i = index; !until(); i++) {
    const port = ports[i % ports.length] ?? 0;
    const next = VISITS[(i * 5 + index) % VISITS.length];
    await next?.(port, visits);
  }
}

async function converse(port: number, requests: readonly string[], visits: Visits): Promise<void> {
  const socket = await opened(port);
  if (socket === null) return;
  for (const request of requests) {
    const answer = new Promise<boolean>((done) => {
      socket.once('data', () => done(true));
      socket.once('close', () => done(false));
    });
    socket.write(request);
    if (await answer) visits.answered++;
    else {
      visits.left++;
      break;
    }
    socket.removeAllListeners('close');
  }
  socket.destroy();
}

async function leaveAfter(port: number, text: string, ms: number, visits: Visits): Promise<void> {
  const socket = await opened(port);
  if (socket === null) return;
  if (text !== '') socket.write(text);
  await sleep(ms);
  visits.left++;
  // Every other way to go.
  if (socket.localPort !== undefined && socket.localPort % 2 === 0) socket.resetAndDestroy();
  else socket.destroy();
}

/** Ten at once, of which some are given up. */
async function streams(port: number, visits: Visits): Promise<void> {
  const session = connectHttp2(`http://${HERE}:${port}`);
  session.on('error', () => {});
  await Promise.all(
    Array.from(
      { length: 10 },
      (_, i) =>
        new Promise<void>((done) => {
          const stream = session.request({ ':path': i === 9 ? '/big' : '/', ':method': i % 3 === 0 ? 'POST' : 'GET' });
          stream.setTimeout(ATTEMPT_MS, () => stream.close());
          stream.on('error', () => {});
          stream.on('response', () => {
            if (i < 8) visits.answered++;
            else stream.close();
          });
          stream.on('close', done);
          stream.resume();
          if (i % 3 === 0) stream.end(BODY);
          if (i === 8) stream.close();
        }),
    ),
  );
  session.destroy();
}

async function opened(port: number): Promise<Socket | null> {
  const socket = connect({ port, host: HERE });
  socket.on('error', () => {});
  socket.setTimeout(ATTEMPT_MS, () => socket.destroy());
  const isOpen = await new Promise<boolean>((done) => {
    socket.once('connect', () => done(true));
    socket.once('close', () => done(false));
  });
  return isOpen ? socket : null;
}
