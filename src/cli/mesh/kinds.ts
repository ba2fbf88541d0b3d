/** What people type for a kind and a name: `svc`, `services`, `workload/web-1`. */
import type { Kind } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';
import { didYouMean } from '../../api/suggest.ts';
import { isWeftError, WeftError } from '../../core/errors.ts';
import { meshKinds } from '../../policies/kinds.ts';
import { UsageError } from '../exit-codes.ts';
import type { MeshConnection } from './connect.ts';

export function kindNamed(word: string): Kind {
  const kind = meshKinds.byWord(word);
  if (kind !== null) return kind;
  const guess = meshKinds.suggestWord(word);
  const all = meshKinds.all.map((each) => each.plural).join(', ');
  throw new UsageError(
    `there is no kind "${word}"`,
    guess === null ? `Known kinds: ${all}` : `Did you mean "${guess}"? Known kinds: ${all}`,
  );
}

/** `KIND NAME` or `KIND/NAME`. */
export function splitKindAndName(word: string, name: string | undefined): { kind: Kind; name: string | undefined } {
  const slash = word.indexOf('/');
  if (slash === -1) return { kind: kindNamed(word), name };
  if (name !== undefined) throw new UsageError(`two names: ${word} and ${name}`, 'Write KIND NAME or KIND/NAME');
  return { kind: kindNamed(word.slice(0, slash)), name: word.slice(slash + 1) };
}

/** The object; when there is none of that name, the error says which was meant. */
export async function getNamed(mesh: MeshConnection, kind: Kind, name: string): Promise<Resource> {
  try {
    return await mesh.resources.get(kind, mesh.namespace, name);
  } catch (error) {
    throw isWeftError(error, 'not-found') ? await nothingNamed(mesh, kind, name) : error;
  }
}

export async function nothingNamed(mesh: MeshConnection, kind: Kind, name: string): Promise<WeftError> {
  const { items } = await mesh.resources.list(kind, null);
  const here = items.filter((each) => !kind.namespaced || each.metadata.namespace === mesh.namespace);
  const elsewhere = items.find((each) => each.metadata.name === name && each.metadata.namespace !== mesh.namespace);
  const guess = didYouMean(
    name,
    here.map((each) => each.metadata.name),
  );
  const other =
    elsewhere === undefined
      ? ''
      : `There is one in namespace ${elsewhere.metadata.namespace}: add -n ${elsewhere.metadata.namespace}`;
  return new WeftError('not-found', {
    what: `there is no ${kind.singular} "${name}"`,
    where: kind.namespaced ? `namespace ${mesh.namespace}` : mesh.admin.server,
    hint: guess || other || `See them all with: weft get ${kind.plural}${kind.namespaced ? ' -A' : ''}`,
  });
}
