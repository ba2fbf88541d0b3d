/** Policies that are not what their author meant: refused, without a target, or not enforced by everybody. From their statuses. */
import type { Resource } from '../../api/resource.ts';
import { originOf } from '../../api/origin.ts';
import { policyKinds } from '../../policies/all.ts';
import { printable, type Style } from '../output/style.ts';
import type { MeshConnection } from './connect.ts';

export interface PolicyProblem {
  /** `AuthorizationPolicy shop/stock` */
  readonly policy: string;
  /** As Gateway API names it: NotEnforced, NotEnforceable, TargetNotFound, … */
  readonly reason: string;
  readonly message: string;
  /** `file:line`; empty when it was not applied from a file. */
  readonly file: string;
}

interface WithAncestors {
  readonly ancestors?: readonly {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason: string;
      readonly message: string;
    }[];
  }[];
}

/** A fault that is over is as it was meant. */
const EXPECTED = 'Ended';

export async function policyProblems(mesh: MeshConnection): Promise<readonly PolicyProblem[]> {
  const lists = await Promise.all(policyKinds.map((kind) => mesh.resources.list(kind, null)));
  return lists.flatMap(({ items }) => items.flatMap(problemsOf));
}

function problemsOf(policy: Resource): PolicyProblem[] {
  const { kind, metadata, status } = policy;
  const conditions = ((status ?? {}) as WithAncestors).ancestors?.flatMap(({ conditions: each = [] }) => each) ?? [];
  const bad = conditions.filter(
    ({ type, status: holds, reason }) =>
      (type === 'Accepted' || type === 'Enforced') && holds === 'False' && reason !== EXPECTED,
  );
  // A policy that is refused because of a port is not enforced there: that is said once.
  const distinct = new Map(bad.toReversed().map((each) => [each.message, each]));
  return [...distinct.values()].toReversed().map(({ reason, message }) => ({
    policy: `${kind} ${metadata.namespace}/${metadata.name}`,
    reason,
    message,
    file: originOf(policy).file,
  }));
}

/** A block each, with an empty line before it. */
export function policyProblemLines(problems: readonly PolicyProblem[], style: Style): string[] {
  return problems.flatMap(({ policy, reason, message, file }) => [
    '',
    `${style.red('✗')} ${policy}: ${reason}`,
    `    why:   ${printable(message)}`,
    ...(file === '' ? [] : [`    from:  ${file}`]),
  ]);
}
