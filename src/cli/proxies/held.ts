/**
 * What a proxy runs on, in one form for every data plane: from its own admin endpoint where that answers, else from what
 * it acknowledged to the control plane, which is said.
 */
import type { ProxyKind, Workload } from '../../api/kinds/workload.ts';
import { askAdmin, askAdminBytes } from '../edges/scrape.ts';
import { heldByAcknowledgement } from './held-acknowledged.ts';
import { heldByConfigDump } from './held-config-dump.ts';
import { heldByCsds } from './held-csds.ts';
import type { HeldResource } from './held-resource.ts';
import type { Offered } from './offered.ts';

export interface Held {
  readonly kind: ProxyKind;
  /** `its admin endpoint`, or what stands in for it: shown whenever it is not what the proxy itself says. */
  readonly source: string;
  /** The proxy said it itself. */
  readonly isOwnWord: boolean;
  readonly resources: readonly HeldResource[];
}

export async function readHeld(workload: Workload, offered: Offered): Promise<Held> {
  const kind = workload.spec?.proxy ?? 'weft';
  if (kind === 'weft') {
    const csds = await askAdminBytes(workload, '/csds');
    if (csds !== null) return { kind, source: 'its admin endpoint', isOwnWord: true, resources: heldByCsds(csds) };
  }
  if (kind === 'envoy') {
    const dump = await askAdmin(workload, '/config_dump?include_eds');
    if (dump !== null)
      return { kind, source: 'its admin endpoint', isOwnWord: true, resources: heldByConfigDump(dump) };
  }
  const why = kind === 'grpc' ? 'a gRPC client has no admin endpoint' : 'its admin endpoint does not answer from here';
  const source = `what it acknowledged to the control plane: ${why}`;
  return { kind, source, isOwnWord: false, resources: heldByAcknowledgement(offered) };
}
