// A WebSocket server that echoes every message, on Node's own HTTP alone: `websocket-echo.mjs PORT` with the upgrade of
// HTTP/1.1 (RFC 6455), `websocket-echo.mjs PORT h2` with the extended CONNECT of HTTP/2 (RFC 8441). A close from the
// client is answered; the text "close me" makes the server begin the closing.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';
import { onFrames, writeFrame } from './websocket-frames.mjs';

const [port, version] = process.argv.slice(2);

function echo(stream, head) {
  stream.on('error', () => {});
  stream.on('end', () => stream.end());
  onFrames(stream, head, ({ opcode, payload, fin }) => {
    if (opcode === 8) stream.end(writeFrame(8, payload));
    else if (opcode === 9) stream.write(writeFrame(10, payload));
    else if (payload.toString() === 'close me') stream.write(writeFrame(8, Buffer.from([0x0f, 0xa0])));
    else stream.write(writeFrame(opcode, payload, { fin }));
  });
}

if (version === 'h2') {
  const server = createHttp2Server({ settings: { enableConnectProtocol: true } });
  server.on('stream', (stream, headers) => {
    const isOurs = headers[':protocol'] === 'websocket' && headers['sec-websocket-version'] === '13';
    stream.respond({ ':status': isOurs ? 200 : 400 }, { endStream: !isOurs });
    if (isOurs) echo(stream, Buffer.alloc(0));
  });
  server.listen(Number(port), '127.0.0.1');
} else {
  const server = createServer((request, response) => response.writeHead(426).end('upgrade required\n'));
  server.on('upgrade', (request, socket, head) => {
    const key = request.headers['sec-websocket-key'] ?? '';
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    echo(socket, head);
  });
  server.listen(Number(port), '127.0.0.1');
}
