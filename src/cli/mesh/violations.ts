/** Violations on the screen: one block each, with the place that an editor can jump to. */
import type { Violation } from '../../api/violation.ts';
import { WeftError } from '../../core/errors.ts';
import type { Terminal } from '../output/terminal.ts';

/** Prints each; returns the error that ends the command. */
export function refusal(terminal: Terminal, violations: readonly Violation[]): WeftError {
  const { bold, dim } = terminal.errorStyle;
  for (const { kind, name, path, message, hint, place } of violations) {
    const at = place === null ? '' : bold(`${place.file}:${place.line}:${place.column}: `);
    const object = [kind, name].filter((part) => part !== '').join(' ');
    const field = [object, path].filter((part) => part !== '').join(': ');
    terminal.errorLine(`${at}${field === '' ? 'the document' : field} ${message}`);
    if (hint !== '') terminal.errorLine(`    ${dim(hint)}`);
  }
  const count = violations.length;
  return new WeftError('invalid', {
    what: `${count} ${count === 1 ? 'violation' : 'violations'}: nothing was applied`,
    hint: 'Mend the lines above and apply again',
  });
}
