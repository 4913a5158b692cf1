import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';

export interface Probes {
  /** Undefined when requests can be served; otherwise one short clause that says what is missing. */
  readonly notReady: () => string | undefined;
  /** Prometheus text exposition. */
  readonly metrics: () => Promise<string>;
}

/**
 * Serves `/livez`, `/readyz` and `/metrics` in clear, for anyone who reaches the port: so they tell no names.
 * Liveness says only that the event loop turns: a restart cures nothing that a dependency causes.
 */
export async function serveProbes(port: number, probes: Probes): Promise<Server> {
  const server = createServer((request, response) => {
    void answer(request.url ?? '', probes, response);
  });
  server.requestTimeout = 5_000;
  server.listen(port);
  await once(server, 'listening');
  return server;
}

async function answer(url: string, { notReady, metrics }: Probes, response: ServerResponse): Promise<void> {
  if (url === '/livez') return send(response, 200, 'ok\n');
  if (url === '/readyz') {
    const reason = notReady();
    return send(
      response,
      reason === undefined ? 200 : 503,
      reason === undefined ? 'ok\n' : `not ready: ${reason}\n`,
    );
  }
  if (url === '/metrics') return send(response, 200, await metrics());
  send(response, 404, 'not found\n');
}

function send(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  response.end(text);
}
