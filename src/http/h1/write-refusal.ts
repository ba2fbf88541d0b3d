/** The codec's own answer to what it refuses: one line of text and the end of the connection. */
import type { Connection } from '../../core/runtime.ts';
import { reasonOf } from './reasons.ts';

/** `detail` is ASCII from `refusal.ts` and holds nothing of the request. */
export function writeRefusal(connection: Connection, status: number, detail: string): void {
  const reason = Buffer.from(reasonOf(status)).toString('latin1');
  const bytes = Buffer.from(
    `HTTP/1.1 ${status} ${reason}\r\ncontent-type: text/plain\r\ncontent-length: ${detail.length + 1}\r\n` +
      `connection: close\r\n\r\n${detail}\n`,
    'latin1',
  );
  connection.write(bytes, 0, bytes.length);
}
