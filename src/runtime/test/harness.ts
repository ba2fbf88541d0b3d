/** The two runtimes as one thing, so that one suite can hold both to the same behaviour. */
import assert from 'node:assert/strict';
import type { ServingRuntime } from '../../core/runtime.ts';
import type { NodeRuntimeOptions } from '../node/bare-runtime.ts';
import { createNodeRuntime } from '../node/runtime.ts';
import { rawKind } from '../raw/raw-kind.ts';
import { Simulation } from '../sim/simulation.ts';

export interface Harness {
  readonly name: string;
  readonly runtime: ServingRuntime;
  /** Runs until it holds; fails the test with `what` when it does not within 10 s. */
  until(what: string, holds: () => boolean): Promise<void>;
  /** Lets time pass. */
  pass(ms: number): Promise<void>;
}

const LIMIT_MS = 10_000;

export function nodeHarness(name = 'node', options: NodeRuntimeOptions = {}): Harness {
  const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
  return {
    name,
    runtime: createNodeRuntime(options),
    async until(what, holds) {
      const start = performance.now();
      while (!holds()) {
        assert.ok(performance.now() - start < LIMIT_MS, `not within ${LIMIT_MS} ms: ${what}`);
        await pass(1);
      }
    },
    pass,
  };
}

export function simHarness(seed: number): Harness {
  const simulation = new Simulation({ seed, wallStartMs: Date.now() });
  return {
    name: `sim, seed ${seed}`,
    runtime: simulation.start(),
    async until(what, holds) {
      assert.ok(await simulation.run(holds, LIMIT_MS), `not within ${LIMIT_MS} virtual ms: ${what}`);
    },
    async pass(ms) {
      await simulation.run(() => false, ms);
    },
  };
}

export function allHarnesses(): Harness[] {
  const sockets = rawKind();
  const raw = sockets === null ? [] : [nodeHarness('node, raw handles', { sockets })];
  return [nodeHarness(), ...raw, simHarness(1), simHarness(2), simHarness(3)];
}
