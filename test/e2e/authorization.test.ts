/**
 * AuthorizationPolicies and FaultInjections with real sidecars: who may ask for what, over every protocol, with both data
 * planes before the application; and faults that begin and end by themselves.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing } from '../support/components.ts';
import { freePort, LiveMesh } from '../support/live-mesh.ts';
import type { MeshShell } from '../support/mesh-shell.ts';

const APP = join(import.meta.dirname, 'apps', 'says-what-was-asked.mjs');
const SPREAD_LIMIT_MS = 15_000;

const mesh = new LiveMesh();
let web: MeshShell;
let batch: MeshShell;
let talks = 0;
/** By the proxy beside them. */
const callers = new Map<string, MeshShell>();

const hasEnvoy = missing('envoy') === false;
const PROXIES = hasEnvoy ? (['weft', 'envoy'] as const) : (['weft'] as const);

async function serve(proxy: string): Promise<void> {
  const [http, raw] = [await freePort(), await freePort()];
  const ports = [`main=${http}`, `raw=${raw}:tcp`];
  const flags = ['--proxy', proxy, ...(proxy === 'weft' ? ['--access-log', join(mesh.directory, `${proxy}.log`)] : [])];
  await mesh.serve({ service: `app-${proxy}`, ports, flags }, process.execPath, APP, String(http), String(raw));
}

async function apply(name: string, text: string): Promise<void> {
  const path = join(mesh.directory, `${name}.yaml`);
  writeFileSync(path, text);
  const { code, stderr } = await mesh.weft(['apply', '-f', path]);
  assert.equal(code, 0, stderr);
}

async function remove(kind: string, name: string): Promise<void> {
  const { code, stderr } = await mesh.weft(['delete', kind, name]);
  assert.equal(code, 0, stderr);
}

const policy = (name: string, service: string, rest: string) => `
apiVersion: weft.mesh/v1
kind: AuthorizationPolicy
metadata: { name: ${name} }
spec:
  targetRefs: [{ group: "", kind: Service, name: ${service} }]
  ${rest.trim().replaceAll('\n', '\n  ')}
`;

/** The status of a request, by curl. */
async function status(shell: MeshShell, flags: string): Promise<number> {
  const { stdout } = await shell.exec(`curl -sS -m 10 -o /dev/null -w '%{http_code}' ${flags}`);
  return Number(stdout.trim().slice(-3));
}

async function becomes(what: string, expected: number, shell: MeshShell, flags: string): Promise<void> {
  await until(`${what} is ${expected}`, SPREAD_LIMIT_MS, async () => (await status(shell, flags)) === expected);
}

/** Whether what is said to the raw port comes back. */
async function echoes(shell: MeshShell, service: string): Promise<boolean> {
  const name = service.toUpperCase().replaceAll('-', '_');
  const script = `exec 3<>/dev/tcp/$${name}_SERVICE_HOST/$${name}_SERVICE_PORT_RAW && echo hello >&3 && timeout 5 head -n 1 <&3`;
  const { stdout } = await shell.exec(`bash -c '${script}'`);
  return stdout.includes('hello');
}

/** Opens a connection to the raw port that stays; what is returned reads what has come on it, and `over` at its end. */
async function longTalk(shell: MeshShell, service: string): Promise<() => Promise<string>> {
  const name = service.toUpperCase().replaceAll('-', '_');
  const file = join(mesh.directory, `talk-${++talks}`);
  const script = `exec 3<>/dev/tcp/$${name}_SERVICE_HOST/$${name}_SERVICE_PORT_RAW && echo hello >&3 && cat <&3; echo over`;
  await shell.exec(`timeout 60 bash -c '${script}' >${file} 2>&1 &`);
  const read = async (): Promise<string> => readFileSync(file, 'utf8');
  await until('it is answered', SPREAD_LIMIT_MS, async () => (await read()).includes('hello'));
  return read;
}

