/** What holds for a port's endpoints → its cluster. It writes every field that a policy could, so that defaults stand once. */
import { create } from '@bufbuild/protobuf';
import { DurationSchema } from '@bufbuild/protobuf/wkt';
import type { Reader } from '../../../api/reader.ts';
import { CircuitBreakersSchema } from '../../../protos/gen/envoy/config/cluster/v3/circuit_breaker_pb.ts';
import type { ClusterDraft } from '../../policy-kind.ts';
import { backendTraffic } from '../views.ts';
import { connectTimeout, http1Options, innerHopOptions } from './connection.ts';
import { healthCheck } from './health-check.ts';
import { circuitBreakers } from './limits.ts';
import { balance } from './load-balancing.ts';
import { spreadOverLocalities } from './locality.ts';
import { outlierDetection } from './outlier-detection.ts';

export function compileCluster(draft: ClusterDraft, read: Reader): void {
  const { message, port, carries, proxyless, hop } = draft;
  const { sections, origins } = read.view(backendTraffic, port);
  draft.origins.push(...Object.values(origins));
  message.connectTimeout = create(DurationSchema, connectTimeout(sections.connection));
  message.circuitBreakers = create(CircuitBreakersSchema, circuitBreakers(sections.limits));
  if (carries !== 'tcp') {
    const { connection } = sections;
    const options = hop === 'http1' ? http1Options(connection) : innerHopOptions(connection, proxyless);
    Object.assign(message.typedExtensionProtocolOptions, options);
  }
  balance(message, sections.loadBalancing);
  spreadOverLocalities(message, sections.locality);
  if (sections.outlierDetection !== undefined) message.outlierDetection = outlierDetection(sections.outlierDetection);
  const check = sections.healthCheck === undefined ? null : healthCheck(sections.healthCheck, draft);
  if (check !== null) message.healthChecks.push(check);
}
