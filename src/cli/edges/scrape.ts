/** Asks the proxies of this machine what they counted, at their admin endpoints on loopback. */
import { get } from 'node:http';
import { networkInterfaces } from 'node:os';
import type { Workload } from '../../api/kinds/workload.ts';
import { type EdgeHistograms, type EdgeTotals, edgeTotals, type Sample } from './edge-totals.ts';

const TIMEOUT_MS = 1_500;
const MAX_BYTES = 8 * 1024 * 1024;

export interface ScrapedWorkload {
  readonly workload: Workload;
  /** null: it runs elsewhere, has no proxy, or its proxy did not answer. */
  readonly edges: readonly EdgeTotals[] | null;
}

export function scrapeAll(workloads: readonly Workload[]): Promise<ScrapedWorkload[]> {
  const here = localAddresses();
  return Promise.all(
    workloads.map(async (workload) => {
      const { adminPort, address = '' } = workload.spec ?? {};
      const local = address.startsWith('127.') || here.has(address);
      if (adminPort === undefined || !local) return { workload, edges: null };
      return { workload, edges: await scrape(adminPort).catch(() => null) };
    }),
  );
}

async function scrape(adminPort: number): Promise<EdgeTotals[]> {
  const [samples, histograms] = await Promise.all(
    ['/stats', '/edges'].map(async (path): Promise<unknown> => JSON.parse(await fetchText(adminPort, path))),
  );
  // Our own proxy's answers; another program on a port that was reused gives no JSON of this form and is left out.
  return edgeTotals(samples as Sample[], histograms as EdgeHistograms);
}

function localAddresses(): ReadonlySet<string> {
  return new Set(Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address)));
}

function fetchText(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // Not fetch: under `weft dev` started by a workload, proxy variables of the environment would send it astray.
    const request = get({ host: '127.0.0.1', port, path, timeout: TIMEOUT_MS, agent: false }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > MAX_BYTES) request.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () => (response.statusCode === 200 ? resolve(text) : reject(new Error('nothing there'))));
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
  });
}
