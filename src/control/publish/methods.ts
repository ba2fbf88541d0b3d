/**
 * The RPC methods that serve xDS: all types on one stream, and a service for each type, in both variants. ECDS is not
 * among them: nothing that Weft generates refers to an extension configuration of its own.
 */
import { TYPE_URLS, type TypeUrl } from '../../xds/resource.ts';
import { DELTA } from '../../xds/server/delta.ts';
import type { Dialect, XdsRequest } from '../../xds/server/session.ts';
import { SOTW } from '../../xds/server/sotw.ts';
import { streamPath } from '../../xds/service-paths.ts';
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../../xds/tables/messages.gen.ts';

export interface XdsMethod<Request extends XdsRequest> {
  readonly path: string;
  readonly dialect: Dialect<Request>;
  /** null: all. */
  readonly type: TypeUrl | null;
  /** A proxy has one stream of it; of the others it may have one for each resource. */
  readonly isSole: boolean;
}

interface DeltaMethod extends XdsMethod<DeltaDiscoveryRequest> {
  readonly variant: 'delta';
}

interface SotwMethod extends XdsMethod<DiscoveryRequest> {
  readonly variant: 'sotw';
}

type AnyMethod = DeltaMethod | SotwMethod;

export const DELTA_ADS: DeltaMethod = delta(null, true);
export const SOTW_ADS: SotwMethod = sotw(null, true);

const METHODS: readonly AnyMethod[] = [
  DELTA_ADS,
  SOTW_ADS,
  ...[TYPE_URLS.listener, TYPE_URLS.cluster].flatMap((type) => [delta(type, true), sotw(type, true)]),
  ...[TYPE_URLS.routes, TYPE_URLS.endpoints, TYPE_URLS.secret].flatMap((type) => [
    delta(type, false),
    sotw(type, false),
  ]),
  // Its protocol has no state of the world.
  delta(TYPE_URLS.virtualHosts, false),
];

export const METHOD_BY_PATH: ReadonlyMap<string, AnyMethod> = new Map(METHODS.map((method) => [method.path, method]));

function delta(type: TypeUrl | null, isSole: boolean): DeltaMethod {
  return { variant: 'delta', path: streamPath(type, 'delta'), dialect: DELTA, type, isSole };
}

function sotw(type: TypeUrl | null, isSole: boolean): SotwMethod {
  return { variant: 'sotw', path: streamPath(type, 'sotw'), dialect: SOTW, type, isSole };
}
