/** What the tests of a session share: resources and requests by hand, and a session with a client that acknowledges. */
import assert from 'node:assert/strict';
import { xdsResource } from '../content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../resource.ts';
import type { DeltaDiscoveryRequest } from '../tables/messages.gen.ts';
import { Cluster_EdsClusterConfigTable, ClusterTable, DeltaDiscoveryRequestTable } from '../tables/tables.gen.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import { type Nack, Quarantine } from './quarantine.ts';
import { ResponseCache } from './response-cache.ts';
import { type DeltaResponse, Session } from './session.ts';

export const { cluster: CDS, endpoints: EDS, listener: LDS, routes: RDS, secret: SDS } = TYPE_URLS;

export function resource(type: TypeUrl, name: string, content = 'a'): XdsResource {
  if (type !== CDS) return xdsResource(type, name, new TextEncoder().encode(content), []);
  const edsClusterConfig = create(Cluster_EdsClusterConfigTable, { serviceName: `eds-${name}` });
  const message = create(ClusterTable, {
    name,
    altStatName: content,
    clusterDiscoveryType: { case: 'type', value: 3 },
    edsClusterConfig,
  });
  return xdsResource(type, name, encode(ClusterTable, message), []);
}

export function view(...resources: readonly XdsResource[]): XdsView {
  const result = new Map<TypeUrl, Map<string, XdsResource>>();
  for (const one of resources) {
    const ofType = result.get(one.type) ?? new Map<string, XdsResource>();
    ofType.set(one.name, one);
    result.set(one.type, ofType);
  }
  return result;
}

interface Ask {
  readonly subscribe?: readonly string[];
  readonly unsubscribe?: readonly string[];
  readonly initial?: Readonly<Record<string, string>>;
  readonly nonce?: string;
  readonly error?: string;
}

export function request(typeUrl: string, ask: Ask = {}): DeltaDiscoveryRequest {
  return create(DeltaDiscoveryRequestTable, {
    typeUrl,
    resourceNamesSubscribe: ask.subscribe ?? [],
    resourceNamesUnsubscribe: ask.unsubscribe ?? [],
    initialResourceVersions: new Map(Object.entries(ask.initial ?? {})),
    responseNonce: ask.nonce ?? '',
    errorDetail: ask.error === undefined ? undefined : { code: 3, message: ask.error, details: [] },
  });
}

interface Fixture {
  readonly session: Session;
  readonly nacks: Nack[];
  /** The next response, which must exist; answered with an ACK. */
  readonly take: () => DeltaResponse;
  readonly ack: (response: DeltaResponse) => void;
}

export function fixture(
  quarantine = new Quarantine(),
  responses = new ResponseCache(),
  maxResponseBytes?: number,
): Fixture {
  const nacks: Nack[] = [];
  const bound = maxResponseBytes === undefined ? {} : { maxResponseBytes };
  const session = new Session({
    nodeId: 'shop/web-1',
    responses,
    quarantine,
    wallMs: () => 1000,
    onNack: (nack) => nacks.push(nack),
    ...bound,
  });
  const ack = (response: DeltaResponse): void => session.onRequest(request(response.type, { nonce: response.nonce }));
  const take = (): DeltaResponse => {
    const response = session.next();
    assert.ok(response !== null, 'a response was expected');
    ack(response);
    return response;
  };
  return { session, nacks, take, ack };
}

export const names = (response: DeltaResponse): string[] => response.resources.map((one) => one.name);

export function nextOf(session: Session): DeltaResponse {
  const response = session.next();
  assert.ok(response !== null, 'a response was expected');
  return response;
}
