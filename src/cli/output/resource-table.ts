/** Resources as rows: NAMESPACE, NAME, the columns of their kind, AGE. */
import type { Kind } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';
import { ageText, tableLines } from './table.ts';

export interface ResourceTableOptions {
  readonly wide: boolean;
  readonly showNamespace: boolean;
  readonly nowMs: number;
}

export function resourceTable(kind: Kind, items: readonly Resource[], options: ResourceTableOptions): string[] {
  const columns = kind.columns.filter((column) => options.wide || !column.wide);
  const titles = [...(options.showNamespace ? ['NAMESPACE'] : []), 'NAME', ...columns.map((each) => each.name), 'AGE'];
  const rows = items.map((item) => [
    ...(options.showNamespace ? [item.metadata.namespace ?? ''] : []),
    item.metadata.name,
    ...columns.map((column) => column.value(item)),
    ageOf(item, options.nowMs),
  ]);
  return tableLines(
    titles.map((title) => ({ title })),
    rows,
  );
}

function ageOf(item: Resource, nowMs: number): string {
  const created = Date.parse(item.metadata.creationTimestamp ?? '');
  return Number.isNaN(created) ? '' : ageText(nowMs - created);
}
