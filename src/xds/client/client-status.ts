/** What a client holds, asks for and refused, as CSDS tells it: `weft explain` and the admin endpoint read this. */
import type { ClientStatusResponse, ClientConfig_GenericXdsConfig, Node } from '../tables/messages.gen.ts';
import { ClientResourceStatus } from '../tables/messages.gen.ts';
import {
  ClientConfigTable,
  ClientConfig_GenericXdsConfigTable,
  ClientStatusResponseTable,
  SecretTable,
  UpdateFailureStateTable,
} from '../tables/tables.gen.ts';
import { TYPE_URLS } from '../resource.ts';
import { decode } from '../wire/decode.ts';
import { encode } from '../wire/encode.ts';
import { create } from '../wire/table.ts';
import type { ReceivedResource } from './received.ts';
import type { ResourceState } from './subscription.ts';

const STATUS = {
  requested: ClientResourceStatus.REQUESTED,
  missing: ClientResourceStatus.DOES_NOT_EXIST,
  acked: ClientResourceStatus.ACKED,
  nacked: ClientResourceStatus.NACKED,
} as const;

/**
 * An encoded envoy.service.status.v3.ClientStatusResponse. Without contents it tells names, versions and states only; what
 * holds a private key has no contents.
 */
export function clientStatus(node: Node, states: readonly ResourceState[], withContents: boolean): Uint8Array {
  const genericXdsConfigs = states.map((state) => configOf(state, withContents));
  const response: ClientStatusResponse = { config: [create(ClientConfigTable, { node, genericXdsConfigs })] };
  return encode(ClientStatusResponseTable, response);
}

function configOf(state: ResourceState, withContents: boolean): ClientConfig_GenericXdsConfig {
  const { held, refused } = state;
  const any = (resource: ReceivedResource | undefined | null) =>
    withContents && resource && !holdsKey(resource) ? { typeUrl: resource.type, value: resource.bytes } : undefined;
  return create(ClientConfig_GenericXdsConfigTable, {
    typeUrl: state.type,
    name: state.name,
    versionInfo: held?.version ?? '',
    xdsConfig: any(held),
    lastUpdated: state.updatedAtMs === 0 ? undefined : state.updatedAtMs,
    clientStatus: STATUS[state.state],
    errorState:
      refused === null
        ? undefined
        : create(UpdateFailureStateTable, {
            failedConfiguration: any(refused.resource),
            lastUpdateAttempt: refused.atMs,
            details: refused.reason,
            versionInfo: refused.resource.version,
          }),
  });
}

/** PKCS 8 and its elders, in PEM; a secret may be anything. Who looks at a proxy is not shown its keys, wherever they stand. */
function holdsKey({ type, bytes }: ReceivedResource): boolean {
  if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).includes('PRIVATE KEY-----')) return true;
  return type === TYPE_URLS.secret && !isRoots(bytes);
}

function isRoots(bytes: Uint8Array): boolean {
  try {
    return decode(SecretTable, bytes).type.case === 'validationContext';
  } catch {
    return false;
  }
}
