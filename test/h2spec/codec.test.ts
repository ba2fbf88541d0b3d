/** The conformance suite for HTTP/2 against our codec alone, on the real network: clear text, and TLS with ALPN. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { createNodeRuntime } from '../../src/runtime/node/runtime.ts';
import { createAuthority } from '../../src/runtime/test/certificates.ts';
import { missing } from '../support/components.ts';
import { type Echo, serveEcho } from '../support/h2-echo.ts';
import { runH2spec } from '../support/h2spec.ts';

const ALL = '146 tests, 146 passed, 0 skipped, 0 failed';
/** Long enough for what h2spec sends after its request to come first. */
const DELAY_MS = 50;

describe('h2spec --strict', { skip: missing('h2spec') }, () => {
  const runtime = createNodeRuntime();
  const echoes: Echo[] = [];
  after(() => Promise.all(echoes.map((echo) => echo.close())));

  for (const tls of [false, true]) {
    test(tls ? 'over TLS, by ALPN' : 'in clear text, by prior knowledge', { timeout: 150_000 }, async () => {
      const identity = tls ? await (await createAuthority('h2spec')).issue({ dnsNames: ['localhost'] }, '') : null;
      const echo = await serveEcho(runtime, { identity, delayMs: DELAY_MS });
      echoes.push(echo);
      const { summary, output } = await runH2spec({ port: echo.listener.address.port, tls });
      assert.equal(summary, ALL, output);
    });
  }
});
