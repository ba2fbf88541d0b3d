/** A connection to the control plane as its administrator, for the length of one command. */
import { createHttpsTransport } from '../../client/https-transport.ts';
import { ResourceClient } from '../../client/resources.ts';
import type { HttpTransport } from '../../client/transport.ts';
import type { Context } from '../context.ts';
import { type AdminFile, readAdminFile } from './admin-file.ts';
import { type MeshPlace, meshPlace } from './state-directory.ts';

export interface MeshConnection extends MeshPlace {
  readonly admin: AdminFile;
  readonly transport: HttpTransport;
  readonly resources: ResourceClient;
}

export function connectAsAdmin(stateDir: string): { admin: AdminFile; transport: HttpTransport } {
  const admin = readAdminFile(stateDir);
  const transport = createHttpsTransport({
    server: admin.server,
    caPem: admin.caPem,
    credential: () => ({ kind: 'token', token: admin.token }),
  });
  return { admin, transport };
}

/** The connection closes when `use` is done, or the process would wait for its idle sockets. */
export async function withMesh<T>(context: Context, use: (mesh: MeshConnection) => Promise<T>): Promise<T> {
  const place = meshPlace(context.globals);
  const { admin, transport } = connectAsAdmin(place.stateDir);
  try {
    return await use({ ...place, admin, transport, resources: new ResourceClient(transport) });
  } finally {
    transport.close();
  }
}
