/**
 * `weft.mesh/v1` AuthorizationPolicy: who may ask for what of a workload. Rules that deny come first; as soon as one policy
 * allows, what no policy allows is denied.
 */
import { z } from 'zod';
import { headerName, objectName, portNumber } from '../../api/fields.ts';
import type { Frozen } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';
import { workloadTargets } from '../workload-target.ts';

export const KIND = 'AuthorizationPolicy';

const list = <T extends z.ZodType>(item: T, meaning: string) =>
  z.array(item).min(1).max(64).optional().describe(meaning);

const principal = z
  .string()
  .max(2048)
  .regex(/^(\*|spiffe:\/\/[a-z0-9._-]+(\/[A-Za-z0-9._-]+)*(\/?\*)?)$/, {
    error: 'must be a SPIFFE id such as "spiffe://weft.local/ns/shop/sa/web", one that ends with "*", or "*"',
  });

const serviceAccount = z
  .string()
  .max(317)
  .regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?\/)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, {
    error: 'must be an account such as "web", or "shop/web" of another namespace',
  });

const ipBlock = z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
  error: 'must be an IP address or a block such as "10.1.0.0/16"',
});

const method = z
  .string()
  .max(32)
  .regex(/^[A-Z0-9!#$%&'*+\-.^_`|~]+$/, { error: 'must be a method in upper case, such as GET' });

const path = z
  .strictObject({
    type: z
      .enum(['Exact', 'PathPrefix'])
      .optional()
      .describe('Unset: PathPrefix. A prefix ends at a "/": `/api` is `/api` and `/api/x`, not `/apix`.'),
    value: z
      .string()
      .min(1)
      .max(1024)
      .describe('Compared with the path without its query. Of gRPC, `/package.Service/Method`.'),
  })
  .superRefine(({ value }, context) => {
    const report = (message: string) => context.addIssue({ code: 'custom', path: ['value'], message });
    if (!value.startsWith('/')) report('must begin with "/"');
    // Such a path has another spelling, which would not be met.
    else if (/\/\/|\/\.\.?(\/|$)|[%;\\?#]|[^\x21-\x7e]/.test(value)) {
      report('must be a plain path: no "//", "/./", "/../", "%", ";", "\\\\", "?" or "#"');
    }
  });

const header = z
  .strictObject({
    name: headerName.describe('Of a request. `host` is the authority.'),
    type: z.enum(['Exact', 'Prefix', 'Present']).optional().describe('Unset: Exact.'),
    value: z.string().min(1).max(4096).optional().describe('Not for Present.'),
    not: z.boolean().optional().describe('Holds where the rest does not; so it holds where there is no such header.'),
  })
  .superRefine(({ name, type, value }, context) => {
    const report = (field: string, message: string) => context.addIssue({ code: 'custom', path: [field], message });
    if (type === 'Present' && value !== undefined) report('value', 'must be left out beside Present');
    if (type !== 'Present' && value === undefined) report('value', 'is required');
    if (value !== undefined && /[^\t\x20-\x7e]/.test(value)) report('value', 'must be printable ASCII');
    if (name.toLowerCase() === 'x-forwarded-client-cert') report('name', 'is written by the proxy: ask for principals');
  });

const source = z.strictObject({
  principals: list(principal, 'SPIFFE ids; one that ends with `*` is a prefix, `*` alone anybody with an identity.'),
  namespaces: list(objectName('label'), 'Of the caller’s identity.'),
  serviceAccounts: list(serviceAccount, '`web`, of the policy’s namespace, or `shop/web`.'),
  ipBlocks: list(ipBlock, 'Where the connection comes from: an address or a block of them.'),
  notPrincipals: list(principal, 'None of them. An ALLOW rule still demands an identity.'),
  notNamespaces: list(objectName('label'), 'None of them. An ALLOW rule still demands an identity.'),
  notServiceAccounts: list(serviceAccount, 'None of them. An ALLOW rule still demands an identity.'),
  notIpBlocks: list(ipBlock, 'None of them.'),
});

const operation = z.strictObject({
  ports: list(portNumber, 'The application’s own.'),
  methods: list(method, 'Of the request. HTTP only.'),
  paths: list(path, 'Of the request. HTTP only.'),
  notPorts: list(portNumber, 'None of them.'),
  notMethods: list(method, 'None of them. HTTP only.'),
  notPaths: list(path, 'None of them. HTTP only.'),
});

const rule = z.strictObject({
  name: objectName('label').optional().describe('For logs, metrics and `weft explain`. Unset: its number, from 0 on.'),
  from: z.array(source).min(1).max(16).optional().describe('Callers: one of these. Unset: anybody.'),
  to: z.array(operation).min(1).max(16).optional().describe('What is asked: one of these. Unset: anything.'),
  headers: z.array(header).min(1).max(16).optional().describe('All of them. HTTP only.'),
});

export const spec = z.strictObject({
  ...workloadTargets,
  action: z
    .enum(['DENY', 'ALLOW', 'AUDIT'])
    .describe(
      'DENY: what a rule matches is denied, whatever else allows it. ALLOW: what no rule of any ALLOW policy matches is denied. AUDIT: what a rule matches is marked in the access log and counted.',
    ),
  rules: z
    .array(rule)
    .max(64)
    .optional()
    .describe(
      'One of them must match: a caller of `from`, an operation of `to`, and the headers. An ALLOW policy without rules allows nothing.',
    ),
});

export const statusSchema = z.looseObject({});

export type AuthorizationSpec = Frozen<z.infer<typeof spec>>;
export type AuthorizationStatus = Frozen<z.infer<typeof statusSchema>>;
export type AuthorizationPolicy = Resource<AuthorizationSpec, AuthorizationStatus>;
export type Rule = Frozen<z.infer<typeof rule>>;
export type Source = Frozen<z.infer<typeof source>>;
export type Operation = Frozen<z.infer<typeof operation>>;
export type HeaderCondition = Frozen<z.infer<typeof header>>;
export type PathCondition = Frozen<z.infer<typeof path>>;
export type Action = AuthorizationSpec['action'];
