/** Makes of an answer that is the proxy's own what the configuration wants it to be. */
import { byteText } from '../../snapshot/format/byte-text.ts';
import type { Facts, FactsOwner } from '../../snapshot/format/facts.ts';
import type { LocalReplies } from '../../snapshot/local-reply.ts';
import type { FormatNotes } from './format-notes.ts';
import { applyEdits } from '../../snapshot/route-edits.ts';
import type { HeadEdit, ReplyContent } from './reply.ts';

/** A record that can be asked for facts. */
export interface Replying extends FactsOwner {
  status: number;
  readonly notes: FormatNotes | null;
}

/** `text` is what would be said. Sets the status of `owner` where a mapper has another. */
export function mapReply({ mappers, format }: LocalReplies, owner: Replying, text: string): ReplyContent {
  const facts: Facts = owner.facts();
  const mapper = mappers.find(({ filter }) => filter(facts));
  const said = mapper?.body ?? byteText(text);
  if (owner.notes !== null) owner.notes.replyBody = said;
  if (mapper !== undefined && mapper.status !== 0) owner.status = mapper.status;
  const chosen = mapper?.format ?? format;
  const body = Buffer.from(chosen === null ? said : chosen.text(facts), 'latin1');
  if (owner.notes !== null) owner.notes.replyBody = '';
  return {
    body,
    contentType: chosen === null ? '' : chosen.contentType,
    edits: mapper === undefined ? [] : [mapper.edits],
  };
}

/** Last, what the mapper adds. */
export function editAlso(edit: HeadEdit, { edits }: ReplyContent, owner: FactsOwner): HeadEdit {
  return (head) => {
    edit?.(head);
    applyEdits(edits, head, owner);
  };
}
