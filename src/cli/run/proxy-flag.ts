/** `--proxy` of `weft run`: which data plane the workload gets, in the words of its record. */
import type { ProxyKind } from '../../api/kinds/workload.ts';
import { UsageError } from '../exit-codes.ts';

/** What an agent stands beside. */
type RunKind = Exclude<ProxyKind, 'none'>;

/** `none` is no sidecar: the application takes its configuration over xDS itself, as gRPC does. */
const KINDS: Readonly<Record<string, RunKind>> = { weft: 'weft', envoy: 'envoy', none: 'grpc' };

/** Flags that mean something to one data plane alone. */
export interface DataPlaneFlags {
  readonly envoyPath?: string;
  readonly externalEnvoy?: boolean;
  readonly xdsAt?: string;
  readonly accessLog?: string;
}

export function parseProxy(text: string): RunKind {
  const kind = Object.hasOwn(KINDS, text) ? KINDS[text] : undefined;
  if (kind !== undefined) return kind;
  throw new UsageError(`--proxy ${text} is no data plane that Weft knows`, 'One of: weft, envoy, none');
}

/** Throws for a flag that would do nothing: who wrote it believes that it does. */
export function refuseIdleFlags(kind: RunKind, flags: DataPlaneFlags): void {
  const idle = (flag: string, isIdle: boolean, hint: string): void => {
    if (isIdle) throw new UsageError(`${flag} does nothing here`, hint);
  };
  const isEnvoy = kind === 'envoy';
  idle('--envoy-path', flags.envoyPath !== undefined && !isEnvoy, 'It goes with --proxy envoy');
  idle('--external-envoy', flags.externalEnvoy === true && !isEnvoy, 'It goes with --proxy envoy');
  const hasTwo = flags.envoyPath !== undefined && flags.externalEnvoy === true;
  idle('--envoy-path', hasTwo, 'With --external-envoy somebody else starts Envoy');
  idle('--xds-at', flags.xdsAt !== undefined && kind !== 'grpc', 'It goes with --proxy none');
  idle(
    '--access-log',
    flags.accessLog !== undefined && kind === 'grpc',
    'With --proxy none there is no proxy that logs',
  );
}
