/**
 * Counters and gauges of one process: a series is resolved once to an index into an array of doubles, so that counting
 * on the request path is one addition. Telemetry reads them all; nothing else does.
 */

export type Labels = Readonly<Record<string, string>>;
export type SeriesKind = 'counter' | 'gauge';

export interface Counter {
  add(by: number): void;
  readonly value: number;
}

export interface Gauge {
  set(value: number): void;
  add(by: number): void;
  readonly value: number;
}

export interface Series {
  readonly name: string;
  readonly labels: Labels;
  readonly kind: SeriesKind;
  readonly value: number;
}

/** The series that counts what found no place of its own. */
export const DROPPED_SERIES = 'weft_metric_series_dropped_total';

class Cell implements Counter, Gauge {
  readonly #owner: Counters;
  readonly #index: number;

  constructor(owner: Counters, index: number) {
    this.#owner = owner;
    this.#index = index;
  }

  get value(): number {
    return this.#owner.cells[this.#index] ?? 0;
  }

  add(by: number): void {
    const cells = this.#owner.cells;
    cells[this.#index] = (cells[this.#index] ?? 0) + by;
  }

  set(value: number): void {
    this.#owner.cells[this.#index] = value;
  }
}

interface SeriesEntry {
  readonly name: string;
  readonly labels: Labels;
  readonly kind: SeriesKind;
  readonly cell: Cell;
  readonly index: number;
}

export class Counters {
  /** Replaced when it grows: read it anew each time. */
  cells = new Float64Array(64);
  readonly #byKey = new Map<string, SeriesEntry>();
  readonly #maxSeries: number;
  readonly #dropped: Cell;
  readonly #nowhere: Cell;
  #used = 0;

  /** `maxSeries` bounds what labels can make of memory; past it, new series share one that is not shown. */
  constructor(maxSeries = 20_000) {
    this.#maxSeries = maxSeries;
    this.#nowhere = new Cell(this, this.#allocate());
    this.#dropped = this.#series(DROPPED_SERIES, {}, 'counter');
  }

  /** The same counter for the same name and labels. Names follow Prometheus: snake case, `_total` at the end. */
  counter(name: string, labels: Labels = {}): Counter {
    return this.#series(name, labels, 'counter');
  }

  gauge(name: string, labels: Labels = {}): Gauge {
    return this.#series(name, labels, 'gauge');
  }

  /** All series, those of one name together, in the order in which the names appeared. */
  *series(): Generator<Series> {
    const byName = new Map<string, SeriesEntry[]>();
    for (const entry of this.#byKey.values()) {
      const group = byName.get(entry.name);
      if (group === undefined) byName.set(entry.name, [entry]);
      else group.push(entry);
    }
    for (const group of byName.values()) {
      for (const { name, labels, kind, cell } of group) yield { name, labels, kind, value: cell.value };
    }
  }

  #series(name: string, labels: Labels, kind: SeriesKind): Cell {
    const key = seriesKey(name, labels);
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.cell;
    if (this.#byKey.size >= this.#maxSeries) {
      this.#dropped.add(1);
      return this.#nowhere;
    }
    const index = this.#allocate();
    const cell = new Cell(this, index);
    this.#byKey.set(key, { name, labels: { ...labels }, kind, cell, index });
    return cell;
  }

  #allocate(): number {
    if (this.#used === this.cells.length) {
      const wider = new Float64Array(this.cells.length * 2);
      wider.set(this.cells);
      this.cells = wider;
    }
    return this.#used++;
  }
}

/** One text for a name and its labels, whatever the order of the labels. JSON, so that no value can imitate another. */
export function seriesKey(name: string, labels: Labels): string {
  return JSON.stringify([name, ...Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))]);
}
