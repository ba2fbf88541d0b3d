/** What a proxy refuses, for people: the resource, the reason, and where it was written. */
import type { Refusal } from '../mesh/mesh-status.ts';
import type { Style } from '../output/style.ts';
import { printable } from '../output/style.ts';
import { ageText } from '../output/table.ts';

/** A block each, with an empty line before it. */
export function refusalLines(node: string, refusals: readonly Refusal[], style: Style, nowMs: number): string[] {
  return refusals.flatMap(({ type, resource, reason, since, origins }) => [
    '',
    `${style.red('✗')} ${node} refused ${type} ${resource}${since === null ? '' : `, ${ageText(nowMs - Date.parse(since))} ago`}`,
    ...(reason === '' ? [] : [`    why:   ${printable(reason)}`]),
    ...origins.map((origin) => `    from:  ${origin}`),
    '    It serves the version before until this is mended.',
  ]);
}
