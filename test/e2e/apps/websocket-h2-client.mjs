// A WebSocket client over HTTP/2 (RFC 8441), on node:http2 with prior knowledge: `websocket-h2-client.mjs URL [server-closes]`
// sends texts and a mebibyte, waits for each, then closes, or is closed.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:http2';
import { onFrames, writeFrame } from './websocket-frames.mjs';

const [url, mode] = process.argv.slice(2);
const { pathname } = new URL(url);
const session = connect(url);
session.on('error', fail);
const [settings] = await once(session, 'remoteSettings');
if (!settings.enableConnectProtocol) fail(new Error('no extended CONNECT here'));

const stream = session.request({
  ':method': 'CONNECT',
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': pathname,
  'sec-websocket-version': '13',
  origin: 'http://example.test',
});
stream.on('error', fail);
const [answer] = await once(stream, 'response');
if (answer[':status'] !== 200) fail(new Error(`answered with ${answer[':status']}`));

let parts = [];
const messages = [];
let wake = () => {};
let closeCode = -1;
onFrames(stream, Buffer.alloc(0), ({ opcode, payload, fin }) => {
  if (opcode === 8) closeCode = payload.readUInt16BE(0);
  else parts.push(payload);
  if (fin && opcode !== 8) {
    messages.push(Buffer.concat(parts));
    parts = [];
  }
  wake();
});
const ended = once(stream, 'end');

const send = (opcode, payload) => stream.write(writeFrame(opcode, payload, { mask: randomBytes(4) }));
const until = async (holds) => {
  while (!holds()) await new Promise((resolve) => (wake = resolve));
};
const hash = (data) => createHash('sha256').update(data).digest('hex');

const large = Buffer.from(new Uint8Array(1_048_576).map((_, index) => index * 31));
for (const [opcode, payload] of [
  [1, Buffer.from('one')],
  [1, Buffer.from('two')],
  [1, Buffer.from('ü'.repeat(40_000))],
  [2, large],
]) {
  send(opcode, payload);
  await until(() => messages.length > 0);
  if (hash(messages.shift()) !== hash(payload)) fail(new Error('another message came back'));
}
if (mode === 'server-closes') send(1, Buffer.from('close me'));
else send(8, Buffer.from([0x0f, 0xa0]));
await until(() => closeCode !== -1);
if (mode === 'server-closes') send(8, Buffer.from([0x0f, 0xa0]));
stream.end();
await ended;
console.log(`closed ${closeCode}`);
session.close();

function fail(error) {
  console.error(error);
  process.exit(1);
}
