/**
 * What a workload may say about itself. Its SVID names its account and its enrolment the service that its join token
 * allowed; a Workload that claims another one, or a Service that would take the calls of others, is refused.
 */
import { serviceKind, type Service } from '../../../api/kinds/service.ts';
import { type Workload, workloadKind } from '../../../api/kinds/workload.ts';
import type { Resource } from '../../../api/resource.ts';
import { WeftError } from '../../../core/errors.ts';
import type { User, WorkloadUser } from '../user.ts';

/** What the CA knows of enrolled workloads. */
export interface Enrolments {
  /** null: not enrolled. */
  allowed(namespace: string, workload: string): Promise<{ readonly service: string; readonly account: string } | null>;
  /** The workload has deregistered itself. */
  release(namespace: string, workload: string): Promise<void>;
}

/** Asked before a change is committed; throws `forbidden`. */
export type AdmissionRule = (user: User, live: Resource | null, next: Resource) => Promise<void>;

export function registrationRule(enrolments: Enrolments): AdmissionRule {
  return async (user, _live, next) => {
    if (user.role === 'admin') return;
    const allowed = await enrolments.allowed(user.namespace, user.workload);
    if (allowed === null || allowed.account !== user.account) {
      throw forbidden(user, 'it is not enrolled any more', 'Enrol again with a join token');
    }
    if (next.kind === workloadKind.kind) assertOwnClaims(user, next as Workload, allowed.service);
    else if (next.kind === serviceKind.kind) assertOwnService(user, next as Service, allowed.service);
    else throw forbidden(user, `it may not write a ${next.kind}`, 'Ask the admin');
  };
}

function assertOwnClaims(user: WorkloadUser, { metadata, spec }: Workload, service: string): void {
  const claims: readonly (readonly [string, string | undefined, string])[] = [
    ['spec.service', spec?.service, service],
    ['metadata.labels.app', metadata.labels?.['app'], service],
    ['spec.account', spec?.account, user.account],
    ['metadata.labels.version', metadata.labels?.['version'], spec?.version ?? metadata.labels?.['version'] ?? ''],
  ];
  for (const [field, is, mustBe] of claims) {
    if ((is ?? '') === mustBe) continue;
    const hint = `${field} must be ${JSON.stringify(mustBe)}; for another service make a token with: weft token create`;
    throw forbidden(user, `${field} is ${JSON.stringify(is ?? null)}, which its join token does not allow`, hint);
  }
}

/** The Services NAME and NAME-VERSION of the workload's own service, which select nothing but it. */
function assertOwnService(user: WorkloadUser, { metadata, spec }: Service, service: string): void {
  const { app, version, ...others } = spec?.selector ?? {};
  const expected = version === undefined ? service : versionedName(service, version);
  if (app === service && Object.keys(others).length === 0 && metadata.name === expected) return;
  const hint = `It may create ${service} (selector app: ${service}) and ${service}-VERSION (app and version)`;
  throw forbidden(user, `it may not create the Service ${metadata.name} with this selector`, hint);
}

/** `catalog-v2` of service `catalog`, version `v2`; versions may have dots and capitals, names of Services may not. */
export function versionedName(service: string, version: string): string {
  const name = version
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${service}-${name}`;
}

function forbidden(user: WorkloadUser, why: string, hint: string): WeftError {
  const what = `workload ${user.namespace}/${user.workload} is refused: ${why}`;
  return new WeftError('forbidden', { what, hint });
}
