/**
 * A rule's `from` → Envoy's Principal. A negation is read against the caller: in a rule that allows, somebody without an
 * identity is not "anybody but web"; in one that denies, he is.
 */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Principal, PrincipalSchema } from '../../../protos/gen/envoy/config/rbac/v3/rbac_pb.ts';
import type { StringMatcherSchema } from '../../../protos/gen/envoy/type/matcher/v3/string_pb.ts';
import type { Action, Rule, Source } from '../kind.ts';

export interface CallerNames {
  readonly trustDomain: string;
  /** Of the policy. */
  readonly namespace: string;
  readonly action: Action;
}

const ANYBODY = create(PrincipalSchema, { identifier: { case: 'any', value: true } });
/** Whoever showed a certificate of the mesh. */
const KNOWN = create(PrincipalSchema, { identifier: { case: 'authenticated', value: {} } });

/** One of them must hold. */
export function principalsOf({ from }: Rule, names: CallerNames): Principal[] {
  return from === undefined ? [ANYBODY] : from.map((source) => principalOf(source, names));
}

function principalOf(source: Source, names: CallerNames): Principal {
  const { principals, namespaces, serviceAccounts, ipBlocks } = source;
  const { notPrincipals, notNamespaces, notServiceAccounts, notIpBlocks } = source;
  const parts = [
    ...oneOf(principals, byId),
    ...oneOf(namespaces, (each) => ofNamespace(each, names)),
    ...oneOf(serviceAccounts, (each) => ofAccount(each, names)),
    ...oneOf(ipBlocks, fromBlock),
    ...oneOf(notPrincipals, byId).map(not),
    ...oneOf(notNamespaces, (each) => ofNamespace(each, names)).map(not),
    ...oneOf(notServiceAccounts, (each) => ofAccount(each, names)).map(not),
    ...oneOf(notIpBlocks, fromBlock).map(not),
  ];
  const negated = notPrincipals ?? notNamespaces ?? notServiceAccounts;
  if (negated !== undefined && names.action === 'ALLOW') parts.unshift(KNOWN);
  const [only = ANYBODY] = parts;
  return parts.length <= 1 ? only : create(PrincipalSchema, { identifier: { case: 'andIds', value: { ids: parts } } });
}

function oneOf<T>(written: readonly T[] | undefined, make: (each: T) => Principal): Principal[] {
  if (written === undefined) return [];
  const ids = written.map(make);
  const [only] = ids;
  if (ids.length === 1 && only !== undefined) return [only];
  return [create(PrincipalSchema, { identifier: { case: 'orIds', value: { ids } } })];
}

function not(principal: Principal): Principal {
  return create(PrincipalSchema, { identifier: { case: 'notId', value: principal } });
}

function byId(id: string): Principal {
  if (id === '*') return KNOWN;
  return id.endsWith('*') ? named({ case: 'prefix', value: id.slice(0, -1) }) : named({ case: 'exact', value: id });
}

function ofNamespace(namespace: string, { trustDomain }: CallerNames): Principal {
  return named({ case: 'prefix', value: `spiffe://${trustDomain}/ns/${namespace}/` });
}

function ofAccount(account: string, { trustDomain, namespace: own }: CallerNames): Principal {
  const slash = account.indexOf('/');
  const [namespace, name] = slash === -1 ? [own, account] : [account.slice(0, slash), account.slice(slash + 1)];
  return named({ case: 'exact', value: `spiffe://${trustDomain}/ns/${namespace}/sa/${name}` });
}

function named(matchPattern: MessageInitShape<typeof StringMatcherSchema>['matchPattern']): Principal {
  const principalName = matchPattern === undefined ? {} : { matchPattern };
  return create(PrincipalSchema, { identifier: { case: 'authenticated', value: { principalName } } });
}

/** Of the connection: what a header says of its origin is the caller's word. */
function fromBlock(block: string): Principal {
  const [addressPrefix = '', bits] = block.split('/');
  const prefixLen = bits === undefined ? (addressPrefix.includes(':') ? 128 : 32) : Number(bits);
  return create(PrincipalSchema, { identifier: { case: 'directRemoteIp', value: { addressPrefix, prefixLen } } });
}
