/** `weft.yaml`: the services of a project, as `weft dev` runs them. All violations are found, each with its line. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { objectName, portName, portNumber, text } from '../../api/fields.ts';
import { LABEL_VALUE } from '../../api/names.ts';
import { schemaViolations } from '../../api/schema-violations.ts';
import { didYouMean } from '../../api/suggest.ts';
import { type Violation, violationOf } from '../../api/violation.ts';
import { YamlTree } from '../../api/yaml-tree.ts';
import { WeftError } from '../../core/errors.ts';

export const PROJECT_FILE = 'weft.yaml';

const LIMITS = { maxDepth: 16, maxNodes: 20_000 } as const;
const MAX_BYTES = 1024 * 1024;

const protocol = z.enum(['http', 'http2', 'grpc', 'tcp']);

const service = z.strictObject({
  /** The service that it is an instance of. Unset: its own name. */
  service: objectName('label-1035').optional(),
  /** For the shell, or a list of words without one. */
  command: z.union([z.string().min(1).max(4096), z.array(z.string().max(4096)).min(1).max(256)], {
    error: (issue) => (issue.input === undefined ? 'is required' : 'must be a command line, or a list of words'),
  }),
  /** Relative to the project. Unset: the project's directory. */
  dir: z.string().max(1024).optional(),
  /** What it listens on, given to it as PORT. Unset, as `ports`: it only calls others. */
  port: portNumber.optional(),
  protocol: protocol.optional(),
  /** More than one; the first one is PORT, a named one is also PORT_NAME. */
  ports: z
    .array(z.strictObject({ name: portName, port: portNumber, protocol: protocol.optional() }))
    .min(1)
    .max(16)
    .optional(),
  version: text(LABEL_VALUE).optional(),
  account: objectName('label').optional(),
  /** Unset: 1. Each has a PORT of its own. */
  replicas: z.int().min(0).max(20).optional(),
  /** Services that it calls. Unset: all. */
  uses: z.array(z.string().max(127)).max(200).optional(),
  env: z
    .record(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'must be a variable name' }), z.string().max(32_768))
    .optional(),
  /** It is known to fail now and then: its own error answers do not make `--json` report a problem. */
  expectFailures: z.boolean().optional(),
});

const project = z.strictObject({
  /** Unset: default. */
  namespace: objectName('label').optional(),
  /** Files of resources, relative to the project, applied before the services start. */
  resources: z.array(z.string().max(1024)).max(1000).optional(),
  services: z.record(objectName('label-1035'), service),
});

export type Project = z.infer<typeof project>;
export type ProjectService = z.infer<typeof service>;

export interface ReadProject {
  /** null exactly when there are violations. */
  readonly project: Project | null;
  readonly violations: readonly Violation[];
}

/** Throws `file-not-found` with a hint when the directory has no project. */
export function loadProject(directory: string): ReadProject {
  const path = join(directory, PROJECT_FILE);
  let source: string;
  try {
    source = readFileSync(path, 'utf8');
  } catch (error) {
    throw new WeftError('file-not-found', {
      what: `there is no ${PROJECT_FILE} to run`,
      where: path,
      hint: 'Name a directory that has one: weft dev DIR',
      cause: error,
    });
  }
  if (source.length > MAX_BYTES)
    throw new WeftError('limit-exceeded', { what: 'the file has more than 1 MiB', where: path });
  return readProject(source, path);
}

export function readProject(source: string, file: string): ReadProject {
  const lines = new LineCounter();
  const document = parseDocument(source, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    uniqueKeys: false,
  });
  const tree = new YamlTree(document, lines, file, LIMITS);
  const problems = tree.problems.map(({ path, message, place }) => ({ ...violationOf({}, path, message), place }));
  if (problems.length > 0) return { project: null, violations: problems };
  const found = [...schemaViolations(project, tree.value ?? {})];
  if (found.length === 0) found.push(...rules(tree.value as Project));
  const violations = found.map(({ path, message, hint }) => ({
    ...violationOf({}, path, message, hint),
    place: tree.place(path),
  }));
  // No violations: the value has the shape of its schema.
  return violations.length === 0 ? { project: tree.value as Project, violations } : { project: null, violations };
}

/** What the schema cannot say: rules between fields. */
function* rules(value: Project) {
  const names = new Set(Object.entries(value.services).map(([name, each]) => each.service ?? name));
  const replicaOf = new Map<string, string>();
  for (const [name, each] of Object.entries(value.services)) {
    const at = ['services', name];
    if (each.port !== undefined && each.ports !== undefined) {
      yield { path: [...at, 'ports'], message: 'excludes port', hint: 'Put all of them under ports' };
    }
    if (each.protocol !== undefined && each.port === undefined) {
      yield { path: [...at, 'protocol'], message: 'needs port', hint: 'Under ports, each has a protocol of its own' };
    }
    for (const [index, used] of (each.uses ?? []).entries()) {
      if (used.includes('/') || names.has(used)) continue;
      const hint = didYouMean(used, names) || 'A service of another namespace is NAMESPACE/NAME';
      yield { path: [...at, 'uses', index], message: `names no service of this file: "${used}"`, hint };
    }
    for (const instance of instanceNames(name, each.replicas ?? 1)) {
      const other = replicaOf.get(instance);
      if (other !== undefined)
        yield { path: at, message: `makes a workload ${instance}, as ${other} does`, hint: 'Rename one of them' };
      replicaOf.set(instance, name);
    }
  }
}

/** `web`, or `web-1`, `web-2` when there are several. */
export function instanceNames(name: string, replicas: number): string[] {
  return replicas === 1 ? [name] : Array.from({ length: replicas }, (_, index) => `${name}-${index + 1}`);
}
