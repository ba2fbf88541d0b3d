/**
 * Cuts descriptors down to what is reachable from the roots. Options (validation, annotations) are dropped as well:
 * what they forbid, Envoy and Weft's own proxy refuse with a NACK.
 */
import {
  type DescriptorProto,
  type EnumDescriptorProto,
  type FieldDescriptorProto,
  FieldDescriptorProto_Type,
  type FileDescriptorProto,
} from '@bufbuild/protobuf/wkt';

export interface Cut {
  readonly rootFiles: readonly string[];
  readonly rootMessages: readonly string[];
  /** Full names, or package prefixes that end in a dot. */
  readonly without: readonly string[];
}

/** Descriptors by full name, as types are named in a FieldDescriptorProto but without the leading dot. */
export interface Types {
  readonly messages: ReadonlyMap<string, DescriptorProto>;
  readonly enums: ReadonlyMap<string, EnumDescriptorProto>;
  /** The file in which a message or enum stands. */
  readonly files: ReadonlyMap<string, FileDescriptorProto>;
}

export function indexTypes(files: readonly FileDescriptorProto[]): Types {
  const messages = new Map<string, DescriptorProto>();
  const enums = new Map<string, EnumDescriptorProto>();
  const fileOf = new Map<string, FileDescriptorProto>();
  for (const file of files) {
    const visit = (message: DescriptorProto, scope: string): void => {
      const name = `${scope}.${message.name}`;
      messages.set(name, message);
      fileOf.set(name, file);
      for (const nested of message.nestedType) visit(nested, name);
      for (const nested of message.enumType) addEnum(nested, name);
    };
    const addEnum = (type: EnumDescriptorProto, scope: string): void => {
      enums.set(`${scope}.${type.name}`, type);
      fileOf.set(`${scope}.${type.name}`, file);
    };
    for (const message of file.messageType) visit(message, file.package);
    for (const type of file.enumType) addEnum(type, file.package);
  }
  return { messages, enums, files: fileOf };
}

export function typeOf(field: FieldDescriptorProto): string {
  return field.typeName.slice(1);
}

/** Changes the descriptors in place and returns the files that still hold something, in order of dependency. */
export function prune(files: FileDescriptorProto[], cut: Cut): FileDescriptorProto[] {
  const types = indexTypes(files);
  const isCut = (name: string): boolean => cut.without.some((w) => (w.endsWith('.') ? name.startsWith(w) : name === w));
  const kept = new Set<string>();
  const keep = (name: string): void => {
    if (kept.has(name)) return;
    kept.add(name);
    const message = types.messages.get(name);
    if (message === undefined) return;
    message.field = message.field.filter((field) => field.typeName === '' || !isCut(typeOf(field)));
    for (const field of message.field) if (field.typeName !== '') keep(typeOf(field));
  };
  for (const name of cut.rootMessages) {
    if (!types.messages.has(name)) throw new Error(`no message ${name}`);
    keep(name);
  }
  for (const file of files) {
    if (!cut.rootFiles.includes(file.name)) continue;
    for (const message of file.messageType) keep(`${file.package}.${message.name}`);
  }
  for (const file of files) strip(file, kept);
  return relink(files, types);
}

function strip(file: FileDescriptorProto, kept: ReadonlySet<string>): void {
  const survives = (name: string): boolean => kept.has(name) || [...kept].some((k) => k.startsWith(`${name}.`));
  const walk = (message: DescriptorProto, scope: string): boolean => {
    const name = `${scope}.${message.name}`;
    if (!survives(name)) return false;
    // A message that only encloses a kept one stays as an empty name space.
    if (!kept.has(name)) message.field = [];
    message.nestedType = message.nestedType.filter((nested) => walk(nested, name));
    message.enumType = message.enumType.filter((nested) => kept.has(`${name}.${nested.name}`));
    message.reservedName = [];
    message.reservedRange = [];
    if (!message.options?.mapEntry) delete message.options;
    dropEmptyOneofs(message);
    for (const field of message.field) delete field.options;
    for (const type of message.enumType) stripEnum(type);
    return true;
  };
  file.messageType = file.messageType.filter((message) => walk(message, file.package));
  file.enumType = file.enumType.filter((type) => kept.has(`${file.package}.${type.name}`));
  for (const type of file.enumType) stripEnum(type);
  file.service = [];
  file.extension = [];
  delete file.options;
  delete file.sourceCodeInfo;
}

function stripEnum(type: EnumDescriptorProto): void {
  const alias = type.options?.allowAlias === true;
  if (!alias) delete type.options;
  type.reservedName = [];
  type.reservedRange = [];
  for (const value of type.value) delete value.options;
}

function dropEmptyOneofs(message: DescriptorProto): void {
  const used = message.oneofDecl.map((_, index) =>
    message.field.some((field) => field.oneofIndex === index && Object.hasOwn(field, 'oneofIndex')),
  );
  const renumbered = used.map((_, index) => used.slice(0, index).filter(Boolean).length);
  message.oneofDecl = message.oneofDecl.filter((_, index) => used[index]);
  for (const field of message.field) {
    if (Object.hasOwn(field, 'oneofIndex')) field.oneofIndex = renumbered[field.oneofIndex] ?? 0;
  }
}

/** Imports are what is used, no more. */
function relink(files: FileDescriptorProto[], types: Types): FileDescriptorProto[] {
  const alive = files.filter(
    (f) => f.messageType.length + f.enumType.length > 0 || f.name.startsWith('google/protobuf/'),
  );
  for (const file of alive) {
    const imports = new Set<string>();
    const walk = (message: DescriptorProto): void => {
      for (const field of message.field) {
        if (field.type !== FieldDescriptorProto_Type.MESSAGE && field.type !== FieldDescriptorProto_Type.ENUM) continue;
        const from = types.files.get(typeOf(field));
        if (from !== undefined && from !== file) imports.add(from.name);
      }
      for (const nested of message.nestedType) walk(nested);
    };
    for (const message of file.messageType) walk(message);
    file.dependency = [...imports].sort();
    file.publicDependency = [];
    file.weakDependency = [];
  }
  return alive;
}
