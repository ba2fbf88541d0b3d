import assert from 'node:assert/strict';
import { randomFillSync, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { type ErrorCode, isWeftError, WeftError } from '../../core/errors.ts';
import { RecordingLog, silentLog } from '../../core/log.ts';
import type { Runtime } from '../../core/runtime.ts';
import { writeCsr } from '../../identity/csr.ts';
import { processKeyMaker } from '../../identity/key-maker.ts';
import type { ApiRequest, Route } from '../api-server/handler.ts';
import { createLogStore } from '../store/log-store.ts';
import { noPersistence } from '../store/persistence.ts';
import { openAuthority } from './authority.ts';
import { Enrolment } from './enrolment.ts';
import { IdentityRecords } from './identity-records.ts';
import { identityRoutes } from './identity-routes.ts';
import { Tokens } from './tokens.ts';

const REMOTE = { host: '192.0.2.1', port: 5000 };
const ADMIN = { role: 'admin' } as const;
const disk = new Map<string, Uint8Array>();
const time = { wall: Date.parse('2026-11-21T12:00:00Z') };
const runtime = {
  clock: { now: () => time.wall, wall: () => time.wall, wake: () => () => {} },
  random: { next: Math.random, fill: (bytes: Uint8Array) => void randomFillSync(bytes) },
  files: {
    read: async (path: string) => {
      const bytes = disk.get(path);
      if (bytes === undefined) throw new WeftError('file-not-found', { what: 'no such file', where: path });
      return bytes;
    },
    write: async (path: string, bytes: Uint8Array) => void disk.set(path, bytes.slice()),
  },
} as unknown as Runtime;
const authority = await openAuthority({
  runtime,
  log: silentLog,
  keyMaker: processKeyMaker,
  stateDir: '/state',
  trustDomain: 'weft.local',
});

function controlPlane() {
  const log = new RecordingLog();
  const store = createLogStore(noPersistence);
  const records = new IdentityRecords(store);
  const { clock, random } = runtime;
  const enrolment = new Enrolment({ authority, records, clock, log, svidTtlMs: () => 3_600_000 });
  const tokens = new Tokens(records, clock, random);
  const addresses = { serverUrl: () => 'https://127.0.0.1:7443', xds: () => '127.0.0.1:7444' };
  const routes = identityRoutes({ authority, tokens, enrolment, ...addresses });
  const call = (method: Route['method'], path: string, rest: Partial<ApiRequest>): Promise<Answer> =>
    invoke(routes, method, path, rest);
  const token = async (order: Record<string, unknown> = {}): Promise<string> =>
    (await call('POST', '/tokens', { user: ADMIN, body: { namespace: 'shop', service: 'catalog', ...order } })).body[
      'token'
    ] ?? '';
  const enrol = (bearer: string, claim: Record<string, unknown> = {}, key = processKeyMaker.make()) =>
    call('POST', '/enrollments', { bearer, body: { ...CLAIM, csr: csr(key), ...claim } });
  return { log, store, records, enrolment, call, token, enrol };
}

const CLAIM = { namespace: 'shop', workload: 'catalog-1', service: 'catalog', account: 'catalog' };

function csr(key = processKeyMaker.make(), uri = 'spiffe://weft.local/ns/shop/sa/admin-of-everything'): string {
  return writeCsr(key, { commonName: 'shop/somebody', uri });
}

/** What the endpoints answer; each test reads the fields of its own. */
interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, string>> & { readonly items?: readonly Readonly<Record<string, unknown>>[] };
}

async function invoke(
  routes: readonly Route[],
  method: string,
  path: string,
  rest: Partial<ApiRequest>,
): Promise<Answer> {
  const full = `/apis/identity.weft.mesh/v1${path}`;
  const found = routes.flatMap((route) => {
    const params = route.method === method ? match(route.path, full) : null;
    return params === null ? [] : [{ route, params }];
  });
  const [{ route, params } = assert.fail(`${method} ${path} has no route`)] = found;
  const request = { method, path: full, params, query: new URLSearchParams(), body: undefined, user: null, peer: null };
  const signal = new AbortController().signal;
  return (await route.handle({ ...request, bearer: null, remote: REMOTE, signal, ...rest })) as Answer;
}

