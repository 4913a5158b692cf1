import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { shakeHands } from '../../../cli/connect.ts';
import type { SecretMetadata } from '../../../shared/api.ts';
import { SAFE_HOST } from '../../../shared/names.ts';
import { serveHttps } from '../../../shared/serve.ts';
import { createTestAuthority } from '../../support/certificates.ts';

export interface Answer {
  readonly status: number;
  /** JSON unless it is a string. */
  readonly body: unknown;
}

export interface FakeSafe {
  readonly port: number;
  readonly ca: string;
  /** What arrived, in order: `PUT /v1/…`. */
  readonly requests: readonly ReceivedRequest[];
  /** TCP connections that were opened so far. */
  connections(): number;
}

export interface ReceivedRequest {
  readonly line: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A Safe that answers whatever `answer` says, over TLS with a certificate of its own authority. */
export async function serveFakeSafe(
  t: Pick<TestContext, 'after'>,
  answer: (request: ReceivedRequest) => Answer | 'silence' | 'hang up',
): Promise<FakeSafe> {
  const authority = await createTestAuthority();
  const keyPair = await authority.issue({ dnsNames: [SAFE_HOST] });
  const requests: ReceivedRequest[] = [];
  const sockets = new Set<unknown>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    sockets.add(request.socket);
    void receive(request).then((received) => {
      requests.push(received);
      const answered = answer(received);
      if (answered === 'silence') return;
      if (answered === 'hang up') {
        request.socket.destroy();
        return;
      }
      const { status, body } = answered;
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(typeof body === 'string' ? body : JSON.stringify(body));
    });
  };
  const server = await serveHttps(listener, {
    port: 0,
    host: '127.0.0.1',
    keyPair,
    minVersion: 'TLSv1.3',
    keepAliveTimeoutMs: 60_000,
    requestTimeoutMs: 60_000,
    maxConnections: 100,
  });
  t.after(() => server.close(0));
  return { port: server.port, ca: authority.ca, requests, connections: () => sockets.size };
}

async function receive(request: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return {
    line: `${request.method ?? ''} ${request.url ?? ''}`,
    headers: request.headers,
    body: Buffer.concat(chunks).toString(),
  };
}

/** TLS to a server on loopback, as the CLI does it through its tunnel. */
export async function dial(port: number, ca: string): Promise<TLSSocket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return shakeHands(socket, ca);
}

export const METADATA: SecretMetadata = {
  namespace: 'shop',
  name: 'db',
  version: 3,
  keys: ['password', 'user'],
  readers: [
    { serviceAccount: 'api', namespace: 'shop' },
    { serviceAccount: '*', namespace: 'payments' },
  ],
  sizeBytes: 1234,
  createdAt: '2026-11-24T07:00:00.000Z',
  updatedAt: '2026-11-24T08:00:00.000Z',
};

export const refusal = (status: number, code: string, message: string): Answer => ({
  status,
  body: { error: { code, message } },
});
