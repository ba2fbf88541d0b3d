/** What a benchmark says: measurements as JSON lines for machines, or as tables for people. */

export interface Measurement {
  readonly bench: string;
  /** What was measured: `cpu`, `p99`, `rss idle`. */
  readonly name: string;
  readonly unit: string;
  /** A median. */
  readonly value: number;
  /** Of whom; absent: of Weft. */
  readonly of?: string;
  /** Load connections. */
  readonly connections?: number;
  /** Beside whom, and how many times as much as theirs. */
  readonly peer?: string;
  readonly ratio?: number;
  /** Measurements behind the median. */
  readonly samples: number;
}

export interface Report {
  measured(measurement: Measurement): void;
  /** Progress and explanations; never on standard output. */
  say(text: string): void;
}

export function createReport(json: boolean): Report & { end(): void } {
  const all: Measurement[] = [];
  return {
    measured(measurement) {
      if (json) process.stdout.write(`${JSON.stringify(measurement)}\n`);
      else all.push(measurement);
    },
    say: (text) => void process.stderr.write(`${text}\n`),
    end() {
      for (const [bench, rows] of Map.groupBy(all, (row) => row.bench)) process.stdout.write(table(bench, rows));
    },
  };
}

function table(bench: string, rows: readonly Measurement[]): string {
  const cells = rows.map((row) => [
    row.connections === undefined ? '' : `c=${row.connections}`,
    row.name,
    row.of ?? 'weft',
    `${shown(row.value)} ${row.unit}`,
    row.ratio === undefined ? '' : `${row.ratio.toFixed(2)} × ${row.peer ?? ''}`,
  ]);
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const lines = cells.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return `\n${bench}\n${lines.map((line) => `  ${line}\n`).join('')}`;
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
