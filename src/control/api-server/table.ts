/** `Table` answers (meta.k8s.io/v1): how kubectl shows a list without knowing the kind. */
import type { Kind } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';

/** What rows carry beside their cells: `includeObject` of the query; kubectl asks for Object with custom formats. */
export type RowObject = 'None' | 'Metadata' | 'Object';

export interface TableOptions {
  readonly rowObject: RowObject;
  readonly nowMs: number;
  readonly resourceVersion: string;
}

/** True when the client prefers a Table to the plain object. */
export function wantsTable(accept: string): boolean {
  const [first = ''] = accept.split(',');
  return /;\s*as=Table\b/.test(first) && /;\s*g=meta\.k8s\.io\b/.test(first);
}

export function readRowObject(query: URLSearchParams): RowObject {
  const value = query.get('includeObject');
  return value === 'None' || value === 'Object' ? value : 'Metadata';
}

export function tableOf(kind: Kind, items: readonly Resource[], options: TableOptions): Record<string, unknown> {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: { resourceVersion: options.resourceVersion },
    columnDefinitions: columnDefinitions(kind),
    rows: items.map((item) => ({
      cells: [
        item.metadata.name,
        ...kind.columns.map((column) => column.value(item)),
        ageText(item.metadata.creationTimestamp, options.nowMs),
      ],
      ...rowObject(item, options.rowObject),
    })),
  };
}

function columnDefinitions(kind: Kind): readonly unknown[] {
  const column = (name: string, format: string, wide: boolean) => ({
    name,
    type: 'string',
    format,
    description: '',
    priority: wide ? 1 : 0,
  });
  return [
    column('Name', 'name', false),
    ...kind.columns.map((each) => column(each.name, '', each.wide)),
    column('Age', '', false),
  ];
}

function rowObject(item: Resource, kind: RowObject): Record<string, unknown> {
  if (kind === 'None') return {};
  if (kind === 'Object') return { object: item };
  const partial = { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: item.metadata };
  return { object: partial };
}

/** `90s`, `15m`, `30h`, `12d`: two digits of the largest fitting unit, as kubectl does. */
function ageText(since: string | undefined, nowMs: number): string {
  const seconds = Math.max(0, Math.floor((nowMs - Date.parse(since ?? '')) / 1000));
  if (Number.isNaN(seconds)) return '<unknown>';
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 120 * 60) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 48 * 3600) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
