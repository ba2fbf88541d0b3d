/** `weft diff`: what the control plane would send a proxy now against what the proxy has. */
import type { Command } from 'commander';
import type { Workload } from '../../api/kinds/workload.ts';
import type { Origin } from '../../api/resource.ts';
import type { Context } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { getNamed, kindNamed } from '../mesh/kinds.ts';
import { printedAsData } from '../output/data.ts';
import { printable, type Style } from '../output/style.ts';
import { compareAll, type Comparison } from '../proxies/comparison.ts';
import { type Held, readHeld } from '../proxies/held.ts';
import type { Json } from '../proxies/json-difference.ts';
import { originCell } from '../proxies/origins.ts';
import { type Offered, readOffered } from '../proxies/offered.ts';
import { SECTION_ARGUMENT, sectionsNamed } from '../proxies/section-argument.ts';
import { type Section, typeNameOf } from '../proxies/sections.ts';

/** A field that differs may be a whole list of routes: `-o json` has all of it. */
const MAX_VALUE_CHARS = 300;

export function define(command: Command, context: () => Context): void {
  command
    .argument('<name>', 'a workload of the namespace')
    .argument('[section]', SECTION_ARGUMENT, 'all')
    .addHelpText(
      'after',
      `
  ~  the proxy has it in another version; below it each field: - as the proxy has it, + as it would be sent
  +  missing: the proxy asked for it and does not have it
  -  extra: the proxy has it, and would not be sent it any more

What Weft's proxy and Envoy have is what their admin endpoint says. For a gRPC client, and for a proxy on another machine,
it is what was acknowledged to the control plane, and the first line says so.

Exit code: 0 the same, ${EXIT.different} different.

Examples:
  weft diff web-1
  weft diff web-1 routes -o json`,
    )
    .action((name: string, section: string) => {
      const sections = sectionsNamed(section);
      return withMesh(context(), (mesh) => diff(context(), mesh, name, sections));
    });
}

async function diff(context: Context, mesh: MeshConnection, name: string, sections: readonly Section[]) {
  const workload = (await getNamed(mesh, kindNamed('workloads'), name)) as Workload;
  const offered = await readOffered(mesh, name, sections);
  const held = await readHeld(workload, offered);
  const compared = compareAll(offered, held).filter(({ section }) => sections.includes(section));
  const same = compared.every(({ state }) => state === 'same');
  if (!same) process.exitCode = EXIT.different;
  const originsOf = ({ section, name: resource }: Comparison): readonly Origin[] =>
    offered.resources.find((each) => each.section === section && each.name === resource)?.origins ?? [];
  const { kind, source } = held;
  const { connected } = offered;
  const resources = compared.map((each) => ({ ...each, origins: originsOf(each) }));
  if (printedAsData(context, { workload: name, kind, source, connected, same, resources })) return;
  const { terminal } = context;
  const extra = compared.some(({ state }) => state === 'extra');
  terminal.lines(aboutLines(name, held, offered, extra, terminal.style));
  for (const each of compared) terminal.lines(comparisonLines(each, originCell(originsOf(each)), terminal.style));
  terminal.lines(summary(compared, terminal.style));
}

function aboutLines(name: string, held: Held, { connected }: Offered, extra: boolean, style: Style): string[] {
  return [
    ...(held.isOwnWord ? [] : [style.yellow(`by ${held.source}`)]),
    ...(connected ? [] : [style.yellow(`${name} is not connected to the control plane`)]),
    ...(connected || !extra
      ? []
      : [style.yellow('what it asked for on demand is not known meanwhile, and counts as extra')]),
  ];
}

function comparisonLines(each: Comparison, origin: string, style: Style): string[] {
  const title = `${typeNameOf(each.section)} ${each.name}`;
  const from = origin === '' ? '' : `   ${style.dim(origin)}`;
  const why = each.problem === '' ? [] : [`    ${style.yellow(printable(each.problem))}`];
  switch (each.state) {
    case 'same':
      return [];
    case 'missing':
      return [`${style.green('+')} ${title}${from}`, ...why];
    case 'extra':
      return [`${style.red('-')} ${title}`, ...why];
    case 'changed':
      return [`${style.yellow('~')} ${title}${from}`, ...why, ...fieldLines(each, style)];
  }
}

function fieldLines({ differences, version, offered }: Comparison, style: Style): string[] {
  if (differences.length === 0) return [`    version ${version || 'unknown'}, would be ${offered}`];
  return differences.flatMap(({ path, has, offered: next }) => [
    `    ${path || 'the whole'}`,
    ...(has === undefined ? [] : [style.red(`      - ${valueText(has)}`)]),
    ...(next === undefined ? [] : [style.green(`      + ${valueText(next)}`)]),
  ]);
}

function valueText(value: Json): string {
  const text = printable(JSON.stringify(value));
  return text.length <= MAX_VALUE_CHARS ? text : `${text.slice(0, MAX_VALUE_CHARS - 1)}…`;
}

function summary(compared: readonly Comparison[], style: Style): string[] {
  const count = (state: Comparison['state']) => compared.filter((each) => each.state === state).length;
  const parts = (['changed', 'missing', 'extra'] as const).flatMap((state) =>
    count(state) === 0 ? [] : [`${count(state)} ${state}`],
  );
  const equal = `${count('same')} the same`;
  return parts.length === 0 ? [`${style.green('✓')} ${equal}`] : ['', [...parts, equal].join(', ')];
}
