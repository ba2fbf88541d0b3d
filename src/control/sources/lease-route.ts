/** The lease endpoint: a workload's heartbeat, its readiness, and its orderly leave from the endpoints. */
import { z } from 'zod';
import { WeftError } from '../../core/errors.ts';
import type { ApiRequest, Route } from '../api-server/handler.ts';
import type { LeaseKey, Leases } from './leases.ts';
import type { WorkloadRecords } from './workload-records.ts';

const LeaseBody = z.strictObject({
  ready: z.boolean(),
  drain: z.boolean().default(false),
  leaseSeconds: z.int().min(3).max(300).default(15),
});

/** A drain waits this long for proxies that have not acknowledged. */
const DRAIN_WAIT_MS = 5_000;

export interface LeaseRouteOptions {
  readonly leases: Leases;
  readonly records: WorkloadRecords;
  /** Resolves to true when every connected proxy has acknowledged the endpoints as of `revision`; false after `timeoutMs`. */
  readonly settled: (revision: string, timeoutMs: number) => Promise<boolean>;
}

export function leaseRoute({ leases, records, settled }: LeaseRouteOptions): Route {
  return {
    method: 'POST',
    path: '/apis/weft.mesh/v1/namespaces/:namespace/workloads/:name/lease',
    access: 'own-workload',
    async handle(request) {
      const body = readBody(request);
      const key: LeaseKey = { namespace: request.params['namespace'] ?? '', workload: request.params['name'] ?? '' };
      const ready = body.ready && !body.drain;
      const revision = await records.setReady(key, ready, body.drain ? 'Draining' : reasonOf(ready));
      leases.renew(key, body.leaseSeconds * 1000);
      const acknowledged = body.drain ? await settled(revision, DRAIN_WAIT_MS) : true;
      return { status: 200, body: { ready, acknowledged, leaseSeconds: body.leaseSeconds } };
    },
  };
}

function reasonOf(ready: boolean): string {
  return ready ? 'AppAnswers' : 'AppDoesNotAnswer';
}

function readBody(request: ApiRequest): z.infer<typeof LeaseBody> {
  const read = LeaseBody.safeParse(request.body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new WeftError('invalid', { what: `not a lease: ${issue?.message ?? ''}`, where: issue?.path.join('.') ?? '' });
}
