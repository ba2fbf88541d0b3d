/** Redraws a block of lines in place on a terminal, without flicker; elsewhere prints each state below the last. */
import { clip } from './style.ts';
import type { Terminal } from './terminal.ts';

export class InPlace {
  readonly #terminal: Terminal;
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(lines: readonly string[]): void {
    const terminal = this.#terminal;
    if (!terminal.isTerminal) {
      terminal.lines([...lines, '']);
      return;
    }
    const room = Math.max(1, terminal.rows - 1);
    const shown = lines.slice(0, room).map((line) => clip(line, terminal.columns));
    // Each line is overwritten and its rest erased: nothing is ever blank in between.
    const up = this.#drawn === 0 ? '\x1b[?25l' : `\x1b[${this.#drawn}A`;
    terminal.write(`${up}\r${shown.map((line) => `${line}\x1b[K\n`).join('')}\x1b[J`);
    this.#drawn = shown.length;
  }

  /** Gives the cursor back. */
  end(): void {
    if (this.#drawn > 0) this.#terminal.write('\x1b[?25h');
    this.#drawn = 0;
  }
}
