// A server that tells its last hours: `ARGS: port, catalog url, log file`. On SIGTERM it goes on for a second, calls the
// other service at the end of it, and exits with 3.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:http';

const [port, url, file] = process.argv.slice(2);
const note = (what) => appendFileSync(file, `${JSON.stringify({ what, atMs: Date.now() })}\n`);

createServer((_, response) => response.end('here\n')).listen(Number(port), '127.0.0.1', () => note('listening'));

process.on('SIGTERM', () => void leave());

async function leave() {
  note('signalled');
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  try {
    const response = await fetch(url);
    note(`outbound ${response.status}`);
  } catch (error) {
    note(`outbound ${String(error)}`);
  }
  process.exit(3);
}
