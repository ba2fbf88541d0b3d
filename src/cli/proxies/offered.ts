/** What the control plane offers a proxy, gathered page by page, with the files that its objects were written in. */
import type { Origin } from '../../api/resource.ts';
import { offeredPage } from '../../client/mesh.ts';
import { WeftError } from '../../core/errors.ts';
import type { MeshConnection } from '../mesh/connect.ts';
import { SECTIONS, type Section, sectionOf, typeNameOf } from './sections.ts';

export interface OfferedResource {
  readonly section: Section;
  readonly name: string;
  /** null: the proxy has it still, and it is not offered any more. */
  readonly version: string | null;
  readonly origins: readonly Origin[];
  readonly wanted: boolean;
  readonly acknowledged: string | null;
  readonly refused: string | null;
  readonly bytes: Uint8Array | null;
}

export interface Offered {
  /** The proxy has a stream to the control plane. */
  readonly connected: boolean;
  readonly resources: readonly OfferedResource[];
}

/** A control plane that never ends its pages must not hold a command for ever. */
const MAX_PAGES = 10_000;

/** Throws `not-found` when there is no such workload. */
export async function readOffered(
  mesh: MeshConnection,
  workload: string,
  sections: readonly Section[],
): Promise<Offered> {
  // All at once where all are wanted.
  const types = sections.length === SECTIONS.length ? [null] : sections.map(typeNameOf);
  const resources: OfferedResource[] = [];
  let connected = false;
  for (const type of types) connected = await readPages(mesh, workload, type, resources);
  return { connected, resources };
}

/** Whether the proxy is connected. `type`: null: every one. */
async function readPages(
  mesh: MeshConnection,
  workload: string,
  type: string | null,
  into: OfferedResource[],
): Promise<boolean> {
  let from = '';
  for (let count = 0; count < MAX_PAGES; count++) {
    const page = await offeredPage(mesh.transport, mesh.namespace, workload, type, from);
    for (const { base64, ...entry } of page.resources) {
      const section = sectionOf(entry.type);
      const bytes = base64 === null ? null : Buffer.from(base64, 'base64');
      if (section !== null) into.push({ ...entry, section, bytes });
    }
    from = page.continue;
    if (from === '') return page.connected;
  }
  throw new WeftError('limit-exceeded', { what: `the control plane answered with more than ${MAX_PAGES} pages` });
}
