/** A member of the mesh without a process of its own: enrolled, registered, with an identity that is its own. */
import { type ServerTrust, apiControlPlane } from '../../src/agent/api-control-plane.ts';
import type { ControlPlane } from '../../src/agent/control-plane.ts';
import { enrol } from '../../src/agent/enrol.ts';
import type { Membership } from '../../src/agent/kept-state.ts';
import { createToken } from '../../src/client/identity.ts';
import { processKeyMaker } from '../../src/identity/key-maker.ts';
import type { Svid, SvidSource } from '../../src/identity/svid.ts';
import { connectAsAdmin } from '../../src/cli/mesh/connect.ts';

export interface Member extends Membership {
  readonly name: string;
  readonly source: SvidSource;
  readonly controlPlane: ControlPlane;
}

export interface MemberOptions {
  readonly stateDir: string;
  readonly service: string;
  readonly name: string;
  /** 0: it only calls others. */
  readonly port: number;
}

export const NAMESPACE = 'default';

export async function join({ stateDir, service, name, port }: MemberOptions): Promise<Member> {
  const { admin, transport } = connectAsAdmin(stateDir);
  const trust: ServerTrust = { caPem: admin.caPem };
  let svid: Svid | null = null;
  const source: SvidSource = { current: () => svid, subscribe: () => () => {} };
  const controlPlane = apiControlPlane({
    server: admin.server,
    trust,
    namespace: NAMESPACE,
    workload: name,
    svid: source,
  });
  const { token } = await createToken(transport, { namespace: NAMESPACE, service });
  transport.close();
  const claim = { namespace: NAMESPACE, workload: name, service, account: service };
  const membership = await enrol(controlPlane, processKeyMaker, claim, token);
  svid = membership.svid;
  await controlPlane.register({
    apiVersion: 'weft.mesh/v1',
    kind: 'Workload',
    metadata: { name, namespace: NAMESPACE, labels: { app: service }, annotations: { 'weft.mesh/leased': 'true' } },
    spec: {
      service,
      account: service,
      address: '127.0.0.1',
      ports: port === 0 ? [] : [{ name: 'web', port, proxyPort: port + 1, protocol: 'http' }],
      uses: ['backend'],
    },
  });
  return { ...membership, name, source, controlPlane };
}
