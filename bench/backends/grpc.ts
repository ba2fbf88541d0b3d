/**
 * A gRPC application on HTTP/2 with prior knowledge: answers each request with headers, a message of 105 bytes and
 * trailers. It reads frame lengths and no header block, so that it costs the load core as little as can be.
 */
import { createServer, type Socket } from 'node:net';
import { serveCount } from './counter.ts';

const PREFACE_BYTES = 24;
const FRAME_HEAD_BYTES = 9;
const [DATA, HEADERS, SETTINGS, PING] = [0, 1, 4, 6];
const END_STREAM = 1;
const [ACK, END_HEADERS] = [1, 4];
/** SETTINGS: INITIAL_WINDOW_SIZE and MAX_CONCURRENT_STREAMS so high that they never matter; a wide connection window. */
const HELLO = Buffer.from('00000c04000000000000043fffffff0003000100000000040800000000003fff0000', 'hex');
const SETTINGS_ACK = Buffer.from('000000040100000000', 'hex');
const MESSAGE = Buffer.alloc(105);
MESSAGE.writeUInt32BE(MESSAGE.length - 5, 1);
/** `:status 200`, then content-type, added to the dynamic table by the first answer and number 64 after its trailers. */
const HEAD = { first: block('88', literal(31, 'application/grpc')), later: Buffer.from('88c0', 'hex') };
/** Two more entries of the table: 63 and 62. */
const TRAILERS = {
  first: block('', named('grpc-status', '0'), named('grpc-message', '')),
  later: Buffer.from('bfbe', 'hex'),
};

let answered = 0;
const [port = '0', counter = '0'] = process.argv.slice(2);
createServer({ noDelay: true }, serve).listen(Number(port), '127.0.0.1', 4096);
serveCount(Number(counter), () => answered);

function serve(socket: Socket): void {
  let rest: Buffer = Buffer.alloc(0);
  let skipped = false;
  let isFirst = true;
  socket.on('error', () => {});
  socket.write(HELLO);
  socket.on('data', (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    if (!skipped) {
      if (bytes.length < PREFACE_BYTES) return void (rest = bytes);
      at = PREFACE_BYTES;
      skipped = true;
    }
    const out: Buffer[] = [];
    let taken = 0;
    while (at + FRAME_HEAD_BYTES <= bytes.length) {
      const length = bytes.readUIntBE(at, 3);
      if (at + FRAME_HEAD_BYTES + length > bytes.length) break;
      const [type = 0, flags = 0] = [bytes[at + 3], bytes[at + 4]];
      const stream = bytes.readUInt32BE(at + 5);
      if (type === DATA) taken += length;
      if ((type === DATA || type === HEADERS) && (flags & END_STREAM) !== 0) {
        out.push(answer(stream, isFirst));
        isFirst = false;
        answered++;
      } else if (type === SETTINGS && (flags & ACK) === 0) out.push(SETTINGS_ACK);
      else if (type === PING && (flags & ACK) === 0) {
        out.push(frame(PING, ACK, 0, bytes.subarray(at + FRAME_HEAD_BYTES, at + FRAME_HEAD_BYTES + length)));
      }
      at += FRAME_HEAD_BYTES + length;
    }
    rest = bytes.subarray(at);
    if (taken > 0) out.push(windowUpdate(taken));
    if (out.length > 0) socket.write(out.length === 1 ? (out[0] ?? '') : Buffer.concat(out));
  });
}

function answer(stream: number, isFirst: boolean): Buffer {
  return Buffer.concat([
    frame(HEADERS, END_HEADERS, stream, isFirst ? HEAD.first : HEAD.later),
    frame(DATA, 0, stream, MESSAGE),
    frame(HEADERS, END_HEADERS | END_STREAM, stream, isFirst ? TRAILERS.first : TRAILERS.later),
  ]);
}

function frame(type: number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

function windowUpdate(bytes: number): Buffer {
  const increment = Buffer.alloc(4);
  increment.writeUInt32BE(bytes);
  return frame(8, 0, 0, increment);
}

/** RFC 7541 6.2.1: a literal that is added to the dynamic table, its name from the static one. */
function literal(nameIndex: number, value: string): Buffer {
  return Buffer.concat([Buffer.from([0x40 | nameIndex, value.length]), Buffer.from(value)]);
}

function named(name: string, value: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x40, name.length]),
    Buffer.from(name),
    Buffer.from([value.length]),
    Buffer.from(value),
  ]);
}

function block(hex: string, ...parts: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(hex, 'hex'), ...parts]);
}
