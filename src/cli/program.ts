/** The program: global options, the table of commands, and the help topics. Only the command that was named is loaded. */
import { Command, CommanderError } from 'commander';
import type { CommandEntry } from './command.ts';
import { commandNames } from './command-names.ts';
import type { Context, GlobalOptions } from './context.ts';
import { EXIT, EXIT_CODES, exitCodeOf, UsageError } from './exit-codes.ts';
import { printError } from './output/print-error.ts';
import { processTerminal, type Terminal } from './output/terminal.ts';

/** Resolves with the exit code. `words`: the command line without node and script. */
export async function runProgram(
  words: readonly string[],
  commands: readonly CommandEntry[],
  onServing: () => void,
): Promise<number> {
  const terminal = processTerminal();
  try {
    const line = words[0] === '--version' || words[0] === '-V' ? ['version', '--client'] : [...words];
    const named = commandNames(line);
    // Completion tells the options of them all.
    const program = await buildProgram(terminal, commands, named[0] === 'completion' ? null : named, onServing);
    await program.parseAsync(line.length === 0 ? ['help'] : line, { from: 'user' });
    return Number(process.exitCode ?? EXIT.ok);
  } catch (error) {
    const known = error instanceof CommanderError ? usageError(error) : error;
    if (known === null) return EXIT.ok;
    printError(terminal, known);
    return exitCodeOf(known);
  }
}

/** `loaded`: the commands whose modules are needed; null: all. */
export async function buildProgram(
  terminal: Terminal,
  commands: readonly CommandEntry[],
  loaded: readonly string[] | null,
  onServing: () => void,
): Promise<Command> {
  const program = new Command('weft')
    .description('A service mesh: discovery, mTLS, canaries, retries and golden metrics for services in any language.')
    .option('--state-dir <dir>', 'where the control plane and this CLI keep their state (env WEFT_STATE_DIR)')
    .option('-o, --output <format>', 'table, wide, yaml, json or name')
    .option('-n, --namespace <name>', 'namespace (default: the one of the running `weft dev`, else "default")')
    .option('--verbose', 'say more on standard error')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => terminal.write(text), outputError: () => {} })
    .exitOverride()
    .helpCommand(false);
  const context = (): Context => ({ terminal, globals: program.opts<GlobalOptions>(), onServing });
  for (const entry of commands) {
    const command = program.command(entry.name).description(entry.summary).helpGroup(entry.group);
    if (loaded === null || loaded.includes(entry.name)) (await entry.load()).define(command, context);
  }
  program
    .command('help [topic]')
    .description('help for a command, or: exit-codes')
    .helpGroup('Other:')
    .action((topic: string | undefined) => showHelp(program, terminal, topic));
  return program;
}

function showHelp(program: Command, terminal: Terminal, topic: string | undefined): void {
  if (topic === 'exit-codes') {
    terminal.line('Exit codes of weft (`weft run` returns the application’s own code once it was started):\n');
    for (const { code, meaning } of EXIT_CODES) terminal.line(`  ${code}  ${meaning}`);
    return;
  }
  if (topic === undefined) {
    program.outputHelp();
    return;
  }
  const command = program.commands.find((each) => each.name() === topic);
  if (command === undefined) throw new UsageError(`there is no command ${topic}`, 'weft help');
  command.outputHelp();
}

/** commander's words in ours; null when it has only shown help. */
function usageError(error: CommanderError): UsageError | null {
  if (error.exitCode === 0 || error.code === 'commander.help' || error.code === 'commander.helpDisplayed') return null;
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = rest.join(' ').replace(/^\(|\)$/g, '');
  return new UsageError(first, suggestion === '' ? 'weft help' : suggestion);
}
