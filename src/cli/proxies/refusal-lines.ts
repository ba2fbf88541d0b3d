/** What a proxy refuses, for people: the resource, the reason, and where it was written. */
import { bothEnds } from '../../core/both-ends.ts';
import type { Refusal } from '../mesh/mesh-status.ts';
import type { Style } from '../output/style.ts';
import { printable } from '../output/style.ts';
import { ageText } from '../output/table.ts';

/** Envoy prints the whole resource beside what is wrong with it. */
const MAX_REASON_CHARS = 400;

/** A block each, with an empty line before it. */
export function refusalLines(node: string, refusals: readonly Refusal[], style: Style, nowMs: number): string[] {
  return refusals.flatMap(({ type, resource, reason, since, origins }) => [
    '',
    `${style.red('✗')} ${node} refused ${type} ${resource}${since === null ? '' : `, ${ageText(nowMs - Date.parse(since))} ago`}`,
    ...(reason === '' ? [] : [`    why:   ${bothEnds(printable(reason).replaceAll(/\s+/g, ' '), MAX_REASON_CHARS)}`]),
    ...origins.map((origin) => `    from:  ${origin}`),
    '    It serves the version before until this is mended.',
  ]);
}
