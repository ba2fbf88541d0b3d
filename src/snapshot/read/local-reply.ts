/** Envoy's LocalReplyConfig → LocalReplies. */
import type { LocalReplyConfig, ResponseMapper, SubstitutionFormatString } from '../../xds/tables/messages.gen.ts';
import { byteText } from '../format/byte-text.ts';
import type { Reach } from '../format/operator.ts';
import type { BodyFormat, LocalReplies, ReplyMapper } from '../local-reply.ts';
import { readAccessLogFilter } from './access-log-filter.ts';
import { readAddedFields } from './header-edits.ts';
import { invalid } from './problem.ts';
import { readDataSource, readSubstitutionFormat } from './substitution-format.ts';

/** undefined: answers stay as they are. */
export function readLocalReplies(
  where: string,
  message: LocalReplyConfig | undefined,
  reach: Reach,
): LocalReplies | undefined {
  if (message === undefined) return undefined;
  return {
    mappers: message.mappers.map((mapper, i) => readMapper(`${where}.mappers[${i}]`, mapper, reach)),
    format: readBodyFormat(`${where}.body_format`, message.bodyFormat, reach),
  };
}

function readMapper(where: string, message: ResponseMapper, reach: Reach): ReplyMapper {
  const { filter, statusCode = 0, body } = message;
  if (filter === undefined) throw invalid(`${where}.filter`, 'required');
  if (statusCode !== 0 && (statusCode < 200 || statusCode > 599)) {
    throw invalid(`${where}.status_code`, `${statusCode} is no final status`);
  }
  return {
    filter: readAccessLogFilter(`${where}.filter`, filter),
    status: statusCode,
    body: body === undefined ? null : byteText(readDataSource(`${where}.body`, body)),
    format: readBodyFormat(`${where}.body_format_override`, message.bodyFormatOverride, reach),
    edits: readAddedFields(`${where}.headers_to_add`, message.headersToAdd),
  };
}

function readBodyFormat(where: string, message: SubstitutionFormatString | undefined, reach: Reach): BodyFormat | null {
  if (message === undefined) return null;
  const isJson = message.format.case === 'jsonFormat';
  const contentType = message.contentType || (isJson ? 'application/json' : 'text/plain');
  if (!/^[\x20-\x7e]*$/.test(contentType)) throw invalid(`${where}.content_type`, 'no value of a field');
  return { text: readSubstitutionFormat(where, message, reach), contentType };
}
