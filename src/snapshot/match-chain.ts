/**
 * Which filter chain a connection gets, from what is known before TLS: destination, SNI, transport, ALPN, source. Envoy's
 * precedence, without going back: the most specific value at one step decides which chains the next step sees
 * (FilterChainManagerImpl::findFilterChain). Runs once a connection, so it is written for reading.
 */
import { byDestination, byDirectSource, bySource, bySourcePort, bySourceType, type Ends } from './match-ends.ts';
import type { FilterChain, ListenerConfig } from './snapshot.ts';

export interface ChainFacts extends Ends {
  /** Lower case; empty: none was sent. */
  readonly serverName: string;
  readonly transport: 'tls' | 'raw_buffer';
  /** The client's ALPN in its order of preference, or what was seen of clear text: `http/1.1`, `http/1.0`, `h2c`; empty: neither. */
  readonly protocols: readonly string[];
}

type Listener = Pick<ListenerConfig, 'chains' | 'defaultChain'>;

/** The chain, the listener's default one where nothing matches, or null: the connection is closed. */
export function matchChain(listener: Listener, facts: ChainFacts): FilterChain | null {
  const { chains } = narrow(listener.chains, facts);
  return chains[0] ?? listener.defaultChain;
}

/** Why `matchChain` gave null, for log and counter: one clause that names what came and what would have been taken. */
export function whyNoChain(listener: Listener, facts: ChainFacts): string {
  const { step, before } = narrow(listener.chains, facts);
  switch (step) {
    case 'port':
      return `port ${facts.destinationPort} is not served by this listener`;
    case 'server name': {
      if (facts.transport === 'raw_buffer') return plaintext(before);
      return whyServerName(before, facts.serverName);
    }
    case 'transport':
      return facts.transport === 'raw_buffer' ? plaintext(before) : 'TLS on a port that takes clear text only';
    case 'protocol': {
      const wanted = distinct(before.flatMap((chain) => chain.match.applicationProtocols)).join(', ');
      const kind = facts.transport === 'tls' ? 'ALPN' : 'protocol';
      const named = listener.chains.filter((chain) => takes(chain, facts.protocols));
      // A chain that takes any name was left, and it is the name that keeps this protocol from its own chain.
      if (named.length > 0 && before.every(({ match }) => match.serverNames.length === 0)) {
        return whyServerName(named, facts.serverName);
      }
      if (facts.protocols.length === 0) return `no ${kind} was recognised; this port accepts ${wanted}`;
      return `foreign ${kind} ${facts.protocols.join(', ')}; this port accepts ${wanted}`;
    }
    case 'destination':
      return `address ${facts.destinationHost} is not served by this listener`;
    case 'direct source':
      return `no filter chain is for peers at ${facts.directSourceHost}`;
    case 'source type':
      return 'no filter chain is for callers from where this one is';
    case 'source':
    case 'source port':
      return `no filter chain is for callers at ${facts.sourceHost} port ${facts.sourcePort}`;
    case '':
      return '';
  }
}

type Chains = readonly FilterChain[];
type Narrowing = readonly [Step, (chains: Chains, facts: ChainFacts) => Chains];
type Step = '' | 'port' | 'server name' | 'transport' | 'protocol' | EndStep;
type EndStep = 'destination' | 'direct source' | 'source type' | 'source' | 'source port';

const PORT: Narrowing = ['port', (chains, { destinationPort }) => byPort(chains, destinationPort)];
const SPOKEN: readonly Narrowing[] = [
  ['server name', (chains, { serverName }) => byServerName(chains, serverName)],
  ['transport', (chains, { transport }) => byTransport(chains, transport)],
  ['protocol', (chains, { protocols }) => byProtocol(chains, protocols)],
];
const WITHOUT_ENDS: readonly Narrowing[] = [PORT, ...SPOKEN];
const WITH_ENDS: readonly Narrowing[] = [
  PORT,
  ['destination', byDestination],
  ...SPOKEN,
  ['direct source', byDirectSource],
  ['source type', bySourceType],
  ['source', bySource],
  ['source port', bySourcePort],
];

/** The chains that are left; when none is, the step that left none and the chains before it. */
function narrow(all: Chains, facts: ChainFacts): { chains: Chains; step: Step; before: Chains } {
  const steps = all.some(({ match }) => match.addresses !== null) ? WITH_ENDS : WITHOUT_ENDS;
  let chains = all;
  for (const [step, narrower] of steps) {
    const left = narrower(chains, facts);
    if (left.length === 0) return { chains: left, step, before: chains };
    chains = left;
  }
  return { chains, step: '', before: chains };
}

function byPort(chains: readonly FilterChain[], port: number): readonly FilterChain[] {
  const exact = chains.filter((chain) => chain.match.destinationPort === port);
  return exact.length > 0 ? exact : chains.filter((chain) => chain.match.destinationPort === 0);
}

function byServerName(chains: readonly FilterChain[], name: string): readonly FilterChain[] {
  if (name !== '') {
    const exact = chains.filter((chain) => chain.match.serverNames.includes(name));
    if (exact.length > 0) return exact;
    // `*.b.c` before `*.c` for a.b.c; the * stands for at least one label.
    for (let dot = name.indexOf('.', 1); dot >= 0; dot = name.indexOf('.', dot + 1)) {
      const wildcard = `*${name.slice(dot)}`;
      const found = chains.filter((chain) => chain.match.serverNames.includes(wildcard));
      if (found.length > 0) return found;
    }
  }
  return chains.filter((chain) => chain.match.serverNames.length === 0);
}

function byTransport(chains: readonly FilterChain[], transport: string): readonly FilterChain[] {
  const exact = chains.filter((chain) => chain.match.transportProtocol === transport);
  return exact.length > 0 ? exact : chains.filter((chain) => chain.match.transportProtocol === '');
}

function byProtocol(chains: readonly FilterChain[], protocols: readonly string[]): readonly FilterChain[] {
  for (const protocol of protocols) {
    const found = chains.filter((chain) => chain.match.applicationProtocols.includes(protocol));
    if (found.length > 0) return found;
  }
  return chains.filter((chain) => chain.match.applicationProtocols.length === 0);
}

function takes({ match }: FilterChain, protocols: readonly string[]): boolean {
  return match.serverNames.length > 0 && protocols.some((protocol) => match.applicationProtocols.includes(protocol));
}

function whyServerName(chains: readonly FilterChain[], serverName: string): string {
  const names = distinct(chains.flatMap((chain) => chain.match.serverNames)).join(', ');
  const came = serverName === '' ? 'no server name was sent' : `server name ${serverName} is unknown`;
  return `${came}; this port accepts ${names}`;
}

function plaintext(before: readonly FilterChain[]): string {
  const mutual = before.some((chain) => chain.tls?.requireClientCertificate);
  return `plaintext on a port that requires ${mutual ? 'mTLS' : 'TLS'}`;
}

function distinct(values: readonly string[]): readonly string[] {
  return [...new Set(values)];
}
