/** Objects of any kind over the API: the Kubernetes verbs. Works against our control plane and a Kubernetes API server alike. */
import type { Resource } from '../api/resource.ts';
import type { Violation } from '../api/violation.ts';
import { call, type CallOptions } from './caller.ts';
import { collectionPath, type KindRef, objectPath } from './kind-ref.ts';
import type { HttpTransport } from './transport.ts';

export interface ResourceList<R> {
  readonly items: readonly R[];
  /** Watch from here. */
  readonly resourceVersion: string;
}

export interface ListOptions {
  /** `app=catalog,version!=v1`. Unset: all. */
  readonly labelSelector?: string | undefined;
  readonly signal?: AbortSignal;
}

export interface ApplyOptions {
  /** Who owns the fields. */
  readonly fieldManager: string;
  /** Takes fields over that another manager owns; without it that is a `conflict`. */
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export interface ApplySetOptions {
  readonly fieldManager: string;
  readonly dryRun?: boolean;
}

export interface ApplySetResult {
  /** In the order of the items; empty when there are violations, and then nothing was written. */
  readonly results: readonly { readonly key: string; readonly action: 'created' | 'configured' | 'unchanged' }[];
  readonly violations?: readonly Violation[];
}

export class ResourceClient {
  readonly #transport: HttpTransport;

  constructor(transport: HttpTransport) {
    this.#transport = transport;
  }

  /** Throws `not-found`. Namespace is ignored for kinds without one. */
  get<R extends Resource>(ref: KindRef, namespace: string, name: string): Promise<R> {
    return this.#call('GET', objectPath(ref, namespace, name));
  }

  /** null namespace: all. */
  async list<R extends Resource>(
    ref: KindRef,
    namespace: string | null,
    options: ListOptions = {},
  ): Promise<ResourceList<R>> {
    const list = await this.#call<{ items: R[]; metadata?: { resourceVersion?: string } }>(
      'GET',
      collectionPath(ref, namespace),
      {
        query: { labelSelector: options.labelSelector },
        signal: options.signal,
      },
    );
    // Items of a list have no type of their own in Kubernetes.
    const apiVersion = ref.group === '' ? ref.version : `${ref.group}/${ref.version}`;
    const items = list.items.map((item) => ({ ...item, apiVersion, kind: ref.kind }));
    return { items, resourceVersion: list.metadata?.resourceVersion ?? '' };
  }

  /** Throws `already-exists`. */
  create<R extends Resource>(ref: KindRef, resource: R): Promise<R> {
    return this.#call('POST', collectionPath(ref, namespaceOf(resource)), { body: resource });
  }

  /** With a resourceVersion in the metadata: only when the object is still that one, else `conflict`. */
  replace<R extends Resource>(ref: KindRef, resource: R): Promise<R> {
    return this.#call('PUT', pathOf(ref, resource), { body: resource });
  }

  replaceStatus<R extends Resource>(ref: KindRef, resource: R): Promise<R> {
    return this.#call('PUT', `${pathOf(ref, resource)}/status`, { body: resource });
  }

  /** RFC 7396: null removes a field. */
  mergePatch<R extends Resource>(ref: KindRef, namespace: string, name: string, patch: unknown): Promise<R> {
    return this.#call('PATCH', objectPath(ref, namespace, name), {
      body: patch,
      contentType: 'application/merge-patch+json',
    });
  }

  /** Server-side apply: JSON is YAML, so the body is both. */
  apply<R extends Resource>(ref: KindRef, resource: R, options: ApplyOptions): Promise<R> {
    return this.#call('PATCH', pathOf(ref, resource), {
      body: resource,
      contentType: 'application/apply-patch+yaml',
      query: {
        fieldManager: options.fieldManager,
        force: options.force,
        dryRun: options.dryRun === true ? 'All' : undefined,
      },
    });
  }

  /** All or nothing. Violations are a result, not an error: the caller knows the lines they belong to. */
  applySet(items: readonly Resource[], options: ApplySetOptions): Promise<ApplySetResult> {
    return this.#call('POST', '/apis/weft.mesh/v1/applysets', { body: { items, ...options } });
  }

  async delete(ref: KindRef, namespace: string, name: string): Promise<void> {
    await this.#call('DELETE', objectPath(ref, namespace, name));
  }

  #call<T>(method: string, path: string, options?: CallOptions): Promise<T> {
    return call<T>(this.#transport, method, path, options);
  }
}

function namespaceOf(resource: Resource): string {
  return resource.metadata.namespace ?? 'default';
}

function pathOf(ref: KindRef, resource: Resource): string {
  return objectPath(ref, namespaceOf(resource), resource.metadata.name);
}
