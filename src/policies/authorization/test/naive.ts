/** What policies say of one request, written down once more in the plainest way: on what the user wrote, without any RBAC. */
import type { AuthorizationPolicy, HeaderCondition, Operation, PathCondition, Rule, Source } from '../kind.ts';

export interface NaiveRequest {
  readonly method: string;
  /** Without a query; in the one spelling that it has. */
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
}

export interface NaiveCaller {
  /** null: no identity. */
  readonly id: string | null;
  readonly ip: string;
}

/** `request` null: raw bytes. `policies`: those that are for the workload. */
export function naiveAllows(
  policies: readonly AuthorizationPolicy[],
  port: number,
  caller: NaiveCaller,
  request: NaiveRequest | null,
): boolean {
  const matches = (action: string) =>
    policies.some((policy) => policy.spec?.action === action && someRule(policy, port, caller, request));
  if (matches('DENY')) return false;
  return policies.every(({ spec }) => spec?.action !== 'ALLOW') || matches('ALLOW');
}

function someRule(
  policy: AuthorizationPolicy,
  port: number,
  caller: NaiveCaller,
  request: NaiveRequest | null,
): boolean {
  return (policy.spec?.rules ?? []).some(
    (rule) => fromHolds(rule, policy, caller) && asksFor(rule, policy.spec?.action ?? '', port, request),
  );
}

function fromHolds({ from }: Rule, policy: AuthorizationPolicy, caller: NaiveCaller): boolean {
  return from === undefined || from.some((source) => sourceHolds(source, policy, caller));
}

function sourceHolds(source: Source, { metadata, spec }: AuthorizationPolicy, { id, ip }: NaiveCaller): boolean {
  const is = (wanted: string) =>
    id !== null && (wanted.endsWith('*') ? id.startsWith(wanted.slice(0, -1)) : id === wanted);
  const inNamespace = (wanted: string) => id?.split('/')[4] === wanted;
  const isAccount = (wanted: string) => {
    const full = wanted.includes('/') ? wanted : `${metadata.namespace}/${wanted}`;
    return id !== null && `${id.split('/')[4]}/${id.split('/')[6]}` === full;
  };
  // Blocks of whole bytes are all that tests have.
  const inBlock = (block: string) => {
    const [address = '', bits = '32'] = block.split('/');
    const bytes = Number(bits) / 8;
    return ip.split('.').slice(0, bytes).join('.') === address.split('.').slice(0, bytes).join('.');
  };
  const negated = source.notPrincipals ?? source.notNamespaces ?? source.notServiceAccounts;
  if (negated !== undefined && spec?.action === 'ALLOW' && id === null) return false;
  return (
    one(source.principals, is) &&
    one(source.namespaces, inNamespace) &&
    one(source.serviceAccounts, isAccount) &&
    one(source.ipBlocks, inBlock) &&
    none(source.notPrincipals, is) &&
    none(source.notNamespaces, inNamespace) &&
    none(source.notServiceAccounts, isAccount) &&
    none(source.notIpBlocks, inBlock)
  );
}

function asksFor(
  { to = [{}], headers = [] }: Rule,
  action: string,
  port: number,
  request: NaiveRequest | null,
): boolean {
  return to.some((operation) => {
    if (!one(operation.ports, (each) => each === port) || !none(operation.notPorts, (each) => each === port))
      return false;
    if (request !== null)
      return operationHolds(operation, request) && headers.every((each) => headerHolds(each, request));
    const { methods, paths, notMethods, notPaths } = operation;
    const needsHttp = headers.length > 0 || (methods ?? paths ?? notMethods ?? notPaths) !== undefined;
    return !needsHttp || action === 'DENY';
  });
}

function operationHolds(operation: Operation, { method, path }: NaiveRequest): boolean {
  const isMethod = (wanted: string) => method === wanted;
  const isPath = ({ type = 'PathPrefix', value }: PathCondition) => {
    if (type === 'Exact' || path === value) return path === value;
    return `${path}/`.startsWith(value.endsWith('/') ? value : `${value}/`);
  };
  return (
    one(operation.methods, isMethod) &&
    one(operation.paths, isPath) &&
    none(operation.notMethods, isMethod) &&
    none(operation.notPaths, isPath)
  );
}

function headerHolds(
  { name, type = 'Exact', value = '', not = false }: HeaderCondition,
  { headers }: NaiveRequest,
): boolean {
  const found = headers.get(name.toLowerCase());
  const holds =
    found !== undefined && (type === 'Present' || (type === 'Exact' ? found === value : found.startsWith(value)));
  return holds !== not;
}

function one<T>(wanted: readonly T[] | undefined, is: (each: T) => boolean): boolean {
  return wanted === undefined || wanted.some(is);
}

function none<T>(unwanted: readonly T[] | undefined, is: (each: T) => boolean): boolean {
  return unwanted === undefined || !unwanted.some(is);
}
