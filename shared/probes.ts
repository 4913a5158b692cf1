import { once } from 'node:events';
import { createServer, type Server } from 'node:http';

export interface Probes {
  /** Undefined when requests can be served; otherwise one short clause that says what is missing. */
  readonly notReady: () => string | undefined;
  /** Prometheus text exposition. */
  readonly metrics: () => Promise<string>;
}

/** Whoever reaches the port may try to fill it; the kubelet and a scraper need very few connections. */
const MAX_CONNECTIONS = 64;
const LIMITS = {
  headersTimeout: 2_000,
  requestTimeout: 2_000,
  connectionsCheckingInterval: 500,
  maxHeaderSize: 4096,
};

/**
 * Serves `/livez`, `/readyz` and `/metrics` in clear, for anyone who reaches the port: so they tell no names.
 * Liveness says only that the event loop turns: a restart cures nothing that a dependency causes.
 */
export async function serveProbes(port: number, probes: Probes): Promise<Server> {
  const server = createServer(LIMITS, (request, response) => {
    const send = ({ status, text }: Answer) => {
      response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
      response.end(text);
    };
    answer(request.url ?? '', probes).then(send, () => send({ status: 500, text: 'internal error\n' }));
  });
  server.maxConnections = MAX_CONNECTIONS;
  server.listen(port);
  await once(server, 'listening');
  return server;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

async function answer(url: string, { notReady, metrics }: Probes): Promise<Answer> {
  if (url === '/livez') return { status: 200, text: 'ok\n' };
  if (url === '/metrics') return { status: 200, text: await metrics() };
  if (url !== '/readyz') return { status: 404, text: 'not found\n' };
  const reason = notReady();
  return reason === undefined
    ? { status: 200, text: 'ok\n' }
    : { status: 503, text: `not ready: ${reason}\n` };
}
