/**
 * What the kernel remembers of a connection that netfilter redirected (REDIRECT, DNAT): SO_ORIGINAL_DST. Node has no call
 * for it, so libc is asked through `node:ffi`, which Node has since 26.1; the module is not touched before a listener wants
 * it. Elsewhere it is said why not.
 */
import { addressText } from '../../core/address-range.ts';
import type { Address, Connection, OriginalDestinations } from '../../core/runtime.ts';
import { SocketConnection } from './connection.ts';

type GetSocketOption = (fd: number, level: number, option: number, value: Buffer, length: Buffer) => number;

const SOL_IP = 0;
const SOL_IPV6 = 41;
/** Of both levels (linux/netfilter_ipv4.h, linux/netfilter_ipv6/ip6_tables.h). */
const SO_ORIGINAL_DST = 80;
const AF_INET = 2;
const AF_INET6 = 10;
/** struct sockaddr_in6, the larger of the two. */
const SOCKADDR_BYTES = 28;

class KernelDestinations implements OriginalDestinations {
  readonly #value = Buffer.alloc(SOCKADDR_BYTES);
  readonly #length = Buffer.alloc(4);
  #found: { readonly ask: GetSocketOption | null; readonly fault: string | null } | null = null;

  get fault(): string | null {
    return this.#look().fault;
  }

  of(connection: Connection): Address | null {
    const { ask } = this.#look();
    if (ask === null || !(connection instanceof SocketConnection)) return null;
    const fd = connection.descriptor;
    if (fd < 0) return null;
    // An IPv6 socket has IPv4 peers too, and netfilter keeps those at the other level.
    const level = connection.info.local.host.includes(':') ? SOL_IPV6 : SOL_IP;
    this.#length.writeInt32LE(SOCKADDR_BYTES);
    // Not redirected: ENOENT.
    if (ask(fd, level, SO_ORIGINAL_DST, this.#value, this.#length) !== 0) return null;
    return readSockaddr(this.#value);
  }

  #look() {
    this.#found ??= find();
    return this.#found;
  }
}

export const kernelDestinations: OriginalDestinations = new KernelDestinations();

function readSockaddr(bytes: Buffer): Address | null {
  const port = bytes.readUInt16BE(2);
  switch (bytes.readUInt16LE(0)) {
    case AF_INET:
      return { host: addressText(bytes.subarray(4, 8)), port };
    case AF_INET6:
      return { host: addressText(bytes.subarray(8, 24)), port };
    default:
      return null;
  }
}

function find(): { readonly ask: GetSocketOption | null; readonly fault: string | null } {
  if (process.platform !== 'linux') {
    return { ask: null, fault: 'the original destination of a redirected connection is known on Linux only' };
  }
  try {
    const ffi = process.getBuiltinModule('node:ffi');
    const ask: unknown = new ffi.DynamicLibrary(null).getFunction('getsockopt', {
      return: 'int32',
      arguments: ['int32', 'int32', 'int32', 'buffer', 'buffer'],
    });
    return { ask: ask as GetSocketOption, fault: null };
  } catch {
    return {
      ask: null,
      fault: 'this Node cannot ask the kernel for the original destination: node:ffi came with 26.1',
    };
  }
}
