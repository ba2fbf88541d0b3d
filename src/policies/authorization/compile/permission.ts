/** A rule's `to` and `headers` → Envoy's Permission, for one port: its number is known here, so no data plane asks for it. */
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { type Permission, PermissionSchema } from '../../../protos/gen/envoy/config/rbac/v3/rbac_pb.ts';
import type { HeaderMatcherSchema } from '../../../protos/gen/envoy/config/route/v3/route_components_pb.ts';
import type { HeaderCondition, Operation, PathCondition } from '../kind.ts';

export const ANYTHING = create(PermissionSchema, { rule: { case: 'any', value: true } });

/** Whether it speaks of this port. */
export function isForPort({ ports, notPorts }: Operation, port: number): boolean {
  return (ports === undefined || ports.includes(port)) && notPorts?.includes(port) !== true;
}

/** What of it can be asked of a request only: field names. */
export function httpFieldsOf({ methods, paths, notMethods, notPaths }: Operation): readonly string[] {
  const fields = { methods, paths, notMethods, notPaths };
  return Object.entries(fields).flatMap(([name, value]) => (value === undefined ? [] : [name]));
}

/** All but its ports. */
export function permissionOf({ methods, paths, notMethods, notPaths }: Operation): Permission {
  return allOf([
    ...oneOf(methods, byMethod),
    ...oneOf(paths, byPath),
    ...oneOf(notMethods, byMethod).map(not),
    ...oneOf(notPaths, byPath).map(not),
  ]);
}

export function byHeader({ name, type = 'Exact', value = '', not: negated = false }: HeaderCondition): Permission {
  const lower = name.toLowerCase();
  const matcher = header(lower === 'host' ? ':authority' : lower, specifier(type, value));
  // Not `invert_match`: a header that is absent fails that one too.
  return negated ? not(matcher) : matcher;
}

export function allOf(rules: Permission[]): Permission {
  const [only = ANYTHING] = rules;
  return rules.length <= 1 ? only : create(PermissionSchema, { rule: { case: 'andRules', value: { rules } } });
}

function oneOf<T>(written: readonly T[] | undefined, make: (each: T) => Permission): Permission[] {
  return written === undefined ? [] : [someOf(written.map(make))];
}

function someOf(rules: Permission[]): Permission {
  const [only = ANYTHING] = rules;
  return rules.length <= 1 ? only : create(PermissionSchema, { rule: { case: 'orRules', value: { rules } } });
}

function not(permission: Permission): Permission {
  return create(PermissionSchema, { rule: { case: 'notRule', value: permission } });
}

function byMethod(value: string): Permission {
  return header(':method', specifier('Exact', value));
}

/** A prefix ends at a segment, as that of an HTTPRoute does. */
function byPath({ type = 'PathPrefix', value }: PathCondition): Permission {
  if (type === 'Exact') return urlPath({ case: 'exact', value });
  const base = value.replace(/\/$/, '');
  // Whatever is asked: the path of `OPTIONS *` begins with no slash.
  if (base === '') return ANYTHING;
  return someOf([urlPath({ case: 'exact', value: base }), urlPath({ case: 'prefix', value: `${base}/` })]);
}

function urlPath(matchPattern: { case: 'exact' | 'prefix'; value: string }): Permission {
  return create(PermissionSchema, {
    rule: { case: 'urlPath', value: { rule: { case: 'path', value: { matchPattern } } } },
  });
}

type Specifier = MessageInitShape<typeof HeaderMatcherSchema>['headerMatchSpecifier'];

function specifier(type: NonNullable<HeaderCondition['type']>, value: string): Specifier {
  if (type === 'Present') return { case: 'presentMatch', value: true };
  const matchPattern = { case: type === 'Exact' ? ('exact' as const) : ('prefix' as const), value };
  return { case: 'stringMatch', value: { matchPattern } };
}

function header(name: string, headerMatchSpecifier: Specifier): Permission {
  const value = headerMatchSpecifier === undefined ? { name } : { name, headerMatchSpecifier };
  return create(PermissionSchema, { rule: { case: 'header', value } });
}
