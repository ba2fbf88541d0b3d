/** The commands that the documents show: every line of a `sh` block, without its comment. */
import { globSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

export const ROOT = resolve(import.meta.dirname, '../..');

export interface DocCommand {
  /** `README.md:14` */
  readonly place: string;
  readonly text: string;
}

export function docCommands(): DocCommand[] {
  const files = globSync(['*.md', 'docs/**/*.md', 'examples/**/*.md', 'bench/**/*.md'], { cwd: ROOT }).toSorted();
  return files.flatMap((file) => commandsOf(relative(ROOT, join(ROOT, file)), readFileSync(join(ROOT, file), 'utf8')));
}

export function commandsOf(file: string, text: string): DocCommand[] {
  const commands: DocCommand[] = [];
  let inside = false;
  text.split('\n').forEach((line, index) => {
    const trimmed = line.trim();
    if (trimmed.startsWith('```')) inside = !inside && trimmed === '```sh';
    else if (inside) {
      const command = trimmed.replace(/\s+#.*$/, '');
      if (command !== '' && !command.startsWith('#')) commands.push({ place: `${file}:${index + 1}`, text: command });
    }
  });
  return commands;
}
