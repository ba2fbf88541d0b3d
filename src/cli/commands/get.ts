/** `weft get`: resources as a table, as data, or as names; once or as they change. */
import type { Command } from 'commander';
import { apiVersionOf, type Kind } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';
import { follow } from '../../client/watch.ts';
import type { Context } from '../context.ts';
import { UsageError } from '../exit-codes.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { getNamed, splitKindAndName } from '../mesh/kinds.ts';
import { jsonText, outputFormat, withoutManagedFields, yamlText } from '../output/data.ts';
import { resourceTable } from '../output/resource-table.ts';

interface GetOptions {
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  readonly watch?: boolean;
}

const FORMATS = ['table', 'wide', 'yaml', 'json', 'name'] as const;
type Format = (typeof FORMATS)[number];

export function define(command: Command, context: () => Context): void {
  command
    .argument('<kind>', 'services, workloads, httproutes, … (or KIND/NAME)')
    .argument('[name]')
    .option('-A, --all-namespaces', 'in every namespace')
    .option('-l, --selector <labels>', 'only those with these labels, such as app=catalog,version!=v1')
    .option('-w, --watch', 'go on, and print what changes')
    .action((word: string, given: string | undefined, options: GetOptions) => {
      const { kind, name } = splitKindAndName(word, given);
      const format: Format = outputFormat(context(), FORMATS);
      return withMesh(context(), (mesh) => get(context(), mesh, { kind, name, options, format }));
    });
}

interface Question {
  readonly kind: Kind;
  readonly name: string | undefined;
  readonly options: GetOptions;
  readonly format: Format;
}

async function get(context: Context, mesh: MeshConnection, question: Question): Promise<void> {
  const { kind, name, options, format } = question;
  const all = options.allNamespaces === true && kind.namespaced;
  if (name !== undefined && (all || options.selector !== undefined)) {
    throw new UsageError('a name and a choice of many exclude each other', 'Leave out the name, or -A and -l');
  }
  if (options.watch === true) return watchResources(context, mesh, question);
  if (name !== undefined) {
    const found = await getNamed(mesh, kind, name);
    print(context, kind, [found], format, { showNamespace: false, list: false });
    return;
  }
  const { items } = await mesh.resources.list(kind, all ? null : mesh.namespace, { labelSelector: options.selector });
  if (items.length === 0 && (format === 'table' || format === 'wide')) {
    const where = all || !kind.namespaced ? '' : ` in namespace ${mesh.namespace}`;
    context.terminal.errorLine(`no ${kind.plural}${where}`);
    return;
  }
  print(context, kind, items, format, { showNamespace: all, list: true });
}

interface PrintOptions {
  readonly showNamespace: boolean;
  readonly list: boolean;
}

function print(context: Context, kind: Kind, items: readonly Resource[], format: Format, options: PrintOptions): void {
  const { terminal } = context;
  if (format === 'name') terminal.lines(items.map((item) => `${kind.singular}/${item.metadata.name}`));
  else if (format === 'json' || format === 'yaml') {
    const clean = items.map((item) => withoutManagedFields(item));
    const value = options.list ? { apiVersion: 'v1', kind: 'List', items: clean } : clean[0];
    terminal.line(format === 'json' ? jsonText(value) : yamlText(value));
  } else {
    const wide = format === 'wide';
    terminal.lines(resourceTable(kind, items, { wide, showNamespace: options.showNamespace, nowMs: Date.now() }));
  }
}

/** A line, a document or an object an event, until the reader has seen enough. */
async function watchResources(context: Context, mesh: MeshConnection, question: Question): Promise<void> {
  const { kind, name, options, format } = question;
  const all = options.allNamespaces === true || !kind.namespaced;
  const stop = new AbortController();
  const end = () => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  const choice = options.selector === undefined ? {} : { labelSelector: options.selector };
  const scope = { namespace: all ? null : mesh.namespace, signal: stop.signal, ...choice };
  const wanted = (item: Resource) => name === undefined || item.metadata.name === name;
  const show = (event: string, item: Resource) => {
    const { terminal } = context;
    if (format === 'json') terminal.line(JSON.stringify({ type: event, object: withoutManagedFields(item) }));
    else if (format === 'yaml') terminal.line(`---\n${yamlText(withoutManagedFields(item))}`);
    else if (format === 'name') terminal.line(`${kind.singular}/${item.metadata.name}`);
    else {
      const wide = format === 'wide';
      const [, row = ''] = resourceTable(kind, [item], {
        wide,
        showNamespace: all && kind.namespaced,
        nowMs: Date.now(),
      });
      terminal.line(`${event.padEnd(9)} ${row}`);
    }
  };
  for await (const event of follow<Resource>(mesh.transport, kind, scope)) {
    if (event.type !== 'REPLACE') {
      const object = { ...event.object, apiVersion: apiVersionOf(kind), kind: kind.kind };
      if (wanted(object)) show(event.type, object);
    } else for (const item of event.items) if (wanted(item)) show('PRESENT', item);
  }
}
