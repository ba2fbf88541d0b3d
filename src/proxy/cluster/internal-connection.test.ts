import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RawPeer } from '../../../test/support/sim-mesh.ts';
import type { ConnectionHandler } from '../../core/runtime.ts';
import { connectInternally } from './internal-connection.ts';

const INFO = { local: { host: '127.0.0.1', port: 0 }, remote: { host: '127.0.0.1', port: 0 }, tls: null };
const NOBODY: ConnectionHandler = { onOpen() {}, onBytes() {}, onDrained() {}, onEnd() {}, onClose() {} };

function pair() {
  const turns: (() => void)[] = [];
  const { near, far } = connectInternally((run) => turns.push(run), INFO, NOBODY);
  const left = new RawPeer(() => near);
  const right = new RawPeer(() => far);
  near.handler = left;
  far.handler = right;
  const settle = (): void => {
    for (let turn = turns.shift(); turn !== undefined; turn = turns.shift()) turn();
  };
  return { left, right, settle };
}

type Step = { readonly kind: 'left' | 'right' | 'turn' | 'pause' | 'resume' | 'unread'; readonly size: number };
const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom('left', 'right', 'turn', 'pause', 'resume', 'unread'),
  size: fc.integer({ min: 1, max: 5_000 }),
});

test('bytes come out as they went in, whatever is paused or given back between', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { left, right, settle } = pair();
      const sent = { left: Buffer.alloc(0), right: Buffer.alloc(0) };
      let unreadOnce = false;
      right.onText = () => {
        if (!unreadOnce) return;
        unreadOnce = false;
        const all = Buffer.from(right.bytes);
        right.take(all.length);
        right.connection.unread(all, 0, all.length);
      };
      for (const [i, { kind, size }] of steps.entries()) {
        if (kind === 'turn') settle();
        else if (kind === 'pause') right.connection.pause();
        else if (kind === 'resume') right.connection.resume();
        else if (kind === 'unread') unreadOnce = true;
        else {
          const bytes = Buffer.alloc(size, i);
          sent[kind] = Buffer.concat([sent[kind], bytes]);
          (kind === 'left' ? left : right).send(bytes);
        }
      }
      unreadOnce = false;
      right.connection.resume();
      left.connection.end();
      right.connection.end();
      settle();
      assert.ok(right.bytes.equals(sent.left));
      assert.ok(left.bytes.equals(sent.right));
      assert.deepEqual([left.closed, right.closed], ['', '']);
    }),
  );
});

test('a writer sees what its reader has not taken, and is told when it has', () => {
  const { left, right, settle } = pair();
  settle();
  right.connection.pause();
  left.send(Buffer.alloc(100_000));
  assert.equal(left.connection.backlog, 100_000);
  right.connection.resume();
  settle();
  assert.equal(left.connection.backlog, 0);
  assert.equal(left.drained, 1);
});

test('one end that is destroyed is an error for the other', () => {
  const { left, right, settle } = pair();
  settle();
  left.connection.destroy('gave up');
  settle();
  assert.equal(left.closed, 'gave up');
  assert.notEqual(right.closed, '');
  assert.notEqual(right.closed, null);
});

test('a writer and a reader may use their buffers again at once', () => {
  const { left, right, settle } = pair();
  const buffer = Buffer.from('first');
  right.connection.pause();
  left.connection.write(buffer, 0, 5);
  buffer.fill('x');
  right.connection.resume();
  settle();
  assert.equal(right.text, 'first');
  right.take(5);
  buffer.write('again');
  right.connection.unread(buffer, 0, 5);
  buffer.fill('x');
  settle();
  assert.equal(right.text, 'again');
});
