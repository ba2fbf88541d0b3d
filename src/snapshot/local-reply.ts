/** What becomes of the answers that are the proxy's own, direct responses included (Envoy's LocalReplyConfig). */
import type { LogFilter } from './access-log-config.ts';
import type { TextFormat } from './format/text-format.ts';
import type { FieldEdits } from './route-edits.ts';

export interface LocalReplies {
  /** The first whose filter lets the exchange through counts. */
  readonly mappers: readonly ReplyMapper[];
  /** Of bodies that no mapper formats; null: they are as they are. */
  readonly format: BodyFormat | null;
}

export interface ReplyMapper {
  readonly filter: LogFilter;
  /** 0: as it is. */
  readonly status: number;
  /** null: as it is. One character a byte. */
  readonly body: string | null;
  /** null: that of all. */
  readonly format: BodyFormat | null;
  readonly edits: FieldEdits;
}

export interface BodyFormat {
  readonly text: TextFormat;
  readonly contentType: string;
}
