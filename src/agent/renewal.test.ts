import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { WeftError } from '../core/errors.ts';
import { RecordingLog } from '../core/log.ts';
import type { Svid } from '../identity/svid.ts';
import { keepRenewed, renewAt } from './renewal.ts';
import { SvidHolder } from './svid-holder.ts';
import { SteppedClock } from './testing/stepped-clock.ts';

const MINUTE_MS = 60_000;

function bench(lifeMs: number, random = 0.5) {
  const clock = new SteppedClock();
  const log = new RecordingLog();
  const holder = new SvidHolder();
  const stop = new AbortController();
  const asked: { mode: string; leftMs: number }[] = [];
  const state = { failure: null as WeftError | null };
  const issue = (): Svid => ({
    id: 'spiffe://weft.local/ns/shop/sa/catalog',
    certificateChainPem: String(asked.length),
    privateKeyPem: '',
    notBefore: clock.wall() - lifeMs / 6,
    notAfter: clock.wall() + lifeMs,
  });
  holder.set(issue());
  const renew = async (mode: 'renew' | 'enrol'): Promise<void> => {
    asked.push({ mode, leftMs: (holder.current()?.notAfter ?? 0) - clock.wall() });
    if (state.failure !== null) throw state.failure;
    holder.set(issue());
  };
  const source = { next: () => random, fill: () => {} };
  const done = keepRenewed({ clock, random: source, log, svid: holder, renew }, stop.signal);
  return { clock, log, holder, asked, state, stop, done };
}

describe('SVID renewal', () => {
  it('happens at half life with a jitter', () => {
    const svid = { id: '', certificateChainPem: '', privateKeyPem: '', notBefore: 1_000, notAfter: 2_000 };
    assert.equal(renewAt(svid, 0), 1_500);
    assert.ok(renewAt(svid, 0.999) < 1_600);
  });

  it('keeps a one-minute SVID valid for an hour, without ever coming near its end', async () => {
    const { clock, asked, holder } = bench(MINUTE_MS);
    for (let second = 0; second < 3_600; second += 1) {
      await clock.advance(1_000);
      assert.ok((holder.current()?.notAfter ?? 0) > clock.wall());
    }
    assert.ok(asked.length > 90 && asked.length < 150, String(asked.length));
    for (const { mode, leftMs } of asked) {
      assert.equal(mode, 'renew');
      assert.ok(leftMs > 20_000, `renewed ${leftMs} ms before the end`);
    }
  });

  it('tells subscribers of the new SVID and keeps the old until then', async () => {
    const { clock, holder, state } = bench(MINUTE_MS);
    const first = holder.current();
    let told = 0;
    const unsubscribe = holder.subscribe(() => (told += 1));
    state.failure = new WeftError('unavailable', { what: 'away' });
    await clock.advance(40_000);
    assert.equal(holder.current(), first);
    assert.equal(told, 0);
    state.failure = null;
    await clock.advance(2_000);
    assert.notEqual(holder.current(), first);
    assert.equal(told, 1);
    unsubscribe();
    await clock.advance(60_000);
    assert.equal(told, 1);
  });

  it('is tried again with a back-off, a bounded number of times, while the control plane is away for 20 s', async () => {
    const { clock, asked, state, holder } = bench(MINUTE_MS);
    await clock.advance(26_000);
    state.failure = new WeftError('unavailable', { what: 'away' });
    await clock.advance(20_000);
    state.failure = null;
    assert.ok(asked.length > 3 && asked.length < 60, String(asked.length));
    await clock.advance(2_000);
    assert.ok((holder.current()?.notAfter ?? 0) - clock.wall() > 55_000);
  });

  it('enrols from anew when renewal is forbidden, and when the SVID has expired', async () => {
    const forbidden = bench(MINUTE_MS);
    forbidden.state.failure = new WeftError('forbidden', { what: 'not enrolled' });
    await forbidden.clock.advance(40_000);
    assert.deepEqual(
      forbidden.asked.slice(0, 3).map(({ mode }) => mode),
      ['renew', 'enrol', 'renew'],
    );

    const expired = bench(MINUTE_MS);
    expired.state.failure = new WeftError('unavailable', { what: 'away' });
    await expired.clock.advance(10 * MINUTE_MS);
    assert.equal(expired.asked.at(-1)?.mode, 'enrol');
    assert.equal(expired.log.lines.at(-1)?.level, 'error');
    expired.state.failure = null;
    await expired.clock.advance(2_000);
    assert.ok((expired.holder.current()?.notAfter ?? 0) > expired.clock.wall());
  });

  it('ends with its signal', async () => {
    const { clock, asked, stop, done } = bench(MINUTE_MS);
    stop.abort();
    await done;
    await clock.advance(10 * MINUTE_MS);
    assert.equal(asked.length, 0);
  });
});
