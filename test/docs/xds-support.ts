/**
 * The table of docs/xds-support.md, from the code: which fields of Envoy's messages the field tables have, and what the
 * readers do with each. A field that a reader begins to use, or to refuse, moves by itself.
 */
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { envoyTypes } from '../../src/protos/registry.ts';
import * as tables from '../../src/xds/tables/tables.gen.ts';
import { protoName } from '../../src/xds/wire/field-name.ts';
import { Table } from '../../src/xds/wire/table.ts';
import { ROOT } from './doc-commands.ts';
import { CORRECTIONS, type Support } from './support-corrections.ts';

const READERS = [
  'src/snapshot/read/*.ts',
  'src/filters/**/*.ts',
  'src/xds/matchers/*.ts',
  'src/cli/bootstrap/*.ts',
  'src/xds/fraction.ts',
];
/** What configures a proxy; the protocol itself is not configuration. */
const SHOWN = /^envoy\.(?:config|extensions|type\.matcher)\./;

interface Reader {
  readonly text: string;
  /** Proto names after which a refusal is named. */
  readonly refused: ReadonlySet<string>;
  readonly inPart: ReadonlySet<string>;
}

const readers: readonly Reader[] = READERS.flatMap((pattern) => globSync(pattern, { cwd: ROOT }))
  .filter((path) => !/\.(?:test|fixture)\.ts$/.test(path))
  .map((path) => {
    const text = readFileSync(join(ROOT, path), 'utf8');
    return { text, refused: named(text, 'refuseSet'), inPart: named(text, 'unsupported') };
  });

/** The last field of each path that the calls of a function name. */
function named(text: string, called: string): ReadonlySet<string> {
  const names = new Set<string>();
  for (const [, path = ''] of text.matchAll(new RegExp(`${called}\\(\\s*[\`'"]([^\`'"]+)[\`'"]`, 'g'))) {
    const last =
      path
        .replaceAll(/\$\{[^}]*\}/g, '')
        .replaceAll(/\[[^\]]*\]/g, '')
        .split('.')
        .at(-1) ?? '';
    if (last !== '') names.add(last);
  }
  return names;
}

const all: readonly (readonly [name: string, table: Table])[] = Object.entries(tables).flatMap(([name, table]) =>
  table instanceof Table && SHOWN.test(table.name) ? [[name.replace(/Table$/, ''), table] as const] : [],
);

/** Readers that import a message, else those of the messages that hold it. */
function readersOf(name: string, seen: ReadonlySet<string> = new Set()): readonly Reader[] {
  const own = readers.filter(({ text }) => new RegExp(`\\b${name}(?:Table)?\\b`).test(text));
  if (own.length > 0 || seen.has(name)) return own;
  const holders = all.filter(([, { fields }]) => fields.some(({ table }) => table !== null && shortOf(table) === name));
  return holders.flatMap(([holder]) => readersOf(holder, new Set([...seen, name])));
}

function shortOf(table: Table): string {
  return all.find(([, each]) => each === table)?.[0] ?? '';
}

