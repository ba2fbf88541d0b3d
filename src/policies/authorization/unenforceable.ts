/** What a policy asks that a port of raw bytes cannot answer: the first field, for its status and for who closes the port. */
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
