/**
 * Generates src/protos/gen (protobuf-es, for the control plane) and src/xds/tables/*.gen.ts (field tables, for both
 * ends of xDS). Run by hand after a change of roots.ts or subset.ts: `node tools/protos/generate.ts`.
 * Needs only what `npm ci` installs: buf, protoc-gen-es, and the .proto files inside @grpc/grpc-js-xds.
 */
import { compile } from './descriptors.ts';
import { emitProtobufEs } from './emit-protobuf-es.ts';
import { emitTables } from './emit-tables.ts';
import { indexTypes, prune } from './prune.ts';
import { CUT, ROOT_FILES, ROOT_MESSAGES, SOURCE_FILES } from './roots.ts';
import { SUBSET, TABLE_NAMES, TABLE_ROOTS } from './subset.ts';

const files = prune(compile(SOURCE_FILES), { rootFiles: ROOT_FILES, rootMessages: ROOT_MESSAGES, without: CUT });
const size = emitProtobufEs(files, 'src/protos/gen');
console.log(`src/protos/gen: ${files.length} files, ${Math.round(size / 1024)} KiB`);

const subset = { roots: TABLE_ROOTS, fields: SUBSET, names: TABLE_NAMES };
const tables = emitTables(indexTypes(files), subset, 'src/xds/tables');
console.log(`src/xds/tables: ${tables.messages} messages, ${Math.round(tables.size / 1024)} KiB`);
