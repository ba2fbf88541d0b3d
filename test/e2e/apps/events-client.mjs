// Reads events and says how late the latest was: `events-client.mjs h1|h2 URL` asks with Node's own client,
// `events-client.mjs stdin` takes what another one prints.
import { get } from 'node:http';
import { connect } from 'node:http2';

const [how, url] = process.argv.slice(2);
const lateMs = [];
let rest = '';

function take(text) {
  const lines = (rest + text).split('\n');
  rest = lines.pop();
  for (const line of lines) {
    const sentAt = Number(line.replace('data: ', ''));
    if (line !== '') lateMs.push(Date.now() - sentAt);
  }
}

function finish(session) {
  console.log(JSON.stringify({ events: lateMs.length, latestMs: Math.max(...lateMs) }));
  session?.close();
}

if (how === 'stdin') {
  process.stdin
    .setEncoding('utf8')
    .on('data', take)
    .on('end', () => finish());
} else if (how === 'h1') {
  get(url, (response) =>
    response
      .setEncoding('utf8')
      .on('data', take)
      .on('end', () => finish()),
  );
} else {
  const { origin, pathname } = new URL(url);
  const session = connect(origin);
  const stream = session.request({ ':path': pathname });
  stream
    .setEncoding('utf8')
    .on('data', take)
    .on('end', () => finish(session));
}
