/**
 * A workload's name stands for one process: a second one would be sent the first one's ports, and end the first one's
 * record. Whoever holds the ports that are kept on disk says whose they are.
 */
import { WeftError } from '../core/errors.ts';
import type { Address, Clock, Connection, ConnectionHandler, Net } from '../core/runtime.ts';

const LOCK_HOST = '127.0.0.1';
const ANSWER_WAIT_MS = 1_000;
const MAX_OWNER_BYTES = 8_192;

/** What the holder of a lock answers to those who connect: the workload's own directory. */
export function greeter(owner: string): (connection: Connection) => ConnectionHandler {
  const bytes = Buffer.from(owner, 'utf8').subarray(0, MAX_OWNER_BYTES);
  return (connection) => {
    connection.write(bytes, 0, bytes.length);
    connection.end();
    return {
      onOpen() {},
      onBytes: () => connection.destroy('nothing is read here'),
      onDrained() {},
      onEnd() {},
      onClose() {},
    };
  };
}

/** Rejects with `locked` while a workload with this directory lives. `blocks`: the locks that it had, as kept on disk. */
export async function refuseTwin(
  net: Net,
  clock: Clock,
  blocks: readonly number[],
  owner: string,
  workload: string,
): Promise<void> {
  const [lock] = blocks;
  if (lock === undefined || (await ownerOf(net, clock, { host: LOCK_HOST, port: lock })) !== owner) return;
  throw new WeftError('locked', {
    what: 'a workload of this name runs already',
    where: workload,
    hint: 'Leave --name out, or wait until it has ended',
  });
}

/** Empty when nobody listens, or does not say. */
function ownerOf(net: Net, clock: Clock, at: Address): Promise<string> {
  return new Promise((resolve) => {
    let text = Buffer.alloc(0);
    const connection = net.connect(at, {
      onOpen() {},
      onBytes(bytes, start, end) {
        text = Buffer.concat([text, bytes.subarray(start, end)]);
        if (text.length > MAX_OWNER_BYTES) connection.destroy('too much');
      },
      onDrained() {},
      onEnd: () => connection.end(),
      onClose() {
        cancel();
        resolve(text.toString('utf8'));
      },
    });
    const cancel = clock.wake(clock.now() + ANSWER_WAIT_MS, () => connection.destroy('no answer'));
  });
}
