/** Connections in the text of `program.ts`: requests or responses by the grammar, with frames between them that may come. */
import type { Rng } from '../driver/rng.ts';
import { digit, TOO_LONG } from './program.ts';

const END_STREAM = 1;
const END_HEADERS = 4;
const PADDED = 8;
const PRIORITY = 32;

const FIELDS = [
  'x-a=1',
  'x-a=',
  'accept=*/*',
  'cookie=a=b',
  'cookie=c=d',
  'te=trailers',
  'user-agent=x/1 (y)',
  'x-obs=\xe9',
  'priority=u=1',
  'grpc-timeout=1S',
  'content-type=application/grpc',
  'via=1.1 b',
  'proxy-authorization=x',
];
const BAD_FIELDS = [
  'X-A=1',
  'transfer-encoding=chunked',
  'connection=close',
  'upgrade=h2c',
  'te=gzip',
  'keep-alive=x',
  'content_length=3',
  'x=a~y: z',
  'x=a\n',
  'x=\0',
  'x= a',
  'x=a ',
  'x:y=z',
  '=v',
  ':unknown=x',
  ':path=/two',
  ':status=200',
  'host=b',
  'content-length=3',
  'content-length=+3',
  'content-length=3,3',
  'expect=100-continue',
];
const LINES = [
  'A',
  'PPayload8',
  'P!weftlast',
  'S',
  'S4=0',
  'S4=65535',
  'S4=70000',
  'S3=2',
  'S5=20000',
  'S1=0',
  'S1=100',
  'S2=0',
  'S8=1',
  'S9=7',
  'W0100',
  'W01',
  'W165535',
  'W31',
  'Y10',
  'Y35',
  'Fg00ext',
];
const BAD_LINES = [
  'W00',
  'W10',
  'W02147483647',
  'W12147483647',
  'S4=2147483648',
  'S5=1',
  'S2=2',
  'S8=2',
  'Y11',
  'Y1',
  'G10',
  'GZ0',
  'R18',
  'R10',
  'R38',
  'R58',
  'R97',
  'F541\0\0\0\x02\x88',
  'F400x',
  'F600x',
  'F311\0\0',
  'F941\x82',
  'D01x',
  'D21x',
  'D11x',
  'D10',
  'D31',
  'C14x=y',
  `X${TOO_LONG[0]}`,
  `X${TOO_LONG[1]}`,
  'L014x',
  'L601Payload8',
];

/** Pieces for the mutators. */
export const H2_PIECES: readonly string[] = [
  ...[...LINES, ...BAD_LINES].map((line) => `${line}\r\n`),
  ...[...FIELDS, ...BAD_FIELDS].map((field) => `|${field}`),
  'H15:method=GET|:scheme=http|:path=/|:authority=a\r\n',
  'H34:method=POST|:scheme=http|:path=/|:authority=a\r\n',
  'H14:method=CONNECT|:authority=a:80\r\n',
  'H14:method=CONNECT|:protocol=websocket|:scheme=http|:path=/|:authority=a\r\n',
  'H15:status=200\r\n',
  'H14:status=103\r\n',
  'D11hello\r\n',
  'D10hello\r\n',
  'D19hello\r\n',
  'H15x-end=1\r\n',
  '|',
  '=',
  '~',
  '\r\n',
];

/** What a client sends after its preface. */
export function requests(random: Rng, isClean: boolean): string {
  const lines: string[] = [random.pick(['S', 'S', 'S4=100', 'S3=5,4=65535']), 'A'];
  let id = 1;
  for (let n = 1 + random.below(3); n > 0; n--, id += 2) {
    const method = random.pick(['GET', 'GET', 'POST', 'PUT', 'HEAD', 'OPTIONS', 'CONNECT']);
    const isConnect = method === 'CONNECT' && !isClean;
    const host = random.pick(['a', 'a:80', 'x.y-z', '[::1]:80']);
    const target = isConnect
      ? [':method=CONNECT', `:authority=${random.pick(['a:80', 'a'])}`, ...(random.oneIn(2) ? [] : [':protocol=ws'])]
      : [`:method=${method}`, `:scheme=${random.pick(['http', 'https'])}`, `:path=${path(random)}`];
    if (!isConnect && random.oneIn(8)) target.push(`:authority=${host}`, `host=${host}`);
    else if (!isConnect) target.push(`${random.oneIn(6) ? 'host' : ':authority'}=${host}`);
    lines.push(...message(id, target, random, isClean));
  }
  return mixed(lines, random, isClean);
}

/** What a server sends to requests on the streams 1, 3, 5… */
export function responses(random: Rng, isClean: boolean): string {
  const lines: string[] = [random.pick(['S', 'S3=100', 'S4=10,8=1']), 'A'];
  for (const id of [1, 3, 5, 7].slice(0, 1 + random.below(4))) {
    if (random.oneIn(4)) lines.push(`H${digit(id)}4:status=${random.pick(['100', '103'])}|link=x`);
    const status = random.pick(['200', '200', '204', '304', '404', '503', isClean ? '206' : '101']);
    lines.push(...message(id, [`:status=${status}`], random, isClean, status === '204' || status === '304'));
  }
  return mixed(lines, random, isClean);
}

function message(id: number, start: readonly string[], random: Rng, isClean: boolean, isBare = false): string[] {
  const fields = [...start];
  for (let n = random.below(4); n > 0; n--) fields.push(random.pick(!isClean && random.oneIn(6) ? BAD_FIELDS : FIELDS));
  const parts: string[] = [];
  if (!isBare && random.oneIn(2))
    for (let n = 1 + random.below(3); n > 0; n--) parts.push('y'.repeat(random.below(30)));
  const length = parts.join('').length;
  if (parts.length > 0 && random.oneIn(2)) fields.push(`content-length=${length}`);
  const hasTrailers = parts.length > 0 && random.oneIn(4);
  const lines = section(id, parts.length === 0, fields, random);
  for (const [i, part] of parts.entries()) {
    const isEnd = i === parts.length - 1 && !hasTrailers;
    lines.push(`D${digit(id)}${digit((isEnd ? END_STREAM : 0) + (random.oneIn(6) ? PADDED : 0))}${part}`);
  }
  if (hasTrailers) lines.push(...section(id, true, ['grpc-status=0', 'x-end=1'].slice(random.below(2)), random));
  return lines;
}

/** HEADERS, now and then with CONTINUATIONs. */
function section(id: number, isEnd: boolean, fields: readonly string[], random: Rng): string[] {
  const extra = (random.oneIn(8) ? PADDED : 0) + (random.oneIn(8) ? PRIORITY : 0);
  const flags = (isEnd ? END_STREAM : 0) + extra;
  if (!random.oneIn(5)) return [`H${digit(id)}${digit(flags + END_HEADERS)}${fields.join('|')}`];
  const at = random.below(fields.length + 1);
  const first = `H${digit(id)}${digit(flags)}${fields.slice(0, at).join('|')}`;
  return [first, `C${digit(id)}4${fields.slice(at).join('|')}`];
}

/** With frames of the connection between, but not within a section. */
function mixed(lines: readonly string[], random: Rng, isClean: boolean): string {
  const out: string[] = [];
  for (const line of lines) {
    const isBetween = out.length > 0 && !line.startsWith('C');
    if (isBetween && random.oneIn(5)) out.push(random.pick(!isClean && random.oneIn(3) ? BAD_LINES : LINES));
    out.push(line);
  }
  return out.join('\r\n');
}

function path(random: Rng): string {
  return random.pick(['/', '/', '/a/b?c=d', '/%00', '//x', '/?', '/a;b']);
}
