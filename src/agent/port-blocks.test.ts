import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createNodeRuntime } from '../runtime/node/runtime.ts';
import { PROXY_PORTS, reservePorts } from './port-blocks.ts';
import { reserveNetwork } from './vip-network.ts';

const { net, random } = createNodeRuntime();
/** All begin at the same place, as the worst luck would have it. */
const sameLuck = { next: () => 0.3, fill: () => {} };

describe('port blocks', () => {
  it('give different ports to workloads that start at the same moment', async () => {
    const all = await Promise.all(Array.from({ length: 12 }, () => reservePorts(net, sameLuck, PROXY_PORTS, 9, [])));
    const ports = all.flatMap((each) => each.ports);
    assert.equal(new Set(ports).size, 12 * 9);
    for (const port of ports) assert.ok(port >= PROXY_PORTS.first && port <= PROXY_PORTS.last);
    await Promise.all(all.map((each) => each.release()));
  });

  it('are the same after a restart, and others while somebody has them', async () => {
    const first = await reservePorts(net, random, PROXY_PORTS, 3, []);
    const meanwhile = await reservePorts(net, random, PROXY_PORTS, 3, first.blocks);
    assert.notDeepEqual(meanwhile.ports, first.ports);
    await first.release();
    const again = await reservePorts(net, random, PROXY_PORTS, 3, first.blocks);
    assert.deepEqual(again.ports, first.ports);
    await Promise.all([meanwhile.release(), again.release()]);
  });

  it('leave out a port that another program has', async () => {
    const probe = await reservePorts(net, random, PROXY_PORTS, 7, []);
    const [taken = 0] = probe.ports;
    await probe.release();
    const foreign = await net.listen({ host: '127.0.0.1', port: taken }, () => assert.fail('connected'));
    const reserved = await reservePorts(net, random, PROXY_PORTS, 7, probe.blocks);
    assert.equal(reserved.ports.includes(taken), false);
    await Promise.all([reserved.release(), foreign.close()]);
  });

  it('run out with a clear error, holding nothing', async () => {
    const small = { first: 19_984, last: 19_991 };
    await assert.rejects(reservePorts(net, random, small, 8, []), /no 8 free ports/);
    const reserved = await reservePorts(net, random, small, 1, []);
    await reserved.release();
  });
});

describe('loopback network', {
  skip: process.platform === 'linux' ? false : 'this platform has 127.0.0.1 only',
}, () => {
  it('belongs to one workload at a time, and is taken up again', async () => {
    const first = await reserveNetwork(net, sameLuck, null);
    const second = await reserveNetwork(net, sameLuck, null);
    assert.ok(first !== null && second !== null);
    assert.notDeepEqual(first.network, second.network);
    const denied = await reserveNetwork(net, sameLuck, first.network);
    assert.notDeepEqual(denied?.network, first.network);
    await first.release();
    const again = await reserveNetwork(net, random, first.network);
    assert.deepEqual(again?.network, first.network);
    await Promise.all([second.release(), denied?.release(), again?.release()]);
  });
});
