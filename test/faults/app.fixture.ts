/**
 * An application that knows nothing of a mesh, for tests: it says its NAME on PORT, as slowly and as badly as it is
 * asked to, and ticks on TICK_PORT and, over HTTP/2, on HTTP2_PORT. Like most applications it does nothing about SIGTERM: it dies of it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer } from 'node:net';
import type { Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

const { PORT, NAME = 'app', TICK_PORT, HTTP2_PORT, DELAY_MS = '0' } = process.env;
const TICK_MS = 100;

const server = createServer((request, response) => void answer(request, response));
// Whatever reaches the application is told: a refused connection must leave no trace here.
server.on('connection', (socket) =>
  socket.once('data', (bytes: Buffer) => say(`bytes ${JSON.stringify(firstLine(bytes))}`)),
);
server.listen(Number(PORT), '127.0.0.1', () => say(`app ${NAME} pid ${process.pid}`));

server.on('upgrade', (_request, socket) => {
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  tickTo(socket);
  socket.resume();
});

if (TICK_PORT !== undefined) {
  createTcpServer((socket) => {
    tickTo(socket);
    socket.resume();
  }).listen(Number(TICK_PORT), '127.0.0.1');
}

if (HTTP2_PORT !== undefined) {
  const http2 = createHttp2Server();
  http2.on('stream', (stream: ServerHttp2Stream) => {
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' });
    tickTo(stream);
  });
  http2.listen(Number(HTTP2_PORT), '127.0.0.1');
}

function tickTo(stream: Writable): void {
  let count = 0;
  const timer = setInterval(() => stream.write(`${count++}\n`), TICK_MS);
  stream.on('error', () => {});
  stream.on('close', () => clearInterval(timer));
}

/** `/?delay=MS&status=N`; `/ticks` never ends. */
async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://app');
  request.resume();
  if (pathname === '/ticks') {
    return tickTo(response);
  }
  await sleep(Number(searchParams.get('delay') ?? DELAY_MS));
  response.writeHead(Number(searchParams.get('status') ?? 200), { 'x-instance': NAME });
  response.end(`${NAME}\n`);
}

function firstLine(bytes: Buffer): string {
  return bytes.subarray(0, 60).toString('latin1').split('\r\n')[0] ?? '';
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
