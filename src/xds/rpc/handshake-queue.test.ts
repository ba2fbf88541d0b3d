/** Many handshakes at once are spread over turns of the event loop, in order, whoever goes away meanwhile. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Counters } from '../../core/counters.ts';
import { type Handshake, HandshakeQueue } from './handshake-queue.ts';

interface Storm {
  readonly begun: number[];
  readonly waiting: () => number;
  readonly waited: () => number;
  enter(count: number): Handshake[];
  leave(one: Handshake): void;
  /** Ends the turn; how many began in the next. */
  turn(): number;
}

function storm(): Storm {
  const counters = new Counters();
  const metrics = { waiting: counters.gauge('waiting'), waited: counters.counter('waited') };
  let ends: (() => void)[] = [];
  const queue = new HandshakeQueue({ endOfTurn: (run) => void ends.push(run), metrics });
  const begun: number[] = [];
  let entered = 0;
  return {
    begun,
    waiting: () => metrics.waiting.value,
    waited: () => metrics.waited.value,
    enter: (count) =>
      Array.from({ length: count }, () => {
        const number = entered++;
        const one = { begin: () => void begun.push(number) };
        queue.enter(one);
        return one;
      }),
    leave: (one) => queue.leave(one),
    turn() {
      const before = begun.length;
      const now = ends;
      ends = [];
      assert.ok(now.length <= 1, 'one end of a turn is enough');
      for (const end of now) end();
      return begun.length - before;
    },
  };
}

test('a thousand that come at once begin eight a turn, in order of arrival', () => {
  const { enter, turn, begun, waiting, waited } = storm();
  enter(1_000);
  assert.deepEqual([begun.length, waiting(), waited()], [8, 992, 992]);
  for (let rest = 992; rest > 0; rest -= 8) assert.equal(turn(), 8);
  assert.deepEqual(
    begun,
    Array.from({ length: 1_000 }, (_, i) => i),
  );
  assert.deepEqual([turn(), turn(), waiting()], [0, 0, 0], 'and nothing is left to wake up for');
});

test('who comes alone begins at once, turn after turn', () => {
  const { enter, turn, begun, waited } = storm();
  for (let i = 1; i <= 20; i++) {
    enter(1);
    assert.equal(begun.length, i);
    turn();
  }
  assert.equal(waited(), 0);
});

test('who leaves while it waits takes nobody’s turn', () => {
  const { enter, leave, turn, begun, waiting } = storm();
  const all = enter(30);
  for (const one of all.slice(8, 20)) leave(one);
  for (const one of all.slice(0, 8)) leave(one);
  assert.equal(waiting(), 10);
  assert.equal(turn(), 8);
  assert.deepEqual(begun.slice(8), [20, 21, 22, 23, 24, 25, 26, 27]);
  assert.equal(turn(), 2);
});
