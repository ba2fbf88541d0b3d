/** `weft run --proxy none`: joins the agent's relay with a runtime that serves RPC in clear text. */
import { relayDirectory, relayPlace } from '../../agent/relay/relay-place.ts';
import { startProxyless } from '../../agent/proxyless/proxyless.ts';
import type { StartSidecar } from '../../agent/sidecar.ts';
import type { Log } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { serveRpc } from '../../xds/rpc/rpc-server.ts';
import { UsageError } from '../exit-codes.ts';

const PLACES = ['unix', 'loopback'] as const;
type XdsPlace = (typeof PLACES)[number];

export function parseXdsAt(text: string): XdsPlace {
  const place = PLACES.find((each) => each === text);
  if (place !== undefined) return place;
  throw new UsageError(`--xds-at ${text} is no place that Weft knows`, `One of: ${PLACES.join(', ')}`);
}

export interface ProxylessPlace {
  readonly stateDir: string;
  readonly namespace: string;
  readonly workload: string;
  readonly at: XdsPlace;
}

/** Throws `invalid` when the path of the state directory is too long for a socket. */
export function proxylessStarter(runtime: Runtime, log: Log, place: ProxylessPlace): StartSidecar {
  const { stateDir, namespace, workload, at } = place;
  const { clock, random, rpc, files } = runtime;
  const parts = { ...runtime, timers: new TimerWheel(clock) };
  const directory = relayDirectory(stateDir, namespace, workload);
  const socketPath = at === 'unix' ? relayPlace(stateDir, namespace, workload).socketPath : null;
  return (options) =>
    startProxyless({
      ...options,
      clock,
      random,
      log,
      rpc,
      files,
      socketPath,
      directory,
      serve: (address, accept) => serveRpc(parts, log, address, accept),
    });
}
