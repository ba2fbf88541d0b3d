/** What a benchmark says: one JSON line a comparison for machines, or tables for people. */

export interface Comparison {
  /** What was measured, and at which load: `pair c=64`, `open-loop p99`. */
  readonly case: string;
  /** null: Weft alone. */
  readonly peer: string | null;
  /** Medians of the rounds. */
  readonly ours: number;
  readonly theirs: number | null;
  readonly unit: string;
  /** Ours over theirs: the median of the rounds' ratios. */
  readonly ratio: number | null;
  /** The most that `ratio` may be, or `ours` where there is none and of the control plane; null: not judged. */
  readonly target: number | null;
  readonly ok: boolean | null;
}

export interface Skipped {
  readonly case: string;
  readonly peer: string | null;
  /** Why. */
  readonly skipped: string;
}

export interface Report {
  compared(comparison: Comparison): void;
  skipped(skipped: Skipped): void;
  /** Progress and explanations; never on standard output. */
  say(text: string): void;
}

export function createReport(json: boolean): Report & { end(): void } {
  const all: (Comparison | Skipped)[] = [];
  const add = (line: Comparison | Skipped): void => {
    if (json) process.stdout.write(`${JSON.stringify(line, rounded)}\n`);
    else all.push(line);
  };
  return {
    compared: add,
    skipped: add,
    say: (text) => void process.stderr.write(`${text}\n`),
    end() {
      if (all.length > 0) process.stdout.write(table(all));
    },
  };
}

/** Four digits say all that a measurement knows. */
function rounded(_key: string, value: unknown): unknown {
  return typeof value === 'number' && Number.isFinite(value) ? Number(value.toPrecision(4)) : value;
}

function table(lines: readonly (Comparison | Skipped)[]): string {
  const rows = lines.map((line) => {
    const peer = line.peer ?? '';
    if ('skipped' in line) return [line.case, '', peer, `skipped: ${line.skipped}`];
    const { ours, theirs, ratio, target, ok, unit } = line;
    const verdict = target === null ? '' : `${ok === true ? '✔' : '✘'} ≤ ${target}`;
    return [
      line.case,
      `${shown(ours)} ${unit}`,
      theirs === null ? peer : `${peer} ${shown(theirs)}`,
      ratio === null ? '' : `× ${ratio.toFixed(2)}`,
      verdict,
    ];
  });
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((text, column) => text.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

function shown(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Between two samples it is interpolated; NaN of none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * q;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at - Math.floor(at));
}
