/** A JSON server in a few lines, ending politely on SIGTERM: what every HTTP service of the shop starts with. */
import { createServer } from 'node:http';

export function serve(port, handle) {
  const server = createServer((request, response) => void answer(handle, request, response));
  server.listen(port, '127.0.0.1');
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
}

async function answer(handle, request, response) {
  try {
    const body = await handle(new URL(request.url, 'http://shop'), request);
    response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
  } catch (error) {
    response.writeHead(error.status ?? 502, { 'content-type': 'text/plain' }).end(`${error.message}\n`);
  }
}

/** Fetches JSON from another service by its plain name; the mesh does the rest. */
export async function get(url) {
  const response = await fetch(url);
  if (!response.ok) throw Object.assign(new Error(`${url} answered ${response.status}`), { status: 502 });
  return response.json();
}
