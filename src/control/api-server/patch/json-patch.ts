/** JSON Patch, RFC 6902, over JSON Pointers, RFC 6901. All operations or none: the result is a new value. */
import { isMap } from '../../../api/validate.ts';
import { WeftError } from '../../../core/errors.ts';
import { equalJson, own } from './json.ts';

const MAX_OPERATIONS = 10_000;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

/** Throws `invalid` with the index of the operation that cannot be done; `conflict` for a `test` that fails. */
export function jsonPatch(target: unknown, patch: unknown): unknown {
  if (!Array.isArray(patch)) throw refused('a JSON patch is a list of operations', '');
  if (patch.length > MAX_OPERATIONS) throw refused(`a JSON patch has at most ${MAX_OPERATIONS} operations`, '');
  return patch.reduce<unknown>((value, operation, index) => step(value, operation, `operation ${index}`), target);
}

function step(value: unknown, operation: unknown, where: string): unknown {
  if (!isOperation(operation)) throw refused('an operation has "op" and "path"', where);
  const path = parsePointer(operation.path, where);
  switch (operation.op) {
    case 'add':
      return add(value, path, required(operation, where), where);
    case 'remove':
      return remove(value, path, where);
    case 'replace':
      read(value, path, where);
      return path.length === 0 ? required(operation, where) : replace(value, path, required(operation, where), where);
    case 'move': {
      const from = parsePointer(operation.from ?? '', where);
      if (from.length < path.length && from.every((part, index) => part === path[index])) {
        throw refused('a value cannot be moved into itself', where);
      }
      const moved = read(value, from, where);
      return add(remove(value, from, where), path, moved, where);
    }
    case 'copy':
      return add(value, path, read(value, parsePointer(operation.from ?? '', where), where), where);
    case 'test':
      if (equalJson(read(value, path, where), operation.value)) return value;
      throw new WeftError('conflict', { what: `the test of ${operation.path} failed`, where });
    default:
      throw refused(`"op" must be add, remove, replace, move, copy or test`, where);
  }
}

function isOperation(operation: unknown): operation is Operation {
  if (!isMap(operation)) return false;
  const { op, path, from } = operation;
  return typeof op === 'string' && typeof path === 'string' && (from === undefined || typeof from === 'string');
}

function required(operation: Operation, where: string): unknown {
  if ('value' in operation) return operation.value;
  throw refused(`"${operation.op}" needs a "value"`, where);
}

/** RFC 6901 section 4: ~1 before ~0. */
function parsePointer(text: string, where: string): string[] {
  if (text === '') return [];
  if (!text.startsWith('/')) throw refused('a path is empty or begins with "/"', where);
  return text
    .slice(1)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(value: unknown, path: readonly string[], where: string): unknown {
  let at = value;
  for (const part of path) {
    if (Array.isArray(at)) at = at[itemIndex(part, at.length - 1, where)];
    else if (isMap(at) && own(at, part) !== undefined) at = at[part];
    else throw refused(`${pointer(path)} does not exist`, where);
  }
  return at;
}

/** Rebuilds the way down to the parent of `path` and lets `change` make the new parent. */
function edit(
  value: unknown,
  path: readonly string[],
  where: string,
  change: (parent: unknown, last: string) => unknown,
): unknown {
  const [head = '', ...rest] = path;
  if (rest.length === 0) return change(value, head);
  const child = edit(read(value, [head], where), rest, where, change);
  if (Array.isArray(value)) return value.with(itemIndex(head, value.length - 1, where), child);
  return { ...(value as Record<string, unknown>), [head]: child };
}

function add(value: unknown, path: readonly string[], added: unknown, where: string): unknown {
  if (path.length === 0) return added;
  return edit(value, path, where, (parent, last) => {
    if (Array.isArray(parent)) {
      return parent.toSpliced(last === '-' ? parent.length : itemIndex(last, parent.length, where), 0, added);
    }
    if (isMap(parent)) return { ...parent, [last]: added };
    throw refused(`${pointer(path)} has no parent`, where);
  });
}

function replace(value: unknown, path: readonly string[], by: unknown, where: string): unknown {
  return edit(value, path, where, (parent, last) =>
    Array.isArray(parent)
      ? parent.with(itemIndex(last, parent.length - 1, where), by)
      : { ...(parent as Record<string, unknown>), [last]: by },
  );
}

function remove(value: unknown, path: readonly string[], where: string): unknown {
  read(value, path, where);
  if (path.length === 0) return null;
  return edit(value, path, where, (parent, last) => {
    if (Array.isArray(parent)) return parent.toSpliced(itemIndex(last, parent.length - 1, where), 1);
    const { [last]: _, ...rest } = parent as Record<string, unknown>;
    return rest;
  });
}

/** RFC 6901 section 4: digits without leading zeros. */
function itemIndex(part: string, max: number, where: string): number {
  const index = /^(0|[1-9]\d{0,8})$/.test(part) ? Number(part) : -1;
  if (index < 0 || index > max) throw refused(`"${part}" is not the index of an item`, where);
  return index;
}

function pointer(path: readonly string[]): string {
  return `/${path.join('/')}`;
}

function refused(what: string, where: string): WeftError {
  return new WeftError('invalid', { what, where });
}
