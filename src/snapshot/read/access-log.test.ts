import assert from 'node:assert/strict';
import { test } from 'node:test';
import type {
  AccessLog,
  AccessLogFilter,
  FileAccessLog,
  SubstitutionFormatString,
} from '../../xds/tables/messages.gen.ts';
import * as t from '../../xds/tables/tables.gen.ts';
import { encode } from '../../xds/wire/encode.ts';
import { create } from '../../xds/wire/table.ts';
import { sampleFacts } from '../format/sample-facts.ts';
import { readAccessLogs } from './access-log.ts';
import { MESH_TERMS, type Terms } from './terms.ts';

const OWN_TERMS: Terms = { ...MESH_TERMS, asks: () => true, tls: 'own' };
const LOGGERS = 'type.googleapis.com/envoy.extensions.access_loggers';

const text = (value: string): SubstitutionFormatString =>
  create(t.SubstitutionFormatStringTable, { format: { case: 'textFormat', value } });

function logOf(typeUrl: string, value: Uint8Array, filter?: AccessLogFilter): AccessLog {
  return {
    name: 'log',
    filter,
    configType: { case: 'typedConfig', value: { typeUrl: `${LOGGERS}.${typeUrl}`, value } },
  };
}

const file = (parts: Partial<FileAccessLog>, filter?: AccessLogFilter): AccessLog =>
  logOf('file.v3.FileAccessLog', encode(t.FileAccessLogTable, create(t.FileAccessLogTable, parts)), filter);

const stdout = (format?: SubstitutionFormatString): AccessLog => {
  const message = format === undefined ? {} : { accessLogFormat: { case: 'logFormat', value: format } as const };
  return logOf('stream.v3.StdoutAccessLog', encode(t.StdoutAccessLogTable, create(t.StdoutAccessLogTable, message)));
};

const read = (log: AccessLog, terms: Terms) => readAccessLogs('access_log', [log], terms);

test('of a sidecar, standard output without a format is the agent’s log, with one it is the configuration’s', () => {
  assert.equal(read(stdout(), MESH_TERMS), null);
  const [log] = read(stdout(text('%RESPONSE_CODE%\n')), MESH_TERMS) ?? [];
  assert.equal(log?.path, '/dev/stdout');
  assert.equal(log?.line(sampleFacts()), '200\n');
  assert.match(
    read(stdout(), OWN_TERMS)?.[0]?.line(sampleFacts()) ?? '',
    /^\[2026.*\] "POST \/up\/x.* 200 - 5 7 12 7 /,
  );
});

test('no control plane of a mesh names a file for a sidecar, or reads its environment', () => {
  assert.throws(
    () => read(file({ path: '/etc/passwd' }), MESH_TERMS),
    /its streams only \(access_log\[0\]\.typed_config: path\)/,
  );
  assert.equal(read(file({ path: '/dev/stderr' }), MESH_TERMS)?.length, 1);
  assert.equal(read(file({ path: '/tmp/a' }), OWN_TERMS)?.length, 1);
  const environment = { case: 'format', value: '%ENVIRONMENT(HOME)%' } as const;
  assert.throws(() => read(file({ path: '/dev/stdout', accessLogFormat: environment }), MESH_TERMS), /not shown here/);
  assert.equal(read(file({ path: '/tmp/a', accessLogFormat: environment }), OWN_TERMS)?.length, 1);
});

test('an operator that is not known is refused with its place, and so is a log of another kind', () => {
  assert.throws(
    () => read(file({ path: '/a', accessLogFormat: { case: 'logFormat', value: text('a %NOPE% b') } }), OWN_TERMS),
    /%NOPE% at character 2: no operator.*\(access_log\[0\]\.typed_config: log_format\.text_format\)/,
  );
  assert.throws(() => read(logOf('fluentd.v3.FluentdAccessLogConfig', new Uint8Array()), OWN_TERMS), /no access log/);
  assert.equal(read(logOf('grpc.v3.HttpGrpcAccessLogConfig', new Uint8Array()), OWN_TERMS), null, 'passed over');
  assert.throws(() => read(file({}), OWN_TERMS), /required \(access_log\[0\]\.typed_config: path\)/);
});

const filterOf = (filterSpecifier: AccessLogFilter['filterSpecifier']): AccessLogFilter => ({ filterSpecifier });

test('filters that would not be kept are refused by name', () => {
  const refused = (filter: AccessLogFilter, reason: RegExp): void =>
    assert.throws(() => read(file({ path: '/a' }, filter), OWN_TERMS), reason);
  const nothing = filterOf({ case: 'notHealthCheckFilter', value: {} });
  refused(filterOf({ case: 'metadataFilter', value: create(t.MetadataFilterTable, {}) }), /filter\.metadata_filter/);
  refused(filterOf({ case: 'andFilter', value: { filters: [nothing] } }), /at least two/);
  refused(filterOf({ case: 'responseFlagFilter', value: { flags: ['XX'] } }), /"XX" is no response flag/);
  refused(filterOf({ case: undefined }), /required/);
  let deep = nothing;
  for (let i = 0; i < 20; i++) deep = filterOf({ case: 'orFilter', value: { filters: [deep, nothing] } });
  refused(deep, /within one another/);
});
