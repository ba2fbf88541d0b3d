/**
 * Envoy compares a path as it came, and an application may read it otherwise (CVE-2019-9901, CVE-2021-29492). Weft's proxy
 * asks for every reading; where Envoy compares paths, one that has several is denied instead.
 */
import { create } from '@bufbuild/protobuf';
import { type Policy, PolicySchema } from '../../../protos/gen/envoy/config/rbac/v3/rbac_pb.ts';

/** Its name in logs. Before all others, whose names begin with a namespace: an answer that is the same for everybody. */
export const AMBIGUOUS = '(path with several readings)';

/**
 * A backslash, a parameter, an empty or a dot segment, or an escape of what may stand in a path unescaped (RFC 3986
 * section 2.3), of a separator or of "%". In RE2's syntax; it matches the whole of path and query.
 */
const ESCAPES = '2[DdEeFf35]|3[0-9BbFf]|4[1-9A-Fa-f]|5[0-9AaCcFf]|6[1-9A-Fa-f]|7[0-9AaEe]|[01][0-9A-Fa-f]';
const REGEX = `[^?#]*(?:(?:[;\\\\]|//|%(?:${ESCAPES})).*|/\\.\\.?(?:[/?].*)?)`;

export function ambiguousPath(): Policy {
  const matchPattern = { case: 'safeRegex' as const, value: { regex: REGEX } };
  return create(PolicySchema, {
    permissions: [
      {
        rule: {
          case: 'header',
          value: { name: ':path', headerMatchSpecifier: { case: 'stringMatch', value: { matchPattern } } },
        },
      },
    ],
    principals: [{ identifier: { case: 'any', value: true } }],
  });
}
