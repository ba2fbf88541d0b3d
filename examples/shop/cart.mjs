/** The cart: counters over plain TCP in the Redis protocol, to show that the mesh carries more than HTTP. */
import { createServer } from 'node:net';
import { decode } from './resp.mjs';

const counters = new Map();

const server = createServer((socket) => {
  let pending = '';
  socket.setEncoding('latin1');
  socket.on('error', () => socket.destroy());
  socket.on('data', (text) => {
    const { commands, rest } = decode(pending + text);
    pending = rest;
    for (const words of commands) socket.write(answer(words));
  });
});
server.listen(Number(process.env.PORT ?? 6380), '127.0.0.1');
process.on('SIGTERM', () => server.close(() => process.exit(0)));

function answer([name, key]) {
  if (name === 'PING') return '+PONG\r\n';
  if (name !== 'INCR') return `-ERR the cart does not know ${name}\r\n`;
  const value = (counters.get(key) ?? 0) + 1;
  counters.set(key, value);
  return `:${value}\r\n`;
}
