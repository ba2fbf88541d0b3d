/** `weft completion`: scripts for bash, zsh and fish, made from the commands themselves. */
import type { Command } from 'commander';
import { meshKinds } from '../../policies/kinds.ts';
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
    .action((shell: string) => {
      if (!isShell(shell))
        throw new UsageError(`there is no completion for ${shell}`, didYouMean(shell, SHELLS) || SHELLS.join(', '));
      context().terminal.line(completionScript(shell, describeCommands(command)));
    });
}

/** What the program knows of itself: it has loaded every command for this one. */
function describeCommands(own: Command): CompletedCommand[] {
  const program = own.parent;
  const kinds = meshKinds.all.map((kind) => kind.plural);
  const longForms = (command: Command) => command.options.flatMap((each) => (each.long ? [each.long] : []));
  return (program?.commands ?? [])
    .filter((command) => command.name() !== 'help')
    .map((command) => {
      const name = command.name();
      const subcommands = command.commands.map((each) => each.name());
      const words = command === own ? SHELLS : WITH_KIND.has(name) ? kinds : subcommands;
      const options = [...longForms(command), ...(program === null ? [] : longForms(program))];
      return { name, summary: command.description(), options, words };
    });
}
