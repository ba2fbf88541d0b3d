/** Envoy's header mutations → FieldEdits. Values with operators are compiled once. */
import { FieldName } from '../../http/field-name.ts';
import type { HeaderValueOption } from '../../xds/tables/messages.gen.ts';
import { HeaderValueOption_HeaderAppendAction as Action } from '../../xds/tables/messages.gen.ts';
import { compileText, type TextFormat } from '../format/text-format.ts';
import type { FieldEdit, FieldEdits, RouteEdits } from '../route-edits.ts';
import { invalid, unsupported, within } from './problem.ts';
import { NARROW_REACH } from './reach.ts';

interface Message {
  readonly requestHeadersToAdd: readonly HeaderValueOption[];
  readonly requestHeadersToRemove: readonly string[];
  readonly responseHeadersToAdd: readonly HeaderValueOption[];
  readonly responseHeadersToRemove: readonly string[];
}

/** What one level of the configuration says. */
export interface FieldLevel {
  readonly request: FieldEdits;
  readonly response: FieldEdits;
}

export function readHeaderEdits(where: string, message: Message): FieldLevel {
  const at = where === '' ? '' : `${where}.`;
  const edits = (direction: string, added: readonly HeaderValueOption[], removed: readonly string[]): FieldEdits => {
    const remove = readRemoved(`${at}${direction}_headers_to_remove`, removed);
    return { ...readAddedFields(`${at}${direction}_headers_to_add`, added), remove };
  };
  return {
    request: edits('request', message.requestHeadersToAdd, message.requestHeadersToRemove),
    response: edits('response', message.responseHeadersToAdd, message.responseHeadersToRemove),
  };
}

export function readAddedFields(where: string, options: readonly HeaderValueOption[]): FieldEdits {
  const add = readAdded(where, options);
  return { add, remove: [], formatted: add.some(({ format }) => format !== null) };
}

/**
 * `levels` from the most specific on; the last to be applied has the last word. `first` is applied before them, whoever wins.
 * null: nothing is changed.
 */
export function mergeEdits(
  levels: readonly FieldLevel[],
  mostSpecificWins: boolean,
  first: readonly FieldLevel[] = [],
): RouteEdits | null {
  const order = [...first, ...(mostSpecificWins ? levels.toReversed() : levels)];
  const some = (edits: FieldEdits): boolean => edits.add.length + edits.remove.length > 0;
  const request = order.map((level) => level.request).filter(some);
  const response = order.map((level) => level.response).filter(some);
  if (request.length + response.length === 0) return null;
  return { request, response, formatted: [...request, ...response].some((edits) => edits.formatted) };
}

const EXISTING: ReadonlyMap<number, FieldEdit['existing']> = new Map([
  [Action.APPEND_IF_EXISTS_OR_ADD, 'beside'],
  [Action.ADD_IF_ABSENT, 'keep'],
  [Action.OVERWRITE_IF_EXISTS_OR_ADD, 'replace'],
  [Action.OVERWRITE_IF_EXISTS, 'replace-only'],
]);

function readAdded(where: string, options: readonly HeaderValueOption[]): readonly FieldEdit[] {
  return options.flatMap((option, i) => {
    const at = `${where}[${i}]`;
    const { key = '', value = '', rawValue } = option.header ?? {};
    const name = readName(`${at}.header.key`, key);
    if (rawValue !== undefined && rawValue.length > 0) throw unsupported(`${at}.header.raw_value`);
    const existing = option.append === false ? 'replace' : EXISTING.get(option.appendAction);
    if (existing === undefined) throw unsupported(`${at}.append_action`);
    const keepEmpty = option.keepEmptyValue;
    if (value === '' && !keepEmpty) return [];
    return [{ name, ...readValue(`${at}.header.value`, value), keepEmpty, existing }];
  });
}

function readRemoved(where: string, names: readonly string[]): readonly FieldName[] {
  return names.map((name, i) => readName(`${where}[${i}]`, name));
}

/** Framing is the codec's, and the target has rewrites of its own. */
function readName(where: string, text: string): FieldName {
  if (text === '') throw invalid(where, 'required');
  if (text.startsWith(':') || text.toLowerCase() === 'host')
    throw unsupported(where, `${text} has rewrites of its own`);
  const name = within(where, () => new FieldName(text));
  if (name.isHop) throw invalid(where, `${text} belongs to the connection`);
  return name;
}

/** Envoy's substitution commands stand between percent signs; two of them are one. */
function readValue(where: string, text: string): { readonly value: string; readonly format: TextFormat | null } {
  if (text.replaceAll('%%', '').includes('%')) {
    return { value: '', format: compileText(where, text, '', NARROW_REACH) };
  }
  if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) throw invalid(where, 'no value of a field');
  return { value: text.replaceAll('%%', '%'), format: null };
}
