/**
 * Refusals of configuration: a WeftError whose `where` is the field path in the spelling of the .proto, which becomes
 * the reason in a NACK. `read` folders fail on what they cannot do; they never ignore what would change meaning.
 */
import { isWeftError, WeftError } from '../core/errors.ts';

export function invalid(where: string, what: string): WeftError {
  return new WeftError('invalid', { what, where });
}

export function unsupported(where: string, what = 'this proxy cannot do that'): WeftError {
  return new WeftError('unsupported', { what, where });
}

/** Refuses a field that is set: its meaning would be lost. Empty lists, maps and texts, false, 0n and undefined are unset. */
export function refuseSet(where: string, value: unknown): void {
  const unset =
    value === undefined ||
    value === false ||
    value === '' ||
    value === 0n ||
    (Array.isArray(value) && value.length === 0) ||
    (value instanceof Map && value.size === 0);
  if (!unset) throw unsupported(where);
}

/** Runs `read`; a WeftError that it throws tells where it was. */
export function within<T>(where: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw isWeftError(error) ? error.at(where) : error;
  }
}