function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const given = path.split('/');
  if (wanted.length !== given.length) return null;
  const params: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    if (segment.startsWith(':')) params[segment.slice(1)] = given[index] ?? '';
    else if (segment !== given[index]) return null;
  }
  return params;
}

function refusal(code: ErrorCode, text: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(isWeftError(error, code), String(error));
    assert.match(error.what, text);
    return true;
  };
}

describe('enrolment', () => {
  it('gives the identity that the token allows, whatever names the request carries', async () => {
    const { token, enrol } = controlPlane();
    const { status, body } = await enrol(await token());
    assert.equal(status, 201);
    const leaf = new X509Certificate(body['certificateChainPem'] ?? '');
    assert.equal(leaf.subjectAltName, 'URI:spiffe://weft.local/ns/shop/sa/catalog');
    assert.equal(leaf.subject, 'CN=shop/catalog-1');
    assert.equal(body['trustBundlePem'], authority.trustBundlePem);
    assert.equal(body['notAfter'], new Date(time.wall + 3_600_000).toISOString());
    assert.equal(body['trustDomain'], 'weft.local');
    assert.equal(body['xds'], '127.0.0.1:7444');
    assert.equal(JSON.stringify(body).includes('PRIVATE'), false);
  });

  it('records service and account that the token allowed', async () => {
    const { token, enrol, enrolment } = controlPlane();
    await enrol(await token());
    const allowed = await enrolment.allowed('shop', 'catalog-1');
    assert.equal(allowed?.service, 'catalog');
    assert.equal(allowed?.account, 'catalog');
    assert.equal(await enrolment.allowed('shop', 'catalog-2'), null);
  });

  it('takes any service of the namespace with a token for the namespace, each under its own account', async () => {
    const { token, enrol } = controlPlane();
    const open = await token({ service: null, uses: 0 });
    await enrol(open);
    await enrol(open, { service: 'cart', workload: 'cart-1', account: 'cart' });
    await assert.rejects(
      enrol(open, { service: 'cart', workload: 'cart-2', account: 'catalog' }),
      refusal('forbidden', /does not allow this account/),
    );
  });

  it('takes the accounts that the token lists and no other', async () => {
    const { token, enrol } = controlPlane();
    const listed = await token({ accounts: ['reader', 'writer'], uses: 0 });
    await enrol(listed, { account: 'writer' });
    await assert.rejects(enrol(listed, { workload: 'catalog-2' }), refusal('forbidden', /does not allow this account/));
  });
});

