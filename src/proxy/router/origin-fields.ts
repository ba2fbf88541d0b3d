/**
 * `x-forwarded-proto` and `x-forwarded-for`, by which a proxy in front tells an application what it cannot see: how the
 * client came, and from where. Their bytes are made once for a connection.
 */
import type { ConnectionInfo } from '../../core/runtime.ts';
import { FieldName } from '../../http/field-name.ts';
import type { Head } from '../../http/head.ts';
import type { OriginConfig } from '../../snapshot/snapshot.ts';

const FORWARDED_FOR = new FieldName('x-forwarded-for');
const FORWARDED_PROTO = new FieldName('x-forwarded-proto');
const HTTP = Buffer.from('http');
const HTTPS = Buffer.from('https');
const COMMA = 0x2c;

/** What to say of one connection. */
export interface Origin {
  readonly config: OriginConfig;
  readonly scheme: Uint8Array;
  readonly address: Uint8Array;
}

export function originOf(config: OriginConfig | null, { remote, tls }: ConnectionInfo): Origin | null {
  if (config === null) return null;
  return { config, scheme: tls === null ? HTTP : HTTPS, address: Buffer.from(remote.host, 'latin1') };
}

/** On the edge, what the client itself claims of its scheme does not pass; elsewhere the proxy before knows better. */
export function sayOrigin(head: Head, { config, scheme, address }: Origin): void {
  if (config.appendsAddress) appendAddress(head, address);
  if (head.find(FORWARDED_PROTO) >= 0) {
    if (!config.isEdge) return;
    head.removeAll(FORWARDED_PROTO);
  }
  head.append(FORWARDED_PROTO, scheme);
}

/** What the client spoke, as far as a proxy before this one says so; else what it speaks to us. */
export function cameOverTls(head: Head, { tls }: ConnectionInfo): boolean {
  const said = head.value(FORWARDED_PROTO);
  return said === null ? tls !== null : said.toLowerCase() === 'https';
}

/** One field, as applications expect it, whatever number came. */
function appendAddress(head: Head, address: Uint8Array): void {
  let room = address.length;
  for (let i = head.find(FORWARDED_FOR); i >= 0; i = head.find(FORWARDED_FOR, i)) {
    room += head.valueEnd(i) - head.valueStart(i) + 1;
  }
  let at = head.begin(FORWARDED_FOR, room);
  const { bytes } = head;
  for (let i = head.find(FORWARDED_FOR); i >= 0; i = head.find(FORWARDED_FOR, i)) {
    const start = head.valueStart(i);
    const end = head.valueEnd(i);
    bytes.copyWithin(at, start, end);
    at += end - start;
    bytes[at++] = COMMA;
    head.remove(i);
  }
  bytes.set(address, at);
  head.seal(at + address.length);
}
