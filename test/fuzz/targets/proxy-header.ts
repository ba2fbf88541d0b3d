/** PROXY headers: the first byte says how many cuts; what is believed is what a second, slower reading finds in the bytes. */
import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { addressText } from '../../../src/core/address-range.ts';
import { MAX_HEADER_BYTES, type ProxyHeader, readProxyHeader } from '../../../src/proxy/listener/proxy-header.ts';
import type { ProxyHeaderConfig } from '../../../src/snapshot/snapshot.ts';
import type { Rng } from '../driver/rng.ts';
import type { FuzzTarget } from '../driver/target.ts';

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n';
const FOURS = ['192.0.2.1', '0.0.0.0', '255.255.255.255', '224.0.0.1', '1.2.3', '1.2.3.4.5', '01.2.3.4'];
const SIXES = ['2001:db8::1', '::', '::1', 'ff02::1', '::ffff:1.2.3.4', '1::2::3', 'fe80::1%lo'];
const PORTS = ['0', '1', '80', '65535', '65536', '080', '-1', '+1', ''];
const CONFIGS: readonly ProxyHeaderConfig[] = [
  { optional: false, versions: [1, 2] },
  { optional: true, versions: [1, 2] },
  { optional: false, versions: [1] },
  { optional: true, versions: [2] },
];

export const target: FuzzTarget = {
  dictionary: [
    SIGNATURE,
    'PROXY ',
    'TCP4 ',
    'TCP6 ',
    'UNKNOWN',
    '\r\n',
    '\x21\x11\0\x0c',
    '\x21\x21\0\x24',
    ...FOURS,
    ...SIXES,
  ],
  covers: /src\/(core\/address-range|proxy\/listener\/proxy-header)\.ts$/,
  generate: (random) => `${String.fromCharCode(random.below(4))}${random.oneIn(2) ? line(random) : binary(random)}`,
  run(input, random) {
    const config = CONFIGS[(input[0] ?? 0) % CONFIGS.length] as ProxyHeaderConfig;
    const bytes = input.subarray(1);
    const whole = readProxyHeader(bytes, config);
    // What more bytes say never takes back what fewer have said.
    for (let end = random.below(bytes.length + 1); end < bytes.length; end += 1 + random.below(8)) {
      const part = readProxyHeader(bytes.subarray(0, end), config);
      if (part.kind === 'none') assert.equal(whole.kind, 'none');
      else if (part.kind === 'wrong') assert.equal(whole.kind, 'wrong');
      else if (part.kind === 'header') assert.deepEqual(whole, part);
    }
    if (whole.kind === 'more') assert.ok(bytes.length < MAX_HEADER_BYTES);
    if (whole.kind === 'none') assert.ok(config.optional);
    if (whole.kind === 'header') check(bytes, whole.header, config);
    return whole.kind === 'wrong' ? whole.why.replace(/\d+/g, 'n') : whole.kind;
  },
};

function check(bytes: Uint8Array, { length, version, ends }: ProxyHeader, config: ProxyHeaderConfig): void {
  assert.ok(length <= bytes.length && length <= MAX_HEADER_BYTES && config.versions.includes(version));
  const text = Buffer.from(bytes.subarray(0, length)).toString('latin1');
  if (ends === null) {
    if (version === 1) assert.match(text, /^PROXY UNKNOWN[^\n]*\r\n$/);
    else assert.equal(bytes[12], 0x20);
    return;
  }
  const hosts = [ends.source.host, ends.destination.host];
  for (const host of hosts) assert.ok(isIPv4(host) || isIPv6(host), host);
  if (version === 1) {
    const [, family = '', ...words] = text.trimEnd().split(' ');
    assert.equal(words.length, 4);
    assert.ok(words.slice(0, 2).every(family === 'TCP4' ? isIPv4 : isIPv6), text);
    assert.deepEqual(words.slice(2).map(Number), [ends.source.port, ends.destination.port]);
    return;
  }
  assert.equal(text.slice(0, 12), SIGNATURE);
  const view = Buffer.from(bytes);
  const size = (bytes[13] as number) >> 4 === 1 ? 4 : 16;
  assert.deepEqual(hosts, [
    addressText(view.subarray(16, 16 + size)),
    addressText(view.subarray(16 + size, 16 + 2 * size)),
  ]);
  assert.deepEqual(
    [ends.source.port, ends.destination.port],
    [view.readUInt16BE(16 + 2 * size), view.readUInt16BE(18 + 2 * size)],
  );
}

function line(random: Rng): string {
  const [family, hosts] = random.oneIn(2) ? (['TCP4', FOURS] as const) : (['TCP6', SIXES] as const);
  const words = [random.oneIn(8) ? 'UNKNOWN' : family, random.pick(hosts), random.pick(hosts)];
  return `PROXY ${[...words, random.pick(PORTS), random.pick(PORTS)].join(' ')}\r\nGET`;
}

function binary(random: Rng): string {
  const size = random.oneIn(2) ? 4 : 16;
  const ends = Array.from({ length: 2 * size + 4 }, () => String.fromCharCode(random.below(256))).join('');
  const tlvs = Array.from({ length: random.below(3) }, () => `\x04\0${String.fromCharCode(random.below(4))}abc`).join(
    '',
  );
  const body = `${ends}${tlvs}`;
  const family = size === 4 ? '\x11' : '\x21';
  return `${SIGNATURE}${random.oneIn(8) ? '\x20' : '\x21'}${family}\0${String.fromCharCode(body.length)}${body}GET`;
}
