/** `weft apply`: documents are checked here, where their lines are known, and written by the control plane all or none. */
import type { Command } from 'commander';
import { type ParsedDocument, parseDocuments } from '../../api/documents.ts';
import { withSource } from '../../api/origin.ts';
import { keyOf, keyText } from '../../api/resource.ts';
import type { Violation } from '../../api/violation.ts';
import { meshKinds } from '../../policies/kinds.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { readInputs } from '../mesh/input-files.ts';
import { meshPlace } from '../mesh/state-directory.ts';
import { printedAsData } from '../output/data.ts';
import { refusal } from '../mesh/violations.ts';

const FIELD_MANAGER = 'weft-cli';

export function define(command: Command, context: () => Context): void {
  command
    .option('-f, --file <path...>', 'file, directory, or - for standard input')
    .option('--dry-run', 'check everything, here and in the control plane, and write nothing')
    .addHelpText('after', '\nExamples:\n  weft apply -f canary.yaml\n  weft apply -f mesh/ -f - < more.yaml')
    .action(async (options: { file?: string[]; dryRun?: boolean }) => {
      if (options.file === undefined) throw new UsageError('nothing to apply', 'weft apply -f FILE');
      await apply(context(), options.file, options.dryRun === true);
    });
}

async function apply(context: Context, paths: readonly string[], dryRun: boolean): Promise<void> {
  const { namespace } = meshPlace(context.globals);
  const { documents, violations } = parseDocuments(meshKinds, readInputs(paths), namespace);
  if (violations.length > 0) throw refusal(context.terminal, violations);
  await withMesh(context, async (mesh) => {
    const results = await applyDocuments(mesh, documents, {
      dryRun,
      refuse: (found) => refusal(context.terminal, found),
    });
    if (printedAsData(context, { items: results })) return;
    if (results.length === 0) context.terminal.line('no resources in these files');
    for (const { name, action } of results) context.terminal.line(`${name} ${action}${dryRun ? ' (dry run)' : ''}`);
  });
}

export interface ApplyResult {
  /** `service/catalog` */
  readonly name: string;
  readonly action: string;
}

export interface ApplyBehaviour {
  readonly dryRun: boolean;
  readonly refuse: (violations: readonly Violation[]) => Error;
}

/** Throws what `refuse` makes of the control plane's violations, each with the line it belongs to. */
export async function applyDocuments(
  mesh: Pick<MeshConnection, 'resources'>,
  documents: readonly ParsedDocument[],
  { dryRun, refuse }: ApplyBehaviour,
): Promise<ApplyResult[]> {
  const items = documents.map(({ resource, place }) => withSource(resource, place.file, place.line));
  const answer = await mesh.resources.applySet(items, { fieldManager: FIELD_MANAGER, dryRun });
  if (answer.violations !== undefined && answer.violations.length > 0) {
    throw refuse(answer.violations.map((violation) => located(violation, documents)));
  }
  return answer.results.map(({ key, action }) => ({ name: shortName(key), action }));
}

function located(violation: Violation, documents: readonly ParsedDocument[]): Violation {
  const key = keyText(violation);
  const document = documents.find(({ resource }) => keyText(keyOf(resource)) === key);
  return document === undefined ? violation : { ...violation, place: document.locate(violation.path) };
}

/** `Service/shop/catalog` as people read it: `service/catalog`. */
function shortName(key: string): string {
  const [kind = '', , name = ''] = key.split('/');
  return `${meshKinds.byKind(kind)?.singular ?? kind.toLowerCase()}/${name}`;
}