describe('join token', () => {
  const misuse: [string, Record<string, unknown>, Record<string, unknown>, ErrorCode, RegExp, string][] = [
    ['for another service', {}, { service: 'cart', account: 'cart' }, 'forbidden', /another service/, 'wrong-service'],
    ['for another namespace', {}, { namespace: 'bank' }, 'forbidden', /another namespace/, 'wrong-namespace'],
    ['for another account', {}, { account: 'cart' }, 'forbidden', /this account/, 'wrong-account'],
  ];
  for (const [name, order, claim, code, text, fault] of misuse) {
    it(`${name} is refused, logged by name, and not used up`, async () => {
      const { token, enrol, log } = controlPlane();
      const bearer = await token(order);
      await assert.rejects(enrol(bearer, claim), refusal(code, text));
      assert.equal(log.lines.at(-1)?.fields['fault'], fault);
      assert.equal((await enrol(bearer)).status, 201);
    });
  }

  it('works once', async () => {
    const { token, enrol, log } = controlPlane();
    const bearer = await token();
    await enrol(bearer);
    await assert.rejects(enrol(bearer, { workload: 'catalog-2' }), refusal('unauthenticated', /has been used/));
    assert.equal(log.lines.at(-1)?.fields['fault'], 'used-up');
  });

  it('works as often as it says', async () => {
    const { token, enrol } = controlPlane();
    const bearer = await token({ uses: 2 });
    await enrol(bearer);
    await enrol(bearer, { workload: 'catalog-2' });
    await assert.rejects(enrol(bearer, { workload: 'catalog-3' }), refusal('unauthenticated', /has been used/));
  });

  it('works until it expires', async (t) => {
    const { token, enrol, log } = controlPlane();
    const bearer = await token({ ttlSeconds: 60, uses: 0 });
    t.after(() => (time.wall -= 60_000));
    time.wall += 59_999;
    await enrol(bearer);
    time.wall += 1;
    await assert.rejects(enrol(bearer), refusal('unauthenticated', /has expired/));
    assert.equal(log.lines.at(-1)?.fields['fault'], 'expired');
  });

  it('of another control plane, with a wrong secret, and deleted, is not known: the three look alike', async () => {
    const here = controlPlane();
    const foreign = await controlPlane().token();
    const good = await here.token();
    const wrongSecret = `${good.slice(0, -43)}${'A'.repeat(43)}`;
    const deleted = await here.token();
    await here.call('DELETE', `/tokens/${deleted.slice(10, 26)}`, { user: ADMIN });
    const messages = new Set<string>();
    for (const [bearer, fault] of [
      [foreign, 'unknown'],
      [wrongSecret, 'wrong-secret'],
      [deleted, 'unknown'],
    ] as const) {
      await assert.rejects(
        here.enrol(bearer),
        (error) => isWeftError(error, 'unauthenticated') && !!messages.add(error.message),
      );
      assert.equal(here.log.lines.at(-1)?.fields['fault'], fault);
    }
    assert.equal(messages.size, 1);
  });

  it('that is malformed or absent is refused before the store is asked', async () => {
    const { enrol, log, call } = controlPlane();
    for (const bearer of [
      '',
      'x',
      'weft-join-',
      `weft-join-${'0'.repeat(16)}.${'A'.repeat(42)}`,
      'A'.repeat(100_000),
    ]) {
      await assert.rejects(enrol(bearer), refusal('unauthenticated', /not a join token/));
      assert.equal(log.lines.at(-1)?.fields['fault'], 'malformed');
    }
    const anonymous = call('POST', '/enrollments', { body: { ...CLAIM, csr: csr() } });
    await assert.rejects(anonymous, refusal('unauthenticated', /not a join token/));
  });

  it('lets in exactly one of many that use it at the same time', async () => {
    const { token, enrol } = controlPlane();
    const bearer = await token();
    const tries = Array.from({ length: 12 }, (_, index) => enrol(bearer, { workload: `catalog-${index}` }));
    const results = await Promise.allSettled(tries);
    assert.equal(results.filter((result) => result.status === 'fulfilled').length, 1);
    for (const result of results) {
      if (result.status === 'rejected') refusal('unauthenticated', /has been used/)(result.reason);
    }
  });

  it('lets in all of many that it allows at the same time', async () => {
    const { token, enrol } = controlPlane();
    const bearer = await token({ uses: 8 });
    await Promise.all(Array.from({ length: 8 }, (_, index) => enrol(bearer, { workload: `catalog-${index}` })));
    await assert.rejects(enrol(bearer), refusal('unauthenticated', /has been used/));
  });

  it('is not used up by a bad certification request', async () => {
    const { token, enrol } = controlPlane();
    const bearer = await token();
    await assert.rejects(enrol(bearer, { csr: 'x' }), (error) => isWeftError(error, 'invalid'));
    await enrol(bearer);
  });

  it('leaves its secret neither in the store, nor in lists, nor in the log', async () => {
    const { token, enrol, call, store, log } = controlPlane();
    const bearer = await token();
    await enrol(bearer);
    await assert.rejects(enrol(bearer));
    const secret = bearer.slice(27);
    assert.equal(secret.length, 43);
    const list = await call('GET', '/tokens', { user: ADMIN });
    assert.equal(list.body.items?.length, 1);
    assert.equal(list.body.items?.[0]?.['used'], 1);
    const seen = JSON.stringify([list, (await store.list('JoinToken')).items, log.lines]);
    assert.equal(seen.includes(secret), false);
    assert.equal(JSON.stringify(list).includes('secretHash'), false);
  });

  it('cannot be made for the namespace of the control plane', async () => {
    const { call, token } = controlPlane();
    await assert.rejects(token({ namespace: 'weft-system' }), refusal('forbidden', /reserved/));
    const body = { ...CLAIM, namespace: 'weft-system', account: 'control-plane', csr: csr() };
    await assert.rejects(
      call('POST', '/enrollments', { bearer: await token(), body }),
      refusal('forbidden', /reserved/),
    );
  });
});

