import { once } from 'node:events';
import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { SecureContextOptions, SecureVersion } from 'node:tls';

/** A certificate chain and its private key, both PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What Koa's `callback()` makes. It answers every failure itself, so its promise never rejects. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => unknown;

export interface ServeOptions {
  /** 0 takes a free port. */
  readonly port: number;
  readonly host?: string;
  readonly keyPair: KeyPair;
  readonly minVersion: SecureVersion;
  /** Longer than the clients' own idle time (Go: 90 s), or they write to a connection that was just closed. */
  readonly keepAliveTimeoutMs: number;
  /** For a whole request to arrive; the answer may take longer. */
  readonly requestTimeoutMs: number;
  readonly maxConnections: number;
}

export interface RunningServer {
  readonly port: number;
  /** New connections get the new certificate; those that are open keep theirs. Throws, and changes nothing, when the pair does not fit. */
  setKeyPair(keyPair: KeyPair): void;
  /** Stops accepting, lets requests in flight finish for at most `graceMs`, then closes what is left. */
  close(graceMs: number): Promise<void>;
}

const HEADERS_TIMEOUT_MS = 5_000;
const HANDSHAKE_TIMEOUT_MS = 5_000;
const STALLED_MS = 30_000;
const CHECK_INTERVAL_MS = 1_000;
const MAX_HEADER_BYTES = 16 * 1024;

/** Serves `handler` over TLS and HTTP/1.1 only: HTTP/2 brings a history of denial of service, and no client of ours needs it. */
export async function serveHttps(handler: Handler, options: ServeOptions): Promise<RunningServer> {
  const server = createServer(
    {
      ...secureContext(options.keyPair, options.minVersion),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      headersTimeout: Math.min(HEADERS_TIMEOUT_MS, options.requestTimeoutMs),
      requestTimeout: options.requestTimeoutMs,
      keepAliveTimeout: options.keepAliveTimeoutMs,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    (request, response) => void handler(request, response),
  );
  server.maxConnections = options.maxConnections;
  server.timeout = STALLED_MS; // a client that does not take its answer would keep it in memory
  server.on('tlsClientError', () => undefined); // a client that cannot shake hands is its own problem; no log line for a scanner
  server.listen(options.port, options.host);
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    setKeyPair: (keyPair) => {
      server.setSecureContext(secureContext(keyPair, options.minVersion));
    },
    close: (graceMs) => closeServer(server, graceMs),
  };
}

const secureContext = ({ cert, key }: KeyPair, minVersion: SecureVersion): SecureContextOptions => ({
  cert,
  key,
  minVersion,
});

/** `close` of Node closes idle connections at once, and every other one when its request is answered. */
export async function closeServer(server: HttpServer, graceMs: number): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, graceMs);
  await closed;
  clearTimeout(timer);
}
