/** `weft version`: of this program and, when there is one, of the control plane. */
import type { Command } from 'commander';
import { serverVersion } from '../../client/mesh.ts';
import { messageOf } from '../../core/errors.ts';
import type { Context } from '../context.ts';
import { connectAsAdmin } from '../mesh/connect.ts';
import { meshPlace } from '../mesh/state-directory.ts';
import { printedAsData } from '../output/data.ts';
import { VERSION } from '../version.ts';

export function define(command: Command, context: () => Context): void {
  command.option('--client', 'of this program only').action(async (options: { client?: boolean }) => {
    const client = { version: VERSION, node: process.versions.node, platform: `${process.platform}/${process.arch}` };
    const server = options.client === true ? null : await askServer(context());
    if (printedAsData(context(), { client, ...(server === null ? {} : { server }) })) return;
    const { line } = context().terminal;
    line(`weft ${client.version} (Node ${client.node}, ${client.platform})`);
    if (server !== null) line(`control plane ${server.version ?? `not reached: ${server.error}`}`);
  });
}

/** A control plane that is away is an answer, not a failure, of this command. */
async function askServer(context: Context): Promise<{ version?: string; error?: string }> {
  try {
    const { transport } = connectAsAdmin(meshPlace(context.globals).stateDir);
    try {
      return { version: (await serverVersion(transport)).gitVersion };
    } finally {
      transport.close();
    }
  } catch (error) {
    return { error: messageOf(error) };
  }
}
