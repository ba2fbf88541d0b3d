/**
 * OpenSSL contexts, made once for each identity object and dropped with it: building one parses keys and chains, which
 * costs more than a handshake.
 */
import {
  createSecureContext,
  createServer,
  type SecureContext,
  type SecureContextOptions,
  type Server,
  type TlsOptions as TlsOptionsOfNode,
} from 'node:tls';
import type { TlsIdentity, TlsOptions } from '../../core/runtime.ts';

/** A handshake that takes longer is abandoned; callers that want less arm their own timer. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
/** How long a ticket can resume a session where its key lives and dies with the context, which is to say with the identity. */
const SESSION_SECONDS = 300;
/** Of sessions that outlive the process: by default Node makes it of the command line. */
const SESSION_CONTEXT = 'weft';

const clientContexts = new WeakMap<TlsIdentity, SecureContext>();
const servers = new WeakMap<TlsIdentity, Map<string, Server>>();

/** Throws what OpenSSL says of unusable PEM. */
export function clientContext(identity: TlsIdentity): SecureContext {
  let context = clientContexts.get(identity);
  if (context === undefined) {
    context = createSecureContext(contextOptions(identity));
    clientContexts.set(identity, context);
  }
  return context;
}

/** A server that listens nowhere: sockets are given to it by emitting 'connection'. `prepare` runs once on a new one. */
export function tlsServer(tls: TlsOptions, prepare: (server: Server) => void): Server {
  let ofIdentity = servers.get(tls.identity);
  if (ofIdentity === undefined) {
    ofIdentity = new Map();
    servers.set(tls.identity, ofIdentity);
  }
  const key = JSON.stringify([tls.alpn, tls.requirePeerCertificate]);
  let server = ofIdentity.get(key);
  if (server === undefined) {
    server = createServer({
      ...contextOptions(tls.identity),
      ...(tls.alpn.length > 0 ? { ALPNProtocols: [...tls.alpn] } : {}),
      requestCert: tls.identity.trustBundlePem !== '',
      rejectUnauthorized: tls.requirePeerCertificate,
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      ...sessionOptions(tls.identity),
    });
    prepare(server);
    ofIdentity.set(key, server);
  }
  return server;
}

function sessionOptions({ tickets }: TlsIdentity): TlsOptionsOfNode {
  if (tickets === undefined) return { sessionTimeout: SESSION_SECONDS };
  return {
    ticketKeys: Buffer.from(tickets.key),
    sessionTimeout: Math.floor(tickets.lifetimeMs / 1000),
    sessionIdContext: SESSION_CONTEXT,
  };
}

function contextOptions(identity: TlsIdentity): SecureContextOptions {
  return {
    ...(identity.certificateChainPem === '' ? {} : certificatesOf(identity)),
    // Never undefined: that would mean the roots of the public web.
    ca: identity.trustBundlePem === '' ? [] : identity.trustBundlePem,
    minVersion: identity.minVersion ?? 'TLSv1.3',
    maxVersion: identity.maxVersion ?? 'TLSv1.3',
    ...(identity.crlPem === undefined ? {} : { crl: identity.crlPem }),
    ...algorithms(identity),
  };
}

function certificatesOf({ certificateChainPem, privateKeyPem, more }: TlsIdentity): SecureContextOptions {
  if (more === undefined) return { cert: certificateChainPem, key: privateKeyPem };
  return {
    cert: [certificateChainPem, ...more.map((each) => each.certificateChainPem)],
    key: [privateKeyPem, ...more.map((each) => each.privateKeyPem)],
  };
}

/** Node takes suites of both versions in one list, and without one of TLS 1.3 it would not speak that. */
const SUITES_13: readonly string[] = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
];

function algorithms({ cipherSuites = [], curves = [], signatures = [] }: TlsIdentity): SecureContextOptions {
  return {
    ...(cipherSuites.length === 0 ? {} : { ciphers: [...SUITES_13, ...cipherSuites].join(':') }),
    ...(curves.length === 0 ? {} : { ecdhCurve: curves.join(':') }),
    ...(signatures.length === 0 ? {} : { sigalgs: signatures.join(':') }),
  };
}
