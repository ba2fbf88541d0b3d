/** Streams as many bytes as the path says, `/1073741824`: each block is different from the others and the same every time. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

const BLOCK = 1 << 18;

export function* blocks(size: number): Generator<Buffer> {
  const block = Buffer.alloc(BLOCK);
  for (let word = 0, x = 1; word < BLOCK / 4; word++) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    block.writeUInt32LE(x, word * 4);
  }
  for (let sent = 0, index = 0; sent < size; sent += BLOCK, index++) {
    const own = Buffer.from(block.subarray(0, Math.min(BLOCK, size - sent)));
    own.writeUInt32LE(index, 0);
    yield own;
  }
}

if (process.argv[2] !== undefined) {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    response.on('error', () => {});
    for (const block of blocks(Number(request.url?.slice(1)))) {
      if (response.destroyed) return;
      if (!response.write(block)) await new Promise((resume) => response.once('drain', resume).once('close', resume));
    }
    response.end();
  };
  createServer((request, response) => void answer(request, response)).listen(Number(process.argv[2]), '127.0.0.1');
}
