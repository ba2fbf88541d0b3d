/**
 * What HPACK costs a head, in nanoseconds: `node bench/micro/hpack.ts [--against <checkout>]`.
 *
 * Method: one process, no network. Requests of 14 fields and about 1 KiB, read by our own HTTP/1.1 scanner. `repeated`:
 * all alike, so everything comes out of the tables. `changing`: path (of 100), traceparent and x-request-id differ, as
 * between sidecars; ids never come twice. `response`: seven fields, of which length and duration differ. Blocks are read
 * in the order in which they were written, so tables live. Cases and sides take turns, 32 heads at a time: so short that
 * many turns run undisturbed on a busy machine. What one turn in a hundred is faster than is reported, because all noise
 * is upwards, and the median beside it.
 * With `--against` the same runs on the sources of another checkout, in turns with ours.
 */
import { parseArgs } from 'node:util';
import type * as AcceptModule from '../../src/http/h1/accept-head.ts';
import type * as ScanModule from '../../src/http/h1/scan-request.ts';
import type * as ScanResponseModule from '../../src/http/h1/scan-response.ts';
import type * as DecoderModule from '../../src/http/h2/hpack/decoder.ts';
import type * as EncoderModule from '../../src/http/h2/hpack/encoder.ts';
import type * as HeadModule from '../../src/http/head.ts';

const TURNS = 4_000;
const HEADS = 32;
/** A quarter of the turns is for the compiler. */
const MEASURED_FROM = TURNS / 4;

const { values } = parseArgs({ options: { against: { type: 'string' } } });
const sides = [new URL('../../', import.meta.url)];
if (values.against !== undefined) sides.push(new URL(`file://${values.against}/`));

interface Case {
  readonly name: string;
  /** Of turn `n`; returns milliseconds. */
  readonly run: (n: number) => number;
  readonly times: number[];
}

const cases = await Promise.all(sides.map((root) => casesOf(root)));
for (let turn = 0; turn < TURNS; turn++) {
  for (const [i, one] of (cases[0] ?? []).entries()) {
    for (const side of cases) {
      const measured = side[i] ?? one;
      const time = (measured.run(turn) * 1e6) / HEADS;
      if (turn >= MEASURED_FROM) measured.times.push(time);
    }
  }
}
for (const [i, one] of (cases[0] ?? []).entries()) {
  const columns = cases.map((side) => {
    const sorted = (side[i] ?? one).times.toSorted((a, b) => a - b);
    const quantile = (share: number) => Math.round(sorted[Math.floor(sorted.length * share)] ?? 0);
    return `${quantile(0.01)} (median ${quantile(0.5)})`;
  });
  console.log(`${one.name.padEnd(44)} ${columns.join('   against ')} ns`);
}

async function casesOf(root: URL): Promise<Case[]> {
  const load = async <T>(path: string): Promise<T> => (await import(new URL(path, root).href)) as T;
  const { Head } = await load<typeof HeadModule>('src/http/head.ts');
  const { scanRequest } = await load<typeof ScanModule>('src/http/h1/scan-request.ts');
  const { scanResponse } = await load<typeof ScanResponseModule>('src/http/h1/scan-response.ts');
  const { acceptRequest } = await load<typeof AcceptModule>('src/http/h1/accept-head.ts');
  const { BLOCK, HpackDecoder } = await load<typeof DecoderModule>('src/http/h2/hpack/decoder.ts');
  const { HpackEncoder } = await load<typeof EncoderModule>('src/http/h2/hpack/encoder.ts');

  const scanned = (text: string) => {
    const bytes = Buffer.from(text, 'latin1');
    const head = new Head();
    const isResponse = text.startsWith('HTTP/');
    const scan = isResponse ? scanResponse : scanRequest;
    if (scan(head, bytes, 0, bytes.length, 100) <= 0) throw new Error('the head of the benchmark is refused');
    head.load(bytes, 0);
    if (!isResponse && acceptRequest(head) !== 0) throw new Error('the request of the benchmark is refused');
    return head;
  };
  const out = Buffer.alloc(65_536);
  const limits = { maxListBytes: 65_536, maxFields: 100 };
  const found: Case[] = [];
  for (const [kind, text] of [
    ['repeated', () => requestText(1)],
    ['changing', requestText],
    ['response', responseText],
  ] as const) {
    const block = kind === 'response' ? BLOCK.response : BLOCK.request;
    const length = (head: InstanceType<typeof Head>) => (kind === 'response' ? head.used : -1);
    const add = (name: string, run: (n: number) => number) => found.push({ name: `${kind}: ${name}`, run, times: [] });
    let heads: InstanceType<typeof Head>[] = [];
    let blocks: Buffer[] = [];

    const encoder = new HpackEncoder(4096);
    add('HTTP/1.1 head → HPACK', (n) => {
      for (const head of heads) head.free();
      heads = Array.from({ length: HEADS }, (_, i) => scanned(text(n * HEADS + i)));
      const start = performance.now();
      for (const head of heads) encoder.encode(head, length(head), out, 0);
      return performance.now() - start;
    });

    const source = new HpackEncoder(4096);
    const decoder = new HpackDecoder(4096, limits);
    add('HPACK → head', () => {
      blocks = heads.map((head) => Buffer.from(out.subarray(0, source.encode(head, length(head), out, 0))));
      const start = performance.now();
      for (const bytes of blocks) {
        const head = new Head();
        if (decoder.decode(bytes, 0, bytes.length, head, block) !== 0) throw new Error('refused');
        head.free();
      }
      return performance.now() - start;
    });

    const relayDecoder = new HpackDecoder(4096, limits);
    const relayEncoder = new HpackEncoder(4096);
    add('HPACK → head → HPACK', () => {
      const start = performance.now();
      for (const bytes of blocks) {
        const head = new Head();
        if (relayDecoder.decode(bytes, 0, bytes.length, head, block) !== 0) throw new Error('refused');
        relayEncoder.encode(head, head.contentLength, out, 0);
        head.free();
      }
      return performance.now() - start;
    });
  }
  return found;
}

function requestText(i: number): string {
  const id = ((i * 2_654_435_761) % 2 ** 44).toString(16).padStart(12, '0');
  return [
    `GET /api/v1/catalogue/items/${(i * 37) % 100}?include=price,stock HTTP/1.1`,
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

function responseText(i: number): string {
  return [
    'HTTP/1.1 200 OK',
    'Server: catalogue/4.2.1',
    `Date: Sat, 21 Nov 2026 15:0${(i >> 14) % 10}:00 GMT`,
    'Content-Type: application/json; charset=utf-8',
    `Content-Length: ${1_000 + ((i * 37) % 4_000)}`,
    'Cache-Control: private, max-age=0, must-revalidate',
    `X-Runtime-Micros: ${3_000 + ((i * 7_919) % 5_000)}`,
    'Vary: Accept-Encoding',
    '',
    '',
  ].join('\r\n');
}
