/** Operators over how an exchange or a connection went: statuses, flags, bytes, and who served it. */
import { invalid, unsupported } from '../../xds/problem.ts';
import type { JsonValue } from '../../xds/wire/json.ts';
import { longFlag } from './long-flags.ts';
import type { MetadataOf } from './facts.ts';
import { type Operator, type OperatorKind, type OperatorKinds, plain, type Reach } from './operator.ts';
import { byteText } from './byte-text.ts';

const VERSIONS: ReadonlyMap<number, string> = new Map([
  [10, 'HTTP/1.0'],
  [11, 'HTTP/1.1'],
  [20, 'HTTP/2'],
]);

/** What Weft's control plane says to its own data plane. */
const OWN_NAMESPACE = 'weft.mesh';
/** Subsets are made of it. */
const HOST_NAMESPACE = 'envoy.lb';

const METADATA: Readonly<Record<string, MetadataOf>> = {
  ROUTE: 'route',
  CLUSTER: 'cluster',
  LISTENER: 'listener',
  UPSTREAM_HOST: 'host',
};

export const OUTCOME_OPERATORS: OperatorKinds = {
  PROTOCOL: plain(({ request }) => (request === null ? null : (VERSIONS.get(request.version) ?? null))),
  UPSTREAM_PROTOCOL: plain(({ upstreamProtocol }) => upstreamProtocol || null),
  RESPONSE_CODE: plain(({ status }) => status),
  RESPONSE_CODE_DETAILS: plain(({ codeDetails }) => codeDetails || null),
  RESPONSE_FLAGS: plain(({ flag }) => flag || '-'),
  RESPONSE_FLAGS_LONG: plain(({ flag }) => (flag === '' ? '-' : longFlag(flag))),
  BYTES_RECEIVED: plain(({ bytesIn }) => bytesIn),
  BYTES_SENT: plain(({ bytesOut }) => bytesOut),
  LOCAL_REPLY_BODY: plain(({ replyBody }) => replyBody),
  ACCESS_LOG_TYPE: plain(({ logType }) => logType),
  ROUTE_NAME: plain(({ routeName }) => byteText(routeName) || null),
  // Virtual clusters are none of what this proxy does, so that no request is of one.
  VIRTUAL_CLUSTER_NAME: plain(() => null),
  UPSTREAM_CLUSTER: plain(({ clusterName }) => byteText(clusterName) || null),
  UPSTREAM_CLUSTER_RAW: plain(({ clusterName }) => byteText(clusterName) || null),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: plain(({ attempts }) => attempts),
  UNIQUE_ID: plain((facts) => facts.uniqueId()),
  HOSTNAME: { argument: 'none', cut: false, make: hostname },
  ENVIRONMENT: { argument: 'required', cut: true, make: environment },
  METADATA: { argument: 'required', cut: true, make: anyMetadata },
  CLUSTER_METADATA: metadataOf('cluster'),
  UPSTREAM_METADATA: metadataOf('host'),
};

function hostname(_where: string, _argument: string, reach: Reach): Operator {
  const text = byteText(reach.hostname) || null;
  return () => text;
}

/** Read once, as Envoy does. */
function environment(where: string, name: string, { environment: variables }: Reach): Operator {
  if (variables === null) throw unsupported(where, 'the environment of this process is not shown here');
  const value = variables[name];
  const text = value === undefined ? null : byteText(value);
  return () => text;
}

function anyMetadata(where: string, argument: string): Operator {
  const [type = '', ...rest] = argument.split(':');
  const of = METADATA[type];
  if (of === undefined) throw unsupported(where, `metadata of ${JSON.stringify(type)} is nothing that this proxy has`);
  return metadataAt(where, of, rest);
}

function metadataOf(of: MetadataOf): OperatorKind {
  return { argument: 'required', cut: true, make: (where, argument) => metadataAt(where, of, argument.split(':')) };
}

/** The namespace of a filter, then keys one within the other. */
function metadataAt(where: string, of: MetadataOf, path: readonly string[]): Operator {
  const [namespace, ...keys] = path;
  if (namespace === undefined || path.includes('')) throw invalid(where, 'NAMESPACE:KEY:…, none of them empty');
  if (namespace === OWN_NAMESPACE) throw unsupported(where, `${namespace} is for the proxy alone`);
  if (of === 'host' && namespace !== HOST_NAMESPACE) {
    throw unsupported(where, `of endpoints this proxy keeps ${HOST_NAMESPACE} alone`);
  }
  return (facts) => {
    let value: JsonValue = facts.metadata(of)?.get(namespace) ?? null;
    for (const key of keys) value = memberOf(value, key);
    return typeof value === 'string' ? byteText(value) : value;
  };
}

function memberOf(value: JsonValue, key: string): JsonValue {
  if (typeof value !== 'object' || value === null || isList(value) || !Object.hasOwn(value, key)) return null;
  return value[key] ?? null;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
