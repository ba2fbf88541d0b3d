/**
 * An Envoy bootstrap file → what a proxy starts with. What this proxy does not support is refused with its line, all of
 * it at once: a field that is passed over would be a promise that nobody keeps.
 */
import { WeftError } from '../../core/errors.ts';
import type { Address } from '../../core/runtime.ts';
import { FILTER_MODULES } from '../../filters/all.ts';
import type { BootstrapSources } from '../../proxy/config/bootstrap-sources.ts';
import { kernelDestinations } from '../../runtime/node/original-destination.ts';
import { applyDelta, EMPTY_SNAPSHOT } from '../../snapshot/apply.ts';
import { readApiCluster, readApiProtocol, readSource } from '../../snapshot/read/config-source.ts';
import { readSocketAddress } from '../../snapshot/read/address.ts';
import type { Terms } from '../../snapshot/read/terms.ts';
import type { Locality, Snapshot } from '../../snapshot/snapshot.ts';
import type { ReceivedResource } from '../../xds/client/received.ts';
import type { ResourceSource } from '../../xds/client/resource-source.ts';
import { anyTable } from '../../xds/tables/any-tables.ts';
import type { Bootstrap, ConfigSource } from '../../xds/tables/messages.gen.ts';
import { BootstrapTable } from '../../xds/tables/tables.gen.ts';
import { fromJson } from '../../xds/wire/decode-json.ts';
import type { JsonObject, JsonValue } from '../../xds/wire/json.ts';
import { stepsOf } from './field-steps.ts';
import { inlineFiles } from './inline-files.ts';
import { type FilePlace, type PlacedDocument, parsePlaced } from './placed-document.ts';
import { takeProcessSections } from './process-sections.ts';
import { type StaticResource, staticResources } from './static-resources.ts';

export interface BootstrapProblem extends FilePlace {
  readonly what: string;
}

export interface ReadBootstrap {
  readonly node: { readonly id: string; readonly cluster: string; readonly metadata: JsonObject };
  readonly locality: Locality | null;
  /** Null: no admin endpoint is asked for. */
  readonly admin: Address | null;
  readonly statics: readonly ReceivedResource[];
  readonly sources: BootstrapSources;
  /** Downstream connections at a time; null: the proxy's own bound. */
  readonly maxConnections: number | null;
  /** The cluster that the proxy belongs to itself; empty: none is named. */
  readonly localCluster: string;
}

type Step = string | number;

/** In order of line; when there are problems, the rest is not to be used. Throws where the text is no YAML. */
export function readBootstrap(
  text: string,
  file: string,
): { readonly bootstrap: ReadBootstrap | null; readonly problems: readonly BootstrapProblem[] } {
  const document = parsePlaced(text, file);
  const problems: BootstrapProblem[] = [];
  const report = (path: readonly Step[], what: string): void => {
    problems.push({ ...document.place(path), what });
  };
  const { rest, ...sections } = takeProcessSections(document.value, report);
  const json = inlineFiles(rest, report);
  const message = fromJson(BootstrapTable, json, {
    anyTables: anyTable,
    onProblem: ({ path, what }) => {
      if (!isOfOptional(json, path)) report(path, what);
    },
  });
  const reader = new BootstrapReader(document, message, sections, report);
  const bootstrap = problems.length === 0 ? reader.read() : null;
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { bootstrap: problems.length === 0 ? bootstrap : null, problems };
}

/** An extension that nobody here reads and that says itself that it may be left out. */
function isOfOptional(document: JsonValue, path: readonly Step[]): boolean {
  if (path.at(-1) !== '@type') return false;
  const holder = path
    .slice(0, -2)
    .reduce<unknown>((at, step) => (at as Record<Step, unknown> | null)?.[step], document);
  const { is_optional: is, isOptional } = (holder ?? {}) as {
    readonly is_optional?: unknown;
    readonly isOptional?: unknown;
  };
  return is === true || isOptional === true;
}

type Sections = Pick<ReadBootstrap, 'maxConnections' | 'localCluster'>;

class BootstrapReader {
  readonly #document: PlacedDocument;
  readonly #message: Bootstrap;
  readonly #sections: Sections;
  readonly #report: (path: readonly Step[], what: string) => void;

