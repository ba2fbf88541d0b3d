/**
 * `weft.mesh/v1` XdsPatch: fragments in the terms of xDS, merged into what is generated for the proxies that it selects. A
 * way to what no policy says yet; what Weft answers for (mTLS, authorization, addresses, names) it cannot change.
 */
import { z } from 'zod';
import { labels, objectName, portNumber } from '../../api/fields.ts';
import type { Frozen } from '../../api/kind.ts';
import type { Resource } from '../../api/resource.ts';
import { SUBJECT_NAMES } from './subject.ts';

export const KIND = 'XdsPatch';

const xdsName = z.string().min(1).max(512);

const match = z.strictObject({
  name: xdsName.optional().describe('Of the xDS resource, as `weft proxy-config` shows it.'),
  direction: z
    .enum(['inbound', 'outbound'])
    .optional()
    .describe('Inbound: before the application. Outbound: to others.'),
  port: portNumber.optional().describe('Inbound: the application’s own. Outbound: the Service’s.'),
  service: z
    .string()
    .regex(/^([a-z0-9]([-a-z0-9]*[a-z0-9])?\/)?[a-z]([-a-z0-9]*[a-z0-9])?$/, {
      error: 'must be a Service such as "catalog", or "shop/catalog" of another namespace',
    })
    .optional()
    .describe('Outbound: `catalog`, of the patch’s namespace, or `shop/catalog`.'),
  filterChain: xdsName.optional().describe('Of a listener, by name.'),
  filter: xdsName
    .optional()
    .describe('By name: of the connection for a NetworkFilter, of the requests for an HttpFilter.'),
  virtualHost: xdsName.optional().describe('Of a route configuration, by name.'),
  route: xdsName.optional().describe('Of a virtual host, by name.'),
});

const patch = z.strictObject({
  on: z.enum(SUBJECT_NAMES).describe('The kind of thing that is patched.'),
  match: match.optional().describe('Which of them: all that is said must hold. Unset: every one.'),
  operation: z
    .enum(['merge', 'add', 'remove'])
    .describe(
      'merge: into each that matches, as protobuf merges: fields replace, messages merge, lists grow. add: one more. remove: each that matches.',
    ),
  lists: z.enum(['append', 'replace']).optional().describe('What a merge does with lists. Unset: append.'),
  before: xdsName.optional().describe('An added filter or route stands before the one of this name.'),
  after: xdsName
    .optional()
    .describe('Or after it. Neither: a filter stands before the last one, a route before all others.'),
  value: z.looseObject({}).optional().describe('The fragment, as JSON of the message. Not for remove.'),
});

export const spec = z.strictObject({
  proxies: z
    .strictObject({
      matchLabels: labels
        .refine((map) => Object.keys(map).length > 0, { error: 'must have at least one label' })
        .optional()
        .describe('Of the workload: all of them.'),
      services: z.array(objectName('label-1035')).min(1).max(64).optional().describe('Of the workload: one of them.'),
      kinds: z
        .array(z.enum(['weft', 'envoy', 'grpc']))
        .min(1)
        .max(3)
        .optional()
        .describe('Of the proxy: one of them.'),
    })
    .optional()
    .describe('Which proxies of the namespace: all that is said must hold. Unset: every one.'),
  patches: z.array(patch).min(1).max(64).describe('In this order. A proxy gets all of them or none.'),
});

export const statusSchema = z.looseObject({});

export type XdsPatchSpec = Frozen<z.infer<typeof spec>>;
export type PatchEntry = XdsPatchSpec['patches'][number];
export type XdsPatchStatus = Frozen<z.infer<typeof statusSchema>>;
export type XdsPatch = Resource<XdsPatchSpec, XdsPatchStatus>;
