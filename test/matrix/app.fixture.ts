/**
 * An application that knows nothing of a mesh and speaks what applications speak: HTTP/1.1 and WebSocket on WEB_PORT,
 * HTTP/2 on HTTP2_PORT, gRPC on GRPC_PORT, lines over TCP on TCP_PORT. Every answer begins with its NAME.
 */
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Stream } from 'node:http2';
import { createServer as createTcpServer, type Socket } from 'node:net';
import { type handleBidiStreamingCall, type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { ECHO } from './echo-service.ts';

const { NAME = 'app', WEB_PORT, HTTP2_PORT, GRPC_PORT, TCP_PORT } = process.env;
const HOST = '127.0.0.1';

const web = createServer((request, response) => {
  request.resume().on('end', () => {
    const caller = String(request.headers['x-forwarded-client-cert'] ?? '');
    response.writeHead(200, { 'x-caller': /URI=([^;,]+)/.exec(caller)?.[1] ?? '' });
    response.end(`${NAME} ${request.url}`);
  });
});
// Frames come back as they are: what they say is the client's and no business of whoever is between.
web.on('upgrade', (_request, socket) => {
  socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`);
  echoLines(socket as Socket);
});
web.listen(Number(WEB_PORT), HOST);

const http2 = createHttp2Server();
http2.on('stream', (stream: ServerHttp2Stream, head) => {
  stream.respond({ ':status': 200, 'content-type': 'text/plain' });
  stream.resume().on('end', () => stream.end(`${NAME} ${head[':path']}`));
});
http2.listen(Number(HTTP2_PORT), HOST);

const unary: handleUnaryCall<Buffer, Buffer> = (call, answer) =>
  answer(null, Buffer.from(`${NAME} ${call.request.toString()}`));
const chat: handleBidiStreamingCall<Buffer, Buffer> = (call) => {
  call.on('data', (message: Buffer) => call.write(Buffer.from(`${NAME} ${message.toString()}`)));
  call.on('end', () => call.end());
};
const grpc = new Server();
grpc.addService(ECHO, { unary, chat });
grpc.bindAsync(`${HOST}:${GRPC_PORT}`, ServerCredentials.createInsecure(), (error) => {
  if (error !== null) throw error;
  createTcpServer(echoLines).listen(Number(TCP_PORT), HOST, () =>
    process.stdout.write(`app ${NAME} pid ${process.pid}\n`),
  );
});

function echoLines(socket: Socket): void {
  let rest = '';
  socket.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString('latin1')).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) socket.write(`${NAME} ${line}\n`);
  });
  socket.on('error', () => {});
}
