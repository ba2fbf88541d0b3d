/** One part of what `weft describe` tells beyond the object itself. */
import type { Style } from '../output/style.ts';

export interface Section {
  /** In JSON. */
  readonly key: string;
  readonly title: string;
  readonly data: unknown;
  readonly lines: (style: Style) => readonly string[];
}
