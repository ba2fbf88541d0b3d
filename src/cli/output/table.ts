/** Tables as kubectl draws them: a head in capitals, columns three spaces apart, nothing behind the last one. */
import { visibleWidth } from './style.ts';

export interface TableColumn {
  readonly title: string;
  /** Numbers stand to the right. */
  readonly right?: boolean;
}

const GAP = '   ';

/** One line a row, the head first; cells may be coloured. No lines when there are no rows. */
export function tableLines(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const head = columns.map((column) => column.title);
  const widths = columns.map((_, index) => Math.max(...[head, ...rows].map((row) => visibleWidth(row[index] ?? ''))));
  const line = (row: readonly string[]) =>
    columns
      .map((column, index) => {
        const cell = row[index] ?? '';
        const space = ' '.repeat(Math.max(0, (widths[index] ?? 0) - visibleWidth(cell)));
        return column.right === true ? space + cell : cell + space;
      })
      .join(GAP)
      .trimEnd();
  return [head, ...rows].map(line);
}

/**
 * The table, or where it is wider than the screen a block a row: its first cell, then a line for each other that says
 * something. `screen`: columns of the terminal; null when nobody's eyes are behind it.
 */
export function fittedLines(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
  screen: number | null,
): string[] {
  const lines = tableLines(columns, rows);
  if (screen === null || lines.every((line) => visibleWidth(line) <= screen)) return lines;
  const names = columns.map(({ title }) => title.toLowerCase());
  const width = Math.max(...names.slice(1).map((name) => name.length));
  return rows.flatMap(([first = '', ...cells]) => [
    first,
    ...cells.flatMap((cell, index) =>
      visibleWidth(cell) === 0 ? [] : [`  ${(names[index + 1] ?? '').padEnd(width)}  ${cell}`],
    ),
  ]);
}

/** Kubernetes' short form of an age: `45s`, `12m`, `3h`, `5d`. */
export function ageText(ageMs: number): string {
  const seconds = Math.max(0, Math.floor(ageMs / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7_200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3_600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
