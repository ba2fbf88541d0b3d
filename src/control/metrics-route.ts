/** `GET /metrics`: what the control plane counts, as text for Prometheus. For the administrator: it names services. */
import type { Counters } from '../core/counters.ts';
import { seriesLines } from '../core/prometheus-text.ts';
import type { Route } from './api-server/handler.ts';

export function metricsRoute(counters: Counters): Route {
  return {
    method: 'GET',
    path: '/metrics',
    access: 'admin',
    handle: () => ({
      status: 200,
      body: `${seriesLines(counters.series()).join('\n')}\n`,
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
    }),
  };
}
