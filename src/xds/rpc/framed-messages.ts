/** gRPC messages on an HTTP/2 stream, the same at both of its ends: cut out of content, and put into it. */
import { framePrefix, PREFIX_BYTES } from '../../core/grpc-frames.ts';
import type { Stream } from '../../http/message.ts';

export function transmit(stream: Stream, message: Uint8Array): void {
  stream.sendData(framePrefix(message.length), 0, PREFIX_BYTES, false);
  stream.sendData(message, 0, message.length, false);
}