describe('policies before and beside applications', { skip: missing('curl', 'bash') }, () => {
  before(async () => {
    await mesh.start();
    for (const proxy of PROXIES) await serve(proxy);
    const uses = PROXIES.map((proxy) => `app-${proxy}`);
    web = await mesh.shell({ service: 'web', uses });
    batch = await mesh.shell({ service: 'batch', uses });
    callers.set('weft', web);
    if (hasEnvoy) callers.set('envoy', await mesh.shell({ service: 'web-envoy', uses, flags: ['--proxy', 'envoy'] }));
  });
  after(() => mesh.close());

  for (const proxy of PROXIES) {
    const service = `app-${proxy}`;
    const url = `http://${service}`;
    const variable = service.toUpperCase().replaceAll('-', '_');
    const direct = `http://$${variable}_SERVICE_HOST:$${variable}_SERVICE_PORT`;
    const noProxy = `--noproxy '*'`;

    describe(`with ${proxy} before the application`, () => {
      test('without a policy everybody may do everything', async () => {
        await becomes('a request of batch', 200, batch, `-X DELETE ${url}/admin`);
        assert.equal(await echoes(batch, service), true);
      });

      test('one ALLOW: by identity, method and path, whatever the way and the version of HTTP', async () => {
        await apply(
          'readers',
          policy(
            'readers',
            service,
            `
action: ALLOW
rules:
  - name: web-reads
    from: [{ serviceAccounts: [web] }]
    to: [{ methods: [GET], paths: [{ value: /products }] }, { paths: [{ type: Exact, value: /shop.Catalog/Get }] }]
`,
          ),
        );
        await becomes('a request of batch', 403, batch, `${url}/products`);
        const ways = {
          'through the HTTP proxy': url,
          'through CONNECT': `-p ${url}:80`,
          'at the address of the service': `${noProxy} ${direct}`,
          'over HTTP/2': `--http2-prior-knowledge ${noProxy} ${direct}`,
        };
        for (const [way, base] of Object.entries(ways)) {
          assert.equal(await status(web, `${base}/products/7`), 200, way);
          assert.equal(await status(web, `${base}/orders`), 403, way);
          assert.equal(await status(web, `-X POST ${base}/products`), 403, way);
          assert.equal(await status(web, `--path-as-is ${base}/products/../orders`), 403, way);
          assert.equal(await status(batch, `${base}/products`), 403, way);
        }
        const websocket = `-H 'connection: upgrade' -H 'upgrade: websocket' -H 'sec-websocket-version: 13' -H 'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==' ${noProxy} ${direct}`;
        assert.equal(await status(web, `${websocket}/products/live`), 101);
        assert.equal(await status(batch, `${websocket}/products/live`), 403);
      });

      test('a gRPC caller that is denied is told PERMISSION_DENIED, and nobody which rule it was', async () => {
        const call = `-sS -m 10 -i --http2-prior-knowledge ${noProxy} -X POST -H 'content-type: application/grpc' -H 'te: trailers' ${direct}/shop.Catalog/Get`;
        assert.match(await web.output(`curl ${call}`), /^grpc-status: 0\r$/m);
        const denied = await batch.output(`curl ${call}`);
        assert.match(denied, /^grpc-status: 7\r$/m);
        const refused = await batch.output(`curl -sS -m 10 -i ${url}/products`);
        assert.match(refused, /RBAC: access denied/);
        for (const answer of [denied, refused]) assert.doesNotMatch(answer, /readers|web-reads/);
      });

      test('raw bytes are nobody’s while the only rules that allow ask for HTTP', async () => {
        await until('raw bytes are refused', SPREAD_LIMIT_MS, async () => !(await echoes(web, service)));
        await remove('authorizationpolicy', 'readers');
        await until('raw bytes pass', SPREAD_LIMIT_MS, () => echoes(web, service));
      });

      test('a port of raw bytes is closed by a policy that asks it for a method, until somebody mends it', async () => {
        const from = `from: [{ serviceAccounts: [web] }]`;
        await apply('raw', policy('raw', service, `action: ALLOW\nrules: [{ ${from}, to: [{ methods: [GET] }] }]`));
        await until('raw bytes are refused', SPREAD_LIMIT_MS, async () => !(await echoes(web, service)));
        const found = await until('the status says so', SPREAD_LIMIT_MS, async () => {
          const { stdout } = await mesh.weft(['get', 'authorizationpolicy', 'raw', '-o', 'json']);
          return /carries tcp, which does not say what spec\.rules\[0\]\.to\[0\]\.methods asks for/.exec(stdout);
        });
        assert.ok(found);
        assert.match(
          (await mesh.weft(['status'])).stdout,
          /AuthorizationPolicy default\/raw: NotEnforceable\n +why: +workload default\/app-/,
        );
        await apply('raw', policy('raw', service, `action: ALLOW\nrules: [{ ${from} }]`));
        await until('raw bytes of web pass', SPREAD_LIMIT_MS, () => echoes(web, service));
        assert.equal(await echoes(batch, service), false);
        await remove('authorizationpolicy', 'raw');
      });

      const endsWithRules = async (): Promise<void> => {
        await until('raw bytes of batch pass', SPREAD_LIMIT_MS, () => echoes(batch, service));
        const [kept, cut] = [await longTalk(web, service), await longTalk(batch, service)];
        const from = `from: [{ serviceAccounts: [web] }]`;
        await apply('raw', policy('raw', service, `action: ALLOW\nrules: [{ ${from} }]`));
        await until('the one of batch is over', SPREAD_LIMIT_MS, async () => (await cut()).includes('over'));
        assert.ok(!(await kept()).includes('over'));
        await remove('authorizationpolicy', 'raw');
      };
      // Envoy keeps the connection under the rules that it came under.
      if (proxy !== 'envoy') test('an open connection of raw bytes ends with the rules that allowed it', endsWithRules);

      test('DENY comes before ALLOW, by header and address', async () => {
        const denied = `
action: DENY
rules:
  - name: no-beta
    headers: [{ name: x-beta, type: Prefix, value: "yes" }]
    from: [{ ipBlocks: [127.0.0.0/8] }]
`;
        await apply(
          'beta',
          `${policy('beta', service, denied)}---${policy('all', service, 'action: ALLOW\nrules: [{}]')}`,
        );
        await becomes('a request with the header', 403, web, `-H 'x-beta: yes, please' ${url}/`);
        assert.equal(await status(web, `-H 'x-beta: no' ${url}/`), 200);
        await remove('authorizationpolicy', 'beta');
        await remove('authorizationpolicy', 'all');
        await becomes('a request with the header', 200, web, `-H 'x-beta: yes' ${url}/`);
      });
    });
  }

  test('the log and the metrics of Weft’s sidecar name the rule', async () => {
    const rule = /"flag":"UAEX".*"detail":"RBAC: denied by policy default\/beta\/no-beta"/;
    await until('the log has it', SPREAD_LIMIT_MS, () =>
      rule.test(readFileSync(join(mesh.directory, 'weft.log'), 'utf8')),
    );
    const labels = { verdict: 'denied', policy: 'default/beta/no-beta' };
    assert.ok((await mesh.count('app-weft', 'weft_rbac_requests_total', labels)) >= 1);
  });

  for (const proxy of PROXIES) {
    test(`a fault beside ${proxy} delays or answers the requests that it is for, and ends by itself`, async () => {
      const caller = callers.get(proxy);
      assert.ok(caller);
      const fault = (until: string) => `
apiVersion: weft.mesh/v1
kind: FaultInjection
metadata: { name: outage }
spec:
  targetRefs: [{ group: "", kind: Service, name: app-weft }]
  headers: [{ name: x-chaos, value: "yes" }]
  delay: { fixed: 300ms }
  abort: { httpStatus: 418 }
  ${until}
`;
      await apply('outage', fault(''));
      const asked = `-H 'x-chaos: yes' http://app-weft/`;
      await becomes('a request with the header', 418, caller, asked);
      const seconds = Number(await caller.output(`curl -sS -m 10 -o /dev/null -w '%{time_total}' ${asked}`));
      assert.ok(seconds >= 0.25, String(seconds));
      if (proxy === 'weft') assert.match(await caller.output(`curl -sS -m 10 -i ${asked}`), /^x-weft-flag: FI\r$/m);
      assert.equal(await status(caller, 'http://app-weft/'), 200);
      const endsAt = new Date(Date.now() + 4_000).toISOString();
      await apply('outage', fault(`until: "${endsAt}"`));
      await becomes('a request after the end', 200, caller, asked);
      await until('the status says that it has ended', SPREAD_LIMIT_MS, async () => {
        const { stdout } = await mesh.weft(['get', 'faultinjection', 'outage', '-o', 'json']);
        return stdout.includes('it ended at');
      });
      await remove('faultinjection', 'outage');
    });
  }
});
