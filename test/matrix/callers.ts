/** How an application calls another, by protocol: one exchange, told by the instance that answered, or a stream that stays. */
import { Client, credentials } from '@grpc/grpc-js';
import { Agent, type ClientRequest, request } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2, constants } from 'node:http2';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ECHO } from './echo-service.ts';

export interface Place {
  readonly host: string;
  readonly port: number;
}

/** One kind of client of one service. */
export interface Caller {
  /** Resolves with the name of the instance; rejects with what went wrong. */
  call(word: string): Promise<string>;
  close(): void;
}

export function http1Caller({ host, port }: Place, authority: string): Caller {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  return {
    async call(word) {
      const headers = { host: authority };
      const { status, body } = await answerOf(request({ host, port, path: `/${word}`, headers, agent }));
      if (status !== 200) throw new Error(`${status} ${body.slice(0, 200)}`);
      return instanceIn(body, `/${word}`);
    },
    close: () => agent.destroy(),
  };
}

function answerOf(sent: ClientRequest): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    sent.end();
  });
}

export function http2Caller({ host, port }: Place, authority: string): Caller {
  let session: ClientHttp2Session | null = null;
  const open = (): ClientHttp2Session => {
    if (session !== null && !session.closed && !session.destroyed) return session;
    const made = connectHttp2(`http://${host}:${port}`);
    made.on('error', () => {});
    // No new streams; those that run go on.
    made.on('goaway', () => made.close());
    session = made;
    return made;
  };
  const once = (word: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const stream = open().request({ ':path': `/${word}`, ':authority': authority });
      let [status, body] = [0, ''];
      stream.on('response', (head) => (status = Number(head[':status'])));
      stream.setEncoding('utf8').on('data', (text: string) => (body += text));
      stream.on('error', reject);
      stream.on('close', () => {
        if (stream.rstCode === constants.NGHTTP2_REFUSED_STREAM) return reject(new Refused('refused'));
        if (status !== 200) return reject(new Error(`${status} ${body.slice(0, 200)} (reset ${stream.rstCode})`));
        resolve(instanceIn(body, `/${word}`));
      });
    });
  return {
    // What was refused was not done (RFC 9113 section 8.7): every client sends it again.
    call: (word) =>
      once(word).catch((error: unknown) => (error instanceof Refused ? once(word) : Promise.reject(error))),
    close: () => session?.destroy(),
  };
}

class Refused extends Error {}

export function grpcCaller({ host, port }: Place): Caller {
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = ECHO.unary;
  return {
    call: (word) =>
      new Promise((resolve, reject) => {
        const deadline = Date.now() + 15_000;
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          Buffer.from(word),
          { deadline },
          (error, answer) => (error === null ? resolve(instanceIn(String(answer), word)) : reject(error)),
        );
      }),
    close: () => client.close(),
  };
}

const WORDS = 4;
const PAUSE_MS = 50;

/** A conversation of a few lines on a connection of its own. */
export function tcpCaller(place: Place): Caller {
  return { call: (word) => converse(openTcp(place), word), close() {} };
}

export function webSocketCaller(place: Place, authority: string): Caller {
  return { call: async (word) => converse(await openWebSocket(place, authority), word), close() {} };
}

function openTcp({ host, port }: Place): Socket {
  return connect(port, host);
}

/** The handshake of HTTP; what follows are lines, because proxies do not look into frames. */
function openWebSocket({ host, port }: Place, authority: string): Promise<Duplex> {
  const headers = {
    ...{ host: authority, connection: 'Upgrade', upgrade: 'websocket', 'sec-websocket-version': '13' },
    'sec-websocket-key': Buffer.alloc(16).toString('base64'),
  };
  return new Promise((resolve, reject) => {
    const asked = request({ host, port, headers, agent: false });
    asked.on('error', reject);
    asked.on('response', (response) => reject(new Error(`answered with ${response.statusCode}`)));
    asked.on('upgrade', (_response, socket, head) => {
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.end();
  });
}

function converse(socket: Duplex, word: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let [text, said] = ['', 0];
    const say = (): void => {
      said += 1;
      socket.write(`${word}\n`);
    };
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`closed after ${said} words`)));
    socket.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
      if (text.split('\n').length - 1 < said) return;
      if (said < WORDS) return void setTimeout(say, PAUSE_MS);
      resolve(instanceIn(text.split('\n')[0] ?? '', word));
      socket.end();
      socket.destroy();
    });
    say();
  });
}

function instanceIn(answer: string, word: string): string {
  const [name = '', said] = answer.split(' ');
  if (said !== word) throw new Error(`"${answer.slice(0, 100)}" is not the answer to ${word}`);
  return name;
}

/** A stream that stays open, says a word ten times a second, and is told when it is answered no more. */
export interface LongStream {
  readonly answers: number;
  /** Empty: all is well. */
  readonly fault: string;
  close(): void;
}

const BEAT_MS = 200;

export function longTcp(place: Place): LongStream {
  return longLines(Promise.resolve(openTcp(place)));
}

export function longWebSocket(place: Place, authority: string): LongStream {
  return longLines(openWebSocket(place, authority));
}

function longLines(opened: Promise<Duplex>): LongStream {
  const state = { answers: 0, fault: '', close: () => {} };
  const end = (how: string): void => {
    state.fault ||= `${how} after ${state.answers} answers`;
  };
  opened.then(
    (socket) => {
      const timer = setInterval(() => socket.write('beat\n'), BEAT_MS);
      state.close = () => {
        clearInterval(timer);
        state.fault ||= '';
        socket.removeAllListeners('close').destroy();
      };
      socket.setEncoding('utf8').on('data', (text: string) => (state.answers += text.split('\n').length - 1));
      socket.on('error', (error) => end(error.message));
      socket.on('close', () => {
        clearInterval(timer);
        end('closed');
      });
    },
    (error: unknown) => end(String(error)),
  );
  return state;
}

export function longGrpc({ host, port }: Place): LongStream {
  const client = new Client(`${host}:${port}`, credentials.createInsecure());
  const { path, requestSerialize, responseDeserialize } = ECHO.chat;
  const stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize);
  let isClosed = false;
  const timer = setInterval(() => stream.write(Buffer.from('beat')), BEAT_MS);
  const state = {
    answers: 0,
    fault: '',
    close() {
      isClosed = true;
      clearInterval(timer);
      stream.cancel();
      client.close();
    },
  };
  const end = (how: string): void => {
    clearInterval(timer);
    if (!isClosed) state.fault ||= `${how} after ${state.answers} answers`;
  };
  stream.on('data', () => (state.answers += 1));
  stream.on('error', (error) => end(error.message));
  stream.on('end', () => end('ended'));
  return state;
}
