/** One resource of a proxy, whichever way it was learnt. */
import type { Message } from '@bufbuild/protobuf';
import type { Section } from './sections.ts';

export interface HeldResource {
  readonly section: Section;
  readonly name: string;
  /** Empty when the proxy does not say. */
  readonly version: string;
  /** `active`, `warming`, `draining`, `requested`, `missing`; `refused`: an older version than the refused one serves. */
  readonly state: string;
  /** null: it has none, or its content is not known; `problem` says so. */
  readonly message: Message | null;
  /** Empty when there is none. */
  readonly problem: string;
  /** It came from the proxy's own start or the agent beside it, not from the control plane. */
  readonly isLocal: boolean;
}
