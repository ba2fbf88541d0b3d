/** Asks the proxies of this machine what they counted, at their admin endpoints on loopback. */
import { request as call } from 'node:http';
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
  return Promise.all(workloads.map(async (workload) => ({ workload, edges: await scrape(workload) })));
}

/** The JSON of one path; null when the workload is on another machine, has no proxy, or does not answer. */
export async function askAdmin(workload: Workload, path: string): Promise<unknown> {
  const bytes = await askAdminBytes(workload, path);
  return bytes === null ? null : jsonOf(bytes);
}

function jsonOf(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return null;
  }
}

/** The same by POST, for what changes something. */
export async function tellAdmin(workload: Workload, path: string): Promise<unknown> {
  const bytes = await askAdminBytes(workload, path, 'POST');
  return bytes === null ? null : jsonOf(bytes);
}

export async function askAdminBytes(
  workload: Workload,
  path: string,
  method: 'GET' | 'POST' = 'GET',
): Promise<Buffer | null> {
  const { adminPort, address = '' } = workload.spec ?? {};
  if (adminPort === undefined || !isLocal(address)) return null;
  try {
    return await fetchBytes(adminPort, path, method);
  } catch {
    return null;
  }
}

async function scrape(workload: Workload): Promise<EdgeTotals[] | null> {
  const [samples, histograms] = await Promise.all([askAdmin(workload, '/weft/stats'), askAdmin(workload, '/edges')]);
  if (samples === null || histograms === null) return null;
  try {
    return edgeTotals(samples as Sample[], histograms as EdgeHistograms);
  } catch {
    // Another program on a port that was used again: its JSON is not ours.
    return null;
  }
}

function isLocal(address: string): boolean {
  if (address.startsWith('127.') || address === '::1') return true;
  return Object.values(networkInterfaces()).some((each) => each?.some((own) => own.address === address));
}

function fetchBytes(port: number, path: string, method: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // Not fetch: under `weft dev` started by a workload, proxy variables of the environment would send it astray.
    const request = call({ host: '127.0.0.1', port, path, method, timeout: TIMEOUT_MS, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        length += chunk.length;
        if (length > MAX_BYTES) request.destroy(new Error('the answer is too long'));
      });
      response.on('error', reject);
      response.on('end', () =>
        response.statusCode === 200 ? resolve(Buffer.concat(chunks)) : reject(new Error('nothing there')),
      );
    });
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', reject);
    request.end();
  });
}
