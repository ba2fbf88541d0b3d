/** `GET /metrics`: what the control plane counts, as text for Prometheus. For the administrator: it names services. */
import type { Counters } from '../core/counters.ts';
import { seriesLines } from '../core/prometheus-text.ts';
import type { Route } from './api-server/handler.ts';

/** `collect` brings up to date what is not counted as it happens. */
export function metricsRoute(counters: Counters, collect: () => void): Route {
  return {
    method: 'GET',
    path: '/metrics',
    access: 'admin',
    handle() {
      collect();
      return {
        status: 200,
        body: `${seriesLines(counters.series()).join('\n')}\n`,
        contentType: 'text/plain; version=0.0.4; charset=utf-8',
      };
    },
  };
}
