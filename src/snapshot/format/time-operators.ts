/** Operators over when things happened and how long they took: whole milliseconds, as Envoy writes them. */
import type { JsonValue } from '../../xds/wire/json.ts';
import { compileDate } from './date-format.ts';
import type { Facts } from './facts.ts';
import { type OperatorKind, type OperatorKinds, plain } from './operator.ts';
import { byteText } from './byte-text.ts';

export const TIME_OPERATORS: OperatorKinds = {
  START_TIME: date((facts) => facts.startedAtWallMs, false),
  START_TIME_LOCAL: date((facts) => facts.startedAtWallMs, true),
  EMIT_TIME: date((facts) => facts.nowWallMs(), false),
  EMIT_TIME_LOCAL: date((facts) => facts.nowWallMs(), true),
  DURATION: plain(({ durationMs }) => Math.floor(durationMs)),
  REQUEST_DURATION: plain(({ requestMs }) => whole(requestMs)),
  REQUEST_TX_DURATION: plain(({ requestMs, upstreamProtocol }) => (upstreamProtocol === '' ? null : whole(requestMs))),
  RESPONSE_DURATION: plain(({ responseMs }) => whole(responseMs)),
  RESPONSE_TX_DURATION: plain(({ responseMs, durationMs }) => (responseMs < 0 ? null : whole(durationMs - responseMs))),
};

function date(of: (facts: Facts) => number, local: boolean): OperatorKind {
  return {
    argument: 'optional',
    cut: false,
    make(where, format) {
      const write = compileDate(where, byteText(format), local);
      return (facts) => write(of(facts));
    },
  };
}

function whole(ms: number): JsonValue {
  return ms < 0 ? null : Math.floor(ms);
}
