/** From a change at the API to its use by every sidecar: a weight of a route, and an endpoint that comes or goes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { join as joinPath } from 'node:path';
import { connectAsAdmin } from '../../src/cli/mesh/connect.ts';
import { ResourceClient } from '../../src/client/resources.ts';
import { within } from '../children.ts';
import { quantile } from '../report.ts';
import { alone } from '../rounds.ts';
import type { Stage } from '../stage.ts';
import { WeftMesh } from '../weft/mesh.ts';
import { join, type Member, NAMESPACE } from '../fanout/member.ts';
import { Sidecars } from '../fanout/sidecars.ts';

const CHANGES = 20;
/** So that a change never rides on the push of the one before. */
const PAUSE_MS = 250;
const LIMIT_MS = 10_000;

export async function benchFanout({ folder, options, report }: Stage): Promise<void> {
  const mesh = new WeftMesh(joinPath(folder, 'fanout'), options.bundle);
  await mesh.startControlPlane();
  const { transport } = connectAsAdmin(mesh.stateDir);
  const admin = new ResourceClient(transport);
  const { stateDir } = mesh;
  const backends = [
    await join({ stateDir, service: 'backend', name: 'backend-1', port: 19_000 }),
    await join({ stateDir, service: 'backend', name: 'backend-2', port: 19_002 }),
  ];
  const members: Member[] = [];
  for (let i = 0; i < options.sidecars; i++) {
    members.push(await join({ stateDir, service: 'sidecar', name: `sidecar-${i}`, port: 0 }));
  }
  const sidecars = new Sidecars(members);
  const names = members.map(({ name }) => name);
  try {
    await admin.applySet([route(0)], { fieldManager: 'bench' });
    await within(30_000, 'the first configuration of every sidecar', sidecars.start());
    await backends[0]?.controlPlane.lease({ ready: true, leaseSeconds: 300 });
    const measure = async (name: string, change: (round: number) => Promise<unknown>): Promise<void> => {
      const samples: number[] = [];
      for (let round = 1; round <= CHANGES; round++) {
        await sleep(PAUSE_MS);
        const taken = sidecars.next(names);
        const startedAt = performance.now();
        await change(round);
        await within(LIMIT_MS, `${name} at every sidecar`, taken);
        samples.push(performance.now() - startedAt);
      }
      const line = `fanout ${name}, ${options.sidecars} sidecars`;
      alone(report, `${line}, p50`, 'ms', quantile(samples, 0.5));
      alone(report, `${line}, p99`, 'ms', quantile(samples, 0.99));
    };
    await measure('weight', (round) => admin.applySet([route(round)], { fieldManager: 'bench' }));
    await measure('endpoint', async (round) =>
      backends[1]?.controlPlane.lease({ ready: round % 2 === 1, leaseSeconds: 300 }),
    );
  } finally {
    await sidecars.close();
    for (const { controlPlane } of [...members, ...backends]) controlPlane.close();
    transport.close();
  }
}

function route(round: number) {
  const rules = [{ backendRefs: [{ name: 'backend', port: 80, weight: 1 + round }] }];
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'split', namespace: NAMESPACE },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 'backend' }],
      rules: [...rules, { matches: [{ path: { type: 'PathPrefix', value: `/round${round}` } }], ...rules[0] }],
    },
  };
}
