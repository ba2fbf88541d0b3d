import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { silentLog } from '../core/log.ts';
import { liveWith } from './life-cycle.ts';
import { StopRequest } from './stop-request.ts';
import { settle, SteppedClock } from './testing/stepped-clock.ts';

/** Everything that happens, in order. `drained` resolves the wait for acknowledgements. */
function bench() {
  const clock = new SteppedClock();
  const steps: string[] = [];
  const drained = Promise.withResolvers<boolean>();
  const exited = Promise.withResolvers<number>();
  const stop = new StopRequest();
  const note = async (step: string): Promise<void> => void steps.push(step);
  const app = { pid: 1, exited: exited.promise, signal: (name: string) => void steps.push(name) };
  const registration = {
    drain: () => {
      steps.push('leave endpoints');
      return drained.promise;
    },
    leave: () => note('deregister'),
  };
  const answered = Promise.withResolvers<void>();
  const sidecar = {
    settle: () => {
      steps.push('answer what came');
      return answered.promise;
    },
    sealState: () => void steps.push('seal state'),
    drain: () => note('drain sidecar'),
  };
  const code = liveWith(app, stop, { clock, log: silentLog, registration, sidecar, graceMs: 30_000 });
  return { clock, steps, drained, answered, exited, stop, code };
}

describe('life of a workload', () => {
  it('deregisters first when the application ends by itself, and returns its exit code', async () => {
    const { steps, exited, code } = bench();
    exited.resolve(42);
    assert.equal(await code, 42);
    assert.deepEqual(steps, ['seal state', 'deregister', 'drain sidecar']);
  });

  it('signals the application only after callers have acknowledged that it leaves, and have their answers', async () => {
    const { steps, drained, answered, exited, stop, code } = bench();
    stop.stop('SIGTERM');
    await settle();
    assert.deepEqual(steps, ['leave endpoints']);
    drained.resolve(true);
    await settle();
    assert.deepEqual(steps, ['leave endpoints', 'answer what came']);
    answered.resolve();
    await settle();
    assert.deepEqual(steps, ['leave endpoints', 'answer what came', 'SIGTERM']);
    exited.resolve(143);
    assert.equal(await code, 143);
    assert.deepEqual(steps.slice(3), ['seal state', 'drain sidecar', 'deregister']);
  });

  it('leaves the sidecar open until the application is gone, and kills it after the grace', async () => {
    const { clock, steps, drained, answered, exited, stop, code } = bench();
    stop.stop('SIGINT');
    drained.resolve(true);
    answered.resolve();
    await clock.advance(29_999);
    assert.deepEqual(steps, ['leave endpoints', 'answer what came', 'SIGINT']);
    await clock.advance(1);
    assert.deepEqual(steps.slice(2), ['SIGINT', 'SIGKILL']);
    exited.resolve(137);
    assert.equal(await code, 137);
  });

  it('does not wait for callers when it is asked twice, and not for the grace when asked three times', async () => {
    const { steps, exited, stop, code } = bench();
    stop.stop('SIGINT');
    await settle();
    stop.stop('SIGINT');
    await settle();
    assert.deepEqual(steps, ['leave endpoints', 'SIGINT']);
    stop.stop('SIGINT');
    await settle();
    assert.deepEqual(steps, ['leave endpoints', 'SIGINT', 'SIGKILL']);
    exited.resolve(137);
    await code;
  });

  it('sends no signal to an application that has ended while callers were told', async () => {
    const { clock, steps, drained, exited, stop, code } = bench();
    stop.stop('SIGTERM');
    await settle();
    exited.resolve(0);
    await code;
    drained.resolve(true);
    await clock.advance(60_000);
    assert.deepEqual(steps, ['leave endpoints', 'seal state', 'drain sidecar', 'deregister']);
  });
});
