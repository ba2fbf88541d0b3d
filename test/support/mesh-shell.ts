/** `sh` as the application of a workload: a test gives it one command after the other, all under the same sidecar. */
import assert from 'node:assert/strict';
import { type Child, until } from './child.ts';

const COMMAND_LIMIT_MS = 30_000;

export interface ShellResult {
  readonly code: number;
  readonly stdout: string;
  /** What came on standard error meanwhile, the sidecar's log included. */
  readonly stderr: string;
}

export class MeshShell {
  readonly child: Child;
  #commands = 0;
  #read = 0;

  /** `child`: a `weft run … -- sh` whose standard input is ours. */
  constructor(child: Child) {
    this.child = child;
  }

  /** One command at a time. Rejects at the limit, or when the shell is gone. */
  async exec(script: string, limitMs = COMMAND_LIMIT_MS): Promise<ShellResult> {
    const mark = `--- end of command ${++this.#commands}:`;
    const errorsFrom = this.child.stderr.length;
    this.child.write(`( ${script}\n) </dev/null; printf '\\n${mark} %d\\n' $?\n`);
    const end = new RegExp(`\\n${mark} (\\d+)\\n`);
    const match = await until(`it has run: ${script}`, limitMs, () => {
      const found = end.exec(this.child.stdout.slice(this.#read));
      if (found === null && this.child.code !== null) throw new Error(this.child.describe('the shell is gone'));
      return found;
    }).catch((error: unknown) => {
      throw new Error(this.child.describe(String(error)), { cause: error });
    });
    const stdout = this.child.stdout.slice(this.#read, this.#read + match.index);
    this.#read += match.index + match[0].length;
    return { code: Number(match[1]), stdout, stderr: this.child.stderr.slice(errorsFrom) };
  }

  /** The output of a command that must succeed. */
  async output(script: string, limitMs = COMMAND_LIMIT_MS): Promise<string> {
    const { code, stdout, stderr } = await this.exec(script, limitMs);
    assert.equal(code, 0, `${script}\n--- stdout\n${stdout.slice(-2_000)}\n--- stderr\n${stderr.slice(-2_000)}`);
    return stdout;
  }
}
