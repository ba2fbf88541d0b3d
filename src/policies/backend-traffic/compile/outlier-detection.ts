/** `outlierDetection` → Envoy's OutlierDetection. What is off is said to be off: Envoy's own defaults leave some of it on. */
import { create } from '@bufbuild/protobuf';
import {
  type OutlierDetection,
  OutlierDetectionSchema,
} from '../../../protos/gen/envoy/config/cluster/v3/outlier_detection_pb.ts';
import type { BackendTrafficSpec } from '../kind.ts';
import { durationFrom } from './values.ts';

type Section = NonNullable<BackendTrafficSpec['outlierDetection']>;

const ON = 100;
const OFF = 0;

export function outlierDetection(section: Section): OutlierDetection {
  return create(OutlierDetectionSchema, {
    interval: durationFrom(section.interval, '10s'),
    baseEjectionTime: durationFrom(section.baseEjectionTime, '30s'),
    maxEjectionTime: durationFrom(section.maxEjectionTime, '300s'),
    maxEjectionTimeJitter: durationFrom(section.ejectionJitter, '0s'),
    maxEjectionPercent: section.maxEjectionPercent ?? 10,
    ...consecutive(section),
    ...successRate(section.successRate),
    ...failurePercentage(section.failurePercentage),
  });
}

/** Zero is off: Envoy's counts begin at one. */
function consecutive(section: Section) {
  const of5xx = section.consecutive5xx ?? 5;
  const ofGateway = section.consecutiveGatewayErrors ?? 0;
  const split = section.splitLocalOrigin ?? false;
  const ofLocal = split ? (section.consecutiveLocalOriginFailures ?? 5) : 0;
  return {
    consecutive5xx: Math.max(1, of5xx),
    enforcingConsecutive5xx: of5xx > 0 ? ON : OFF,
    consecutiveGatewayFailure: Math.max(1, ofGateway),
    enforcingConsecutiveGatewayFailure: ofGateway > 0 ? ON : OFF,
    splitExternalLocalOriginErrors: split,
    consecutiveLocalOriginFailure: Math.max(1, ofLocal),
    enforcingConsecutiveLocalOriginFailure: ofLocal > 0 ? ON : OFF,
    enforcingLocalOriginSuccessRate: OFF,
  };
}

function successRate(section: Section['successRate']) {
  if (section === undefined) return { enforcingSuccessRate: OFF };
  return {
    enforcingSuccessRate: ON,
    successRateMinimumHosts: section.minimumEndpoints ?? 5,
    successRateRequestVolume: section.requestVolume ?? 100,
    // In thousandths.
    successRateStdevFactor: Math.round((section.deviations ?? 1.9) * 1000),
  };
}

function failurePercentage(section: Section['failurePercentage']) {
  if (section === undefined) return { enforcingFailurePercentage: OFF };
  return {
    enforcingFailurePercentage: ON,
    failurePercentageThreshold: section.threshold ?? 85,
    failurePercentageMinimumHosts: section.minimumEndpoints ?? 5,
    failurePercentageRequestVolume: section.requestVolume ?? 50,
  };
}
