/** The resources that Weft generates for the benchmark's mesh, made in this process: for a peer that is to serve the same. */
import { keyOf, type Resource } from '../../src/api/resource.ts';
import { trustBundleResource } from '../../src/control/generate/mesh-settings.ts';
import { proxyView } from '../../src/control/generate/proxy-view.ts';
import { MeshIndex } from '../../src/control/index/mesh-index.ts';
import type { XdsResource } from '../../src/xds/resource.ts';
import { memberAt, memberName, meshObjects, NAMESPACE } from './mesh-objects.ts';

export interface GeneratedNode {
  readonly id: string;
  /** Positions in `resources`. */
  readonly resources: readonly number[];
}

export class GeneratedMesh {
  /** As they are now. Each once, however many have it. */
  readonly resources: XdsResource[] = [];
  readonly nodes: readonly GeneratedNode[];
  readonly #index = new MeshIndex();
  #revision = 1;

  constructor(services: number, proxies: number, trustBundlePem: string) {
    const bundle = trustBundleResource({ trustDomain: 'weft.local', pem: trustBundlePem }, '1');
    this.#apply([bundle, ...meshObjects(services)]);
    const ids = new Map<XdsResource, number>();
    this.nodes = Array.from({ length: proxies }, (_, i) => {
      const workload = memberName(memberAt(i, services));
      const resources = this.#resourcesOf(workload).map((resource) => {
        let id = ids.get(resource);
        if (id === undefined) ids.set(resource, (id = this.resources.push(resource) - 1));
        return id;
      });
      return { id: `${NAMESPACE}/${workload}`, resources };
    });
  }

  /** What a change of this object makes of other resources, by their positions. `resources` has them already. */
  change(object: Resource): ReadonlyMap<number, XdsResource> {
    const stale = this.#apply([object]);
    const changed = new Map<number, XdsResource>();
    for (const { id, resources } of this.nodes) {
      if (!stale.has(`${proxyView.name} ${id}`)) continue;
      const now = this.#resourcesOf(id.slice(NAMESPACE.length + 1));
      for (const [i, position] of resources.entries()) {
        const resource = now[i];
        const known = this.resources[position];
        if (resource === undefined || known?.name !== resource.name) throw new Error('the change is of another kind');
        if (known.version !== resource.version) changed.set(position, resource);
      }
    }
    for (const [position, resource] of changed) this.resources[position] = resource;
    return changed;
  }

  #resourcesOf(workload: string): XdsResource[] {
    const view = this.#index.read(proxyView, { namespace: NAMESPACE, workload });
    return [...view.values()].flatMap((named) => [...named.values()]);
  }

  /** The views that may have changed. */
  #apply(objects: readonly Resource[]): ReadonlySet<string> {
    const changes = objects.map((object) => {
      const resourceVersion = String((this.#revision += 1));
      const metadata = { ...object.metadata, uid: object.metadata.name, resourceVersion };
      return { key: keyOf(object), value: { ...object, metadata } };
    });
    return this.#index.apply({ cursor: '', replace: false, changes });
  }
}
