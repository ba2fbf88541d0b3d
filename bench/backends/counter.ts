/** A backend's second port: whoever connects is told how much it has answered so far. */
import { createServer } from 'node:net';

export function serveCount(port: number, count: () => number): void {
  createServer((socket) => {
    socket.on('error', () => {});
    socket.end(String(count()));
  }).listen(port, '127.0.0.1');
}
