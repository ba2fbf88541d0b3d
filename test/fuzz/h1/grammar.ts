/** HTTP/1.1 messages by the grammar, now and then with something in them that no grammar has. */
import type { Rng } from '../driver/rng.ts';

export const H1_PIECES: readonly string[] = [
  '\r\n',
  '\r\n\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '\t',
  ':',
  ': ',
  ',',
  ';',
  '0\r\n\r\n',
  '1\r\nx\r\n',
  ';a=b',
  ';a="b\\"c"',
  'Content-Length: 3\r\n',
  'content-length:0\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Content_Length: 3\r\n',
  'Host: a\r\n',
  'Host: b\r\n',
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Connection: upgrade, te, x\r\n',
  'Keep-Alive: timeout=5\r\n',
  'Upgrade: websocket\r\n',
  'Upgrade: h2c\r\n',
  'TE: trailers\r\n',
  'TE: gzip;q=1, trailers\r\n',
  'Trailer: x\r\n',
  'Expect: 100-continue\r\n',
  'Proxy-Authorization: x\r\n',
  'chunked',
  'close',
  'HTTP/1.0',
  'HTTP/1.1',
  'HTTP/2.0',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx',
  'HTTP/1.1 100 Continue\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'http://a:80',
  'https://b/',
  '*',
  '/',
  '?',
  '#',
  '@',
  '[::1]',
  '%',
];

const METHODS = ['GET', 'GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'OPTIONS', 'CONNECT', 'TRACE', 'PATCH', 'BREW', 'get'];
const TARGETS = [
  '/',
  '/',
  '/a/b?c=d',
  '*',
  'http://a/x',
  'http://a',
  'http://a:80?q',
  'HTTP://A/',
  'a:80',
  '/%2e%00',
  '//x',
];
const FIELDS = [
  'X-A: 1',
  'x-a:2',
  'Cookie: a=b; c=d',
  'User-Agent:  x/1 (y) ',
  'X-Empty:',
  'X-Obs: \xe9\xff',
  'X-Tab: \ta\tb\t',
  'Accept: */*',
  ...H1_PIECES.filter((piece) => piece.endsWith('\r\n') && piece.includes(':') && !piece.includes(' HTTP')).map((p) =>
    p.slice(0, -2),
  ),
];

function fields(random: Rng, most: number): string {
  let text = '';
  for (let n = random.below(most); n > 0; n--) text += `${random.pick(FIELDS)}\r\n`;
  return text;
}

export function chunks(random: Rng): string {
  let text = '';
  for (let n = random.below(4); n > 0; n--) {
    const data = 'x'.repeat(1 + random.below(random.oneIn(5) ? 300 : 20));
    const size = data.length.toString(16).padStart(random.oneIn(3) ? 4 : 0, '0');
    text += `${random.oneIn(2) ? size : size.toUpperCase()}${random.oneIn(3) ? random.pick([';a', ';a=b', ';a="b c"']) : ''}\r\n${data}\r\n`;
  }
  return `${text}0${random.oneIn(6) ? ';end' : ''}\r\n`;
}

export function trailers(random: Rng): string {
  return `${random.oneIn(2) ? fields(random, 4) : ''}\r\n`;
}

/** Fields and content that belong together, most of the time. */
function framed(random: Rng): { fields: string; body: string } {
  switch (random.below(4)) {
    case 0:
      return { fields: '', body: '' };
    case 1: {
      const body = 'y'.repeat(random.below(40));
      return { fields: `Content-Length: ${body.length}\r\n`, body };
    }
    default:
      return { fields: 'Transfer-Encoding: chunked\r\n', body: chunks(random) + trailers(random) };
  }
}

export function request(random: Rng): string {
  const content = framed(random);
  const version = random.oneIn(6) ? '1.0' : '1.1';
  const host = random.oneIn(10) ? '' : `Host: ${random.pick(['a', 'a:80', 'A', '[::1]:80', 'x.y-z_1~'])}\r\n`;
  const line = `${random.pick(METHODS)} ${random.pick(TARGETS)} HTTP/${version}`;
  return `${line}\r\n${fields(random, 3)}${host}${content.fields}${fields(random, 3)}\r\n${content.body}`;
}

export function response(random: Rng): string {
  const content = framed(random);
  const interim = random.oneIn(5)
    ? random.pick(['HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 103 X\r\nLink: y\r\n\r\n'])
    : '';
  const status = random.pick([200, 200, 204, 206, 301, 304, 404, 500, 101, 599]);
  const version = random.oneIn(6) ? '1.0' : '1.1';
  return `${interim}HTTP/${version} ${status} ${random.pick(['OK', '', 'Not Found', '\xe9'])}\r\n${fields(random, 3)}${content.fields}\r\n${content.body}`;
}
