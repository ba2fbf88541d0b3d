/**
 * From .proto files to a FileDescriptorSet, by buf. The sources are those that @grpc/grpc-js-xds ships (Apache-2.0,
 * about Envoy 1.31); they are copied aside because two things in them must be put right first.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fromBinary } from '@bufbuild/protobuf';
import { type FileDescriptorProto, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';

const DEPS = 'node_modules/@grpc/grpc-js-xds/deps';
const SEARCH = [`${DEPS}/envoy-api`, `${DEPS}/xds`, `${DEPS}/googleapis`, `${DEPS}/protoc-gen-validate`];

/** Compiles the files and all they import. Files come in order of dependency. */
export function compile(files: readonly string[]): FileDescriptorProto[] {
  const directory = mkdtempSync(join(tmpdir(), 'weft-protos-'));
  try {
    const staged = new Set<string>();
    for (const file of files) stage(file, directory, staged);
    writeFileSync(join(directory, 'buf.yaml'), 'version: v2\n');
    const image = execFileSync('node_modules/.bin/buf', ['build', directory, '--as-file-descriptor-set', '-o', '-'], {
      maxBuffer: 256 << 20,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    return fromBinary(FileDescriptorSetSchema, image).file;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function stage(file: string, directory: string, staged: Set<string>): void {
  if (staged.has(file) || file.startsWith('google/protobuf/')) return;
  staged.add(file);
  const root = SEARCH.find((candidate) => existsSync(join(candidate, file)));
  if (root === undefined) throw new Error(`no source for ${file}`);
  const text = repair(file, readFileSync(join(root, file), 'utf8').replaceAll('\r\n', '\n'));
  const target = join(directory, file);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, text);
  for (const [, imported] of text.matchAll(/^import (?:public )?"([^"]+)";/gm)) {
    if (imported !== undefined) stage(imported, directory, staged);
  }
}

function repair(file: string, text: string): string {
  // The shipped validation rules are older than the API that uses them.
  if (file === 'validate/validate.proto') {
    return text.replace(/^message StringRules \{$/m, 'message StringRules {\n    optional bool ignore_empty = 26;');
  }
  // OpenCensus is gone from Envoy and its imports are not shipped.
  if (file === 'envoy/config/trace/v3/trace.proto') return text.replace(/^.*opencensus.*\n/gm, '');
  return text;
}