  constructor(
    document: PlacedDocument,
    message: Bootstrap,
    sections: Sections,
    report: (path: readonly Step[], what: string) => void,
  ) {
    this.#document = document;
    this.#message = message;
    this.#sections = sections;
    this.#report = report;
  }

  read(): ReadBootstrap {
    const { node, admin } = this.#message;
    const sources = this.#sources();
    const statics = staticResources(this.#message, this.#document.value);
    this.#check(statics, sources);
    return {
      node: { id: node?.id ?? '', cluster: node?.cluster ?? '', metadata: node?.metadata ?? {} },
      locality: node?.locality ?? null,
      admin:
        admin?.address === undefined
          ? null
          : (this.#at(['admin'], () => readSocketAddress('address', admin.address, false)) ?? null),
      statics: statics.map(({ resource }) => resource),
      sources,
      ...this.#sections,
    };
  }

  #sources(): BootstrapSources {
    const { ldsConfig, cdsConfig, adsConfig } = this.#message.dynamicResources ?? {};
    const at = ['dynamic_resources'];
    const source = (field: string, config: ConfigSource | undefined): ResourceSource | null =>
      config === undefined ? null : (this.#at(at, () => readSource(field, config)) ?? null);
    const ads =
      adsConfig === undefined
        ? null
        : (this.#at(at, () => ({
            protocol: protocolOfAds(readApiProtocol('ads_config', adsConfig)),
            cluster: readApiCluster('ads_config', adsConfig),
          })) ?? null);
    return { listeners: source('lds_config', ldsConfig), clusters: source('cds_config', cdsConfig), ads };
  }

  /** What the readers of a running proxy refuse of the static resources, and references that lead nowhere. */
  #check(statics: readonly StaticResource[], sources: BootstrapSources): void {
    const names = new Map<string, StaticResource>();
    for (const each of statics) {
      const key = `${each.resource.type} ${each.resource.name}`;
      if (names.has(key)) this.#report(each.path, `the name ${each.resource.name} is taken by another`);
      names.set(key, each);
    }
    let snapshot: Snapshot = EMPTY_SNAPSHOT;
    // Every static cluster may be asked for more; whether it is there is looked at below.
    const terms: Terms = {
      asks: () => true,
      tls: 'own',
      noOriginalDestination: () => kernelDestinations.fault,
    };
    for (const { resource, path } of statics) {
      const delta = { type: resource.type, changed: [resource], removed: [] };
      const { next, refused } = applyDelta(snapshot, delta, FILTER_MODULES, terms);
      snapshot = next;
      for (const { reason } of refused) this.#report(stepsOf(this.#document.value, path, placeIn(reason)), reason);
    }
    const { localCluster } = this.#sections;
    if (localCluster !== '' && !snapshot.clusters.has(localCluster)) {
      this.#report(['cluster_manager'], `the local cluster ${localCluster} is none of static_resources.clusters`);
    }
    const servers = [sources.listeners, sources.clusters].flatMap((source) =>
      source?.kind === 'service' ? [source.cluster] : [],
    );
    for (const name of [...servers, ...(sources.ads === null ? [] : [sources.ads.cluster])]) {
      if (!snapshot.clusters.has(name)) {
        this.#report(['dynamic_resources'], `the cluster ${name} is none of static_resources.clusters`);
      }
    }
  }

  /** Undefined when `read` refuses; why is reported. */
  #at<T>(from: readonly Step[], read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof WeftError)) throw error;
      this.#report(stepsOf(this.#document.value, from, error.where), error.message);
      return undefined;
    }
  }
}

function protocolOfAds(protocol: 'delta' | 'sotw' | 'rest'): 'delta' | 'sotw' {
  if (protocol === 'rest') {
    throw new WeftError('unsupported', { what: 'an aggregated stream is no REST', where: 'ads_config.api_type' });
  }
  return protocol;
}

/** The place stands in brackets at the end of a refusal. */
function placeIn(reason: string): string {
  return /\(([^()]*(?:\([^()]*\)[^()]*)*)\)[^()]*$/.exec(reason)?.[1] ?? '';
}

export function problemText(file: string, { line, column, what }: BootstrapProblem): string {
  return `${file}:${line}:${column}: ${what}`;
}
