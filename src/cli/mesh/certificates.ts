/** How long the certificates of the workloads on this machine are valid still, as their proxies tell. */
import type { Workload } from '../../api/kinds/workload.ts';
import { askAdmin } from '../edges/scrape.ts';

export interface CertificateState {
  readonly workload: string;
  readonly id: string;
  readonly valid: boolean;
  /** Empty when it is valid. */
  readonly reason: string;
  /** null: the proxy has none. */
  readonly notAfterMs: number | null;
  readonly notBeforeMs: number | null;
}

/** Workloads whose proxies cannot be asked from here are left out. */
export async function certificatesOf(workloads: readonly Workload[]): Promise<CertificateState[]> {
  const answers = await Promise.all(
    workloads.map(async (workload) => ({ workload, answer: await askAdmin(workload, '/weft/certs') })),
  );
  return answers.flatMap(({ workload, answer }) => {
    if (typeof answer !== 'object' || answer === null) return [];
    const { id, valid, reason, notAfter, notBefore } = answer as Record<string, unknown>;
    return [
      {
        workload: `${workload.metadata.namespace}/${workload.metadata.name}`,
        id: typeof id === 'string' ? id : '',
        valid: valid === true,
        reason: typeof reason === 'string' ? reason : '',
        notAfterMs: timeOf(notAfter),
        notBeforeMs: timeOf(notBefore),
      },
    ];
  });
}

function timeOf(value: unknown): number | null {
  const time = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

/** Renewal comes at half life: what has less than a quarter left was due and did not happen. */
export function isOverdue({ notAfterMs, notBeforeMs }: CertificateState, nowMs: number): boolean {
  if (notAfterMs === null || notBeforeMs === null) return true;
  return notAfterMs - nowMs < (notAfterMs - notBeforeMs) / 4;
}
