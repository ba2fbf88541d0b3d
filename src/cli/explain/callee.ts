/**
 * The other half of an explanation: what stands before the application that a request goes to, asked of the proxy there with
 * the caller's identity. One endpoint of each cluster speaks for all: they get the same policies.
 */
import { toBinary } from '@bufbuild/protobuf';
import type { Workload } from '../../api/kinds/workload.ts';
import { WORKLOADS } from '../../client/kind-ref.ts';
import { inboundName } from '../../control/generate/names.ts';
import { FILTER_MODULES } from '../../filters/all.ts';
import type { Head } from '../../http/head.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../snapshot/apply.ts';
import { explain, type LiveFacts, type Step } from '../../snapshot/explain.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import { TYPE_URLS } from '../../xds/resource.ts';
import { askAdmin, askAdminBytes } from '../edges/scrape.ts';
import type { MeshConnection } from '../mesh/connect.ts';
import { readMeshStatus } from '../mesh/mesh-status.ts';
import { heldByConfigDump } from '../proxies/held-config-dump.ts';
import { SCHEMAS } from '../proxies/sections.ts';
import { heldSnapshot } from './held-snapshot.ts';

/** Nothing of its cluster is asked here: the application is one endpoint on loopback. */
const NO_FACTS: LiveFacts = { clusterState: () => '', endpointFault: () => null, endpointState: () => '' };

/** What `explain` gave for a caller, and on what. */
export interface Asking {
  readonly workload: Workload;
  readonly snapshot: Snapshot;
  readonly steps: readonly Step[];
  /** null: a TCP connection. */
  readonly head: Head | null;
}

export async function explainCallees(mesh: MeshConnection, asking: Asking): Promise<readonly Step[]> {
  const [{ trustDomain }, { items }] = await Promise.all([
    readMeshStatus(mesh.transport),
    mesh.resources.list<Workload>(WORKLOADS, null),
  ]);
  const found: Step[] = [];
  for (const [cluster, place] of firstEndpoints(asking.steps)) {
    const callee = items.find(({ spec }) => spec?.ports.some((port) => `${spec.address}:${port.proxyPort}` === place));
    const port = callee?.spec?.ports.find(({ proxyPort }) => place.endsWith(`:${proxyPort}`));
    if (callee === undefined || port === undefined) continue;
    const name = callee.metadata.name;
    const about = `the one that the request meets at ${place}`;
    const snapshot = await snapshotOf(callee);
    if (snapshot === null) {
      const why = 'its proxy does not answer from here: what stands before the application is not known';
      found.push({ stage: 'callee', name, why, origin: '' });
      continue;
    }
    found.push({ stage: 'callee', name, why: about, origin: '' });
    const { serverName, protocol } = transportOf(asking.snapshot, cluster);
    const { namespace = '' } = asking.workload.metadata;
    const caller = asking.workload.spec?.address ?? '';
    const question = {
      listener: inboundName(port.port),
      connection: {
        destinationHost: callee.spec?.address ?? '',
        destinationPort: port.proxyPort ?? 0,
        sourceHost: caller,
        sourcePort: 0,
        directSourceHost: caller,
        serverName,
        transport: 'tls' as const,
        protocols: [protocol],
      },
      head: asking.head,
      facts: {
        peerUris: [`spiffe://${trustDomain}/ns/${namespace}/sa/${asking.workload.spec?.account}`],
        remoteHost: caller,
        destinationHost: callee.spec?.address ?? '',
        destinationPort: port.proxyPort ?? 0,
        serverName,
      },
      random01: 0,
    };
    found.push(...explain(snapshot, FILTER_MODULES, NO_FACTS, question).filter(({ stage }) => stage !== 'endpoint'));
  }
  return found;
}

/** Cluster → address, of the first endpoint that it may use. */
function firstEndpoints(steps: readonly Step[]): Map<string, string> {
  const first = new Map<string, string>();
  let cluster = '';
  for (const { stage, name } of steps) {
    if (stage === 'cluster') cluster = name;
    if (stage === 'endpoint' && name !== '' && !first.has(cluster)) first.set(cluster, name);
  }
  return first;
}

/** What the caller's proxy says of itself in its handshake. */
function transportOf(snapshot: Snapshot, cluster: string): { serverName: string; protocol: string } {
  const config = snapshot.clusters.get(cluster);
  const tls = config?.transport ?? config?.transportMatches.find((match) => match.tls !== null)?.tls;
  return { serverName: tls?.serverName ?? '', protocol: tls?.alpn[0] ?? '' };
}

async function snapshotOf(workload: Workload): Promise<Snapshot | null> {
  if (workload.spec?.proxy === 'envoy') {
    const dump = await askAdmin(workload, '/config_dump');
    return dump === null ? null : ofEnvoy(dump);
  }
  const csds = await askAdminBytes(workload, '/csds');
  return csds === null ? null : heldSnapshot(csds);
}

/** What Weft generates for Envoy, Weft reads too; what does not come from it is left out. */
function ofEnvoy(dump: unknown): Snapshot {
  const changed = heldByConfigDump(dump).flatMap(({ section, name, version, message }) => {
    if (section !== 'listeners' || message === null) return [];
    return [{ type: TYPE_URLS.listener, name, version, bytes: toBinary(SCHEMAS.listeners, message) }];
  });
  return applyDelta(EMPTY_SNAPSHOT, { type: TYPE_URLS.listener, changed, removed: [] }, FILTER_MODULES).next;
}
