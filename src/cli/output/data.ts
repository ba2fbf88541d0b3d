/** Data for programs: JSON and YAML. Field bookkeeping is left out of objects that people read. */
import { stringify } from 'yaml';
import type { Resource } from '../../api/resource.ts';
import { UsageError } from '../exit-codes.ts';
import type { Context } from '../context.ts';

export function jsonText(value: unknown): string {
  return JSON.stringify(value, null, 2);
}

export function yamlText(value: unknown): string {
  return stringify(value, { lineWidth: 0 }).trimEnd();
}

export function withoutManagedFields(resource: Resource): Resource {
  const { managedFields: _, ...metadata } = resource.metadata;
  return { ...resource, metadata };
}

/** The `--output` of a command, which must be one of `allowed`; the first is the default. */
export function outputFormat<Format extends string>(context: Context, allowed: readonly [Format, ...Format[]]): Format {
  const wanted = context.globals.output ?? allowed[0];
  const found = allowed.find((each) => each === wanted);
  if (found === undefined)
    throw new UsageError(`--output ${wanted} is not possible here`, `One of: ${allowed.join(', ')}`);
  return found;
}

/** Prints `value` as JSON or YAML when that was asked for; false: the caller prints for people. */
export function printedAsData(context: Context, value: unknown): boolean {
  const format = outputFormat(context, ['table', 'json', 'yaml']);
  if (format === 'table') return false;
  context.terminal.line(format === 'json' ? jsonText(value) : yamlText(value));
  return true;
}
