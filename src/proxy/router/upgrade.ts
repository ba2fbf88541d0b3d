/**
 * What becomes of a request that asks for another protocol, whichever version of HTTP either side speaks. A caller over
 * HTTP/1.1 that is not granted it gets a plain response; one over HTTP/2 cannot, because 2xx is the grant there.
 */
import type { Random } from '../../core/runtime.ts';
import { UPGRADE } from '../../http/field-name.ts';
import { FRAMING } from '../../http/framing.ts';
import { type Head, UPGRADE_STATE } from '../../http/head.ts';
import type { ForwardAction } from '../../snapshot/route-table.ts';
import { addWebSocketKey, completeWebSocket } from '../../http/websocket-handshake.ts';

const HTTP2 = 20;

/** What is to be remembered of the request until the answer. */
export const HANDSHAKE = {
  none: 0,
  /** Granted, if the upstream agrees. */
  granted: 1,
  /** The same, with a WebSocket key that is ours. */
  ourKey: 2,
  /** Nobody may be upgraded to that here, and the caller cannot be told by a plain response. */
  refused: 3,
} as const;
export type Handshake = (typeof HANDSHAKE)[keyof typeof HANDSHAKE];

/** Grants what the route lists, or the listener where the route does not bar it; else the field is not passed on. */
export function grantUpgrade(
  request: Head,
  { upgrades, barredUpgrades }: Pick<ForwardAction, 'upgrades' | 'barredUpgrades'>,
  byListener: readonly string[],
  random: Random,
): Handshake {
  if (request.upgrade !== UPGRADE_STATE.asked) return HANDSHAKE.none;
  const protocol = request.value(UPGRADE)?.trim().toLowerCase() ?? '';
  const isListed = upgrades.includes(protocol) || (byListener.includes(protocol) && !barredUpgrades.includes(protocol));
  if (!isListed) {
    return request.version === HTTP2 ? HANDSHAKE.refused : HANDSHAKE.none;
  }
  request.upgrade = UPGRADE_STATE.granted;
  return addWebSocketKey(request, random) ? HANDSHAKE.ourKey : HANDSHAKE.granted;
}

/** Why the final head of the upstream cannot answer the request; empty: it can, and is complete for its caller now. */
export function answerUpgrade(request: Head, response: Head, handshake: Handshake): string {
  if (response.framing === FRAMING.tunnel) {
    const isRight = completeWebSocket(request, response, handshake === HANDSHAKE.ourKey);
    return isRight ? '' : 'the answer to the WebSocket handshake is wrong';
  }
  return request.version === HTTP2 && response.status < 300 ? 'the protocol upgrade was ignored' : '';
}