describe('workload name', () => {
  it('is not taken over by another service while its SVID lives', async (t) => {
    const { token, enrol } = controlPlane();
    const open = await token({ service: null, uses: 0, ttlSeconds: 86_400 });
    await enrol(open);
    const cart = { service: 'cart', account: 'cart' };
    await assert.rejects(enrol(open, cart), refusal('conflict', /another service/));
    t.after(() => (time.wall -= 3_600_000));
    time.wall += 3_600_000;
    assert.equal((await enrol(open, cart)).status, 201);
  });

  it('enrols again as itself at any time, and is free when its enrolment was taken back', async () => {
    const { token, enrol, enrolment, call } = controlPlane();
    const open = await token({ service: null, uses: 0 });
    await enrol(open);
    await enrol(open);
    await call('DELETE', '/enrollments/shop/catalog-1', { user: ADMIN });
    assert.equal(await enrolment.allowed('shop', 'catalog-1'), null);
    assert.equal((await enrol(open, { service: 'cart', account: 'cart' })).status, 201);
  });
});

describe('renewal', () => {
  const user = {
    role: 'workload',
    spiffeId: '',
    namespace: 'shop',
    account: 'catalog',
    workload: 'catalog-1',
  } as const;

  it('gives the same identity with a new key, and never needs the token again', async () => {
    const { token, enrol, call } = controlPlane();
    const bearer = await token();
    await enrol(bearer);
    await call('DELETE', `/tokens/${bearer.slice(10, 26)}`, { user: ADMIN });
    const { body } = await call('POST', '/renewals', { user, body: { csr: csr() } });
    const leaf = new X509Certificate(body['certificateChainPem'] ?? '');
    assert.equal(leaf.subjectAltName, 'URI:spiffe://weft.local/ns/shop/sa/catalog');
    assert.equal(leaf.subject, 'CN=shop/catalog-1');
  });

  it('is refused to a workload that is not enrolled, enrolled as another account, or no workload', async () => {
    const { token, enrol, call, enrolment } = controlPlane();
    const body = { csr: csr() };
    await assert.rejects(call('POST', '/renewals', { user, body }), refusal('forbidden', /not enrolled/));
    await enrol(await token());
    const other = { ...user, account: 'cart' };
    await assert.rejects(call('POST', '/renewals', { user: other, body }), refusal('forbidden', /not enrolled/));
    await assert.rejects(call('POST', '/renewals', { user: ADMIN, body }), refusal('forbidden', /only a workload/));
    await enrolment.release('shop', 'catalog-1');
    await assert.rejects(call('POST', '/renewals', { user, body }), refusal('forbidden', /not enrolled/));
  });
});

describe('sweep', () => {
  it('forgets tokens and enrolments a day after their end and no sooner', async (t) => {
    const { token, enrol, enrolment, records } = controlPlane();
    await enrol(await token({ ttlSeconds: 3600 }));
    t.after(() => (time.wall -= 26 * 3_600_000));
    time.wall += 24 * 3_600_000;
    await enrolment.sweep();
    assert.equal((await records.tokens()).length, 1);
    assert.equal((await records.enrollments()).length, 1);
    time.wall += 2 * 3_600_000;
    await enrolment.sweep();
    assert.equal((await records.tokens()).length, 0);
    assert.equal((await records.enrollments()).length, 0);
  });
});

describe('identity request', () => {
  it('is refused with every fault named, and takes no unknown field', async () => {
    const { call } = controlPlane();
    const body = { namespace: 'Shop', service: 'a b', extra: 1 };
    await assert.rejects(call('POST', '/tokens', { user: ADMIN, body }), (error) => {
      assert.ok(isWeftError(error, 'invalid'));
      for (const part of ['namespace', 'service', 'extra']) assert.ok(error.what.includes(part), error.what);
      return true;
    });
  });

  it('gives the trust bundle to anybody', async () => {
    const { call } = controlPlane();
    const { body } = await call('GET', '/trust-bundle', {});
    assert.deepEqual(body, { trustDomain: 'weft.local', trustBundlePem: authority.trustBundlePem });
  });
});
