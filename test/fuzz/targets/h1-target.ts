/** Request targets and Host: three lines `METHOD`, target, Host. What we take for host and path, a URL parser must too. */
import assert from 'node:assert/strict';
import type { Rng } from '../driver/rng.ts';
import type { FuzzTarget } from '../driver/target.ts';
import { checkRequest } from '../h1/check-request.ts';
import { type Message, serverSees } from '../h1/view.ts';

const AUTHORITIES = [
  'a',
  'a.b',
  'A.b:80',
  'a:',
  'a:443',
  '[::1]',
  '[::1]:8080',
  '127.0.0.1',
  'x_y-1~',
  'a:65536',
  'a:00080',
];
const PATHS = ['/', '/a', '/a/../b', '//c', '/?x', '?x', '', '/a;b=c', '/%2F', '/\\', '/a@b', '/:80', '*', '/a#f'];

export const target: FuzzTarget = {
  dictionary: [
    ...AUTHORITIES,
    ...PATHS,
    'http://',
    'https://',
    'HTTP://',
    'ftp://',
    'u@',
    'u:p@',
    '\n',
    ':',
    '@',
    '[',
    ']',
    '%',
    '..',
  ],
  covers: /src\/http\/(authority|token|method|h1\/(target|scan-request))\.ts$/,
  generate: (random) => {
    const method = random.pick(['GET', 'GET', 'OPTIONS', 'CONNECT', 'POST']);
    const authority = random.pick(AUTHORITIES);
    const host = random.oneIn(3) ? random.pick(AUTHORITIES) : authority;
    return `${method}\n${requestTarget(method, authority, random)}\n${host}`;
  },
  run(input, random) {
    const [method = '', path = '', host = ''] = Buffer.from(input).toString('latin1').split('\n');
    const bytes = Buffer.from(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`, 'latin1');
    const view = serverSees([bytes]);
    const [message] = view.messages;
    if (message !== undefined && view.messages.length === 1) meansTheSameToUrl(message);
    return checkRequest(bytes, random);
  },
};

function requestTarget(method: string, authority: string, random: Rng): string {
  if (method === 'CONNECT') return authority;
  const path = random.pick(PATHS);
  return random.oneIn(2) ? path : `${random.pick(['http', 'https', 'Http', 'ws'])}://${authority}${path}`;
}

function meansTheSameToUrl({ method, target: path, authority }: Message): void {
  if (method === 'CONNECT') assert.match(authority, /:\d+$/);
  else if (path !== '*') assert.equal(path[0], '/');
  if (!URL.canParse(`http://${authority}/`)) return;
  const url = new URL(`http://${authority}${path === '*' ? '/' : path}`);
  assert.equal(url.username + url.password + url.hash, '');
  // URL parsers write addresses in their own way: `127.1` and `[0::1]` are other texts, not other hosts.
  if (/^[0-9.]*$|^\[|(^|\.)0x/i.test(authority.replace(/:\d*$/, ''))) return;
  assert.equal(url.hostname, authority.replace(/:\d*$/, '').toLowerCase());
}
