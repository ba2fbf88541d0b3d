// Answers each request with its method and path, takes WebSockets, and on a second port sends raw bytes back.
import { createServer } from 'node:http';
import { connect, createServer as createRaw } from 'node:net';
import { createServer as createHttp2 } from 'node:http2';

const [http, raw] = process.argv.slice(2).map(Number);

const one = createServer((request, response) => response.end(`${request.method} ${request.url}\n`));
one.on('upgrade', (_request, socket) => {
  socket.on('error', () => {});
  socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
  setTimeout(() => socket.end(), 200);
});
const two = createHttp2((request, response) => {
  if (request.headers['content-type'] === 'application/grpc') {
    response.stream.respond({ 'content-type': 'application/grpc', 'grpc-status': 0 }, { endStream: true });
  } else response.end(`${request.method} ${request.url}\n`);
});
const onOne = await listening(one);
const onTwo = await listening(two);

// One port for both versions of HTTP: the preface of HTTP/2 begins with PRI.
createRaw((socket) => {
  socket.on('error', () => socket.destroy());
  socket.once('data', (first) => {
    const to = connect(first.toString('latin1', 0, 3) === 'PRI' ? onTwo : onOne, '127.0.0.1');
    to.on('error', () => socket.destroy());
    to.write(first);
    socket.pipe(to).pipe(socket);
  });
}).listen(http, '127.0.0.1');
createRaw((socket) => {
  socket.on('error', () => {});
  socket.pipe(socket);
}).listen(raw, '127.0.0.1');

function listening(server) {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
}
