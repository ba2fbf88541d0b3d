// Server-sent events and a long poll, on Node's own HTTP: `events-server.mjs PORT` speaks HTTP/1.1, with `h2` HTTP/2
// with prior knowledge. An event every 100 ms says when it was sent; `/poll` answers after 700 ms, and says so too.
import { createServer } from 'node:http';
import { createServer as createHttp2Server } from 'node:http2';

const EVENTS = 10;
const EVERY_MS = 100;
const POLL_MS = 700;

const [port, version] = process.argv.slice(2);
const create = version === 'h2' ? createHttp2Server : createServer;
create((request, response) => {
  if (request.url === '/poll') {
    setTimeout(() => response.end(`${Date.now()}\n`), POLL_MS);
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(`data: ${Date.now()}\n\n`);
    if (++sent < EVENTS) return;
    clearInterval(timer);
    response.end();
  }, EVERY_MS);
  response.on('close', () => clearInterval(timer));
}).listen(Number(port), '127.0.0.1');
