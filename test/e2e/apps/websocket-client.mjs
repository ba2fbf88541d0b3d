// Node's own WebSocket as a client of the echo: sends texts and a mebibyte, waits for each, then closes, or is closed.
import { createHash } from 'node:crypto';

const [url, mode] = process.argv.slice(2);
const socket = new WebSocket(url);
socket.binaryType = 'arraybuffer';

const hash = (data) => createHash('sha256').update(data).digest('hex');
const opened = new Promise((resolve, reject) => {
  socket.onopen = resolve;
  socket.onerror = (event) => reject(new Error(event.message ?? 'failed'));
});
const next = () => new Promise((resolve) => (socket.onmessage = (event) => resolve(event.data)));
const closed = new Promise((resolve) => (socket.onclose = (event) => resolve(event.code)));

await opened;
for (const text of ['one', 'two', 'ü'.repeat(40_000)]) {
  socket.send(text);
  if ((await next()) !== text) throw new Error('another text came back');
}
const bytes = new Uint8Array(1_048_576).map((_, index) => index * 31);
socket.send(bytes);
if (hash(new Uint8Array(await next())) !== hash(bytes)) throw new Error('other bytes came back');
if (mode === 'server-closes') socket.send('close me');
else socket.close(4000);
console.log(`closed ${await closed}`);
