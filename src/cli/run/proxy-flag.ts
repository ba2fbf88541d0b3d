/** `--proxy` of `weft run`: which data plane the workload gets, in the words of its record. */
import type { ProxyKind } from '../../api/kinds/workload.ts';
import { UsageError } from '../exit-codes.ts';

/** What an agent stands beside. */
type RunKind = Exclude<ProxyKind, 'none'>;

/** `none` is no sidecar: the application takes its configuration over xDS itself, as gRPC does. */
const KINDS: Readonly<Record<string, RunKind>> = { weft: 'weft', envoy: 'envoy', none: 'grpc' };

export function parseProxy(text: string): RunKind {
  const kind = Object.hasOwn(KINDS, text) ? KINDS[text] : undefined;
  if (kind !== undefined) return kind;
  throw new UsageError(`--proxy ${text} is no data plane that Weft knows`, 'One of: weft, envoy, none');
}
