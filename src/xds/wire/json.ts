/** What google.protobuf.Struct carries. Objects have no prototype, so that no key of a peer's choice means anything. */

export type JsonValue = null | boolean | number | string | JsonObject | readonly JsonValue[];

export interface JsonObject {
  readonly [key: string]: JsonValue;
}
