/** What every command is given: the global options and where to write. */
import type { Terminal } from './output/terminal.ts';

export interface GlobalOptions {
  readonly stateDir?: string;
  readonly output?: string;
  readonly namespace?: string;
  readonly verbose?: boolean;
}

export interface Context {
  readonly terminal: Terminal;
  readonly globals: GlobalOptions;
  /** Called once a command serves that goes on serving: what was compiled for it is kept for the next start. */
  readonly onServing: () => void;
}
