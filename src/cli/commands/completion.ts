/** `weft completion`: scripts for bash, zsh and fish, made from the commands themselves. */
import type { Command } from 'commander';
import { meshKinds } from '../../policies/kinds.ts';
import { COMMANDS } from '../command-table.ts';
import type { Context } from '../context.ts';
import { didYouMean } from '../../api/suggest.ts';
import { UsageError } from '../exit-codes.ts';
import { type CompletedCommand, completionScript, isShell, SHELLS } from '../output/completion-script.ts';

const WITH_KIND = new Set(['get', 'describe', 'delete']);

export function define(command: Command, context: () => Context): void {
  command
    .argument('<shell>', SHELLS.join(', '))
    .addHelpText(
      'after',
      '\nExamples:\n  source <(weft completion bash)\n  weft completion zsh > "${fpath[1]}/_weft"\n  weft completion fish > ~/.config/fish/completions/weft.fish',
    )
    .action(async (shell: string) => {
      if (!isShell(shell))
        throw new UsageError(`there is no completion for ${shell}`, didYouMean(shell, SHELLS) || SHELLS.join(', '));
      context().terminal.line(completionScript(shell, await describeCommands(command, context)));
    });
}

async function describeCommands(own: Command, context: () => Context): Promise<CompletedCommand[]> {
  const program = own.parent;
  const kinds = meshKinds.all.map((kind) => kind.plural);
  const found: CompletedCommand[] = [];
  for (const entry of COMMANDS) {
    const command = program?.commands.find((each) => each.name() === entry.name);
    if (command === undefined) continue;
    if (command !== own) (await entry.load()).define(command, context);
    const options = [...command.options, ...(program?.options ?? [])].flatMap((each) => (each.long ? [each.long] : []));
    const words = WITH_KIND.has(entry.name) ? kinds : command.commands.map((each) => each.name());
    found.push({
      name: entry.name,
      summary: entry.summary,
      options,
      words: entry.name === 'completion' ? SHELLS : words,
    });
  }
  return found;
}
