/** What a bootstrap names in place of a text (certificates, keys, bodies, formats), files or variables, is read when it is. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from '../../core/errors.ts';
import type { JsonValue } from '../../xds/wire/json.ts';

/** Fields of Envoy's type DataSource. */
const SOURCES: ReadonlySet<string> = new Set([
  'trusted_ca',
  'trustedCa',
  'certificate_chain',
  'certificateChain',
  'private_key',
  'privateKey',
  'body',
  'text_format_source',
  'textFormatSource',
]);
const MAX_BYTES = 1 << 20;

/** Relative paths start in the working directory, as with Envoy. What cannot be read is reported with its path. */
export function inlineFiles(
  value: JsonValue,
  report: (path: readonly (string | number)[], what: string) => void,
  path: readonly (string | number)[] = [],
): JsonValue {
  if (Array.isArray(value)) return value.map((each: JsonValue, i) => inlineFiles(each, report, [...path, i]));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, member]): [string, JsonValue] => {
    const at = [...path, key];
    const source = SOURCES.has(key) ? (member as Readonly<Record<string, unknown>> | null) : null;
    const variable = source?.['environment_variable'] ?? source?.['environmentVariable'];
    if (typeof variable === 'string') {
      const text = process.env[variable];
      if (text === undefined) report(at, `the environment has no ${variable}`);
      return [key, { inline_string: text ?? '' }];
    }
    const file = source?.['filename'];
    if (typeof file !== 'string') return [key, inlineFiles(member as JsonValue, report, at)];
    return [key, { inline_string: readOr(file, (what) => report([...at, 'filename'], what)) }];
  });
  return Object.fromEntries(entries);
}

function readOr(file: string, report: (what: string) => void): string {
  try {
    const bytes = readFileSync(resolve(file));
    if (bytes.length > MAX_BYTES) report(`${file} has more than ${MAX_BYTES >> 20} MiB`);
    else return bytes.toString('utf8');
  } catch (error) {
    report(messageOf(error));
  }
  return '';
}
