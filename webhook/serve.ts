import { setTimeout as delay } from 'node:timers/promises';
import { serveHttps, type Handler, type RunningServer } from '../shared/serve.ts';
import type { Certificate, CertificateFollower } from './certificate.ts';

/** The API server keeps an idle connection for 90 s: it has to be the one that closes it. */
const SETTINGS = {
  minVersion: 'TLSv1.2',
  keepAliveTimeoutMs: 120_000,
  requestTimeoutMs: 8_000,
  maxConnections: 500,
} as const;

/** Until every node has stopped sending new connections to a pod that is going away. */
const DRAIN_MS = 5_000;
const CLOSE_GRACE_MS = 5_000;

export interface WebhookServerDeps {
  readonly port: number;
  readonly host?: string;
  readonly certificates: CertificateFollower;
  readonly onCertificate: (certificate: Certificate) => void;
  /** Aborted when the program is to stop. */
  readonly stop: AbortSignal;
  readonly drainMs?: number;
}

export interface WebhookServer {
  /** Undefined while requests can be served. */
  notReady(): string | undefined;
  /**
   * Serves from the first certificate on, with every later one as it comes. When it is to stop, it says that it is not
   * ready, goes on serving while others learn of it, and resolves when the last request is answered.
   */
  run(handler: Handler): Promise<void>;
  /** Undefined until it listens. */
  port(): number | undefined;
}

export function createWebhookServer(deps: WebhookServerDeps): WebhookServer {
  const { certificates, onCertificate, stop, drainMs = DRAIN_MS, ...address } = deps;
  let server: RunningServer | undefined;
  return {
    notReady: () => {
      if (stop.aborted) return 'shutting down';
      return certificates.notReady() ?? (server === undefined ? 'not listening yet' : undefined);
    },
    run: async (handler) => {
      for await (const certificate of certificates.changes(stop)) {
        const { keyPair } = certificate;
        onCertificate(certificate);
        server?.setKeyPair(keyPair);
        server ??= await serveHttps(handler, { ...SETTINGS, ...address, keyPair });
      }
      if (server === undefined) return;
      await delay(drainMs);
      await server.close(CLOSE_GRACE_MS);
    },
    port: () => server?.port,
  };
}
