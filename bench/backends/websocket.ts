/** A WebSocket application that echoes each frame: the client's mask is taken off, as RFC 6455 section 5.1 wants. */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { serveCount } from './counter.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** FIN and opcode, length under 126, mask. */
const [HEAD_BYTES, MASK_BYTES] = [2, 4];

let echoed = 0;
const [port = '0', counter = '0'] = process.argv.slice(2);
const server = createServer((_request, response) => response.writeHead(426).end());
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key'] ?? ''}${GUID}`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let rest: Buffer = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    for (let end = frameEnd(bytes, at); end <= bytes.length; end = frameEnd(bytes, at)) {
      socket.write(echo(bytes.subarray(at, end)));
      echoed++;
      at = end;
    }
    rest = bytes.subarray(at);
  });
});
server.listen(Number(port), '127.0.0.1', 4096);
serveCount(Number(counter), () => echoed);

/** Infinity: it has not all come. */
function frameEnd(bytes: Buffer, at: number): number {
  if (at + HEAD_BYTES > bytes.length) return Number.POSITIVE_INFINITY;
  return at + HEAD_BYTES + MASK_BYTES + ((bytes[at + 1] ?? 0) & 0x7f);
}

function echo(frame: Buffer): Buffer {
  const length = frame.length - HEAD_BYTES - MASK_BYTES;
  const out = Buffer.allocUnsafe(HEAD_BYTES + length);
  out[0] = frame[0] ?? 0;
  out[1] = length;
  for (let i = 0; i < length; i++) {
    out[HEAD_BYTES + i] = (frame[HEAD_BYTES + MASK_BYTES + i] ?? 0) ^ (frame[HEAD_BYTES + (i % MASK_BYTES)] ?? 0);
  }
  return out;
}
