// A service behind the edge: `node app.mjs v1 9001 9002` answers on two ports. One of three requests to /flaky fails.
import { createServer } from 'node:http';

const [version, ...ports] = process.argv.slice(2);
let tries = 0;

function answer(request, response) {
  const { method, url, headers } = request;
  if (url === '/flaky' && ++tries % 3 === 0) response.statusCode = 503;
  response.setHeader('content-type', 'application/json');
  const { host, 'x-forwarded-proto': scheme, 'x-forwarded-for': client } = headers;
  response.end(`${JSON.stringify({ version, method, url, host, scheme, client })}\n`);
}

for (const port of ports) createServer(answer).listen(Number(port), 'localhost');
console.log(`${version} answers on ${ports.join(' and ')}`);
