/**
 * The decision on one request. Where a request can be read in more than one way (a path with escapes or dot segments, a
 * field that came twice: CVE-2026-26308), it passes only if it passes in each of them, whether rules allow or deny: the
 * one who asks chooses the spelling, and nobody knows which one the application takes.
 */
import type { Head } from '../../http/head.ts';
import { holds, type Reading } from './evaluate.ts';
import { endOfPath, isAmbiguous, PATH_READINGS, writeReading } from './path-readings.ts';
import type { ConnectionRules, Policy, RbacDecision } from './rules.ts';

/** One for all: judging is one synchronous step. */
const reading: Reading = { pathEnd: 0, nth: -1, most: 0 };

/** What it returns exists already, unless a second reading decided. */
export function judge(rules: ConnectionRules, head: Head): RbacDecision {
  if (rules.policies.length === 0) return rules.otherwise;
  const end = rules.readsPath ? endOfPath(head) : 0;
  const decision = judgeFields(rules, head, end);
  if (!decision.allowed || !rules.readsPath || !isAmbiguous(head, end)) return decision;
  const { pathStart, pathEnd } = head;
  try {
    for (let which = 0; which < PATH_READINGS; which++) {
      head.pathEnd = writeReading(which, head);
      head.pathStart = head.used;
      const other = judgeFields(rules, head, endOfPath(head));
      if (!other.allowed) return { ...other, rule: `${other.rule}, when the path is read as ${textOf(head)}` };
      head.pathStart = pathStart;
      head.pathEnd = pathEnd;
    }
  } finally {
    head.pathStart = pathStart;
    head.pathEnd = pathEnd;
  }
  return decision;
}

function judgeFields(rules: ConnectionRules, head: Head, pathEnd: number): RbacDecision {
  reading.pathEnd = pathEnd;
  reading.nth = -1;
  reading.most = 0;
  const decision = firstOf(rules, head);
  if (!decision.allowed) return decision;
  for (let nth = 0; nth < reading.most; nth++) {
    reading.nth = nth;
    const other = firstOf(rules, head);
    if (!other.allowed) return { ...other, rule: `${other.rule}, for one of several fields of a name` };
  }
  return decision;
}

function firstOf(rules: ConnectionRules, head: Head): RbacDecision {
  const { policies } = rules;
  for (let i = 0; i < policies.length; i++) {
    const policy = policies[i] as Policy; // i < length
    if (holds(policy.condition, head, reading)) return policy.decision;
  }
  return rules.otherwise;
}

const MAX_SHOWN = 200;

function textOf(head: Head): string {
  return head.pathText.slice(0, MAX_SHOWN);
}
