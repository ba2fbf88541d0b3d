import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isWeftError } from '../core/errors.ts';
import { readInheritedProxy } from './inherited-proxy.ts';
import { proxyEnvironment } from './proxy-environment.ts';
import { serviceVariables } from './service-variables.ts';
import { countVipPorts, planLoopbackPorts, planVips } from './vip.ts';

describe('proxy environment', () => {
  const base = {
    httpProxyPort: 15001,
    inherited: {},
    nodePreloadPath: '/opt/weft/node-preload.cjs',
    services: ['catalog'],
    vipAddresses: [],
  };

  it('is this, from an empty environment', () => {
    assert.deepEqual(proxyEnvironment(base), {
      variables: {
        http_proxy: 'http://127.0.0.1:15001',
        HTTP_PROXY: 'http://127.0.0.1:15001',
        https_proxy: 'http://127.0.0.1:15001',
        HTTPS_PROXY: 'http://127.0.0.1:15001',
        no_proxy: 'localhost,127.0.0.1,::1',
        NO_PROXY: 'localhost,127.0.0.1,::1',
        NODE_USE_ENV_PROXY: '1',
        JAVA_TOOL_OPTIONS:
          '-Dhttp.proxyHost=127.0.0.1 -Dhttp.proxyPort=15001 -Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=15001 ' +
          '-Dhttp.nonProxyHosts=localhost|127.0.0.1|[::1]|127.*',
        NODE_OPTIONS: '--require "/opt/weft/node-preload.cjs"',
      },
      warnings: [],
    });
  });

  it('keeps what the user had, behind and beside ours', () => {
    const inherited = {
      http_proxy: 'http://corp:3128',
      grpc_proxy: 'http://corp:3128',
      no_proxy: 'intra.corp, .lan',
      NO_PROXY: 'intra.corp,10.0.0.5',
      NODE_OPTIONS: '--max-old-space-size=100',
      JAVA_TOOL_OPTIONS: '-Xmx1g',
    };
    const { variables } = proxyEnvironment({ ...base, inherited });
    assert.equal(variables['http_proxy'], 'http://127.0.0.1:15001');
    assert.equal(variables['grpc_proxy'], 'http://127.0.0.1:15001');
    assert.equal(variables['no_proxy'], 'localhost,127.0.0.1,::1,intra.corp,.lan,10.0.0.5');
    assert.equal(variables['NO_PROXY'], variables['no_proxy']);
    assert.equal(variables['NODE_OPTIONS'], '--max-old-space-size=100 --require "/opt/weft/node-preload.cjs"');
    assert.match(variables['JAVA_TOOL_OPTIONS'] ?? '', /^-Xmx1g .*\|intra\.corp\|\*\.lan\|/);
  });

  it('leaves out of no_proxy what would take services out of the mesh, and says so', () => {
    for (const entry of ['*', '.svc.cluster.local', 'cluster.local', '.local', '*.svc', 'catalog', 'CATALOG:80']) {
      const { variables, warnings } = proxyEnvironment({ ...base, inherited: { no_proxy: `${entry},keep.me` } });
      assert.equal(variables['no_proxy'], 'localhost,127.0.0.1,::1,keep.me', entry);
      assert.equal(warnings.length, 1);
    }
  });

  it('sends nobody who has the address of a service to the proxy: clients know single addresses only', () => {
    const vipAddresses = ['127.8.0.1', '127.8.0.2', '127.8.0.2'];
    const { variables } = proxyEnvironment({ ...base, vipAddresses, inherited: { no_proxy: 'intra.corp' } });
    assert.equal(variables['no_proxy'], 'localhost,127.0.0.1,::1,127.8.0.1,127.8.0.2,intra.corp');
    assert.doesNotMatch(variables['JAVA_TOOL_OPTIONS'] ?? '', /127\.8/, 'the JVM knows 127.*');
  });

  it('has a no_proxy that no option of the JVM can be smuggled through', () => {
    const { variables } = proxyEnvironment({ ...base, inherited: { no_proxy: 'a -Devil=1,b' } });
    assert.doesNotMatch(variables['JAVA_TOOL_OPTIONS'] ?? '', /evil/);
  });
});

