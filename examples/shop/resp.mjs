/** The little of the Redis protocol (RESP) that the shop speaks: arrays of bulk strings in, one integer or error out. */
import { connect } from 'node:net';

/** Sends one command on a connection of its own and resolves with the integer that comes back. */
export function command(address, ...words) {
  return new Promise((resolve, reject) => {
    const socket = connect(address, () => socket.write(encode(words)));
    let answer = '';
    socket.setEncoding('latin1').setTimeout(5000, () => socket.destroy(new Error('the cart did not answer in 5 s')));
    socket.on('data', (text) => {
      answer += text;
      if (!answer.endsWith('\r\n')) return;
      socket.end();
      if (answer[0] === ':') resolve(Number(answer.slice(1)));
      else reject(new Error(answer.slice(1).trim()));
    });
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the cart closed the connection')));
  });
}

export function encode(words) {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
}

/** Splits complete commands off the front of `text`; returns them and the rest. */
export function decode(text) {
  const commands = [];
  for (;;) {
    const lines = text.split('\r\n');
    const count = Number(lines[0].slice(1));
    if (lines[0][0] !== '*' || lines.length <= count * 2 + 1) return { commands, rest: text };
    const words = Array.from({ length: count }, (_, i) => lines[2 + i * 2]);
    commands.push(words);
    text = lines.slice(count * 2 + 1).join('\r\n');
  }
}
