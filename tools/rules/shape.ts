/** The shape of a source file: its opening sentence, its length, its name. */
import { basename } from 'node:path';
import { isTest, type SourceFile } from './source-files.ts';

const MAX_LINES = 400;
const MAX_MEDIAN_LINES = 120;
const VAGUE = /(?:^|\/)(?:utils?|helpers?|common|misc|shared)(?:\/|\.ts$)/;

export function isGenerated(path: string): boolean {
  return path.endsWith('.gen.ts') || path.startsWith('src/protos/gen/');
}

export function shapeViolations(files: readonly SourceFile[]): string[] {
  const found: string[] = [];
  const lengths: number[] = [];
  for (const file of files) {
    if (isGenerated(file.path)) continue;
    const lines = file.text.split('\n').length - 1;
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.test|\.fixture|\.d)?\.ts$/.test(basename(file.path)))
      found.push(`${file.path}: name is not kebab-case`);
    if (VAGUE.test(file.path)) found.push(`${file.path}: a name that says nothing; name the one thing it does`);
    if (isTest(file.path)) continue;
    lengths.push(lines);
    if (lines > MAX_LINES) found.push(`${file.path}: ${lines} lines, at most ${MAX_LINES}`);
    if (!/^(?:#![^\n]*\n)?\/\*\*/.test(file.text)) found.push(`${file.path}: opens without a sentence on its role`);
  }
  const median = lengths.toSorted((a, b) => a - b)[lengths.length >> 1] ?? 0;
  if (median >= MAX_MEDIAN_LINES)
    found.push(`the median source file has ${median} lines, under ${MAX_MEDIAN_LINES} is the rule`);
  return found;
}
