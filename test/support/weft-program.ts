/** The program under test as users run it: the bundle when it is fresh, else the sources. */
import { existsSync, globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Child, type ChildOptions, type Finished } from './child.ts';

export const checkout = resolve(import.meta.dirname, '../..');

/** Absolute path of the script to give to node. */
export const weftScript: string = freshBundle() ?? join(checkout, 'src/cli/main.ts');

function freshBundle(): string | null {
  const stamp = join(checkout, 'dist/built');
  if (!existsSync(stamp)) return null;
  const built = statSync(stamp).mtimeMs;
  const sources = [...globSync('src/**/*.ts', { cwd: checkout }), 'tools/build.ts', 'package-lock.json'];
  const stale = sources.some(
    (path) => (statSync(join(checkout, path), { throwIfNoEntry: false })?.mtimeMs ?? 0) > built,
  );
  return stale ? null : join(checkout, 'dist/weft.js');
}

/** What this process was started with must not reach the mesh under test: proxies, Node's options, another mesh. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const dropped =
    /^(?:(?:https?|all|no|grpc)_proxy|node_.*|weft_.*|java_tool_options|npm_.*|.*_service_(?:host|port).*)$/i;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !dropped.test(name)));
}

export function startWeft(args: readonly string[], options: ChildOptions = {}): Child {
  return new Child(process.execPath, [weftScript, ...args], {
    ...options,
    env: { ...cleanEnvironment(), ...options.env },
  });
}

/** Runs one command to its end. */
export function weft(
  args: readonly string[],
  options: ChildOptions & { readonly limitMs?: number } = {},
): Promise<Finished> {
  return startWeft(args, options).finished(options.limitMs);
}
