/** What is wrong with a patch can be told before any proxy is known: forms, unknown fields, and what is never a patch's business. */
import type { FieldPath, ReportViolation } from '../../api/violation.ts';
import { fieldOf, readFragment } from './fragment.ts';
import type { Fragment } from './json.ts';
import type { PatchEntry } from './kind.ts';
import { isOwnName } from './own-names.ts';
import { type Subject, SUBJECTS } from './subject.ts';

export function checkPatches(patches: readonly PatchEntry[], report: ReportViolation): void {
  for (const [index, patch] of patches.entries()) {
    const at = ['spec', 'patches', index];
    const tell: ReportViolation = (path, message, hint) => report([...at, ...path], message, hint);
    const subject = SUBJECTS[patch.on];
    checkShape(patch, subject, tell);
    if (patch.value === undefined || patch.operation === 'remove') continue;
    const { fragment, problems } = readFragment(subject.schema, patch.value);
    for (const { path, message, hint } of problems) tell(['value', ...path], message, hint);
    if (patch.operation === 'merge') checkKept(patch, subject, tell);
    else checkAdded(patch, fragment, tell);
  }
}

function checkShape(
  { on, operation, match = {}, before, after, lists, value }: PatchEntry,
  subject: Subject,
  tell: ReportViolation,
): void {
  if (!subject.operations.includes(operation)) {
    tell(['operation'], `${operation} is not possible on a ${on}`, `Possible: ${subject.operations.join(', ')}`);
  }
  if (operation === 'remove' && value !== undefined) tell(['value'], 'must be left out of a remove');
  if (operation !== 'remove' && value === undefined) tell(['value'], 'is required');
  if (operation !== 'merge' && lists !== undefined) tell(['lists'], 'is for merge only');
  const isOrdered = on === 'NetworkFilter' || on === 'HttpFilter' || on === 'Route';
  for (const [name, place] of [
    ['before', before],
    ['after', after],
  ] as const) {
    if (place !== undefined && (operation !== 'add' || !isOrdered)) {
      tell([name], 'is for adding a NetworkFilter, an HttpFilter or a Route');
    }
  }
  if (before !== undefined && after !== undefined) tell(['after'], 'must not stand beside before');
  for (const name of ['filterChain', 'filter', 'virtualHost', 'route'] as const) {
    const isTheAdded = operation === 'add' && name === subject.matches.at(-1);
    if (match[name] === undefined || (subject.matches.includes(name) && !isTheAdded)) continue;
    tell(['match', name], isTheAdded ? 'names what is added: use before or after' : `means nothing for a ${on}`);
  }
  if (operation === 'add' && (on === 'Listener' || on === 'Cluster') && Object.keys(match).length > 0) {
    tell(['match'], `means nothing for a ${on} that is added`);
  }
}

function checkKept({ value = {} }: PatchEntry, { schema, kept }: Subject, tell: ReportViolation): void {
  for (const key of Object.keys(value)) {
    const why = kept[fieldOf(schema, key)?.jsonName ?? ''];
    if (why !== undefined) tell(['value', key], 'cannot be changed by a patch', why);
  }
}

function checkAdded({ on }: PatchEntry, fragment: Fragment, tell: ReportViolation): void {
  const path: FieldPath = ['value', 'name'];
  const { name } = fragment;
  if (typeof name !== 'string' || name === '') tell(path, 'is required');
  else if ((on === 'Listener' || on === 'Cluster') && isOwnName(name)) {
    tell(path, 'is a name of Weft’s own', 'Names with "|" and those of passthrough clusters are taken');
  }
}
