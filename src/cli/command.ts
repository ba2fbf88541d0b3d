/** The shape of a command's module: it adds its options and its action to the commander command of its name. */
import type { Command } from 'commander';
import type { Context } from './context.ts';

export interface CommandModule {
  /** `context` is read when the action runs: global options are known only then. */
  define(command: Command, context: () => Context): void;
}

export interface CommandEntry {
  readonly name: string;
  readonly summary: string;
  /** Under which the help lists it. */
  readonly group: string;
  readonly load: () => Promise<CommandModule>;
}
