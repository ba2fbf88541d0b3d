/** What is cheap to send and dear to obey is counted by what it costs this end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RESET } from '../message.ts';
import { ERROR } from './error-code.ts';
import { LIMIT } from './limits.ts';
import { SETTING } from './settings.ts';
import { Dialled } from './test/dial.ts';
import { data, goaway, headers, ping, POST, settings } from './test/frames.ts';
import { Served } from './test/serve.ts';

function opened(count: number): Served {
  const s = new Served().begin();
  for (let i = 0; i < count; i++) s.feed(headers(1 + 2 * i, POST, false));
  s.take();
  return s;
}

/** Rounds of settings that change every stream's window, with content between them that pays for frames. */
function roundsBefore(limit: number, s: Served): number {
  for (let round = 0; round < limit; round++) {
    if (s.connection.ended) return round;
    const bytes = 60_000 + (round % 2);
    s.feed(data(1, 'x'), data(1, 'x'), settings([SETTING.initialWindowSize, bytes]));
    s.take();
  }
  return limit;
}

test('SETTINGS that move the windows of a thousand streams may come only so often, those of one stream at ease', () => {
  const many = opened(1_000);
  assert.ok(roundsBefore(200, many) < 30);
  assert.deepEqual(many.limits, [LIMIT.settings]);
  const one = opened(1);
  assert.equal(roundsBefore(200, one), 200);
  assert.deepEqual(one.limits, []);
});

test('SETTINGS that change no window cost the same for any number of streams', () => {
  const s = opened(1_000);
  for (let i = 0; i < 200; i++)
    s.feed(data(1, 'x'), data(1, 'x'), settings([SETTING.initialWindowSize, 65_535])).take();
  assert.deepEqual(s.limits, []);
});

test('answers to PINGs of ours that were not sent are a flood as any', () => {
  for (const payload of ['weftlive', 'weft bdp', 'weftlast']) {
    const s = new Served({ controlFrameBurst: 10 }).begin();
    for (let i = 0; i < 20; i++) if (!s.connection.ended) s.feed(ping(payload, true));
    assert.deepEqual(s.limits, [LIMIT.pings], payload);
  }
});

test('sections of a stream that is over earn nothing', () => {
  const s = new Served({ controlFrameBurst: 40 }).begin();
  s.feed(headers(1, POST, false));
  s.stream().reset(RESET.cancelled);
  for (let i = 0; i < 100; i++) if (!s.connection.ended) s.feed(headers(1, [['x', 'y']], false));
  assert.deepEqual(s.limits, [LIMIT.lateFrames]);
});

test('GOAWAY said again refuses what was refused and nothing more, also when it names more', () => {
  const d = new Dialled().begin();
  const asked = [d.ask(), d.ask(), d.ask()];
  d.feed(goaway(3, ERROR.none), goaway(5, ERROR.none), goaway(3, ERROR.none));
  assert.deepEqual(
    asked.map(({ r }) => r.reset === null),
    [true, true, false],
  );
  d.feed(goaway(1, ERROR.none));
  assert.deepEqual(
    asked.map(({ r }) => r.reset === null),
    [true, false, false],
  );
});
