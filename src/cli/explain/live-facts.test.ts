import assert from 'node:assert/strict';
import { test } from 'node:test';
import { liveFacts } from './live-facts.ts';

const endpoint = { key: '10.0.0.1:80', fault: '', outMs: 0, latencyMs: null, active: 2, requests: 9, failures: 0 };
const facts = liveFacts([
  {
    name: 'c',
    limits: [
      { name: 'max_requests', max: 10, used: 3, refused: 0 },
      { name: 'max_connections', max: 5, used: 0, refused: 0 },
      { name: 'max_pending_requests', max: 1, used: 1, refused: 7 },
    ],
    endpoints: [
      endpoint,
      { ...endpoint, key: 'b', fault: 'ejected: consecutive-5xx', outMs: 4_100, failures: 5, latencyMs: 12.34 },
      { ...endpoint, key: 'd', fault: 'unhealthy, says the control plane' },
    ],
  },
]);

test('limits that are in use or have fired are told, with how far they go', () => {
  assert.equal(
    facts.clusterState('c'),
    'max_requests 3 of 10, max_pending_requests 1 of 1, max_pending_requests refused 7',
  );
  assert.equal(facts.clusterState('other'), '');
});

test('an endpoint that is out says why and for how long, each what it carries and how fast it answers', () => {
  assert.equal(facts.endpointFault('c', '10.0.0.1:80'), null);
  assert.equal(facts.endpointFault('c', 'b'), 'ejected: consecutive-5xx, for 5 s more');
  assert.equal(facts.endpointFault('c', 'd'), 'unhealthy, says the control plane');
  assert.equal(facts.endpointState('c', '10.0.0.1:80'), '2 in flight, 9 so far');
  assert.equal(facts.endpointState('c', 'b'), '2 in flight, 9 so far, 5 failed, answers within 12 ms');
  assert.equal(facts.endpointState('c', 'nobody'), '');
});

test('of a proxy that says nothing, nothing is known', () => {
  const none = liveFacts(null);
  assert.deepEqual(
    [none.clusterState('c'), none.endpointFault('c', 'b'), none.endpointState('c', 'b')],
    ['', null, ''],
  );
});
