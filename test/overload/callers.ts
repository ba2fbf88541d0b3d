/** Who puts load on a sidecar: asks once at a time, over a connection of its own or a stream of a shared one. */
import { type ClientHttp2Session, type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { connect } from 'node:net';

/** `refused`: by the proxy itself, 503 or UNAVAILABLE, with the flag that says why. `failed`: any other end. */
export type Answer = 'good' | 'refused' | 'failed';

export interface Caller {
  /** Asks; `answered` is called once, unless the connection has broken. */
  ask(answered: (answer: Answer) => void): void;
}

export interface Crowd {
  readonly callers: readonly Caller[];
  close(): void;
}

const HERE = '127.0.0.1';
const REQUEST = 'GET / HTTP/1.1\r\nhost: app\r\n\r\n';
/** One gRPC message without content. */
const MESSAGE = Buffer.alloc(5);
const FLAG = 'x-weft-flag';
/** The flag of whatever overload refuses. */
const OVERLOAD = 'OM';
const UNAVAILABLE = '14';

/** A connection each. */
export async function http1Crowd(port: number, count: number): Promise<Crowd> {
  const sockets = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ port, host: HERE, noDelay: true });
      await new Promise<void>((done, fail) => socket.once('connect', done).once('error', fail));
      return socket;
    }),
  );
  const callers = sockets.map((socket): Caller => {
    let answered: ((answer: Answer) => void) | null = null;
    const end = (answer: Answer): void => {
      const told = answered;
      answered = null;
      told?.(answer);
    };
    socket.on('error', () => end('failed'));
    socket.on('close', () => end('failed'));
    socket.on('data', (bytes: Buffer) => {
      const status = bytes.toString('latin1', 9, 12);
      if (status === '503' && bytes.includes(`${FLAG}: ${OVERLOAD}`)) end('refused');
      else end(status === '200' ? 'good' : 'failed');
    });
    return {
      ask(then) {
        answered = then;
        socket.write(REQUEST);
      },
    };
  });
  return {
    callers,
    close: () => {
      for (const socket of sockets) socket.removeAllListeners('close').destroy();
    },
  };
}

/** So many streams at once on each of a few connections. `grpc`: unary calls instead of GET. */
export async function http2Crowd(
  port: number,
  connections: number,
  streams: number,
  kind: 'http2' | 'grpc',
): Promise<Crowd> {
  const sessions = await Promise.all(
    Array.from({ length: connections }, async () => {
      const session = connectHttp2(`http://${HERE}:${port}`);
      await new Promise<void>((done, fail) => session.once('remoteSettings', () => done()).once('error', fail));
      session.on('error', () => {});
      return session;
    }),
  );
  const asks = kind === 'grpc' ? askGrpc : askHttp2;
  const callers = sessions.flatMap((session) =>
    Array.from({ length: streams }, (): Caller => ({ ask: (answered) => asks(session, answered) })),
  );
  return {
    callers,
    close: () => {
      for (const session of sessions) session.destroy();
    },
  };
}

function askHttp2(session: ClientHttp2Session, answered: (answer: Answer) => void): void {
  const stream = session.request({ ':path': '/' });
  judge(stream, answered, (status, flag) =>
    status === '503' && flag === OVERLOAD ? 'refused' : status === '200' ? 'good' : 'failed',
  );
}

function askGrpc(session: ClientHttp2Session, answered: (answer: Answer) => void): void {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/shop.Catalog/Get',
    'content-type': 'application/grpc',
    te: 'trailers',
    'content-length': MESSAGE.length,
  });
  stream.end(MESSAGE);
  judge(stream, answered, (status, flag, grpcStatus) => {
    if (status !== '200') return 'failed';
    if (grpcStatus === undefined) return 'good';
    return grpcStatus === UNAVAILABLE && flag === OVERLOAD ? 'refused' : 'failed';
  });
}

function judge(
  stream: ClientHttp2Stream,
  answered: (answer: Answer) => void,
  by: (status: string, flag: unknown, grpcStatus: unknown) => Answer,
): void {
  let answer: Answer = 'failed';
  stream.on('response', (head) => {
    answer = by(String(head[':status']), head[FLAG], head['grpc-status']);
  });
  stream.on('error', () => {
    answer = 'failed';
  });
  stream.on('close', () => answered(answer));
  stream.resume();
}
