import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { isWeftError, type WeftError } from '../core/errors.ts';
import { createNodeRuntime } from '../runtime/node/runtime.ts';
import { launchApp, launchExitCode } from './app-process.ts';
import { listeningPorts, waitForListeningPort } from './listening-port.ts';

const runtime = createNodeRuntime();
const { clock, files } = runtime;
const env = { PATH: process.env['PATH'] };

function launch(...command: string[]) {
  const lines: string[] = [];
  const app = launchApp({ clock, command, env, onOutput: (stream, line) => void lines.push(`${stream} ${line}`) });
  return app.then((started) => ({ ...started, lines }));
}

describe('application process', () => {
  for (const code of [0, 3, 255]) {
    it(`ends with its own exit code ${code}`, async () => {
      assert.equal(await (await launch('sh', '-c', `exit ${code}`)).exited, code);
    });
  }

  it('ends with 128 + n after signal n', async () => {
    assert.equal(await (await launch('sh', '-c', 'kill -TERM $$')).exited, 143);
    const app = await launch('sleep', '60');
    app.signal('SIGKILL');
    assert.equal(await app.exited, 137);
  });

  it('gets signals with all of its children, and may end in its own way', async () => {
    const app = await launch('sh', '-c', "trap 'echo bye; exit 7' TERM; echo up; sleep 60 & wait");
    while (app.lines.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    app.signal('SIGTERM');
    assert.equal(await app.exited, 7);
    assert.deepEqual(app.lines, ['stdout up', 'stdout bye']);
  });

  it('gives its output line by line, the last one without a line end', async () => {
    const app = await launch('sh', '-c', 'printf "a\\nb"; printf "c\\n" >&2');
    await app.exited;
    assert.deepEqual(app.lines.toSorted(), ['stderr c', 'stdout a', 'stdout b']);
  });

  it('is not kept waiting by a grandchild that holds its output open', async () => {
    const app = await launch('sh', '-c', 'setsid sleep 5 & exit 4');
    const startedAt = clock.now();
    assert.equal(await app.exited, 4);
    assert.ok(clock.now() - startedAt < 3_000);
  });

  it('that cannot be started is told by the codes of a shell', async () => {
    await assert.rejects(launch('/no/such/program'), (error) => {
      assert.ok(isWeftError(error, 'file-not-found'));
      assert.equal(launchExitCode(error), 127);
      return true;
    });
    await assert.rejects(launch('/dev/null'), (error) => launchExitCode(error as WeftError) === 126);
  });
});

describe('listening port', { skip: process.platform === 'linux' ? false : 'reads /proc of Linux' }, () => {
  const server =
    "const s = require('net').createServer().listen(0, process.argv[1], () => console.log(s.address().port))";
  const search = { files, clock, platform: process.platform, timeoutMs: 10_000 };

  for (const host of ['127.0.0.1', '0.0.0.0', '::']) {
    it(`of a grandchild is found on ${host}`, async () => {
      const app = await launch('sh', '-c', `${process.execPath} -e "${server}" ${host}; true`);
      try {
        const port = await waitForListeningPort(app.pid, search, new AbortController().signal);
        assert.equal(`stdout ${port}`, app.lines[0] ?? `stdout ${port}`);
        assert.deepEqual(await listeningPorts(files, app.pid), [port]);
        const stranger = await launch('sleep', '60');
        assert.deepEqual(await listeningPorts(files, stranger.pid), []);
        stranger.signal('SIGKILL');
        await stranger.exited;
      } finally {
        app.signal('SIGKILL');
        await app.exited;
      }
    });
  }

  it('that never comes is an error with a hint', async () => {
    const app = await launch('sleep', '60');
    const short = { ...search, timeoutMs: 150 };
    await assert.rejects(
      waitForListeningPort(app.pid, short, new AbortController().signal),
      (error) => isWeftError(error, 'timeout') && error.hint !== '',
    );
    app.signal('SIGKILL');
    await app.exited;
  });

  it('is asked for by name where the platform does not tell it', async () => {
    const other = { ...search, platform: 'darwin' };
    await assert.rejects(waitForListeningPort(1, other, new AbortController().signal), (error) =>
      isWeftError(error, 'unsupported'),
    );
  });
});
