/** The one place where an error becomes text for a person: what happened, where, what to do. */
import { isWeftError, messageOf } from '../../core/errors.ts';
import { UsageError } from '../exit-codes.ts';
import { inSourceLines } from '../../runtime/node/stack-trace.ts';
import { printable } from './style.ts';
import type { Terminal } from './terminal.ts';

export function printError(terminal: Terminal, error: unknown): void {
  const { red, dim } = terminal.errorStyle;
  const say = (word: string, text: string) => {
    if (text !== '') terminal.errorLine(`  ${dim(word.padEnd(7))}${printable(text)}`);
  };
  if (error instanceof UsageError) {
    terminal.errorLine(`${red('error:')} ${printable(error.message)}`);
    say('try:', error.hint);
  } else if (isWeftError(error)) {
    terminal.errorLine(`${red('error:')} ${printable(error.what)}`);
    say('where:', error.where);
    say('try:', error.hint);
  } else {
    terminal.errorLine(`${red('error:')} ${printable(messageOf(error))}`);
    say('where:', 'inside weft: this is a bug');
    say('try:', 'run the command again with WEFT_DEBUG=1 and report what it prints');
  }
  if (process.env['WEFT_DEBUG'] === '1' && error instanceof Error) {
    terminal.errorLine(dim(inSourceLines(error.stack ?? '')));
    if (error.cause instanceof Error) terminal.errorLine(dim(`caused by: ${inSourceLines(error.cause.stack ?? '')}`));
  }
}
