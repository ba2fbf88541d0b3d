/**
 * ClientStatusDiscoveryService for proxies: each may ask about itself, which its certificate says. The administrator
 * asks the API, because no bearer token passes here.
 */
import { isWeftError, messageOf } from '../../core/errors.ts';
import type { RpcHandler } from '../../core/runtime.ts';
import { ClientStatusRequestTable } from '../../xds/tables/tables.gen.ts';
import { decode } from '../../xds/wire/decode.ts';
import type { Callers } from './callers.ts';
import { clientStatusBytes } from './client-status.ts';
import type { GuardedStream } from './guarded-stream.ts';

const SERVICE = '/envoy.service.status.v3.ClientStatusDiscoveryService';

/** Path → whether one answer is all. */
export const STATUS_METHODS: ReadonlyMap<string, boolean> = new Map([
  [`${SERVICE}/StreamClientStatus`, false],
  [`${SERVICE}/FetchClientStatus`, true],
]);

const MAX_REQUEST_BYTES = 64 << 10;

export function openStatusStream(stream: GuardedStream, callers: Callers, isUnary: boolean): RpcHandler {
  /** Asked while the client was not reading: answered once, when it does. */
  let asked: (() => Uint8Array) | null = null;
  const answer = (): void => {
    if (asked === null || !stream.writable) return;
    const make = asked;
    asked = null;
    stream.send(make());
    if (isUnary) stream.end({ code: 0, message: '' });
  };
  return {
    onMessage(message) {
      try {
        const request = decode(ClientStatusRequestTable, message, { maxBytes: MAX_REQUEST_BYTES });
        const node = callers.identify(stream, request.node);
        if ('code' in node) return stream.end(node);
        const withContents = !request.excludeResourceContents;
        asked = () =>
          clientStatusBytes(
            [callers.proxy(node.id)].filter((proxy) => proxy !== null),
            withContents,
          );
        answer();
      } catch (error) {
        const reason = isWeftError(error, 'limit-exceeded') ? 'message-too-large' : 'malformed';
        stream.end(callers.ending(isWeftError(error) ? reason : 'internal', messageOf(error)));
      }
    },
    onWritable: answer,
    onClose() {},
  };
}
