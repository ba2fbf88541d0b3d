/**
 * What HPACK costs a head, in nanoseconds: `node bench/micro/hpack.ts [--against <checkout>]`.
 *
 * Method: one process, no network. A request of 14 fields and about 1 KiB, read by our own HTTP/1.1 scanner, in 64
 * variants. `repeated`: all variants alike, so everything comes out of the tables. `changing`: path, traceparent and
 * x-request-id differ in each, as between sidecars. Cases and sides take turns, 200 rounds of 2,048 heads each after a
 * warm-up: so short that some of them run undisturbed on a busy machine. The fastest is reported, because all noise is
 * upwards, and the median beside it.
 * With `--against` the same runs on the sources of another checkout, in turns with ours.
 */
import { parseArgs } from 'node:util';
import type * as AcceptModule from '../../src/http/h1/accept-head.ts';
import type * as ScanModule from '../../src/http/h1/scan-request.ts';
import type * as DecoderModule from '../../src/http/h2/hpack/decoder.ts';
import type * as EncoderModule from '../../src/http/h2/hpack/encoder.ts';
import type * as HeadModule from '../../src/http/head.ts';

const ROUNDS = 200;
const HEADS = 2_048;
const VARIANTS = 64;

const { values } = parseArgs({ options: { against: { type: 'string' } } });
const sides = [new URL('../../', import.meta.url)];
if (values.against !== undefined) sides.push(new URL(`file://${values.against}/`));

interface Case {
  readonly name: string;
  readonly run: () => void;
  readonly times: number[];
}

const cases = await Promise.all(sides.map((root) => casesOf(root)));
for (let round = -30; round < ROUNDS; round++) {
  for (const [i, one] of (cases[0] ?? []).entries()) {
    for (const side of cases) {
      const measured = side[i] ?? one;
      const start = performance.now();
      for (let n = 0; n < HEADS / VARIANTS; n++) measured.run();
      if (round >= 0) measured.times.push(((performance.now() - start) * 1e6) / HEADS);
    }
  }
}
for (const [i, one] of (cases[0] ?? []).entries()) {
  const columns = cases.map((side) => {
    const sorted = (side[i] ?? one).times.toSorted((a, b) => a - b);
    return `${Math.round(sorted[0] ?? 0)} (median ${Math.round(sorted[ROUNDS >> 1] ?? 0)})`;
  });
  console.log(`${one.name.padEnd(44)} ${columns.join('   against ')} ns`);
}

async function casesOf(root: URL): Promise<Case[]> {
  const load = async <T>(path: string): Promise<T> => (await import(new URL(path, root).href)) as T;
  const { Head } = await load<typeof HeadModule>('src/http/head.ts');
  const { scanRequest } = await load<typeof ScanModule>('src/http/h1/scan-request.ts');
  const { acceptRequest } = await load<typeof AcceptModule>('src/http/h1/accept-head.ts');
  const { BLOCK, HpackDecoder } = await load<typeof DecoderModule>('src/http/h2/hpack/decoder.ts');
  const { HpackEncoder } = await load<typeof EncoderModule>('src/http/h2/hpack/encoder.ts');

  const scan = (text: string) => {
    const bytes = Buffer.from(text, 'latin1');
    const head = new Head();
    if (scanRequest(head, bytes, 0, bytes.length, 100) <= 0) throw new Error('the request of the benchmark is refused');
    head.load(bytes, 0);
    if (acceptRequest(head) !== 0) throw new Error('the request of the benchmark is refused');
    return head;
  };
  const out = Buffer.alloc(65_536);
  const limits = { maxListBytes: 65_536, maxFields: 100 };
  const found: Case[] = [];
  for (const [kind, text] of [
    ['repeated', () => requestText(1)],
    ['changing', requestText],
  ] as const) {
    const heads = Array.from({ length: VARIANTS }, (_, i) => scan(text(i)));
    const add = (name: string, run: () => void) => found.push({ name: `${kind}: ${name}`, run, times: [] });

    const settling = Array.from({ length: VARIANTS }, (_, i) => scan(text(VARIANTS + i)));

    const encoder = new HpackEncoder(4096);
    for (const head of settling) encoder.encode(head, -1, out, 0);
    add('HTTP/1.1 head → HPACK', () => {
      for (const head of heads) encoder.encode(head, -1, out, 0);
    });

    // Blocks for a decoder whose table has settled: they insert nothing, so they can be read again and again.
    const settled = (to: InstanceType<typeof HpackDecoder>) => {
      const from = new HpackEncoder(4096);
      const encoded = [...settling, ...heads].map((head) => {
        const block = Buffer.from(out.subarray(0, from.encode(head, -1, out, 0)));
        to.decode(block, 0, block.length, new Head(), BLOCK.request);
        return block;
      });
      return encoded.slice(VARIANTS);
    };
    const decoder = new HpackDecoder(4096, limits);
    const blocks = settled(decoder);
    add('HPACK → head', () => {
      for (const block of blocks) {
        const head = new Head();
        if (decoder.decode(block, 0, block.length, head, BLOCK.request) !== 0) throw new Error('refused');
        head.free();
      }
    });

    const relayDecoder = new HpackDecoder(4096, limits);
    const relayBlocks = settled(relayDecoder);
    const relayEncoder = new HpackEncoder(4096);
    add('HPACK → head → HPACK', () => {
      for (const block of relayBlocks) {
        const head = new Head();
        if (relayDecoder.decode(block, 0, block.length, head, BLOCK.request) !== 0) throw new Error('refused');
        relayEncoder.encode(head, -1, out, 0);
        head.free();
      }
    });
  }
  return found;
}

function requestText(i: number): string {
  const id = (i * 2_654_435_761).toString(16).padStart(12, '0');
  return [
    `GET /api/v1/catalogue/items/${id}?include=price,stock HTTP/1.1`,
    'Host: catalogue.shop.svc.cluster.local:8080',
    'User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
    'Accept: application/json, text/plain;q=0.9, text/html;q=0.8, */*;q=0.7',
    'Accept-Encoding: gzip, deflate, br, zstd',
    'Accept-Language: en-GB,en;q=0.9,de;q=0.8',
    'Cache-Control: no-cache',
    'Content-Type: application/json; charset=utf-8',
    'Cookie: session=4f6c8f1ed0b94a31a5c2a7f0d5d2c1aa; theme=dark; consent=all; region=eu-central',
    'Referer: https://www.example.com/catalogue/summer/shoes?page=3&sort=price',
    'X-Forwarded-For: 203.0.113.195, 198.51.100.17',
    'X-Forwarded-Proto: https',
    'X-Tenant: tenant-0042-production',
    `X-Request-Id: 7d9a1c52-55f1-4f0e-9d1b-${id}`,
    `Traceparent: 00-4bf92f3577b34da6${id}1234-00f0${id}-01`,
    '',
    '',
  ].join('\r\n');
}
