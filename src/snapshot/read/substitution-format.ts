/** Envoy's SubstitutionFormatString → a function from facts to text. */
import { textOf } from '../../core/bytes.ts';
import type { DataSource, SubstitutionFormatString } from '../../xds/tables/messages.gen.ts';
import { compileJson } from '../format/json-format.ts';
import type { Reach } from '../format/operator.ts';
import { compileText, type TextFormat } from '../format/text-format.ts';
import { invalid, unsupported } from './problem.ts';

export function readSubstitutionFormat(where: string, message: SubstitutionFormatString, reach: Reach): TextFormat {
  const { format, omitEmptyValues } = message;
  const absent = omitEmptyValues ? '' : '-';
  switch (format.case) {
    case undefined:
      throw invalid(`${where}.format`, 'required');
    case 'textFormat':
      return compileText(`${where}.text_format`, format.value, absent, reach);
    case 'textFormatSource': {
      const at = `${where}.text_format_source`;
      return compileText(at, readDataSource(at, format.value), absent, reach);
    }
    case 'jsonFormat': {
      const object = compileJson(`${where}.json_format`, format.value, omitEmptyValues, reach);
      return (facts) => `${object(facts)}\n`;
    }
  }
}

/** A text that stands in the configuration itself. */
export function readDataSource(where: string, { specifier }: DataSource): string {
  switch (specifier.case) {
    case 'inlineString':
      return specifier.value;
    case 'inlineBytes':
      return textOf(specifier.value);
    case 'filename':
      throw unsupported(`${where}.filename`, 'files are read of a bootstrap only');
    default:
      throw unsupported(`${where}.environment_variable`);
  }
}