const EDITS = [
  'request_headers_to_add',
  'request_headers_to_remove',
  'response_headers_to_add',
  'response_headers_to_remove',
];
const SUBSETS = [
  ...[
    'allow_redundant_keys',
    'default_subset',
    'fallback_policy',
    'list_as_any',
    'locality_weight_aware',
    'metadata_fallback_policy',
    'panic_mode_any',
    'scale_locality_weight',
    'subset_selectors',
  ].map((field) => `Subset.${field}`),
  ...['fallback_keys_subset', 'fallback_policy', 'keys', 'single_host_per_subset'].map(
    (field) => `Subset_LbSubsetSelector.${field}`,
  ),
];
/** Where the words of a reader mislead: it reads a message by its shape, or refuses a field of another one. */
const KNOWN: ReadonlyMap<string, Support> = new Map<string, Support>([
  ...['Route', 'VirtualHost', 'RouteConfiguration'].flatMap((message) =>
    EDITS.map((field): [string, Support] => [`${message}.${field}`, 'yes']),
  ),
  ['Cluster.load_assignment', 'part'],
  ['Cluster.dns_lookup_family', 'yes'],
  ['CaresDnsResolverConfig.resolvers', 'part'],
  ['DnsResolverOptions.no_default_search_domain', 'refused'],
  ['UpstreamHttpProtocolOptions.auto_san_validation', 'part'],
  ['UpstreamHttpProtocolOptions.auto_sni', 'part'],
  ['Cluster_CommonLbConfig.close_connections_on_host_set_change', 'yes'],
  ['Cluster_CommonLbConfig.healthy_panic_threshold', 'yes'],
  ['Cluster_CommonLbConfig.ignore_new_hosts_until_first_hc', 'yes'],
  ['Cluster_CommonLbConfig.zone_aware_lb_config', 'yes'],
  ...['fail_traffic_on_panic', 'min_cluster_size', 'routing_enabled'].map((field): [string, Support] => [
    `Cluster_CommonLbConfig_ZoneAwareLbConfig.${field}`,
    'yes',
  ]),
  ...['fail_traffic_on_panic', 'min_cluster_size', 'routing_enabled'].map((field): [string, Support] => [
    `LocalityLbConfig_ZoneAwareLbConfig.${field}`,
    'yes',
  ]),
  ['LocalityLbConfig.zone_aware_lb_config', 'yes'],
  ...SUBSETS.map((field): [string, Support] => [field, 'yes']),
  ['CommonTlsContext.tls_certificates', 'yes'],
  ['CertificateValidationContext.verify_certificate_hash', 'yes'],
  ['CertificateValidationContext.verify_certificate_spki', 'yes'],
  ['RedirectAction.scheme_redirect', 'part'],
  ['Route.typed_per_filter_config', 'yes'],
  ['RouteAction.host_rewrite_literal', 'yes'],
  ['WeightedCluster_ClusterWeight.cluster_header', 'part'],
  ...['host_rewrite_literal', 'metadata_match', 'name', 'weight'].map((field): [string, Support] => [
    `WeightedCluster_ClusterWeight.${field}`,
    'yes',
  ]),
]);

function supportOf(message: string, full: string, camel: string, readings: readonly Reader[]): Support {
  const name = protoName(camel);
  const known = CORRECTIONS.get(`${full}.${name}`) ?? KNOWN.get(`${message}.${name}`);
  if (known !== undefined) return known;
  if (readings.some(({ refused }) => refused.has(name))) return 'refused';
  const isUsed = readings.some(({ text }) => new RegExp(`[.{,'"]\\s*${camel}\\b`).test(text));
  if (!isUsed) return 'idle';
  return readings.some(({ inPart }) => inPart.has(name)) ? 'part' : 'yes';
}

/** Of every field that the tables have: `Message.field`, the message without `envoy.`. */
export function supportByField(): ReadonlyMap<string, Support> {
  return new Map(
    all.flatMap(([short, table]) => {
      const readings = readersOf(short);
      const full = table.name.replace(/^envoy\./, '');
      return table.fields.map(({ name }): [string, Support] => [
        `${full}.${protoName(name)}`,
        supportOf(short, full, name, readings),
      ]);
    }),
  );
}

/** One row a message, in order of name. */
export function supportTable(): string {
  const rows = all
    .toSorted(([, a], [, b]) => (a.name < b.name ? -1 : 1))
    .map(([short, table]) => {
      const readings = readersOf(short);
      const by: Record<Support, string[]> = { yes: [], part: [], refused: [], idle: [] };
      const full = table.name.replace(/^envoy\./, '');
      for (const { name } of table.fields) by[supportOf(short, full, name, readings)].push(protoName(name));
      const known = new Set(table.fields.map(({ number }) => number));
      const unknown = (envoyTypes.getMessage(table.name)?.fields ?? [])
        .filter(({ number }) => !known.has(number))
        .map(({ name }) => name);
      const cells = [by.yes, by.part, by.refused, by.idle, unknown].map((names) => names.toSorted().join(', ') || '–');
      return `| \`${full}\` | ${cells.join(' | ')} |`;
    });
  return ['| message | yes | some values | refused | no effect | unknown |', '|---|---|---|---|---|---|', ...rows].join(
    '\n',
  );
}
