/** `weft proxy-config`: what a proxy runs on, whichever kind it is, with the place that each line was written in. */
import type { Command } from 'commander';
import type { Workload } from '../../api/kinds/workload.ts';
import { askAdmin } from '../edges/scrape.ts';
import type { Context } from '../context.ts';
import { type MeshConnection, withMesh } from '../mesh/connect.ts';
import { getNamed, kindNamed } from '../mesh/kinds.ts';
import { printedAsData } from '../output/data.ts';
import { type Held, readHeld } from '../proxies/held.ts';
import type { HeldResource } from '../proxies/held-resource.ts';
import { Origins } from '../proxies/origins.ts';
import { readOffered } from '../proxies/offered.ts';
import { ownCertificate } from '../proxies/own-certificate.ts';
import { messageJson, type Section } from '../proxies/sections.ts';
import { SECTION_ARGUMENT, sectionsNamed } from '../proxies/section-argument.ts';
import { sectionLines } from '../proxies/tables.ts';

export function define(command: Command, context: () => Context): void {
  command
    .argument('<name>', 'a workload of the namespace')
    .argument('[section]', SECTION_ARGUMENT, 'all')
    .option('--name <text>', 'only resources whose name contains the text')
    .addHelpText(
      'after',
      `
It asks the proxy itself, at its admin endpoint on this machine. A gRPC client has none, and a proxy on another machine
does not answer here: then it shows what was acknowledged to the control plane, and says so. Keys are never shown.

Examples:
  weft proxy-config web-1 routes
  weft proxy-config web-1 clusters --name catalog
  weft proxy-config web-1 all -o json`,
    )
    .action((name: string, section: string, { name: part = '' }: { name?: string }) => {
      const sections = sectionsNamed(section);
      return withMesh(context(), (mesh) => proxyConfig(context(), mesh, name, sections, part));
    });
}

async function proxyConfig(
  context: Context,
  mesh: MeshConnection,
  name: string,
  sections: readonly Section[],
  part: string,
): Promise<void> {
  const workload = (await getNamed(mesh, kindNamed('workloads'), name)) as Workload;
  const offered = await readOffered(mesh, name, sections);
  const held = await readHeld(workload, offered);
  const origins = new Origins(offered);
  const certificate = sections.includes('secrets') ? ownCertificate(await askAdmin(workload, '/weft/certs')) : null;
  const resources = [...held.resources, ...(certificate === null ? [] : [certificate])]
    .filter((each) => each.name.includes(part))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  if (printedAsData(context, asData(name, held, sections, resources, origins))) return;
  const { terminal } = context;
  const { style } = terminal;
  const screen = terminal.isTerminal ? terminal.columns : null;
  if (!held.isOwnWord) terminal.lines([style.yellow(`by ${held.source}`), '']);
  for (const [index, section] of sections.entries()) {
    const here = resources.filter((each) => each.section === section);
    if (section === 'hosts' && here.length === 0) continue;
    if (sections.length > 1) terminal.lines([...(index > 0 ? [''] : []), style.bold(section)]);
    terminal.lines(sectionLines(section, here, origins, style, screen));
  }
}

function asData(
  name: string,
  { kind, source }: Held,
  sections: readonly Section[],
  resources: readonly HeldResource[],
  origins: Origins,
) {
  const parts = sections.map((section) => {
    const here = resources.filter((each) => each.section === section);
    return [
      section,
      here.map((each) => ({
        name: each.name,
        version: each.version,
        state: each.state,
        problem: each.problem,
        origins: origins.ofResource(each),
        config: each.message === null ? null : messageJson(section, each.message),
      })),
    ];
  });
  return { workload: name, kind, source, ...Object.fromEntries(parts) };
}
