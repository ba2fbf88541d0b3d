/** The identity endpoints of the API: the JSON on the wire, over tokens and enrolment. */
import { z } from 'zod';
import { WeftError } from '../../core/errors.ts';
import type { ApiRequest, ApiResponse, Route } from '../api-server/handler.ts';
import type { Authority, IssuedCertificate } from './authority.ts';
import { type Enrolment, refuseReserved } from './enrolment.ts';
import type { JoinToken } from './join-token.ts';
import { TOKEN_TTL, type Tokens } from './tokens.ts';

const BASE = '/apis/identity.weft.mesh/v1';

const label = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is not a DNS label of at most 63 characters');
const csr = z.string().max(8192);

const TokenBody = z.strictObject({
  namespace: label.default('default'),
  service: label.nullish(),
  accounts: z.array(label).min(1).max(100).nullish(),
  ttlSeconds: z.int().min(1).max(TOKEN_TTL.maxSeconds).default(TOKEN_TTL.defaultSeconds),
  uses: z.int().min(0).max(1_000_000).default(1),
});
const EnrollmentBody = z.strictObject({ namespace: label, workload: label, service: label, account: label, csr });
const RenewalBody = z.strictObject({ csr });

export interface IdentityRoutesOptions {
  readonly authority: Authority;
  readonly tokens: Tokens;
  readonly enrolment: Enrolment;
  /** `https://host:port` that a remote workload should call. */
  readonly serverUrl: () => string;
  /** `host:port` of the xDS server. */
  readonly xds: () => string;
}

export function identityRoutes(options: IdentityRoutesOptions): readonly Route[] {
  const { authority, tokens, enrolment } = options;
  const identity = (issued: IssuedCertificate): ApiResponse => ({
    status: 201,
    body: {
      certificateChainPem: issued.certificateChainPem,
      trustBundlePem: authority.trustBundlePem,
      notAfter: new Date(issued.notAfter).toISOString(),
      trustDomain: authority.trustDomain,
      xds: options.xds(),
    },
  });
  return [
    {
      // Fetched before the caller can verify anybody: it compares the hash with the one of its token.
      method: 'GET',
      path: `${BASE}/trust-bundle`,
      access: 'public',
      handle: () => ({
        status: 200,
        body: { trustDomain: authority.trustDomain, trustBundlePem: authority.trustBundlePem },
      }),
    },
    {
      method: 'POST',
      path: `${BASE}/tokens`,
      access: 'admin',
      async handle(request) {
        const body = read(TokenBody, request);
        refuseReserved(body.namespace);
        const order = { ...body, service: body.service ?? null, accounts: body.accounts ?? null };
        const { token, text } = await tokens.create(order);
        const body201 = { ...tokenView(token), token: text, caHash: authority.caHash, server: options.serverUrl() };
        return { status: 201, body: body201 };
      },
    },
    {
      method: 'GET',
      path: `${BASE}/tokens`,
      access: 'admin',
      handle: async () => ({ status: 200, body: { items: (await tokens.list()).map(tokenView) } }),
    },
    {
      method: 'DELETE',
      path: `${BASE}/tokens/:id`,
      access: 'admin',
      async handle(request) {
        await tokens.remove(request.params['id'] ?? '');
        return { status: 200, body: { id: request.params['id'] } };
      },
    },
    {
      method: 'POST',
      path: `${BASE}/enrollments`,
      access: 'public',
      async handle(request) {
        const { csr: csrPem, ...claim } = read(EnrollmentBody, request);
        refuseReserved(claim.namespace);
        return identity(await enrolment.enrol(request.bearer, claim, csrPem, request.remote));
      },
    },
    {
      method: 'DELETE',
      path: `${BASE}/enrollments/:namespace/:workload`,
      access: 'admin',
      async handle(request) {
        const { namespace = '', workload = '' } = request.params;
        await enrolment.release(namespace, workload);
        return { status: 200, body: { namespace, workload } };
      },
    },
    {
      method: 'POST',
      path: `${BASE}/renewals`,
      access: 'workload',
      async handle(request) {
        const { user } = request;
        if (user?.role !== 'workload') throw new WeftError('forbidden', { what: 'only a workload renews an SVID' });
        return identity(await enrolment.renew(user, read(RenewalBody, request).csr));
      },
    },
  ];
}

/** Without the hash of the secret. */
function tokenView(token: JoinToken): Record<string, unknown> {
  const { secretHash: _, createdAt, expiresAt, ...open } = token;
  return { ...open, createdAt: new Date(createdAt).toISOString(), expiresAt: new Date(expiresAt).toISOString() };
}

function read<T>(schema: z.ZodType<T>, request: ApiRequest): T {
  const result = schema.safeParse(request.body);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`);
  throw new WeftError('invalid', {
    what: `the request is not valid: ${faults.slice(0, 10).join('; ')}`,
    where: request.path,
  });
}
