/** `--proxy envoy`: apart, and loaded on demand, because most sidecars are not. */
import { openSync } from 'node:fs';
import { totalmem } from 'node:os';
import { startEnvoy } from '../../agent/envoy/start-envoy.ts';
import { relayPlace } from '../../agent/relay/relay-place.ts';
import type { StartSidecar } from '../../agent/sidecar.ts';
import type { Log } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { serveRpc } from '../../xds/rpc/rpc-server.ts';
import { findEnvoy } from './find-envoy.ts';

export interface EnvoyFlags {
  readonly envoyPath?: string;
  readonly externalEnvoy?: boolean;
}

export interface EnvoyPlan {
  readonly runtime: Runtime;
  readonly log: Log;
  readonly stateDir: string;
  readonly namespace: string;
  readonly workload: string;
  readonly accessLogPath: string | null;
  readonly verbose: boolean;
  readonly flags: EnvoyFlags;
  readonly onServing: () => void;
}

/** The application and the agent need room beside it. */
const HEAP_SHARE = 0.8;

/** Throws what cannot be: no Envoy on this machine, a state directory whose path is too long. */
export function envoySidecar(plan: EnvoyPlan): StartSidecar {
  const { runtime, log, flags } = plan;
  const place = relayPlace(plan.stateDir, plan.namespace, plan.workload);
  const named = flags.envoyPath ?? process.env['WEFT_ENVOY'] ?? '';
  const envoy = flags.externalEnvoy === true ? null : findEnvoy(named === '' ? null : named, process.env['PATH'] ?? '');
  const parts = { ...runtime, timers: new TimerWheel(runtime.clock) };
  // 0: no cgroup says so.
  const memory = process.constrainedMemory() || totalmem();
  return async (sidecar) => {
    const started = await startEnvoy({
      ...sidecar,
      runtime,
      log,
      serve: (at, accept) => serveRpc(parts, log, at, accept),
      place,
      envoy,
      requestLog: requestLog(plan.accessLogPath),
      logLevel: plan.verbose ? 'info' : 'warning',
      maxHeapBytes: Math.floor(Math.min(memory, totalmem()) * HEAP_SHARE),
    });
    started.ready.then(plan.onServing, () => {});
    return started;
  };
}

/** Open for as long as this process lives: an Envoy that is started again writes on. */
function requestLog(path: string | null): number | 'inherit' | 'ignore' {
  if (path === null) return 'ignore';
  return path === '/dev/stdout' ? 'inherit' : openSync(path, 'a', 0o600);
}
