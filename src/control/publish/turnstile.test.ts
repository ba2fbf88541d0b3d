import assert from 'node:assert/strict';
import test from 'node:test';
import { TimerWheel } from '../../core/timer-wheel.ts';
import { CDS, EDS, fixture, resource, TestClock } from './publisher.fixture.ts';
import { DELTA_ADS } from './methods.ts';
import { dialRaw, type RawClient } from './raw-client.fixture.ts';
import { Turnstile } from './turnstile.ts';
import { XdsMetrics } from './xds-metrics.ts';

function storm(count: number, maxFirstSyncs: number) {
  const made = fixture({ maxFirstSyncs });
  const ids = Array.from({ length: count }, (_, i) => `shop/w-${i}`);
  for (const id of ids) made.views.set(id, 'configuration', resource(EDS, 'catalog', '1'));
  const clients = ids.map((id) => {
    const client = dialRaw(made.publisher, DELTA_ADS.path, { id });
    client.ask({ typeUrl: EDS, names: ['catalog'] });
    return client;
  });
  return { ...made, ids, clients };
}

function acknowledge(client: RawClient | undefined): void {
  client?.ask({ typeUrl: EDS, nonce: client.received.at(-1)?.nonce ?? '' });
}

const answered = (clients: readonly RawClient[]): number =>
  clients.filter(({ received }) => received.length > 0).length;

test('when all connect at once, few are served at a time; the others wait their turn and fail at nothing', () => {
  const { clock, publisher, clients, views } = storm(100, 10);
  assert.equal(answered(clients), 10);
  assert.equal(views.asked.length, 10, 'views are not made before their turn');
  assert.deepEqual([publisher.metrics.waiting.value, publisher.metrics.waited.value], [90, 90]);
  for (let i = 0; i < 100; i++) {
    clock.advance(10);
    acknowledge(clients[i]);
    assert.equal(answered(clients), Math.min(100, 11 + i));
  }
  assert.equal(publisher.metrics.waiting.value, 0);
  assert.ok(clients.every((client) => client.ended() === null && client.received.length === 1));
});

test('one that does not acknowledge, or goes away, does not hold the place of another', () => {
  const { clock, clients } = storm(30, 10);
  clients[0]?.close();
  assert.equal(answered(clients), 11);
  clients[29]?.close();
  clock.advance(2_010);
  assert.equal(answered(clients), 21);
  clock.advance(2_010);
  assert.equal(answered(clients), 29, 'who left the queue is not served');
});

test('a change does not get past the queue: who waits gets the newest when it is his turn', () => {
  const { publisher, views, clients, ids } = storm(2, 1);
  views.set(ids[1] ?? '', 'endpoints', resource(EDS, 'catalog', '2'));
  publisher.flush();
  assert.equal(answered(clients), 1);
  acknowledge(clients[0]);
  acknowledge(clients[1]);
  assert.equal(publisher.proxy(ids[1] ?? '')?.types[0]?.acked.get('catalog'), resource(EDS, 'catalog', '2').version);
});

/** Everybody comes at once; the first two stay inside until they are told to leave. */
function turns(count: number, costMs: number) {
  const started: number[] = [];
  let nowMs = 0;
  let ends: (() => void)[] = [];
  const turnstile: Turnstile<number> = new Turnstile<number>({
    clock: { now: () => nowMs },
    timers: new TimerWheel(new TestClock()),
    later: (run) => void ends.push(run),
    metrics: new XdsMetrics(),
    maxAtOnce: 2,
    start(one) {
      started.push(one);
      nowMs += costMs;
      if (one > 1) turnstile.leave(one);
    },
  });
  for (let one = 0; one < count; one++) turnstile.enter(one);
  const turn = (): void => {
    const now = ends;
    ends = [];
    assert.ok(now.length <= 1, 'one end of a turn is enough');
    for (const end of now) end();
  };
  return { turnstile, started, turn };
}

test('of those that finish at once few go in one turn of the event loop', () => {
  const { turnstile, started, turn } = turns(102, 0);
  assert.deepEqual(started, [0, 1]);
  turn();
  turnstile.leave(0);
  assert.equal(started.length, 22);
  for (let i = 2; i <= 5; i++) turn();
  assert.equal(started.length, 102);
});

test('fewer go where each is much work, however they come to their turn', () => {
  const { turnstile, started, turn } = turns(102, 4);
  turn();
  turnstile.leave(0);
  assert.equal(started.length, 5, 'ten milliseconds, and what was begun');
  turnstile.leave(1);
  assert.equal(started.length, 5, 'those that leave in the same turn make no more of it');
  turn();
  assert.equal(started.length, 8);
});

test('a slow client delays no other', () => {
  const { clock, publisher, views, connect } = fixture();
  const slow = dialRaw(publisher, DELTA_ADS.path);
  slow.stopsReading = true;
  slow.ask({ typeUrl: EDS, names: ['catalog'] });
  const silent = dialRaw(publisher, DELTA_ADS.path, { id: 'shop/web-3' });
  views.set('shop/web-3', 'configuration', resource(EDS, 'catalog', '1'), resource(CDS, 'c', '1'));
  silent.ask({ typeUrl: EDS, names: ['catalog'] });
  const quick = connect('shop/web-2');
  for (let i = 2; i < 10; i++) {
    for (const id of ['shop/web-1', 'shop/web-2', 'shop/web-3']) {
      views.set(id, 'endpoints', resource(EDS, 'catalog', `${i}`));
    }
    clock.advance(20);
    assert.deepEqual(quick.held(), { catalog: `${i}` });
  }
  assert.deepEqual([slow.received.length, silent.received.length], [1, 1]);
  slow.stopsReading = false;
  slow.becomeWritable();
  acknowledge(slow);
  acknowledge(silent);
  assert.deepEqual([slow.received.length, silent.received.length], [2, 2], 'what came meanwhile comes as one');
});
