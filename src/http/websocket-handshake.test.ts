import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SeededRandom } from '../runtime/sim/random.ts';
import { FieldName, UPGRADE } from './field-name.ts';
import { Head, UPGRADE_STATE } from './head.ts';
import { acceptOf, addWebSocketKey, completeWebSocket } from './websocket-handshake.ts';

const KEY = new FieldName('sec-websocket-key');
const ACCEPT = new FieldName('sec-websocket-accept');

function request(key: string | null, version = 11): Head {
  const head = Head.request('GET', '/chat', 'a');
  head.version = version;
  head.upgrade = UPGRADE_STATE.granted;
  head.appendText(UPGRADE, 'WebSocket');
  if (key !== null) head.appendText(KEY, key);
  return head;
}

function granted(accept: string | null, version: number): Head {
  const head = Head.response(101);
  head.version = version;
  if (accept !== null) head.appendText(ACCEPT, accept);
  return head;
}

test("the answer to a key is that of the RFC's example", () => {
  assert.equal(acceptOf('dGhlIHNhbXBsZSBub25jZQ=='), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('a request from HTTP/2 gets a key of sixteen bytes, another keeps its own', () => {
  const random = new SeededRandom(1);
  const bare = request(null, 20);
  assert.equal(addWebSocketKey(bare, random), true);
  assert.equal(Buffer.from(bare.value(KEY) ?? '', 'base64').length, 16);
  const again = request(null, 20);
  addWebSocketKey(again, random);
  assert.notEqual(again.value(KEY), bare.value(KEY));
  const own = request('dGhlIHNhbXBsZSBub25jZQ==');
  assert.equal(addWebSocketKey(own, random), false);
  assert.equal(own.value(KEY), 'dGhlIHNhbXBsZSBub25jZQ==');
  assert.equal(addWebSocketKey(request(null, 11), random), false);
});

test('what a server answers to a key of ours is checked, and not passed on', () => {
  const ours = request('dGhlIHNhbXBsZSBub25jZQ==', 20);
  const right = granted('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 11);
  assert.equal(completeWebSocket(ours, right, true), true);
  assert.equal(right.find(ACCEPT), -1);
  assert.equal(completeWebSocket(ours, granted('s3pPLMBiTxaQ9kYGzzhZRbK+xOo', 11), true), false);
  assert.equal(completeWebSocket(ours, granted(null, 11), true), false);
  assert.equal(completeWebSocket(ours, granted(null, 20), true), true);
});

test('a caller over HTTP/1.1 gets the answer to its key, also from HTTP/2', () => {
  const theirs = request('dGhlIHNhbXBsZSBub25jZQ==');
  const silent = granted(null, 20);
  assert.equal(completeWebSocket(theirs, silent, false), true);
  assert.equal(silent.value(ACCEPT), 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  const said = granted('wrong', 11);
  assert.equal(completeWebSocket(theirs, said, false), true);
  assert.equal(said.value(ACCEPT), 'wrong');
  const dumb = granted(null, 11);
  completeWebSocket(theirs, dumb, false);
  assert.equal(dumb.find(ACCEPT), -1);
});

test('other protocols have no such fields', () => {
  const other = Head.request('GET', '/', 'a');
  other.appendText(UPGRADE, 'spdy/3');
  assert.equal(addWebSocketKey(other, new SeededRandom(1)), false);
  assert.equal(completeWebSocket(other, granted(null, 11), false), true);
});
