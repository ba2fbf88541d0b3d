/** `weft delete`: one resource by name, or those of files. */
import type { Command } from 'commander';
import { parseDocuments } from '../../api/documents.ts';
import type { Kind } from '../../api/kind.ts';
import { isWeftError } from '../../core/errors.ts';
import { meshKinds } from '../../policies/kinds.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { readInputs } from '../mesh/input-files.ts';
import { nothingNamed, splitKindAndName } from '../mesh/kinds.ts';
import { refusal } from '../mesh/violations.ts';
import { printedAsData } from '../output/data.ts';

interface DeleteOptions {
  readonly file?: string[];
  readonly ignoreNotFound?: boolean;
}

interface Target {
  readonly kind: Kind;
  readonly namespace: string;
  readonly name: string;
}

export function define(command: Command, context: () => Context): void {
  command
    .argument('[kind]', 'a kind, or KIND/NAME')
    .argument('[name]')
    .option('-f, --file <path...>', 'delete what these files name')
    .option('--ignore-not-found', 'what is gone already is no error')
    .action((word: string | undefined, name: string | undefined, options: DeleteOptions) =>
      withMesh(context(), (mesh) => remove(context(), mesh, targets(context(), mesh, word, name, options), options)),
    );
}

function targets(
  context: Context,
  mesh: MeshConnection,
  word: string | undefined,
  name: string | undefined,
  options: DeleteOptions,
): Target[] {
  if ((word === undefined) === (options.file === undefined)) {
    throw new UsageError('say what to delete', 'weft delete KIND NAME, or weft delete -f FILE');
  }
  if (word !== undefined) {
    const found = splitKindAndName(word, name);
    if (found.name === undefined) throw new UsageError(`which ${found.kind.singular}?`, `weft delete ${word} NAME`);
    return [{ kind: found.kind, namespace: mesh.namespace, name: found.name }];
  }
  const { documents, violations } = parseDocuments(meshKinds, readInputs(options.file ?? []), mesh.namespace);
  if (violations.length > 0) throw refusal(context.terminal, violations);
  // In reverse, so that what refers to others goes before them.
  return documents.toReversed().flatMap(({ resource }) => {
    const kind = meshKinds.byKind(resource.kind);
    const { namespace = '', name: named } = resource.metadata;
    return kind === null ? [] : [{ kind, namespace, name: named }];
  });
}

async function remove(
  context: Context,
  mesh: MeshConnection,
  wanted: readonly Target[],
  options: DeleteOptions,
): Promise<void> {
  const deleted: string[] = [];
  try {
    for (const { kind, namespace, name } of wanted) {
      try {
        await mesh.resources.delete(kind, namespace, name);
        deleted.push(`${kind.singular}/${name}`);
      } catch (error) {
        if (!isWeftError(error, 'not-found')) throw error;
        if (options.ignoreNotFound !== true) throw await nothingNamed({ ...mesh, namespace }, kind, name);
      }
    }
  } finally {
    // What is gone is said, whatever came after it.
    if (!printedAsData(context, { deleted })) context.terminal.lines(deleted.map((each) => `${each} deleted`));
  }
}
