/** The log of a long-running command, on standard error: WEFT_LOG_LEVEL and WEFT_LOG_FORMAT (text, json) say how. */
import { isLogLevel, type Log } from '../core/log.ts';
import { createLog } from '../runtime/node/log.ts';
import type { Context } from './context.ts';
import { UsageError } from './exit-codes.ts';

/** `--verbose` is `debug`. Text at a terminal, JSON elsewhere, unless the variable says otherwise. */
export function processLog(context: Context): Log {
  const wanted = process.env['WEFT_LOG_LEVEL'] ?? '';
  if (wanted !== '' && !isLogLevel(wanted)) {
    throw new UsageError(`WEFT_LOG_LEVEL is "${wanted}"`, 'One of: debug, info, warn, error, silent');
  }
  const level = context.globals.verbose === true ? 'debug' : isLogLevel(wanted) ? wanted : 'info';
  const format = process.env['WEFT_LOG_FORMAT'];
  return createLog(format === 'text' || format === 'json' ? { level, json: format === 'json' } : { level });
}
