/** Adds file and line to the objects that an explanation names: they are no part of what proxies run on. */
import { originOf } from '../../api/origin.ts';
import type { Step } from '../../snapshot/explain.ts';
import { isWeftError } from '../../core/errors.ts';
import { meshKinds } from '../../policies/kinds.ts';
import type { MeshConnection } from '../mesh/connect.ts';

export async function withFiles(mesh: MeshConnection, steps: readonly Step[]): Promise<readonly Step[]> {
  const files = new Map<string, string>();
  for (const object of new Set(steps.map(({ origin }) => objectIn(origin)))) {
    if (object !== '') files.set(object, await fileOf(mesh, object));
  }
  return steps.map((step) => {
    const file = files.get(objectIn(step.origin)) ?? '';
    return file === '' ? step : { ...step, origin: `${step.origin} (${file})` };
  });
}

/** `HTTPRoute/shop/canary` of `HTTPRoute/shop/canary spec.rules[0]`. */
function objectIn(origin: string): string {
  return origin.split(' ', 1)[0] ?? '';
}

/** Empty when it was not applied from a file, or is gone. */
async function fileOf(mesh: MeshConnection, object: string): Promise<string> {
  const [word = '', namespace = '', name = ''] = object.split('/');
  const kind = meshKinds.all.find((each) => each.kind === word);
  if (kind === undefined) return '';
  try {
    return originOf(await mesh.resources.get(kind, namespace, name)).file;
  } catch (error) {
    if (isWeftError(error, 'not-found') || isWeftError(error, 'forbidden')) return '';
    throw error;
  }
}
