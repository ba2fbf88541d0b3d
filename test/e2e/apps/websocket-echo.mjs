// A WebSocket server (RFC 6455) that echoes every message, on node:http and its `upgrade` event alone. `close` from the
// client is answered; the text "close me" makes the server begin the closing.
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';

const server = createServer((request, response) => response.writeHead(426).end('upgrade required\n'));

server.on('upgrade', (request, socket, head) => {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let rest = head;
  socket.on('error', () => {});
  socket.on('end', () => socket.end());
  socket.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    for (let frame = readFrame(rest); frame !== null; frame = readFrame(rest)) {
      rest = rest.subarray(frame.length);
      if (frame.opcode === 8) return void socket.end(writeFrame(8, frame.payload));
      if (frame.opcode === 9) socket.write(writeFrame(10, frame.payload));
      else if (frame.payload.toString() === 'close me') socket.write(writeFrame(8, Buffer.from([0x0f, 0xa0])));
      else socket.write(writeFrame(frame.opcode, frame.payload, frame.fin));
    }
  });
});

server.listen(Number(process.argv[2]), '127.0.0.1');

function readFrame(bytes) {
  if (bytes.length < 2) return null;
  let size = bytes[1] & 0x7f;
  let at = 2;
  if (size === 126) {
    if (bytes.length < 4) return null;
    size = bytes.readUInt16BE(2);
    at = 4;
  } else if (size === 127) {
    if (bytes.length < 10) return null;
    size = Number(bytes.readBigUInt64BE(2));
    at = 10;
  }
  const length = at + 4 + size;
  if (bytes.length < length) return null;
  const mask = bytes.subarray(at, at + 4);
  const payload = Buffer.from(bytes.subarray(at + 4, length).map((byte, index) => byte ^ mask[index & 3]));
  return { opcode: bytes[0] & 0x0f, fin: (bytes[0] & 0x80) !== 0, payload, length };
}

function writeFrame(opcode, payload, fin = true) {
  const first = (fin ? 0x80 : 0) | opcode;
  if (payload.length < 126) return Buffer.concat([Buffer.from([first, payload.length]), payload]);
  const head = Buffer.alloc(payload.length < 65536 ? 4 : 10);
  head[0] = first;
  if (payload.length < 65536) {
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}
