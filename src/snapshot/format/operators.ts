/**
 * Envoy's command operators by name: which argument each takes and the function that answers for it. What is not known
 * is refused with its position, when configuration is read; nothing is looked up by name for a request.
 */
import { invalid, unsupported } from '../../xds/problem.ts';
import { CONNECTION_OPERATORS } from './connection-operators.ts';
import { MESSAGE_OPERATORS } from './message-operators.ts';
import type { Operator, OperatorKind, Reach } from './operator.ts';
import { OUTCOME_OPERATORS } from './outcome-operators.ts';
import type { Command } from './parse-format.ts';
import { TIME_OPERATORS } from './time-operators.ts';

const OPERATORS: ReadonlyMap<string, OperatorKind> = new Map(
  [MESSAGE_OPERATORS, OUTCOME_OPERATORS, TIME_OPERATORS, CONNECTION_OPERATORS].flatMap(Object.entries),
);

export function compileOperator(where: string, command: Command, reach: Reach): Operator {
  const { name, argument, maxLength, at } = command;
  const refusal = `%${name}% at character ${at}`;
  const kind = OPERATORS.get(name);
  if (kind === undefined) throw unsupported(where, `${refusal}: no operator of this proxy has that name`);
  if (argument === null && kind.argument === 'required') throw invalid(where, `${refusal} needs an argument`);
  if (argument !== null && kind.argument === 'none') throw invalid(where, `${refusal} takes no argument`);
  if (maxLength > 0 && !kind.cut) throw invalid(where, `${refusal} takes no length`);
  const operator = kind.make(`${where}: ${refusal}`, argument ?? '', reach);
  if (maxLength === 0) return operator;
  return (facts) => {
    const value = operator(facts);
    return typeof value === 'string' ? value.slice(0, maxLength) : value;
  };
}
