// Frames of RFC 6455, as far as the programs of these suites need them.

/** The first whole frame of `bytes` from a client, or null. */
export function readFrame(bytes) {
  if (bytes.length < 2) return null;
  const masked = (bytes[1] & 0x80) !== 0;
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
  const begin = at + (masked ? 4 : 0);
  const length = begin + size;
  if (bytes.length < length) return null;
  const payload = Buffer.from(bytes.subarray(begin, length));
  if (masked) for (let i = 0; i < size; i++) payload[i] ^= bytes[at + (i & 3)];
  return { opcode: bytes[0] & 0x0f, fin: (bytes[0] & 0x80) !== 0, payload, length };
}

/** `mask`: four bytes, from a client. */
export function writeFrame(opcode, payload, { fin = true, mask = null } = {}) {
  const first = (fin ? 0x80 : 0) | opcode;
  const flag = mask === null ? 0 : 0x80;
  let head;
  if (payload.length < 126) head = Buffer.from([first, flag | payload.length]);
  else {
    head = Buffer.alloc(payload.length < 65536 ? 4 : 10);
    head[0] = first;
    if (payload.length < 65536) {
      head[1] = flag | 126;
      head.writeUInt16BE(payload.length, 2);
    } else {
      head[1] = flag | 127;
      head.writeBigUInt64BE(BigInt(payload.length), 2);
    }
  }
  if (mask === null) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, payload.map((byte, i) => byte ^ mask[i & 3])]);
}

/** Calls `each` with every whole frame that comes on a stream of bytes. */
export function onFrames(stream, head, each) {
  let rest = head;
  const look = () => {
    for (let frame = readFrame(rest); frame !== null; frame = readFrame(rest)) {
      rest = rest.subarray(frame.length);
      each(frame);
    }
  };
  stream.on('data', (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    look();
  });
  look();
}
