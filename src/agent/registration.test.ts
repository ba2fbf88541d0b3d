import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { RecordingLog } from '../core/log.ts';
import { Registration } from './registration.ts';
import { FakeControlPlane } from './testing/fake-control-plane.ts';
import { SteppedClock } from './testing/stepped-clock.ts';
import { workloadRecord } from './workload-record.ts';

const record = workloadRecord({
  namespace: 'shop',
  workload: 'catalog-1',
  service: 'catalog',
  account: 'catalog',
  version: 'v1',
  labels: { team: 'blue', app: 'something-else' },
  address: '127.0.0.1',
  ports: [{ name: '', port: 8080, protocol: '', proxyPort: 15009 }],
  proxy: { httpProxyPort: 15001, adminPort: 15002, vips: [] },
  proxyKind: 'weft',
  uses: null,
  locality: null,
});

function bench() {
  const clock = new SteppedClock();
  const controlPlane = new FakeControlPlane('', () => Promise.reject(new Error('unused')), clock);
  const log = new RecordingLog();
  const enrolments: number[] = [];
  const enrolAnew = async (): Promise<void> => {
    enrolments.push(clock.now());
    if (!controlPlane.tokens.has('good')) throw new Error('no token');
    controlPlane.takesIdentity = true;
  };
  const registration = new Registration({ clock, log, controlPlane, leaseSeconds: 15, enrolAnew }, record);
  const calls = (): string[] => controlPlane.calls.splice(0).filter((call) => !call.startsWith('answered'));
  return { clock, controlPlane, log, registration, calls, enrolments };
}

describe('workload record', () => {
  it('carries the labels that Services select, whatever the user called them', () => {
    assert.deepEqual(record.metadata.labels, { team: 'blue', app: 'catalog', version: 'v1' });
    assert.deepEqual(record.spec?.ports, [{ name: 'main', port: 8080, proxyPort: 15009 }]);
  });
});

describe('registration', () => {
  it('tells that the workload lives, three times a lease', async () => {
    const { clock, registration, calls } = bench();
    await registration.register();
    registration.start();
    await clock.advance(14_999);
    assert.deepEqual(calls(), ['register catalog-1', 'lease not ready', 'lease not ready', 'lease not ready']);
  });

  it('tells at once that the workload is ready', async () => {
    const { clock, registration, calls } = bench();
    registration.start();
    await clock.advance(100);
    calls();
    registration.setReady(true);
    await clock.advance(0);
    assert.deepEqual(calls(), ['lease ready']);
    await clock.advance(5_000);
    assert.deepEqual(calls(), ['lease ready']);
  });

  it('registers again at once when the control plane has forgotten it', async () => {
    const { clock, controlPlane, registration, calls } = bench();
    registration.start();
    registration.setReady(true);
    await clock.advance(100);
    calls();
    controlPlane.forgotten = true;
    await clock.advance(5_000);
    assert.deepEqual(calls(), ['lease ready', 'register catalog-1', 'lease ready']);
  });

  it('writes a changed record at once', async () => {
    const { clock, controlPlane, registration } = bench();
    registration.start();
    await clock.advance(100);
    registration.replace({ ...record, metadata: { ...record.metadata, name: 'catalog-1' } });
    await clock.advance(0);
    assert.equal(controlPlane.records.length, 2);
  });

  it('bears a control plane that is away, says so once, and is back within a second', async () => {
    const { clock, controlPlane, log, registration, calls } = bench();
    registration.start();
    registration.setReady(true);
    await clock.advance(100);
    controlPlane.away = true;
    await clock.advance(600_000);
    assert.equal(log.lines.filter((line) => line.level === 'warn').length, 1);
    calls();
    controlPlane.away = false;
    await clock.advance(1_000);
    assert.deepEqual(calls(), ['lease ready']);
    assert.ok(log.lines.some((line) => line.message === 'the control plane is back'));
  });

  it('enrols anew when its identity is taken no more, at once and then once a minute', async () => {
    const { clock, controlPlane, log, registration, calls, enrolments } = bench();
    controlPlane.takesIdentity = false;
    controlPlane.tokens.clear();
    registration.start();
    await clock.advance(59_000);
    assert.deepEqual(enrolments, [0]);
    controlPlane.tokens.add('good');
    calls();
    await clock.advance(2_000);
    assert.equal(enrolments.length, 2);
    assert.deepEqual(calls().slice(-2), ['register catalog-1', 'lease not ready']);
    assert.ok(log.lines.some(({ message }) => message === 'the control plane is back'));
  });

  it('waits for the acknowledgement when it leaves, and is never ready again', async () => {
    const { clock, controlPlane, registration, calls } = bench();
    registration.start();
    registration.setReady(true);
    await clock.advance(100);
    calls();
    controlPlane.drainMs = 3_000;
    let acknowledged: boolean | null = null;
    void registration.drain().then((answer) => (acknowledged = answer));
    await clock.advance(2_999);
    assert.equal(acknowledged, null);
    await clock.advance(1);
    assert.equal(acknowledged, true);
    await clock.advance(10_000);
    assert.deepEqual(
      calls().filter((call) => call === 'lease ready'),
      [],
    );
  });

  it('does not wait for ever: neither for acknowledgements nor for a control plane that is away', async () => {
    const { clock, controlPlane, registration } = bench();
    registration.start();
    await clock.advance(100);
    controlPlane.drainMs = 3_600_000;
    let answers = 0;
    void registration.drain().then((acknowledged) => (answers += acknowledged ? 100 : 1));
    await clock.advance(8_000);
    assert.equal(answers, 1);
    controlPlane.away = true;
    void registration.drain().then((acknowledged) => (answers += acknowledged ? 100 : 1));
    void registration.leave().then(() => (answers += 1));
    await clock.advance(5_000);
    assert.equal(answers, 3);
  });

  it('ends its heartbeats before it deregisters, and does so once', async () => {
    const { clock, registration, calls } = bench();
    registration.start();
    await clock.advance(100);
    calls();
    void registration.leave();
    void registration.leave();
    await clock.advance(60_000);
    assert.deepEqual(calls(), ['deregister']);
  });
});
