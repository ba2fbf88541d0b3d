/**
 * What the status of an XdsPatch says: which of the proxies that it selects are sent it, and why the others have nothing of it. It
 * reads what those proxies get, so the answer is what is sent and not a guess.
 */
import type { Workload } from '../../api/kinds/workload.ts';
import type { View } from '../../api/reader.ts';
import { type Key, keyText } from '../../api/resource.ts';
import { isFor, compiledPatch } from '../generate/patches/compiled-patches.ts';
import { patchedProxy } from '../generate/proxy-view.ts';
import { type Finding, type Report, shortened } from './report.ts';

/** null when the patch does not exist. */
export const patchAncestors: View<Key, Report | null> = {
  name: 'patch-ancestors',
  id: keyText,
  derive(read, key) {
    const patch = read.view(compiledPatch, key);
    if (patch === null) return null;
    const { namespace } = key;
    const selected = (read.list('Workload', namespace) as readonly Workload[]).filter(
      (workload) => workload.spec?.proxy !== 'none' && isFor(patch, workload),
    );
    const problems: string[] = [];
    let resources = 0;
    for (const { metadata } of selected) {
      const { outcomes } = read.view(patchedProxy, { namespace, workload: metadata.name });
      const outcome = outcomes.find((each) => each.patch.id === patch.id);
      if (outcome === undefined) continue;
      resources += outcome.resources;
      if (outcome.problem !== '') problems.push(`${namespace}/${metadata.name}: ${outcome.problem}`);
    }
    const ref = { group: '', kind: 'Namespace', name: namespace };
    const findings = [accepted(problems, selected.length, resources)];
    return { generation: patch.resource.metadata.generation ?? 0, referred: [{ ref, findings }] };
  },
  same: (a, b) => JSON.stringify(a) === JSON.stringify(b),
};

function accepted(problems: readonly string[], selected: number, resources: number): Finding {
  const type = 'Accepted';
  if (problems.length > 0) {
    const message = `${problems.length} of ${selected} proxies have nothing of it: ${problems.join('; ')}`;
    return { type, status: 'False', reason: 'Invalid', message: shortened(message) };
  }
  const message =
    selected === 0
      ? 'it selects no proxy'
      : resources === 0
        ? 'nothing that its proxies get matches'
        : `${selected} of ${selected} proxies are sent it, on ${resources} resources; weft proxy-status tells who refuses it`;
  return { type, status: 'True', reason: 'Accepted', message };
}
