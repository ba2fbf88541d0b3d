/**
 * What a workload may write about itself. Its record decides for which services it is an endpoint and which identity
 * callers expect there, so a workload that could write freely could answer for others: the record must say what its
 * join token allowed, and nothing else.
 */
import { WeftError } from '../../core/errors.ts';
import type { Resource } from '../../api/resource.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import type { User } from '../api-server/user.ts';
import type { Enrollment } from '../ca/identity-records.ts';
import { isLeased, LEASED_ANNOTATION } from './workload-records.ts';

/** Labels that Services made for a workload select by. */
const OWN_LABELS = ['app', 'version'];

/** Throws `forbidden` with the field that says more than the token allowed. Admins may write anything. */
export async function admitWorkload(
  user: User,
  resource: Resource,
  allowed: (namespace: string, workload: string) => Promise<Enrollment | null>,
): Promise<void> {
  if (user.role !== 'workload' || resource.kind !== 'Workload') return;
  const workload = resource as Workload;
  const { namespace = '', name, labels = {} } = workload.metadata;
  const refuse = (field: string, what: string) => {
    throw new WeftError('forbidden', {
      what,
      where: `Workload ${namespace}/${name}: ${field}`,
      hint: 'Enrol with a token that allows it',
    });
  };
  if (namespace !== user.namespace || name !== user.workload)
    refuse('metadata', 'a workload may write its own record only');
  const enrolment = await allowed(namespace, name);
  if (enrolment === null) return refuse('metadata.name', 'the workload is not enrolled');
  if (workload.spec?.service !== enrolment.service)
    refuse('spec.service', `the join token allowed the service ${enrolment.service}`);
  if (workload.spec?.account !== enrolment.account || user.account !== enrolment.account) {
    refuse('spec.account', `the join token allowed the account ${enrolment.account}`);
  }
  if (labels['app'] !== enrolment.service) refuse('metadata.labels.app', `must be the service ${enrolment.service}`);
  if (labels['version'] !== undefined && labels['version'] !== workload.spec?.version)
    refuse('metadata.labels.version', 'must be spec.version');
  if (!isLeased(workload)) refuse('metadata.annotations', `must have ${LEASED_ANNOTATION}: "true"`);
  for (const label of Object.keys(labels)) {
    if (!OWN_LABELS.includes(label) && label.includes('weft.mesh/'))
      refuse(`metadata.labels["${label}"]`, 'is reserved');
  }
}
