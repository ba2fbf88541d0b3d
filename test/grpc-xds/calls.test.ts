/**
 * gRPC without sidecars, by three libraries that we did not write, as clients and as servers, in one mesh with sidecars:
 * who is called, that it is mTLS, and that every policy means what it means elsewhere.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { until } from '../support/child.ts';
import { missing, missingPython } from '../support/components.ts';
import { type Answer, LANGUAGES, type Language, type ProbeClient } from './probe.ts';
import { inAllLanguages, ProxylessMesh } from './proxyless-mesh.ts';

const POOL = ['pool-1', 'pool-2', 'pool-3'];
const SETTLES_MS = 20_000;
const SERVICE = (name: string) => ({ group: '', kind: 'Service', name });
const GATEWAY = 'gateway.networking.k8s.io';

describe('gRPC without sidecars', { skip: missing('go') || missingPython('grpc') }, () => {
  const mesh = new ProxylessMesh();
  let throughSidecar: ProbeClient;

  before(async () => {
    await mesh.start();
    // Not all at once: each is two programs to start.
    for (const some of [
      LANGUAGES.map((language) => () => mesh.serve(language, { service: `echo-${language}` })),
      [
        () => mesh.serveBehindSidecar({ service: 'echo-side' }),
        () => mesh.serve('go', { service: 'pool', name: 'pool-1', flags: ['--version', 'v1'] }),
        () => mesh.serve('go', { service: 'pool', name: 'pool-2', flags: ['--version', 'v1'] }),
        () => mesh.serveBehindSidecar({ service: 'pool', name: 'pool-3', flags: ['--version', 'v2'] }),
      ],
    ]) {
      await Promise.all(some.map((start) => start()));
    }
    mesh.startClients();
    throughSidecar = mesh.clientBehindSidecar({ service: 'call-side' });
  });
  after(() => mesh.close());

  test('every client calls every server, by any of its names, and both know whom they talk to', async () => {
    const targets: Record<string, string> = {
      'echo-js': 'xds:///echo-js',
      'echo-go': 'xds:///echo-go.default:80',
      'echo-python': 'xds:///echo-python.default.svc.cluster.local',
    };
    await inAllLanguages(async (language) => {
      const peer = `spiffe://weft.local/ns/default/sa/call-${language}`;
      for (const [name, target] of Object.entries(targets)) {
        const { names, peers } = await mesh.of(language).succeeds({ target, count: 5, timeoutMs: 20_000 });
        assert.deepEqual({ names, peers }, { names: { [name]: 5 }, peers: { [peer]: 5 } }, `${language} → ${name}`);
      }
      await mesh.of(language).succeeds({ target: 'xds:///echo-side:80', count: 5, timeoutMs: 20_000 });
    });
    await mesh.mesh.assertSecure('echo-side', 'requests', 'inbound', ['call-js', 'echo-side'], 5);
  });

  test('an application behind a sidecar calls servers without one, with mTLS', async () => {
    for (const language of LANGUAGES) {
      const target = envOf(language);
      const { names, peers } = await throughSidecar.succeeds({ target, count: 5 });
      assert.deepEqual(names, { [`echo-${language}`]: 5 });
      assert.deepEqual(peers, { 'spiffe://weft.local/ns/default/sa/call-side': 5 });
    }
  });

  test('Envoy beside an application calls servers without a sidecar, and is called', {
    skip: missing('envoy'),
  }, async () => {
    const flags = ['--proxy', 'envoy'];
    await mesh.serveBehindSidecar({ service: 'echo-envoy', flags });
    await inAllLanguages(async (language) => {
      await mesh.of(language).connected('xds:///echo-envoy');
      await mesh.of(language).succeeds({ target: 'xds:///echo-envoy', count: 5 });
    });
    const throughEnvoy = mesh.clientBehindSidecar({ service: 'call-envoy', flags });
    for (const language of LANGUAGES) {
      const target = envOf(language);
      const { peers } = await throughEnvoy.succeeds({ target, count: 5, timeoutMs: 20_000 });
      assert.deepEqual(peers, { 'spiffe://weft.local/ns/default/sa/call-envoy': 5 });
    }
  });

  test('a target that nobody has fails, and says so', async () => {
    const { errors } = await mesh.of('go').ask({ target: 'xds:///nobody:80', timeoutMs: 500 });
    assert.match(Object.keys(errors).join(), /^(4|14) /);
  });

  test('round robin over proxyless servers and sidecars alike', async () => {
    await mesh.apply(traffic('pool', { loadBalancing: { algorithm: 'RoundRobin' } }));
    await inAllLanguages((language) =>
      settles(`${language}: 10 each`, () => mesh.of(language).succeeds({ target: 'xds:///pool', count: 30 }), evenly),
    );
  });

  test('a ring keeps the calls of one user on one server', async () => {
    const hashOn = [{ type: 'Header', name: 'x-user' }];
    await mesh.apply(traffic('pool', { loadBalancing: { algorithm: 'RingHash', hashOn } }));
    await inAllLanguages(async (language) => {
      const same = { target: 'xds:///pool', count: 20, headers: { 'x-user': 'ada' } };
      const one = await settles(
        `${language}: one server`,
        () => mesh.of(language).succeeds(same),
        ({ names }) => Object.keys(names).length === 1,
      );
      const again = await mesh.of(language).succeeds(same);
      assert.deepEqual(again.names, one.names);
      const { names } = await mesh.of(language).succeeds({ ...same, count: 60, headers: { 'x-user': 'user %' } });
      assert.equal(Object.keys(names).length, 3, JSON.stringify(names));
    });
  });

  test('a limit of time and a match on the method', async () => {
    const slow = { matches: [{ path: { value: '/probe.Probe/Slow' } }], timeouts: { request: '2500ms' } };
    await mesh.apply(
      route('echo-go', [
        { ...slow, backendRefs: [{ name: 'echo-go', port: 80 }] },
        { backendRefs: [{ name: 'echo-go', port: 80 }] },
      ]),
    );
    await inAllLanguages(async (language) => {
      const target = 'xds:///echo-go.default:80';
      const ask = { target, method: 'Slow', body: '6000', timeoutMs: 20_000 } as const;
      // C-core counts every limit that is not the caller's own from one to two seconds before the call (grpc/grpc#40633).
      const fromMs = language === 'python' ? 450 : 2_500;
      await settles(`${language}: cut at 2.5 s`, () => mesh.of(language).ask(ask), ended('4', fromMs, 5_900));
      await mesh.of(language).succeeds({ target, method: 'Who' });
    });
  });

  test('retries of a status, as often as they are allowed', async () => {
    await mesh.apply(traffic('echo-go', { retry: { on: ['unavailable'], attempts: 2, backOff: { base: '10ms' } } }));
    await inAllLanguages(async (language) => {
      const ask = (failures: number, key: string) =>
        mesh.of(language).ask({ target: 'xds:///echo-go', method: 'Flaky', body: `${key},${failures}` });
      let tries = 0;
      await settles(
        `${language}: the third try succeeds`,
        () => ask(2, `${language} ${tries++}`),
        ({ names }) => names['echo-go'] === 1,
      );
      assert.match(Object.keys((await ask(3, `${language} never`)).errors).join(), /^14 /);
    });
  });

  test('shares of traffic, moved while calls go on', async () => {
    const versions = (v1: number, v2: number) =>
      route('pool', [
        {
          backendRefs: [
            { name: 'pool-v1', port: 80, weight: v1 },
            { name: 'pool-v2', port: 80, weight: v2 },
          ],
        },
      ]);
    const ask = (language: Language) =>
      mesh.of(language).succeeds({ target: 'xds:///pool', count: 200, concurrency: 4 });
    await mesh.apply(versions(3, 1));
    await inAllLanguages((language) =>
      settles(
        `${language}: a quarter to v2`,
        () => ask(language),
        ({ names }) => (names['pool-3'] ?? 0) > 20 && (names['pool-3'] ?? 0) < 85,
      ),
    );
    await mesh.apply(versions(0, 1));
    await inAllLanguages((language) =>
      settles(
        `${language}: all to v2`,
        () => ask(language),
        ({ names }) => names['pool-3'] === 200,
      ),
    );
    await mesh.delete('httproute', 'pool');
  });

  test('a server that fails is left alone', async () => {
    await mesh.apply(
      traffic('pool', {
        loadBalancing: { algorithm: 'RoundRobin' },
        outlierDetection: {
          interval: '1s',
          baseEjectionTime: '60s',
          maxEjectionPercent: 50,
          failurePercentage: { threshold: 50, minimumEndpoints: 3, requestVolume: 5 },
        },
      }),
    );
    await inAllLanguages((language) =>
      settles(
        `${language}: without pool-1`,
        () => mesh.of(language).ask({ target: 'xds:///pool', method: 'Fail', body: 'pool-1', count: 60 }),
        ({ errors }) => Object.keys(errors).length === 0,
      ),
    );
    await mesh.delete('backendtrafficpolicy', 'pool');
  });

  test('faults on purpose, for the calls that ask for them', async () => {
    const headers = [{ name: 'x-chaos', value: 'yes' }];
    const targetRefs = [SERVICE('echo-side')];
    await mesh.apply(
      policy('FaultInjection', 'chaos', { targetRefs, headers, delay: { fixed: '200ms' }, abort: { grpcStatus: 8 } }),
    );
    await inAllLanguages(async (language) => {
      const target = 'xds:///echo-side:80';
      const chaotic = () => mesh.of(language).ask({ target, headers: { 'x-chaos': 'yes' } });
      await settles(`${language}: RESOURCE_EXHAUSTED after 200 ms`, chaotic, ended('8', 200, 10_000));
      await mesh.of(language).succeeds({ target, count: 10 });
    });
    await mesh.delete('faultinjection', 'chaos');
  });

  test('clear text where a policy says so, mTLS everywhere else', async () => {
    const targetRefs = LANGUAGES.map((language) => SERVICE(`echo-${language}`));
    await mesh.apply(policy('PeerAuthentication', 'open', { targetRefs, mtls: { mode: 'disabled' } }));
    // Connections that stand stay as they are; and C-core, once it was told of TLS, does not leave it again.
    const seenBy = (server: Language, isKnown: boolean) =>
      Promise.all(
        (['js', 'go'] as const).map(async (language) => {
          const target = `xds:///echo-${server}`;
          const peer = isKnown ? `spiffe://weft.local/ns/default/sa/call-${language}` : '';
          await settles(
            `${language} → ${server}: ${isKnown ? 'mTLS' : 'clear text'}`,
            () => mesh.of(language).ask({ target, count: 5, fresh: true }),
            ({ peers }) => peers[peer] === 5,
          );
        }),
      );
    for (const server of LANGUAGES) {
      await seenBy(server, false);
      await settles(
        'through a sidecar, too',
        () => throughSidecar.ask({ target: envOf(server) }),
        ({ peers }) => peers[''] === 1,
      );
    }
    await mesh.apply(
      policy('PeerAuthentication', 'side', { targetRefs: [SERVICE('echo-side')], mtls: { mode: 'permissive' } }),
    );
    const before = await mesh.mesh.count('echo-side', 'weft_requests_total', { direction: 'inbound', mtls: 'yes' });
    await inAllLanguages((language) =>
      mesh.of(language).succeeds({ target: 'xds:///echo-side:80', count: 5, fresh: true }),
    );
    await mesh.mesh.assertSecure('echo-side', 'requests', 'inbound', ['call-go', 'echo-side'], 5);
    assert.ok(
      (await mesh.mesh.count('echo-side', 'weft_requests_total', { direction: 'inbound', mtls: 'yes' })) >= before + 15,
    );
    await mesh.delete('peerauthentication', 'open');
    for (const server of LANGUAGES) await seenBy(server, true);
  });

  test('who may call is held by servers of all libraries, and told to nobody', async () => {
    const targetRefs = LANGUAGES.map((language) => SERVICE(`echo-${language}`));
    const rules = [
      { name: 'no-go', from: [{ serviceAccounts: ['call-go'] }], to: [{ paths: [{ value: '/probe.Probe/Who' }] }] },
    ];
    await mesh.apply(policy('AuthorizationPolicy', 'no-go', { targetRefs, action: 'DENY', rules }));
    for (const server of LANGUAGES) {
      const target = `xds:///echo-${server}`;
      const denied = await settles(`${server}: denies`, () => mesh.of('go').ask({ target }), ended('7', 0, 60_000));
      assert.doesNotMatch(JSON.stringify(denied.errors), /no-go/);
      await mesh.of('go').succeeds({ target, method: 'Slow', body: '0' });
      // A client that met the last policy half in place tries its connection again only after a second.
      await settles(`${server}: lets others in`, () => mesh.of('js').ask({ target }), isFine);
    }
    await throughSidecar.succeeds({ target: 'env:ECHO_GO' });
    await mesh.delete('authorizationpolicy', 'no-go');
    await settles('allowed again', () => mesh.of('go').ask({ target: 'xds:///echo-python' }), isFine);
  });

  test('clients tell how their calls went, where no proxy counts them', async () => {
    const source =
      /^weft_load_requests_total\{source="call-(\w+)\.default",cluster="grpc\|80\|echo-go\.default".*"success"\} [1-9]/gm;
    await until('all have reported', 30_000, async () => {
      const { body } = await mesh.mesh.api('GET', '/metrics');
      return new Set([...String(body).matchAll(source)].map(([, language]) => language)).size === LANGUAGES.length;
    });
  });

  function isFine({ errors }: Answer): boolean {
    return Object.keys(errors).length === 0;
  }
});

function envOf(language: Language): string {
  return `env:ECHO_${language.toUpperCase()}`;
}

function ended(code: string, fromMs: number, toMs: number): (answer: Answer) => boolean {
  return ({ errors, ms }) => Object.keys(errors).join().startsWith(`${code} `) && ms >= fromMs && ms < toMs;
}

function evenly({ names }: Answer): boolean {
  return POOL.every((name) => Math.abs((names[name] ?? 0) - 10) <= 2);
}

/** Asks until the answer is as it should be: a change reaches clients a moment after it is applied. */
async function settles(what: string, ask: () => Promise<Answer>, holds: (answer: Answer) => boolean): Promise<Answer> {
  let last: Answer | undefined;
  return until(what, SETTLES_MS, async () => {
    last = await ask();
    return holds(last) ? last : null;
  }).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${JSON.stringify(last)}`, { cause: error });
  });
}

function policy(kind: string, name: string, spec: object): object {
  return { apiVersion: 'weft.mesh/v1', kind, metadata: { name, namespace: 'default' }, spec };
}

function traffic(service: string, sections: object): object {
  return policy('BackendTrafficPolicy', service, { targetRefs: [SERVICE(service)], ...sections });
}

function route(service: string, rules: object[]): object {
  const metadata = { name: service, namespace: 'default' };
  return { apiVersion: `${GATEWAY}/v1`, kind: 'HTTPRoute', metadata, spec: { parentRefs: [SERVICE(service)], rules } };
}
