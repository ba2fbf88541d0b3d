/**
 * The form of a field table: what `decode` and `encode` need to know of a message. Tables are generated data; together
 * they weigh a tenth of compiled descriptors, which is why a sidecar carries these and not protobuf-es.
 */

/** Scalars have the numbers of FieldDescriptorProto.Type; the well-known types that become plain values follow. */
export const KIND = {
  double: 1,
  float: 2,
  int64: 3,
  uint64: 4,
  int32: 5,
  fixed64: 6,
  fixed32: 7,
  bool: 8,
  string: 9,
  message: 11,
  bytes: 12,
  uint32: 13,
  enum: 14,
  sfixed32: 15,
  sfixed64: 16,
  sint32: 17,
  sint64: 18,
  /** google.protobuf.Duration as milliseconds, with fractions. */
  duration: 20,
  /** google.protobuf.Timestamp as milliseconds since the Unix epoch, with fractions. */
  timestamp: 21,
  /** google.protobuf.Struct as a JSON object. */
  struct: 22,
  /** google.protobuf.Value as a JSON value. */
  value: 23,
} as const;

export type Kind = (typeof KIND)[keyof typeof KIND];

/** `plain` has no presence: its default is not written. `wrapped` is a google.protobuf.*Value. */
export type Shape = 'plain' | 'optional' | 'wrapped' | 'list' | 'map';

export interface Field {
  readonly number: number;
  /** camelCase, as in the generated interfaces. */
  readonly name: string;
  readonly kind: Kind;
  readonly shape: Shape;
  /** For kind message. */
  readonly table: Table | null;
  /** For kind enum, where names matter: numbers by name. */
  readonly names: EnumNames | null;
  /** For shape map: the kind of its keys. */
  readonly keyKind: Kind;
  /** The property that holds `{ case, value }`, when this field is a member of a oneof. */
  readonly oneof: string | null;
}

/** Numbers by name, as in the .proto. */
export type EnumNames = Readonly<Record<string, number>>;

/** A message as the codec sees it; users see the generated interface. */
export type Fields = Record<string, unknown>;

/** The unset oneof. Shared and frozen. */
export const UNSET: { readonly case: undefined } = Object.freeze({ case: undefined });

const EMPTY_LIST: readonly never[] = Object.freeze([]);
const EMPTY_MAP: ReadonlyMap<unknown, unknown> = new Map();
const EMPTY_BYTES = new Uint8Array(0);

/** `[number, name, kind, shape?, reference?, oneof?, key kind?]`: reference is the thunk of a table, or of an enum's names. */
export type FieldRow = readonly [
  number: number,
  name: string,
  kind: Kind,
  shape?: Shape,
  reference?: (() => Table | EnumNames) | null,
  oneof?: string | null,
  keyKind?: Kind,
];

/** `T` is the generated interface of the decoded message. Rows are resolved at first use, so that start-up pays for none. */
export class Table<T = unknown> {
  readonly name: string;
  readonly #rows: () => readonly FieldRow[];
  #fields: readonly Field[] | null = null;
  #byNumber: (Field | undefined)[] = [];
  #defaults: Fields = {};
  /** Ties the table to its interface; never set. */
  declare readonly message?: T;

  constructor(name: string, rows: () => readonly FieldRow[]) {
    this.name = name;
    this.#rows = rows;
  }

  /** In order of number. */
  get fields(): readonly Field[] {
    return this.#fields ?? this.#resolve();
  }

  field(number: number): Field | undefined {
    if (this.#fields === null) this.#resolve();
    return this.#byNumber[number];
  }

  /** A message of defaults. Its empty lists and maps are shared: replace them, never write to them. */
  blank(): Fields {
    if (this.#fields === null) this.#resolve();
    return { ...this.#defaults };
  }

  #resolve(): readonly Field[] {
    const fields = this.#rows().map(
      ([number, name, kind, shape = 'plain', reference = null, oneof = null, keyKind = KIND.string]): Field => {
        const to = reference === null ? null : reference();
        const isTable = to instanceof Table;
        return { number, name, kind, shape, table: isTable ? to : null, names: isTable ? null : to, keyKind, oneof };
      },
    );
    for (const field of fields) {
      this.#byNumber[field.number] = field;
      if (field.oneof === null) this.#defaults[field.name] = defaultOf(field);
      else this.#defaults[field.oneof] = UNSET;
    }
    this.#fields = fields;
    return fields;
  }
}

/** A whole message from the fields that matter; the rest are defaults. Shallow: nested messages are made likewise. */
export function create<T extends object>(table: Table<T>, fields: Partial<T>): T {
  return Object.assign(table.blank(), fields) as T;
}

function defaultOf(field: Field): unknown {
  if (field.shape === 'list') return EMPTY_LIST;
  if (field.shape === 'map') return EMPTY_MAP;
  return field.shape === 'plain' ? zeroOf(field.kind) : undefined;
}

/** The default value of a kind without presence; undefined for messages. */
export function zeroOf(kind: Kind): unknown {
  switch (kind) {
    case KIND.bool:
      return false;
    case KIND.string:
      return '';
    case KIND.bytes:
      return EMPTY_BYTES;
    case KIND.int64:
    case KIND.uint64:
    case KIND.sint64:
    case KIND.fixed64:
    case KIND.sfixed64:
      return 0n;
    case KIND.message:
    case KIND.duration:
    case KIND.timestamp:
    case KIND.struct:
    case KIND.value:
      return undefined;
    default:
      return 0;
  }
}
