/** Inputs on disk: one a line, as a JSON string of latin1, so that a diff shows what came. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../corpus');

export function readCorpus(name: string): Buffer[] {
  const path = pathOf(name);
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => Buffer.from(JSON.parse(line) as string, 'latin1'));
}

/** Shortest first. */
export function writeCorpus(name: string, inputs: readonly Buffer[]): void {
  const lines = inputs.toSorted((a, b) => a.length - b.length || Buffer.compare(a, b)).map(lineOf);
  writeFileSync(pathOf(name), `${lines.join('\n')}\n`);
}

export function lineOf(input: Uint8Array): string {
  const text = JSON.stringify(Buffer.from(input).toString('latin1'));
  return text.replace(/[\x7f-\xff]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`);
}

function pathOf(name: string): string {
  return resolve(FOLDER, `${name}.jsonl`);
}
