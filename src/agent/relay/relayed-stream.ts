/**
 * Two RPC streams as one: what the program beside us says goes to the control plane, and back, as it is. Who takes
 * nothing is sent nothing, and then the other side is not read either.
 */
import type { RpcHandler, RpcStatus, RpcStream } from '../../core/runtime.ts';

/** The control plane takes no larger request. */
export const MAX_REQUEST_BYTES = 8 << 20;
export const TOO_LARGE: RpcStatus = { code: 8, message: `a request of more than ${MAX_REQUEST_BYTES} bytes` };

/** Returns the handler of `down`. `onEnd`: once, with the status that ended it. */
export function relayStream(
  down: RpcStream,
  open: (handler: RpcHandler) => RpcStream,
  onEnd: (status: RpcStatus) => void,
): RpcHandler {
  let isOver = false;
  const end = (status: RpcStatus): void => {
    if (isOver) return;
    isOver = true;
    onEnd(status);
  };
  const up = open({
    onMessage(message) {
      down.send(message);
      if (!down.writable) up.pause();
    },
    onWritable: () => down.resume(),
    onClose(status) {
      end(status);
      down.end(status);
    },
  });
  return {
    onMessage(message) {
      if (message.length > MAX_REQUEST_BYTES) {
        down.end(TOO_LARGE);
        return;
      }
      up.send(message);
      if (!up.writable) down.pause();
    },
    onWritable: () => up.resume(),
    onClose(status) {
      end(status);
      up.destroy();
    },
  };
}
