/** An application that sends as many MiB as the eight digits that it is sent ask for, as fast as they are taken. */
import { createServer } from 'node:net';
import { serveCount } from './counter.ts';

const CHUNK = Buffer.alloc(1 << 20, 0x61);

let sentMib = 0;
const [port = '0', counter = '0'] = process.argv.slice(2);
createServer({ noDelay: true }, (socket) => {
  socket.on('error', () => {});
  socket.once('data', (asked: Buffer) => {
    let left = Number(asked.toString('latin1', 0, 8));
    const send = (): void => {
      while (left > 0) {
        left--;
        sentMib++;
        if (!socket.write(CHUNK)) return;
      }
      socket.end();
    };
    socket.on('drain', send);
    send();
  });
}).listen(Number(port), '127.0.0.1', 4096);
serveCount(Number(counter), () => sentMib);
