/** What a policy asks that a port cannot answer: the first field, for its status and for who closes the port. */
import { httpFieldsOf, isForPort } from './compile/permission.ts';
import type { AuthorizationPolicy } from './kind.ts';

/** The path of the first field that only HTTP has, in a rule for this port of an application; null: there is none. */
export function unenforceable({ spec }: AuthorizationPolicy, port: number): string | null {
  for (const [index, { to = [{}], headers }] of (spec?.rules ?? []).entries()) {
    for (const [at, operation] of to.entries()) {
      if (!isForPort(operation, port)) continue;
      const [field] = httpFieldsOf(operation);
      if (field !== undefined) return `spec.rules[${index}].to[${at}].${field}`;
      if (headers !== undefined) return `spec.rules[${index}].headers`;
    }
  }
  return null;
}

/**
 * The same of a gRPC server that is its own data plane. grpc-go compares no address of a caller (its matcher reads one with
 * the port), and gRFC A41 takes headers of gRPC itself and `te` from rules, and binary ones are compared decoded.
 */
export function unenforceableByGrpc({ spec }: AuthorizationPolicy, port: number): string | null {
  for (const [index, { from = [], to = [{}], headers = [] }] of (spec?.rules ?? []).entries()) {
    if (!to.some((operation) => isForPort(operation, port))) continue;
    for (const [at, source] of from.entries()) {
      for (const field of ['ipBlocks', 'notIpBlocks'] as const) {
        if (source[field] !== undefined) return `spec.rules[${index}].from[${at}].${field}`;
      }
    }
    const at = headers.findIndex(({ name }) => /^(grpc-.*|te|.*-bin)$/i.test(name));
    if (at !== -1) return `spec.rules[${index}].headers[${at}]`;
  }
  return null;
}
