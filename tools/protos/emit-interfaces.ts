/** The TypeScript of decoded messages: readonly plain objects with defaults filled in. */
import type { EnumDescriptorProto } from '@bufbuild/protobuf/wkt';
import { KIND, type Kind } from '../../src/xds/wire/table.ts';
import type { Member } from './table-members.ts';

/** Values of an enum: fields of its type are numbers, because proto3 enums are open. */
export function enumText(name: string, type: string, descriptor: EnumDescriptorProto): string {
  const values = descriptor.value.map((value) => `  ${value.name}: ${value.number},\n`).join('');
  return `/** ${type} */\nexport const ${name} = {\n${values}} as const;\n`;
}

export function interfaceText(name: string, type: string, members: readonly Member[]): string {
  const lines: string[] = [];
  const oneofs = new Set<string>();
  for (const member of members) {
    if (member.oneof === null) {
      lines.push(`  readonly ${member.name}: ${typeText(member)};${commentOf(member)}\n`);
    } else if (!oneofs.has(member.oneof)) {
      oneofs.add(member.oneof);
      lines.push(oneofText(member.oneof, members));
    }
  }
  if (lines.length === 0) return `/** ${type} */\nexport type ${name} = Readonly<Record<never, never>>;\n`;
  return `/** ${type} */\nexport interface ${name} {\n${lines.join('')}}\n`;
}

/** What the type does not say: the unit, and the names of the numbers. */
function commentOf(member: Member): string {
  if (member.kind === KIND.duration) return ' // ms';
  if (member.kind === KIND.timestamp) return ' // ms since the epoch';
  return member.enumType === null ? '' : ` // ${member.enumType}`;
}

function oneofText(oneof: string, members: readonly Member[]): string {
  const cases = members
    .filter((member) => member.oneof === oneof)
    .map((m) => `    | { readonly case: '${m.name}'; readonly value: ${valueText(m.kind, m.message)} }\n`);
  return `  readonly ${oneof}:\n${cases.join('')}    | { readonly case: undefined; readonly value?: undefined };\n`;
}

function typeText(member: Member): string {
  const value = valueText(member.kind, member.message);
  switch (member.shape) {
    case 'list':
      return value.includes('|') ? `readonly (${value})[]` : `readonly ${value}[]`;
    case 'map':
      return `ReadonlyMap<${valueText(member.keyKind, null)}, ${value}>`;
    case 'plain':
      return value;
    default:
      return `${value} | undefined`;
  }
}

function valueText(kind: Kind, message: string | null): string {
  switch (kind) {
    case KIND.message:
      if (message === null) throw new Error('a message field has no type');
      return message;
    case KIND.string:
      return 'string';
    case KIND.bool:
      return 'boolean';
    case KIND.bytes:
      return 'Uint8Array';
    case KIND.struct:
      return 'JsonObject';
    case KIND.value:
      return 'JsonValue';
    case KIND.int64:
    case KIND.uint64:
    case KIND.sint64:
    case KIND.fixed64:
    case KIND.sfixed64:
      return 'bigint';
    default:
      return 'number';
  }
}
