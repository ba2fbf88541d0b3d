/** What must hold of the machine before anything runs. */
import { accessSync, constants, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { bind } from '../dev/free-port.ts';
import { type Check, failed, ok, warning } from './result.ts';

const OLDEST_NODE = 24;
const API_PORT = 7443;
const XDS_PORT = 7444;
/** Of this version; a clock before it is wrong, and no certificate would be valid. */
const WRITTEN_AT = Date.UTC(2026, 0, 1);
const PROBE_ADDRESS = '127.254.254.254';

/** `installed`: the ports are then the control plane's own. */
export async function environmentChecks(stateDir: string, installed: boolean): Promise<Check[]> {
  const checks = [nodeVersion(), clock(), stateDirectory(stateDir)];
  if (!installed) checks.push(...(await Promise.all([port(API_PORT, 'the API'), port(XDS_PORT, 'proxies')])));
  checks.push(await loopback());
  return checks;
}

function nodeVersion(): Check {
  const { node } = process.versions;
  return Number(node.split('.')[0]) >= OLDEST_NODE
    ? ok(`Node ${node}`)
    : failed(`Node ${node} is too old`, `Install Node ${OLDEST_NODE} or newer`);
}

function clock(): Check {
  const now = new Date();
  return now.getTime() > WRITTEN_AT
    ? ok(`the clock says ${now.toISOString()}`)
    : failed(`the clock says ${now.toISOString()}`, 'Set it: certificates are valid by the clock');
}

function stateDirectory(stateDir: string): Check {
  if (existsSync(stateDir)) {
    const { mode, uid } = statSync(stateDir);
    const open = (mode & 0o077) !== 0;
    if (open || uid !== process.getuid?.()) {
      return failed(
        `the state directory ${stateDir} ${open ? 'is open to others' : 'belongs to somebody else'}`,
        open
          ? `It holds the keys of the mesh: chmod 700 ${stateDir}`
          : 'Run as its owner, or choose another with --state-dir',
      );
    }
    return ok(`the state directory ${stateDir} is private`);
  }
  let parent = dirname(stateDir);
  while (!existsSync(parent) && dirname(parent) !== parent) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK);
    return ok(`the state directory ${stateDir} can be made`);
  } catch {
    return failed(
      `the state directory ${stateDir} cannot be made`,
      `${parent} is not writable: choose another with --state-dir`,
    );
  }
}

async function port(number: number, use: string): Promise<Check> {
  return (await bind(number)) === null
    ? warning(
        `port ${number} for ${use} is taken`,
        `Choose another: weft up --listen 127.0.0.1:PORT --xds-listen 127.0.0.1:PORT`,
      )
    : ok(`port ${number} for ${use} is free`);
}

async function loopback(): Promise<Check> {
  if ((await bind(0, PROBE_ADDRESS)) !== null) return ok('loopback addresses beyond 127.0.0.1 can be used');
  return process.platform === 'darwin'
    ? ok('loopback has 127.0.0.1 alone: services get ports of their own on it')
    : warning(
        'loopback addresses beyond 127.0.0.1 cannot be used',
        'Services get ports of their own on 127.0.0.1 instead',
      );
}
