/**
 * The OpenAPI v3 documents of the API server, made from the kinds' schemas: what `kubectl explain` and kubectl's own
 * validation read. A kind's schema here is also the structural schema of its CustomResourceDefinition.
 */
import { z } from 'zod';
import type { Kind } from './kind.ts';
import { objectSchema } from './object-schema.ts';
import type { GroupVersion, KindRegistry } from './registry.ts';
import { isNever } from './schema-violations.ts';

type Json = Readonly<Record<string, unknown>>;

/** `/openapi/v3`: where the document of each group version is. */
export function openApiIndex(kinds: KindRegistry): Json {
  const paths = kinds.groupVersions.map((each) => {
    const path = groupPath(each);
    return [path, { serverRelativeURL: `/openapi/v3/${path}` }] as const;
  });
  return { paths: Object.fromEntries(paths) };
}

/** `/openapi/v3/api/v1` or `/openapi/v3/apis/<group>/<version>`. */
export function openApiDocument(groupVersion: GroupVersion): Json {
  const schemas = groupVersion.kinds.map((kind) => [schemaName(kind), kindSchema(kind)] as const);
  return {
    openapi: '3.0.0',
    info: { title: 'Weft', version: groupVersion.version },
    paths: Object.fromEntries(groupVersion.kinds.map((kind) => [objectPath(kind), { patch: patchOperation(kind) }])),
    components: { schemas: Object.fromEntries(schemas) },
  };
}

/** The structural schema of a whole object. */
export function kindSchema(kind: Kind): Json {
  const made = z.toJSONSchema(objectSchema(kind), {
    target: 'openapi-3.0',
    io: 'input',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => makeStructural(zodSchema, jsonSchema),
  });
  const { $schema: _, additionalProperties: __, ...schema } = made;
  // A CustomResourceDefinition says nothing about metadata: Kubernetes checks that itself.
  const properties = { ...schema.properties, metadata: { type: 'object' } };
  return {
    description: kind.description,
    ...schema,
    properties,
    'x-kubernetes-group-version-kind': [groupVersionKind(kind)],
  };
}

/** A structural schema has no `additionalProperties: false`; unknown fields are kept where it says so, else pruned. */
function makeStructural(schema: unknown, json: z.core.JSONSchema.BaseSchema): void {
  if (json.type === 'object' && json.properties !== undefined) {
    if (json.additionalProperties !== false) json['x-kubernetes-preserve-unknown-fields'] = true;
    delete json.additionalProperties;
    const shape = (schema as { def: { shape?: Readonly<Record<string, unknown>> } }).def.shape ?? {};
    for (const name of Object.keys(json.properties)) if (isNever(shape[name])) delete json.properties[name];
  }
  // The one union of scalars that Kubernetes has: a number or a text.
  const types = new Set((json.anyOf ?? []).map((each) => (typeof each === 'object' ? each.type : undefined)));
  if (types.has('integer') && types.has('string')) {
    delete json.anyOf;
    json['x-kubernetes-int-or-string'] = true;
  } else if (types.size === 1 && types.has('string')) {
    delete json.anyOf;
    json.type = 'string';
  }
}

/** kubectl looks here for what the server supports before it sends a field's validation or a dry run. */
function patchOperation(kind: Kind): Json {
  const query = (name: string, type: string) => ({ name, in: 'query', schema: { type, uniqueItems: true } });
  return {
    operationId: `patch${kind.kind}`,
    parameters: [
      query('dryRun', 'string'),
      query('fieldManager', 'string'),
      query('fieldValidation', 'string'),
      query('force', 'boolean'),
    ],
    responses: {
      200: {
        description: 'OK',
        content: { 'application/json': { schema: { $ref: `#/components/schemas/${schemaName(kind)}` } } },
      },
    },
    'x-kubernetes-action': 'patch',
    'x-kubernetes-group-version-kind': groupVersionKind(kind),
  };
}

function groupVersionKind(kind: Kind): Json {
  return { group: kind.group, version: kind.version, kind: kind.kind };
}

function groupPath({ group, version }: { readonly group: string; readonly version: string }): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

function objectPath(kind: Kind): string {
  return `/${groupPath(kind)}/${kind.namespaced ? 'namespaces/{namespace}/' : ''}${kind.plural}/{name}`;
}

/** Dotted, as Kubernetes names definitions: `mesh.weft.v1.Workload`. */
function schemaName(kind: Kind): string {
  const group = kind.group === '' ? ['core'] : kind.group.split('.').reverse();
  return [...group, kind.version, kind.kind].join('.');
}
