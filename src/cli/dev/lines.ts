/** What the children say: each line under a name of its own colour, printed as it comes or kept for the live view. */
import type { Paint, Style } from '../output/style.ts';
import type { Terminal } from '../output/terminal.ts';

const KEPT = 500;

export class Lines {
  readonly #terminal: Terminal;
  readonly #paints: readonly Paint[];
  readonly #colors = new Map<string, Paint>();
  readonly #kept: string[] = [];
  readonly #width: number;
  /** `stderr`: standard output is for a report. */
  #target: 'stdout' | 'stderr' | 'kept';

  constructor(terminal: Terminal, target: 'stdout' | 'stderr' | 'kept', width: number) {
    this.#terminal = terminal;
    this.#target = target;
    this.#width = width;
    const style: Style = target === 'stderr' ? terminal.errorStyle : terminal.style;
    this.#paints = [style.cyan, style.magenta, style.blue, style.yellow, style.green];
  }

  readonly say = (source: string, line: string): void => {
    const paint = this.#colors.get(source) ?? this.#paints[this.#colors.size % this.#paints.length] ?? String;
    this.#colors.set(source, paint);
    const text = `${paint(source.padEnd(this.#width))} ${line}`;
    if (this.#target === 'stderr') this.#terminal.errorLine(text);
    else if (this.#target === 'stdout') this.#terminal.line(text);
    else {
      this.#kept.push(text);
      if (this.#kept.length > KEPT) this.#kept.shift();
    }
  };

  last(count: number): readonly string[] {
    return count <= 0 ? [] : this.#kept.slice(-count);
  }

  /** From now on lines are printed as they come. */
  print(): void {
    this.#target = 'stdout';
  }
}
