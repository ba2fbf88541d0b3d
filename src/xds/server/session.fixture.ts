/** What the tests of a session share: resources and requests by hand, and a session with a client that acknowledges. */
import assert from 'node:assert/strict';
import { xdsResource } from '../content-version.ts';
import { TYPE_URLS, type TypeUrl, type XdsResource, type XdsView } from '../resource.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../tables/messages.gen.ts';
import {
  Cluster_EdsClusterConfigTable,
  ClusterTable,
  DeltaDiscoveryRequestTable,
  DiscoveryRequestTable,
} from '../tables/tables.gen.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import { type Nack, Quarantine } from './quarantine.ts';
import { ResponseCache } from './response-cache.ts';
import { DELTA } from './delta.ts';
import {
  type AnySession,
  type Dialect,
  Session,
  type SessionOptions,
  type XdsRequest,
  type XdsResponse,
} from './session.ts';
import { SOTW } from './sotw.ts';

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

/** `initial` and `unsubscribe` are delta's own: state of the world has all names, and one version. */
interface Whole {
  readonly names?: readonly string[];
  readonly version?: string;
  readonly nonce?: string;
  readonly error?: string;
}

export function wholeRequest(typeUrl: string, ask: Whole = {}): DiscoveryRequest {
  return create(DiscoveryRequestTable, {
    typeUrl,
    resourceNames: ask.names ?? [],
    versionInfo: ask.version ?? '',
    responseNonce: ask.nonce ?? '',
    errorDetail: ask.error === undefined ? undefined : { code: 3, message: ask.error, details: [] },
  });
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

interface Fixture<Request extends XdsRequest> {
  readonly session: Session<Request>;
  readonly nacks: Nack[];
  /** The next response, which must exist; answered with an ACK. */
  readonly take: () => XdsResponse;
  readonly ack: (response: XdsResponse) => void;
}

export function fixture(
  quarantine = new Quarantine(),
  responses = new ResponseCache(),
  maxResponseBytes?: number,
): Fixture<DeltaDiscoveryRequest> {
  const bound = maxResponseBytes === undefined ? {} : { maxResponseBytes };
  const ack = ({ type, nonce }: XdsResponse) => request(type, { nonce });
  return fixtureOf(DELTA, ack, { quarantine, responses, ...bound });
}

/** The same over state of the world; it acknowledges with the names that it asked for last. */
export function wholeFixture(
  options: { quarantine?: Quarantine; responses?: ResponseCache; isGrpc?: boolean; maxResponseBytes?: number } = {},
): Fixture<DiscoveryRequest> & { readonly ask: (type: string, ...all: readonly string[]) => void } {
  const { isGrpc = false, ...rest } = options;
  const asked = new Map<string, readonly string[]>();
  const ack = ({ type, nonce }: XdsResponse) => wholeRequest(type, { nonce, names: asked.get(type) ?? [] });
  const made = fixtureOf(SOTW, ack, { client: { isGrpc }, ...rest });
  const nonces = new Map<string, string>();
  const take = (): XdsResponse => {
    const response = made.take();
    nonces.set(response.type, response.nonce);
    return response;
  };
  const ask = (type: string, ...all: readonly string[]): void => {
    asked.set(type, all);
    made.session.onRequest(wholeRequest(type, { names: all, nonce: nonces.get(type) ?? '' }));
  };
  return { ...made, take, ask };
}

function fixtureOf<Request extends XdsRequest>(
  dialect: Dialect<Request>,
  ackOf: (response: XdsResponse) => Request,
  options: Partial<SessionOptions>,
): Fixture<Request> {
  const nacks: Nack[] = [];
  const session = new Session(dialect, {
    nodeId: 'shop/web-1',
    client: { isGrpc: false },
    responses: new ResponseCache(),
    quarantine: new Quarantine(),
    wallMs: () => 1000,
    onNack: (nack) => nacks.push(nack),
    ...options,
  });
  const ack = (response: XdsResponse): void => session.onRequest(ackOf(response));
  const take = (): XdsResponse => {
    const response = session.next();
    assert.ok(response !== null, 'a response was expected');
    ack(response);
    return response;
  };
  return { session, nacks, take, ack };
}

export const names = (response: XdsResponse): string[] => response.resources.map((one) => one.name);

export function nextOf(session: AnySession): XdsResponse {
  const response = session.next();
  assert.ok(response !== null, 'a response was expected');
  return response;
}
