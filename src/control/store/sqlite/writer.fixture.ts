/**
 * A process that writes objects s-1, s-2, … to a store and prints each number when it was acknowledged, until it is
 * killed or has written as many as asked; then it waits. Usage: writer.fixture.ts FILE COUNT
 */
import { writeSync } from 'node:fs';
import { openSqliteStore } from './sqlite-store.ts';

const [path = '', count = '0'] = process.argv.slice(2);
const store = openSqliteStore(path);
const { items } = await store.list('Service');

async function write(n: number): Promise<void> {
  const key = { kind: 'Service', namespace: 'shop', name: `s-${n}` };
  const metadata = { name: key.name, namespace: key.namespace };
  await store.commit([{ key, value: { apiVersion: 'v1', kind: 'Service', metadata, spec: { n } } }], []);
  writeSync(1, `${n}\n`);
}

for (let n = items.length + 1; n <= Number(count); n += 3) {
  await Promise.all([n, n + 1, n + 2].map(write));
}
process.stdin.resume();
