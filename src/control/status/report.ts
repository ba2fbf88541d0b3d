/** What a status says of each thing that a resource refers to: parents of a route, targets of a policy. */

export interface Finding {
  readonly type: 'Accepted' | 'ResolvedRefs' | 'Conflicted' | 'Enforced';
  readonly status: 'True' | 'False';
  /** As Gateway API names it (RouteConditionReason, PolicyConditionReason). */
  readonly reason: string;
  /** Empty when there is nothing to say. */
  readonly message: string;
}

export interface Referred {
  /** As the resource wrote it. */
  readonly ref: object;
  readonly findings: readonly Finding[];
}

export interface Report {
  /** Of the resource that this was derived from. */
  readonly generation: number;
  readonly referred: readonly Referred[];
}

/** metav1.Condition: a message has at most 32,768 characters; nobody reads more than this. */
const MAX_MESSAGE_CHARS = 2_000;

export function shortened(text: string): string {
  return text.length <= MAX_MESSAGE_CHARS ? text : `${text.slice(0, MAX_MESSAGE_CHARS - 1)}…`;
}