describe('inherited proxy', () => {
  it('is read from the variables in the order of curl', () => {
    assert.deepEqual(readInheritedProxy({ HTTP_PROXY: 'http://b:1', http_proxy: 'http://a:3128' }).proxy, {
      host: 'a',
      port: 3128,
    });
    assert.deepEqual(readInheritedProxy({ https_proxy: 'proxy.corp:8080' }).proxy, { host: 'proxy.corp', port: 8080 });
    assert.deepEqual(readInheritedProxy({ http_proxy: 'http://[::1]:9' }).proxy, { host: '::1', port: 9 });
    assert.deepEqual(readInheritedProxy({ http_proxy: 'http://a/' }).proxy, { host: 'a', port: 80 });
    assert.deepEqual(readInheritedProxy({ http_proxy: ' ' }), { proxy: null, warnings: [] });
  });

  it('that cannot be chained is named, without its password', () => {
    for (const value of ['http://me:secret@corp:3128', 'socks5://corp:1080', 'https://corp', 'http://']) {
      const { proxy, warnings } = readInheritedProxy({ http_proxy: value });
      assert.equal(proxy, null);
      assert.equal(warnings.length, 1);
      assert.doesNotMatch(warnings.join(), /secret/);
    }
  });
});

describe('virtual addresses', () => {
  const network = { x: 3, y: 7 };
  const service = (name: string, ...ports: number[]) => ({ namespace: 'shop', service: name, ports });

  it('are one a service, with a port of their own for each of its ports', () => {
    const plan = planVips(network, [service('web', 80), service('cart', 6379, 9000)]);
    assert.deepEqual(plan.vips, [
      { service: 'cart', namespace: 'shop', port: 6379, address: '127.3.7.1', vipPort: 20001 },
      { service: 'cart', namespace: 'shop', port: 9000, address: '127.3.7.1', vipPort: 20002 },
      { service: 'web', namespace: 'shop', port: 80, address: '127.3.7.2', vipPort: 20003 },
    ]);
    assert.deepEqual(planVips(network, [service('cart', 6379, 9000), service('web', 80)]), plan);
  });

  it('stop at 200 ports, and the rest is reported', () => {
    const many = Array.from({ length: 202 }, (_, index) => service(`s${String(index).padStart(3, '0')}`, 80));
    const plan = planVips(network, many);
    assert.equal(new Set(plan.vips.map((vip) => vip.address)).size, 200);
    assert.deepEqual(plan.left, ['shop/s200', 'shop/s201']);
    assert.equal(countVipPorts(many), 200);
  });

  it('are ports of 127.0.0.1 where there is no other loopback address', () => {
    const plan = planLoopbackPorts([service('web', 80), service('cart', 6379)], [20100, 20200]);
    assert.deepEqual(
      plan.vips.map(({ service: name, address, vipPort }) => [name, address, vipPort]),
      [
        ['cart', '127.0.0.1', 20100],
        ['web', '127.0.0.1', 20200],
      ],
    );
    assert.throws(
      () => planLoopbackPorts([service('web', 80)], []),
      (error) => isWeftError(error, 'limit-exceeded'),
    );
  });
});

describe('service variables', () => {
  const vip = (service: string, namespace: string, vipPort: number, portName = '') => ({
    service,
    namespace,
    port: 80,
    address: `127.1.1.${vipPort - 20_000}`,
    vipPort,
    portName,
  });

  it('have the names that Kubernetes gives them', () => {
    const vips = [
      vip('my-catalog', 'shop', 20001, 'http'),
      { ...vip('my-catalog', 'shop', 20002, 'admin-api'), address: '127.1.1.1' },
    ];
    assert.deepEqual(serviceVariables(vips, 'shop'), {
      MY_CATALOG_SERVICE_HOST: '127.1.1.1',
      MY_CATALOG_SERVICE_PORT: '20001',
      MY_CATALOG_SERVICE_PORT_HTTP: '20001',
      MY_CATALOG_SERVICE_PORT_ADMIN_API: '20002',
    });
  });

  it('name the namespace of foreign services, and never mix two services that share a name', () => {
    const variables = serviceVariables(
      [vip('a-b', 'c', 20003), vip('a', 'b-c', 20002), vip('a', 'shop', 20001)],
      'shop',
    );
    assert.equal(variables['A_SERVICE_PORT'], '20001');
    assert.equal(variables['A_B_C_SERVICE_PORT'], '20003');
    assert.equal(variables['A_B_C_SERVICE_HOST'], '127.1.1.3');
  });
});
