/** What must hold of a running mesh: the API, the store, the proxies, certificates, workloads. */
import { createHash, X509Certificate } from 'node:crypto';
import type { Workload } from '../../api/kinds/workload.ts';
import { WORKLOADS } from '../../client/kind-ref.ts';
import { ResourceClient } from '../../client/resources.ts';
import type { HttpTransport } from '../../client/transport.ts';
import { isWeftError, messageOf } from '../../core/errors.ts';
import { certificatesOf, isOverdue } from '../mesh/certificates.ts';
import type { AdminFile } from '../mesh/admin-file.ts';
import { connectAsAdmin } from '../mesh/connect.ts';
import { readMeshStatus, syncState } from '../mesh/mesh-status.ts';
import { ageText } from '../output/table.ts';
import { VERSION } from '../version.ts';
import { type Check, failed, ok, warning } from './result.ts';

const ROOT_WARNING_MS = 90 * 86_400_000;

export async function meshChecks(stateDir: string): Promise<Check[]> {
  let transport: HttpTransport | null = null;
  try {
    const connection = connectAsAdmin(stateDir);
    transport = connection.transport;
    const status = await readMeshStatus(transport);
    const checks = [ok(`the control plane answers at ${connection.admin.server}, and its certificate is of this mesh`)];
    checks.push(
      status.version === VERSION
        ? ok(`the control plane has the version of this program, ${VERSION}`)
        : warning(`the control plane is ${status.version}, this program ${VERSION}`, 'Restart it: weft up'),
    );
    checks.push(root(connection.admin));
    const { items: workloads } = await new ResourceClient(transport).list<Workload>(WORKLOADS, null);
    checks.push(ok(`the store answers: ${workloads.length} workloads`));
    checks.push(proxies(status.proxies.map((proxy) => ({ node: proxy.node, state: syncState(proxy) }))));
    checks.push(unconnected(workloads, new Set(status.proxies.map((proxy) => proxy.node))));
    checks.push(stale(workloads), ...(await certificates(workloads)));
    return checks;
  } catch (error) {
    if (!isWeftError(error))
      return [failed(`the control plane does not answer: ${messageOf(error)}`, 'Look at its log')];
    const where = error.where === '' ? '' : ` (${error.where})`;
    return [failed(`${error.what}${where}`, error.hint || 'Look at the log of the control plane')];
  } finally {
    transport?.close();
  }
}

function root({ caPem, caHash }: AdminFile): Check {
  const certificate = new X509Certificate(caPem);
  const hash = `sha256:${createHash('sha256').update(certificate.raw).digest('hex')}`;
  if (hash !== caHash)
    return failed('the CA and its hash do not agree in admin.json', 'Restart the control plane: weft up');
  const leftMs = Date.parse(certificate.validTo) - Date.now();
  if (leftMs < 0) return failed('the root certificate has expired', 'Move ca/ away and let every workload join again');
  return leftMs < ROOT_WARNING_MS
    ? warning(`the root certificate is valid for ${ageText(leftMs)} more`, 'Rotate it in time')
    : ok(`the root certificate is valid for ${ageText(leftMs)} more`);
}

function proxies(states: readonly { node: string; state: string }[]): Check {
  const named = (state: string) => states.filter((each) => each.state === state).map((each) => each.node);
  const [refusing, late] = [named('NACK'), named('STALE')];
  if (refusing.length > 0)
    return failed(`proxies refuse their configuration: ${list(refusing)}`, 'weft status says what and why');
  if (late.length > 0)
    return warning(`proxies have not acknowledged yet: ${list(late)}`, 'Look again in a few seconds');
  return ok(`proxies: ${states.length} connected, all in sync`);
}

function unconnected(workloads: readonly Workload[], connected: ReadonlySet<string>): Check {
  const names = workloads
    .filter((each) => (each.spec?.proxy ?? 'weft') !== 'none' && each.status?.ready === true)
    .map(nameOf)
    .filter((name) => !connected.has(name));
  return names.length === 0
    ? ok('every ready workload has a connected proxy')
    : warning(
        `ready without a connected proxy: ${list(names)}`,
        'They serve their last configuration; look at their logs',
      );
}

function stale(workloads: readonly Workload[]): Check {
  const names = workloads.filter((each) => each.status?.ready !== true).map(nameOf);
  return names.length === 0
    ? ok('every workload is ready')
    : warning(
        `not ready: ${list(names)}`,
        'weft describe workload NAME says since when and why; a workload that is gone leaves by itself',
      );
}

async function certificates(workloads: readonly Workload[]): Promise<Check[]> {
  const found = await certificatesOf(workloads);
  const now = Date.now();
  const bad = found.filter((each) => !each.valid);
  if (bad.length > 0) {
    return [failed(`certificates that are not valid: ${list(bad.map((each) => each.workload))}`, bad[0]?.reason ?? '')];
  }
  const overdue = found.filter((each) => isOverdue(each, now));
  if (overdue.length > 0) {
    const names = list(overdue.map((each) => each.workload));
    return [
      warning(
        `certificates whose renewal is overdue: ${names}`,
        'They fail closed at their end; is the control plane reachable from there?',
      ),
    ];
  }
  if (found.length === 0) return [];
  const first = Math.min(...found.map((each) => each.notAfterMs ?? now));
  return [
    ok(`certificates of ${found.length} workloads here are valid, the first one for ${ageText(first - now)} more`),
  ];
}

function nameOf(workload: Workload): string {
  return `${workload.metadata.namespace}/${workload.metadata.name}`;
}

function list(names: readonly string[]): string {
  return names.length <= 5 ? names.join(', ') : `${names.slice(0, 5).join(', ')} and ${names.length - 5} more`;
}
