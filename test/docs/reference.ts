/** The parts of pages that are generated: every field of a policy, the proxies that enforce it, response flags. */
import { kindSchema } from '../../src/api/openapi.ts';
import { RESPONSE_FLAGS } from '../../src/http/flags.ts';
import type { PolicyKind } from '../../src/policies/policy-kind.ts';

interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
}

/** A table a section of the spec. */
export function fieldReference(kind: PolicyKind): string {
  const { properties } = kindSchema(kind) as { readonly properties: { readonly spec: Schema } };
  const sections = Object.entries(properties.spec.properties ?? {}).map(([name, schema]) => {
    const rows = rowsOf('', schema).map(([field, form, text]) => `| \`${field}\` | ${form} | ${text} |`);
    const head = [`### ${name}`, '', schema.description ?? ''];
    if (rows.length === 0) return [...head, '', `${capital(formOf(schema))}.`].join('\n');
    return [...head, '', '| field | form | meaning |', '|---|---|---|', ...rows].join('\n');
  });
  return sections.join('\n\n');
}

export function flagTable(): string {
  const rows = Object.entries(RESPONSE_FLAGS).flatMap(([flag, text]) =>
    flag === '' ? [] : [`| \`${flag}\` | ${text} |`],
  );
  return ['| `x-weft-flag` | why |', '|---|---|', ...rows].join('\n');
}

export function enforcementTable(kind: PolicyKind): string {
  const rows = Object.entries(kind.enforcedBy).map(
    ([proxy, how]) => `| ${proxy} | ${how === true ? 'all of it' : how} |`,
  );
  return ['| proxy | enforced |', '|---|---|', ...rows].join('\n');
}

/** All kinds of policy beside all kinds of proxy. */
export function enforcementOfAll(kinds: readonly PolicyKind[]): string {
  const proxies = Object.keys(kinds[0]?.enforcedBy ?? {}) as (keyof PolicyKind['enforcedBy'])[];
  const rows = kinds.map(({ kind, side, enforcedBy }) => {
    const cells = proxies.map((proxy) => (enforcedBy[proxy] === true ? 'yes' : enforcedBy[proxy]));
    return `| ${kind} | ${side === 'callee' ? 'the application' : 'the caller'} | ${cells.join(' | ')} |`;
  });
  return [`| policy | beside | ${proxies.join(' | ')} |`, `|${'---|'.repeat(proxies.length + 2)}`, ...rows].join('\n');
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function rowsOf(path: string, schema: Schema): [field: string, form: string, text: string][] {
  const { properties, required = [], items } = schema;
  if (items !== undefined) return rowsOf(`${path}[]`, items);
  return Object.entries(properties ?? {}).flatMap(([name, child]): [string, string, string][] => {
    const field = path === '' ? name : `${path}.${name}`.replace(/^\[\]\./, '');
    const form = `${formOf(child)}${required.includes(name) ? ', required' : ''}`;
    const text = (child.description ?? '').replaceAll('|', '\\|');
    return [[field, form, text], ...rowsOf(field, child)];
  });
}

function formOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.join(', ');
  if (schema.items !== undefined) return `list, at most ${schema.maxItems}`;
  if (schema.properties !== undefined) return 'map';
  if (schema.minimum === undefined || schema.maximum === undefined) return schema.type ?? 'any';
  return `${schema.minimum} to ${schema.maximum}`;
}
