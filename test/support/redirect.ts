/**
 * A rule of netfilter that redirects connections to 10.0.0.0/8 to a port of this host, written over netlink: what an
 * init container does with iptables. For a network namespace of a test's own; no program for it need be installed.
 */

type Call = (...args: readonly (number | Buffer)[]) => number;

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_NETFILTER = 12;
/** NFNL_SUBSYS_NFTABLES */
const NFTABLES = 10;
const IPV4 = 2;
const REGISTER = uint32(1);
const REQUEST = 0x001;
const ACK = 0x004;
const CREATE = 0x400;
const APPEND = 0x800;

/** Throws what the kernel says. */
export function redirectTens(port: number): void {
  const table = attribute(1, text('weft-test'));
  const chain = text('output');
  // `hook output priority dstnat`
  const hook = nested(4, attribute(1, uint32(3)), attribute(2, uint32(-100)));
  const rule = nested(
    4,
    // meta l4proto tcp
    expression('meta', attribute(1, REGISTER), attribute(2, uint32(16))),
    compare(Buffer.from([6])),
    // the first byte of ip daddr
    expression(
      'payload',
      attribute(1, REGISTER),
      attribute(2, uint32(1)),
      attribute(3, uint32(16)),
      attribute(4, uint32(1)),
    ),
    compare(Buffer.from([10])),
    expression('immediate', attribute(1, REGISTER), nested(2, attribute(1, uint16(port)))),
    expression('redir', attribute(1, REGISTER)),
  );
  send([
    message(0x10, REQUEST, NFTABLES),
    message((NFTABLES << 8) | 0, REQUEST | ACK | CREATE, 0, table),
    message(
      (NFTABLES << 8) | 3,
      REQUEST | ACK | CREATE,
      0,
      table,
      attribute(3, chain),
      hook,
      attribute(7, text('nat')),
    ),
    message((NFTABLES << 8) | 6, REQUEST | ACK | CREATE | APPEND, 0, table, attribute(2, chain), rule),
    message(0x11, REQUEST, NFTABLES),
  ]);
}

function send(messages: readonly Buffer[]): void {
  const ffi = process.getBuiltinModule('node:ffi');
  const libc = new ffi.DynamicLibrary(null);
  const call = (name: string, ...types: ('int32' | 'buffer')[]): Call =>
    libc.getFunction(name, { return: 'int32', arguments: types }) as unknown as Call;
  const socket = call('socket', 'int32', 'int32', 'int32')(AF_NETLINK, SOCK_RAW, NETLINK_NETFILTER);
  const batch = Buffer.concat(messages);
  call('send', 'int32', 'buffer', 'int32', 'int32')(socket, batch, batch.length, 0);
  const answer = Buffer.alloc(65_536);
  const dontWait = 0x40;
  const receive = call('recv', 'int32', 'buffer', 'int32', 'int32');
  const errors: number[] = [];
  for (let length = receive(socket, answer, answer.length, dontWait); length > 0; ) {
    for (let at = 0; at < length; at += (answer.readUInt32LE(at) + 3) & ~3) {
      // NLMSG_ERROR; 0 is an acknowledgement.
      if (answer.readUInt16LE(at + 4) === 2) errors.push(answer.readInt32LE(at + 16));
    }
    length = receive(socket, answer, answer.length, dontWait);
  }
  call('close', 'int32')(socket);
  if (errors.length !== 3 || errors.some((error) => error !== 0)) throw new Error(`netfilter: ${errors.join()}`);
}

let sequence = 1;

function message(type: number, flags: number, resource: number, ...attributes: readonly Buffer[]): Buffer {
  const body = Buffer.concat([Buffer.from([resource === 0 ? IPV4 : 0, 0]), uint16(resource), ...attributes]);
  const head = Buffer.alloc(16);
  head.writeUInt32LE(16 + body.length, 0);
  head.writeUInt16LE(type, 4);
  head.writeUInt16LE(flags, 6);
  head.writeUInt32LE(sequence++, 8);
  return Buffer.concat([head, body]);
}

function expression(name: string, ...data: readonly Buffer[]): Buffer {
  return nested(1, attribute(1, text(name)), nested(2, ...data));
}

function compare(value: Buffer): Buffer {
  return expression('cmp', attribute(1, REGISTER), attribute(2, uint32(0)), nested(3, attribute(1, value)));
}

function nested(type: number, ...children: readonly Buffer[]): Buffer {
  return attribute(type | 0x8000, Buffer.concat(children));
}

function attribute(type: number, value: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt16LE(4 + value.length, 0);
  head.writeUInt16LE(type, 2);
  return Buffer.concat([head, value, Buffer.alloc(-value.length & 3)]);
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`, 'latin1');
}

function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
