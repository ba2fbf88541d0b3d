'use strict';
/*
 * Loaded with --require into Node applications under `weft run`, whose Node may be too old to read the proxy variables
 * itself. It must do nothing that any Node since 12 does not understand, and must never keep an application from
 * starting: whatever fails here is left undone. Plain HTTP is sent to the sidecar in absolute form (RFC 9112 3.2.2).
 */
(function preload() {
  try {
    const version = process.versions.node.split('.').map(Number);
    const proxy = readProxy(process.env.http_proxy || process.env.HTTP_PROXY);
    if (!proxy || process.env.NODE_USE_ENV_PROXY !== '1') return;
    const direct = readDirect(process.env.no_proxy || process.env.NO_PROXY || '');
    // nodejs.org/api/cli.html: NODE_USE_ENV_PROXY, for fetch since 24.0, for http since 24.5; both since 22.21.
    const backported = version[0] === 22 && version[1] >= 21;
    const fetchIsNative = version[0] >= 24 || backported;
    const httpIsNative = version[0] > 24 || (version[0] === 24 && version[1] >= 5) || backported;
    if (!httpIsNative) installAgent(proxy, direct);
    if (!fetchIsNative && typeof globalThis.fetch === 'function') installFetch(proxy, direct);
  } catch {
    // An application without the mesh's HTTP is better than no application: it still has the service variables.
  }
})();

function readProxy(text) {
  if (!text) return null;
  const url = new URL(text);
  return url.protocol === 'http:' ? { host: url.hostname, port: Number(url.port || 80) } : null;
}

function readDirect(text) {
  return text
    .toLowerCase()
    .split(',')
    .map(function trim(entry) {
      return entry.trim().replace(/^\*?\./, '');
    })
    .filter(Boolean);
}

/** The names themselves and their subdomains, as curl and Node read no_proxy. */
function isDirect(direct, host, port) {
  const name = host.toLowerCase().replace(/^\[|\]$/g, '');
  if (name.startsWith('127.') || name === '::1') return true;
  return direct.some(function covers(entry) {
    return entry === name || entry === name + ':' + port || name.endsWith('.' + entry);
  });
}

/** Every request without an agent of its own goes through the global one. */
function installAgent(proxy, direct) {
  // oxlint-disable-next-line unicorn/prefer-node-protocol -- Node 12 does not know the prefix in require
  const http = require('http');
  class SidecarAgent extends http.Agent {
    addRequest(request, options) {
      const host = options.host || options.hostname || 'localhost';
      const port = options.port || 80;
      if (options.socketPath || isDirect(direct, host, port) || !String(request.path).startsWith('/')) {
        return super.addRequest(request, options);
      }
      const authority = (host.includes(':') ? '[' + host + ']' : host) + (Number(port) === 80 ? '' : ':' + port);
      toAbsolute(request, 'http://' + authority);
      return super.addRequest(
        request,
        Object.assign({}, options, { host: proxy.host, hostname: proxy.host, port: proxy.port }),
      );
    }
  }
  // The defaults of the agent that it replaces: keep-alive since Node 19.
  http.globalAgent = new SidecarAgent(
    Object.assign({}, http.globalAgent.options, { keepAlive: http.globalAgent.keepAlive }),
  );
}

/** The head may have been written already, when the headers came as an array or with Expect. */
function toAbsolute(request, origin) {
  const path = request.path;
  request.path = origin + path;
  if (!request._header) return;
  const before = request.method + ' ' + path + ' ';
  const after = request.method + ' ' + origin + path + ' ';
  const old = request._header;
  if (!old.startsWith(before)) return;
  request._header = after + old.slice(before.length);
  (request.outputData || []).forEach(function rewrite(chunk) {
    if (typeof chunk.data === 'string' && chunk.data.startsWith(old))
      chunk.data = request._header + chunk.data.slice(old.length);
  });
}

/** fetch loads its HTTP client at the first call; its dispatcher is wrapped then, and start-up stays what it was. */
function installFetch(proxy, direct) {
  const key = Symbol.for('undici.globalDispatcher.1');
  const original = globalThis.fetch;
  let wrapped = false;
  globalThis.fetch = function fetch(input, init) {
    if (!wrapped) {
      wrapped = true;
      // Naming a class of it loads the client, which puts its dispatcher into place.
      void globalThis.Response;
      if (globalThis[key]) globalThis[key] = wrapDispatcher(globalThis[key], proxy, direct);
    }
    return original.call(this, input, init);
  };
}

function wrapDispatcher(inner, proxy, direct) {
  const origin = 'http://' + proxy.host + ':' + proxy.port;
  return new Proxy(inner, {
    get: function get(target, property) {
      if (property !== 'dispatch') {
        const value = Reflect.get(target, property, target);
        return typeof value === 'function' ? value.bind(target) : value;
      }
      return function dispatch(options, handler) {
        const url = new URL(options.origin);
        if (url.protocol !== 'http:' || isDirect(direct, url.hostname, url.port || 80))
          return target.dispatch(options, handler);
        const headers = withHost(options.headers, url.host);
        return target.dispatch(
          Object.assign({}, options, { origin: origin, path: url.origin + options.path, headers: headers }),
          handler,
        );
      };
    },
  });
}

function withHost(headers, host) {
  if (Array.isArray(headers)) {
    for (let i = 0; i < headers.length; i += 2) if (String(headers[i]).toLowerCase() === 'host') return headers;
    return headers.concat(['host', host]);
  }
  return Object.assign({ host: host }, headers);
}
