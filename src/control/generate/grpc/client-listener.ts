/** Listeners of gRPC clients: nothing is bound, they lead from what stands in a target to its routes (gRFC A27). */
import { create } from '@bufbuild/protobuf';
import { originOf } from '../../../api/origin.ts';
import type { View } from '../../../api/reader.ts';
import { ListenerSchema } from '../../../protos/gen/envoy/config/listener/v3/listener_pb.ts';
import { HttpConnectionManagerSchema } from '../../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts';
import { pack } from '../../../protos/init.ts';
import { TYPE_URLS, type XdsResource } from '../../../xds/resource.ts';
import { resourceOf, sameResource } from '../resource.ts';
import type { CallerPortKey } from '../routes/caller.ts';
import { portKeysOf, servicePortFacts } from '../service-port.ts';
import { ADS } from '../tls.ts';
import { fault, router } from './http-filters.ts';
import { grpcName, targetNames } from './names.ts';

/** One for each name of a port; none when the port does not speak HTTP/2. */
export const grpcClientListeners: View<CallerPortKey, readonly XdsResource[]> = {
  name: 'grpc-client-listeners',
  id: (key) => `${grpcName(key)} for ${key.caller}`,
  derive(read, key) {
    const facts = read.view(servicePortFacts, key);
    if (facts === null || facts.protocol === 'tcp' || facts.protocol === 'http') return [];
    const manager = pack(HttpConnectionManagerSchema, {
      statPrefix: grpcName(key),
      routeSpecifier: { case: 'rds', value: { routeConfigName: grpcName(key), configSource: ADS } },
      httpFilters: [fault(), router()],
    });
    const names = targetNames(key, key.caller, portKeysOf(facts.service).length === 1);
    return names.map((name) => {
      const message = create(ListenerSchema, { name, apiListener: { apiListener: manager } });
      return resourceOf(TYPE_URLS.listener, name, ListenerSchema, message, [originOf(facts.service)]);
    });
  },
  same: (a, b) => a.length === b.length && a.every((each, i) => sameResource(each, b[i] ?? null)),
};
