import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { startMesh, get, answerWith, ok, responseOf } from '../../../test/support/sim-mesh.ts';
import { TRACEPARENT, TRACESTATE } from '../../http/field-name.ts';
import { Head } from '../../http/head.ts';
import { SeededRandom } from '../../runtime/sim/random.ts';
import { RandomHex } from './random-hex.ts';
import { TraceContext } from './trace-context.ts';

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736';
const SPAN = '00f067aa0ba902b7';
const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

function context(): TraceContext {
  const random = new SeededRandom(7);
  return new TraceContext(random, new RandomHex(random));
}

interface Entered {
  readonly trace: string;
  readonly span: string;
  readonly flags: string;
  readonly states: readonly string[];
}

function enter(parents: readonly string[], states: readonly string[] = [], share = 1, into = context()): Entered {
  const head = Head.request('GET', '/', 'catalog');
  for (const parent of parents) head.appendText(TRACEPARENT, parent);
  for (const state of states) head.appendText(TRACESTATE, state);
  into.enter(head, share);
  const parts = FORM.exec(head.value(TRACEPARENT) ?? '');
  assert.ok(parts !== null, `traceparent is ${head.value(TRACEPARENT)}`);
  assert.equal(head.find(TRACEPARENT, head.find(TRACEPARENT)), -1, 'there is one');
  const found: string[] = [];
  for (let i = head.find(TRACESTATE); i >= 0; i = head.find(TRACESTATE, i)) found.push(head.text(i));
  head.free();
  const [, trace = '', span = '', flags = ''] = parts;
  return { trace, span, flags, states: found };
}

test('the caller’s trace goes on, with a span of our own as the parent', () => {
  const entered = enter([`00-${TRACE}-${SPAN}-01`], ['a=1', 'b=2']);
  assert.equal(entered.trace, TRACE);
  assert.notEqual(entered.span, SPAN);
  assert.equal(entered.flags, '01');
  assert.deepEqual(entered.states, ['a=1', 'b=2']);
});

test('the caller’s decision to sample stands, whatever our share is, and flags that nobody knows are cleared', () => {
  for (const [flags, passed] of [
    ['00', '00'],
    ['01', '01'],
    ['02', '02'],
    ['03', '03'],
    ['ff', '03'],
    ['f4', '00'],
  ] as const) {
    for (const share of [0, 1]) assert.equal(enter([`00-${TRACE}-${SPAN}-${flags}`], [], share).flags, passed, flags);
  }
});

test('without a trace one begins, its id random, sampled by our share', () => {
  const into = context();
  const all = Array.from({ length: 400 }, () => enter([], [], 0.25, into));
  assert.equal(new Set(all.map(({ trace }) => trace)).size, 400);
  assert.equal(new Set(all.map(({ span }) => span)).size, 400);
  const sampled = all.filter(({ flags }) => flags === '03').length;
  assert.ok(sampled > 60 && sampled < 140, `${sampled} of 400`);
  assert.ok(all.every(({ flags }) => flags === '03' || flags === '02'));
  assert.equal(enter([], [], 0).flags, '02');
});

test('what is not a traceparent by the letter begins another trace, without its state', () => {
  for (const parent of [
    '',
    'x',
    `00-${TRACE}-${SPAN}`,
    `00-${TRACE}-${SPAN}-0`,
    `00-${TRACE}-${SPAN}-01-`,
    `00-${TRACE}-${SPAN}-01-extra`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${'0'.repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `ff-${TRACE}-${SPAN}-01`,
    `0x-${TRACE}-${SPAN}-01`,
    `cc-${TRACE}-${SPAN}-01x`,
    `00-${TRACE}_${SPAN}-01`,
    `00-${TRACE}-${SPAN}-0g`,
    `00_${TRACE}-${SPAN}-01`,
  ]) {
    const entered = enter([parent], ['a=1']);
    assert.notEqual(entered.trace, TRACE, parent);
    assert.deepEqual(entered.states, [], parent);
  }
  const twice = enter([`00-${TRACE}-${SPAN}-01`, `00-${TRACE}-${SPAN}-01`], ['a=1']);
  assert.notEqual(twice.trace, TRACE);
  assert.deepEqual(enter([], ['a=1']).states, [], 'a state without a trace means nothing');
});

test('a later version is passed on as the one that we speak', () => {
  for (const parent of [`cc-${TRACE}-${SPAN}-01`, `01-${TRACE}-${SPAN}-01-what-the-future-holds`]) {
    const entered = enter([parent], ['a=1']);
    assert.equal(entered.trace, TRACE);
    assert.notEqual(entered.span, SPAN);
    assert.equal(entered.flags, '01');
    assert.deepEqual(entered.states, ['a=1']);
  }
});

test('a state beyond what everybody must carry loses members, never part of one', () => {
  const member = fc
    .tuple(fc.stringMatching(/^[a-z]{1,4}$/), fc.integer({ min: 0, max: 200 }))
    .map(([key, size]) => `${key}=${'v'.repeat(size)}`);
  fc.assert(
    fc.property(fc.array(fc.array(member, { minLength: 1, maxLength: 20 }), { maxLength: 4 }), (fields) => {
      const given = fields.flat();
      const { states } = enter(
        [`00-${TRACE}-${SPAN}-01`],
        fields.map((members) => members.join(',')),
      );
      const kept = states.flatMap((state) => state.split(','));
      if (given.join(',').length <= 512 && given.length <= 32) assert.deepEqual(kept, given);
      assert.ok(states.join(',').length <= 512 && kept.length <= 32);
      let at = 0;
      for (const each of kept) {
        at = given.indexOf(each, at) + 1;
        assert.ok(at > 0, 'a member that was not given, or out of order');
      }
    }),
  );
});

test('every hop of the mesh writes its own span, logs it, and the application gets the last', async () => {
  const seen: string[] = [];
  const mesh = await startMesh({
    seed: 1,
    app: (peer) =>
      answerWith(peer, (request) => {
        seen.push(/^traceparent: (.*)$/im.exec(request)?.[1] ?? '');
        return ok('fine');
      }),
  });
  const peer = mesh.connect();
  peer.send(get('/', `traceparent: 00-${TRACE}-${SPAN}-01\r\n`));
  await mesh.sim.run(() => responseOf(peer) !== null, 10_000);
  const logged: (readonly [string, string])[] = [];
  for (const [plane, files] of [
    [mesh.web, mesh.client.files],
    [mesh.services[0]?.plane, mesh.services[0]?.runtime.files],
  ] as const) {
    await plane?.close();
    const line = Buffer.from((await files?.read('/access.log')) ?? []).toString('utf8');
    const record = JSON.parse(line) as Record<string, string>;
    logged.push([record['traceId'] ?? '', record['spanId'] ?? '']);
  }
  const [outbound, inbound] = logged;
  assert.equal(outbound?.[0], TRACE);
  assert.equal(inbound?.[0], TRACE);
  assert.notEqual(outbound?.[1], inbound?.[1]);
  assert.deepEqual(seen, [`00-${TRACE}-${inbound?.[1]}-01`]);
});
