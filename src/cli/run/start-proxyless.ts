/** `weft run --proxy none`: joins the agent's relay with a runtime that serves RPC in clear text. */
import { join } from 'node:path';
import { startProxyless } from '../../agent/proxyless/proxyless.ts';
import type { StartSidecar } from '../../agent/sidecar.ts';
import type { Log } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { serveRpc } from '../../xds/rpc/rpc-server.ts';
import { UsageError } from '../exit-codes.ts';

const PLACES = ['unix', 'loopback'] as const;
export type RelayPlace = (typeof PLACES)[number];

export function parseRelayPlace(text: string): RelayPlace {
  const place = PLACES.find((each) => each === text);
  if (place !== undefined) return place;
  throw new UsageError(`--xds-at ${text} is no place that Weft knows`, `One of: ${PLACES.join(', ')}`);
}

/** `workloadDirectory`: private to the workload; files go into a directory of their own in it. */
export function proxylessStarter(
  runtime: Runtime,
  log: Log,
  workloadDirectory: string,
  place: RelayPlace,
): StartSidecar {
  const { clock, rpc, files } = runtime;
  const parts = { ...runtime, timers: new TimerWheel(clock) };
  const directory = join(workloadDirectory, 'grpc');
  return (options) =>
    startProxyless({
      ...options,
      clock,
      log,
      rpc,
      files,
      place,
      directory,
      serve: (at, accept) => serveRpc(parts, log, at, accept),
    });
}
