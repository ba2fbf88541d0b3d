/** Runs the protobuf-es plugin over pruned descriptors: the control plane's types, which know JSON and the Any registry. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import {
  CodeGeneratorRequestSchema,
  CodeGeneratorResponseSchema,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';

/** Returns the bytes written. */
export function emitProtobufEs(files: FileDescriptorProto[], directory: string): number {
  const request = create(CodeGeneratorRequestSchema, {
    fileToGenerate: files.map((file) => file.name).filter((name) => !name.startsWith('google/protobuf/')),
    parameter: 'target=ts,import_extension=ts',
    protoFile: files,
  });
  const output = execFileSync('node_modules/.bin/protoc-gen-es', {
    input: toBinary(CodeGeneratorRequestSchema, request),
    maxBuffer: 256 << 20,
  });
  const response = fromBinary(CodeGeneratorResponseSchema, output);
  if (response.error !== '') throw new Error(response.error);
  rmSync(directory, { recursive: true, force: true });
  let size = 0;
  for (const file of response.file) {
    const path = join(directory, file.name);
    mkdirSync(dirname(path), { recursive: true });
    const text = plainEnums(withoutComments(file.content));
    writeFileSync(path, text);
    size += text.length;
  }
  return size;
}

/** Without source information the plugin repeats each field's declaration as its comment. */
function withoutComments(text: string): string {
  return text.replace(/^ *\/\*\*\n(?: *\*.*\n)*? *\*\/\n/gm, '').replaceAll(/\n\n(?=  )/g, '\n');
}

/** TypeScript enums are not erasable syntax: a const object and a type of the same name take their place. */
function plainEnums(text: string): string {
  return text.replace(/^export enum (\w+) \{\n([^}]*)\}/gm, (_, name: string, body: string) => {
    const members = body.replaceAll(/(\w+) = (-?\d+),/g, '$1: $2,');
    return `export const ${name} = {\n${members}} as const;\nexport type ${name} = (typeof ${name})[keyof typeof ${name}];`;
  });
}
