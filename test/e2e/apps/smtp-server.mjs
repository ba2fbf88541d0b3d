// A mail server as small as one can be: it speaks first, and keeps every message in the file of its second argument.
import { appendFileSync } from 'node:fs';
import { createServer } from 'node:net';

const [port, file] = process.argv.slice(2);

createServer((socket) => {
  let inData = false;
  let rest = '';
  const say = (text) => socket.write(`${text}\r\n`);
  say('220 mail.test ESMTP');
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (text) => {
    const lines = (rest + text).split('\r\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (inData) {
        inData = line !== '.';
        if (inData) appendFileSync(file, `${line}\n`);
        else say('250 kept');
      } else if (/^(?:EHLO|HELO) /i.test(line)) say('250 mail.test');
      else if (/^DATA$/i.test(line)) {
        inData = true;
        say('354 go ahead');
      } else if (/^QUIT$/i.test(line)) socket.end('221 bye\r\n');
      else say('250 ok');
    }
  });
}).listen(Number(port), '127.0.0.1');
