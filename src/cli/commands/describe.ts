/** `weft describe`: one object, and what follows from it in the mesh. */
import type { Command } from 'commander';
import type { Service } from '../../api/kinds/service.ts';
import type { Workload } from '../../api/kinds/workload.ts';
import { SOURCE_ANNOTATION } from '../../api/origin.ts';
import type { Resource } from '../../api/resource.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import type { Section } from '../describe/section.ts';
import { describeService } from '../describe/service.ts';
import { describeWorkload } from '../describe/workload.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { getNamed, splitKindAndName } from '../mesh/kinds.ts';
import { printedAsData, withoutManagedFields, yamlText } from '../output/data.ts';
import { ageText } from '../output/table.ts';

export function define(command: Command, context: () => Context): void {
  command
    .argument('<kind>', 'a kind, or KIND/NAME')
    .argument('[name]')
    .action((word: string, given: string | undefined) => {
      const { kind, name } = splitKindAndName(word, given);
      if (name === undefined) throw new UsageError(`which ${kind.singular}?`, `weft describe ${word} NAME`);
      return withMesh(context(), async (mesh) => {
        const object = await getNamed(mesh, kind, name);
        const sections = await sectionsOf(mesh, object);
        const data = Object.fromEntries(sections.map(({ key, data }) => [key, data]));
        if (printedAsData(context(), { object: withoutManagedFields(object), ...data })) return;
        print(context(), object, sections);
      });
    });
}

async function sectionsOf(mesh: MeshConnection, object: Resource): Promise<Section[]> {
  if (object.kind === 'Workload') return describeWorkload(mesh, object as Workload);
  if (object.kind === 'Service') return describeService(mesh, object as Service);
  return [];
}

function print(context: Context, object: Resource, sections: readonly Section[]): void {
  const { terminal } = context;
  const { bold } = terminal.style;
  const { name, namespace, labels, annotations, creationTimestamp = '', resourceVersion = '' } = object.metadata;
  const field = (title: string, value: string) =>
    value !== '' && terminal.line(`${bold(`${title}:`.padEnd(12))}${value}`);
  const pairs = (map: Readonly<Record<string, string>> = {}) =>
    Object.entries(map)
      .map(([key, value]) => `${key}=${value}`)
      .join(', ');
  const { [SOURCE_ANNOTATION]: source = '', ...others } = annotations ?? {};
  field('Name', name);
  field('Namespace', namespace ?? '');
  field('Kind', `${object.kind} (${object.apiVersion})`);
  field('Labels', pairs(labels));
  field('Annotations', pairs(others));
  field('Written at', source);
  if (creationTimestamp !== '') {
    field(
      'Created',
      `${creationTimestamp} (${ageText(Date.now() - Date.parse(creationTimestamp))} ago), revision ${resourceVersion}`,
    );
  }
  const block = (title: string, lines: readonly string[]) => {
    if (lines.length > 0) terminal.lines(['', bold(`${title}:`), ...lines.map((line) => `  ${line}`)]);
  };
  if (object.spec !== undefined) block('Spec', yamlText(object.spec).split('\n'));
  if (object.status !== undefined) block('Status', yamlText(object.status).split('\n'));
  for (const { title, lines } of sections) block(title, lines(terminal.style));
}
